"""What must start fast and imports no Dagster: the ``rec-assets`` command, and the promoted model over HTTP."""
