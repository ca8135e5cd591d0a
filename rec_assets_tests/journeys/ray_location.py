"""A code location of one step, which waits to be killed the first time, for test_ray."""

import os
import time
from pathlib import Path

import dagster as dg

from rec_assets.defs.shared.executor import lost_step_retries, step_executor


@dg.op
def step(context: dg.OpExecutionContext) -> None:
    """Tells its process id in the store that the variables name."""
    told = Path(os.environ["REC_ASSETS_STORAGE"]) / f"try_{context.retry_number}"
    told.with_suffix(".new").write_text(str(os.getpid()))
    told.with_suffix(".new").rename(told)
    time.sleep(0 if context.retry_number else 300)


lost = dg.GraphDefinition("lost", node_defs=[step]).to_job(op_retry_policy=lost_step_retries())
defs = dg.Definitions(jobs=[lost], executor=step_executor())
