"""Dagster's view of the pipeline: one thin file per station or job, which calls one function and reports its counts."""
