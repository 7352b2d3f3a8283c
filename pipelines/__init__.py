"""What happens to a record: a module per station or job, none of which needs Dagster."""
