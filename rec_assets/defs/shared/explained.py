"""Steps whose errors the run page explains: the message first, and then the stack."""

from typing import Any

import dagster as dg
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction

from rec_assets.store.io_manager import explaining


def explain_errors_of(asset: dg.AssetsDefinition) -> None:
    """Lets the function of ``asset`` raise errors as :func:`explaining` does; one that yields must do it itself."""
    function: Any = asset.op.compute_fn
    asset.op._compute_fn = DecoratedOpFunction(explaining()(function.decorated_fn))  # Dagster has no hook for it


class StepConfig(dg.Config):
    """The config of a step, whose errors are explained as those of the step."""

    def __init__(self, **values: Any) -> None:
        with explaining():
            super().__init__(**values)
