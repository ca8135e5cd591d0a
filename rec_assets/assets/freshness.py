"""How old a model may become before the UI says so."""

from datetime import timedelta

import dagster as dg

from rec_assets.paths import fresh_days

# The schedule's day, and half of one for the run; then a warning, and a day later the state is "failed".
WEEKLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=fresh_days() + 0.5), fail_window=timedelta(days=fresh_days() + 1.5)
)
