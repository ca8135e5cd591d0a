"""A run that is refused before any step: one message, in the shell and in the UI, without Dagster's stack."""

import click
from dagster._core.errors import DagsterUserCodeProcessError
from dagster_shared.error import SerializableErrorInfo


class RunRefusedError(DagsterUserCodeProcessError, click.ClickException):
    """The message is all that is shown.

    By Dagster's command line as a ClickException; by the UI and the daemon, since they take the text of an error of
    another process as it is. Any other error of a config mapping or a resource is reported as "unexpected".
    """

    def __init__(self, message: str) -> None:
        shown = SerializableErrorInfo(message, stack=[], cls_name=type(self).__name__)
        super().__init__(message, user_code_process_error_infos=[shown])
