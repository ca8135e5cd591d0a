"""A code location of counting steps, tagged and pooled as the jobs of rec_assets are, for test_shared_instance."""

import os
import time
from itertools import count
from pathlib import Path

import dagster as dg


def counting(name: str, work: str, pool: str) -> dg.JobDefinition:
    """A job of one step, which writes numbers to the event log until the file ``RELEASE`` is there."""

    @dg.op(name=f"{name}_step", pool=pool)
    def step(context: dg.OpExecutionContext) -> None:
        for number in count():
            context.log.info(f"number {number}")
            if Path(os.environ["RELEASE"]).exists():
                return
            time.sleep(0.1)

    return dg.GraphDefinition(name, node_defs=[step]).to_job(tags={"rec_assets/work": work})


train, search = counting("train", "training", "promotion"), counting("search", "search", "tuning_workers")


@dg.schedule(job=train, cron_schedule="0 5 * * 1")
def weekly() -> dg.RunRequest:
    """A run a tick."""
    return dg.RunRequest()


defs = dg.Definitions(jobs=[train, search], schedules=[weekly], executor=dg.in_process_executor)
