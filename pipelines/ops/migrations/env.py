"""Alembic's entry: runs on the connection that `pipelines.ops.schema` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from pipelines.ops.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    # SQLite changes a column by building the table anew.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
