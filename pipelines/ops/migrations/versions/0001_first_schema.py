"""The first schema, as plain SQL beside this file: a migration must not change when the models do."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """All tables, the counter at 0 and an empty audit chain."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    for statement in script.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Not supported."""
    raise RuntimeError("ops.db: revision 0001 has no way back; restore the backup from before the upgrade")
