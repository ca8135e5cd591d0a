"""What the shell shows of a run: an error that its user can mend is one message, without Dagster's stack."""

import copy
import logging

import dagster as dg

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.store.refused import RunRefusedError

# A check that stops the run has given its reasons before: its stack is Dagster's own.
_MENDABLE = {kind.__name__ for kind in RecAssetsError.__subclasses__()} | {"DagsterAssetCheckFailedError"}


def mendable_message(event: dg.DagsterEvent | None) -> str | None:
    """The message of a failure that the user can mend; None for any other event."""
    error = getattr(event.event_specific_data, "error", None) if event is not None else None
    while error is not None and error.cls_name not in _MENDABLE:
        error = error.cause
    if event is None or error is None:
        return None
    return f"{event.step_key or event.job_name} failed.\n\n{error.message.strip()}\n"


class _ShortErrors(logging.Formatter):
    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        message = mendable_message(getattr(record, "dagster_meta", {}).get("dagster_event"))
        if message is not None:
            record = copy.copy(record)
            record.msg, record.args = message, ()
        return self._inner.format(record)


def _is_news(record: logging.LogRecord) -> bool:
    """False for the twenty lines that say what a failed step kept from running, and for what click shows anyway."""
    event = getattr(record, "dagster_meta", {}).get("dagster_event")
    error = getattr(event.event_specific_data, "error", None) if event is not None else None
    if error is not None and error.cls_name == RunRefusedError.__name__:
        return False
    return not record.getMessage().endswith("Not executing.")


@dg.logger(
    config_schema={"log_level": dg.Field(str, is_required=False, default_value="INFO")},
    description="Dagster's coloured console log; mendable errors without their stack, which the UI has.",
)
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger of the jobs' flat config."""
    config = {"log_level": context.logger_config["log_level"], "name": "dagster"}
    logger = dg.colored_console_logger.logger_fn(dg.build_init_logger_context(config))
    for handler in logger.handlers:
        handler.addFilter(_is_news)
        if handler.formatter is not None and not isinstance(handler.formatter, _ShortErrors):
            handler.setFormatter(_ShortErrors(handler.formatter))
    return logger
