"""What a run meant for a source's server: statements, and seconds in which it was busy with us."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_STEPS = (
    "ALTER TABLE sync_run_source ADD COLUMN statements INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE sync_run_source ADD COLUMN busy_seconds REAL DEFAULT 0 NOT NULL"
    " CONSTRAINT ck_sync_run_source_load CHECK (min(statements, busy_seconds) >= 0)",
)


def upgrade() -> None:
    """Two columns; runs of before have 0, because nobody counted."""
    for step in _STEPS:
        op.get_bind().exec_driver_sql(step)


def downgrade() -> None:
    """Not supported."""
    raise RuntimeError("ops.db: revision 0002 has no way back; restore the backup from before the upgrade")
