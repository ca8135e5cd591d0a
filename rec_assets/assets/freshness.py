"""How old a model may become before the UI says so."""

from datetime import timedelta

import dagster as dg

from rec_assets.paths import fresh_days

# A day after the schedule's a warning, and a day later the state is "failed"; Dagster shows whole days only.
WEEKLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=fresh_days() + 1), fail_window=timedelta(days=fresh_days() + 2)
)
