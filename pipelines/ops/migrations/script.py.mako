"""${message}"""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Say what changes and why."""
    ${upgrades if upgrades else "op.execute('')"}


def downgrade() -> None:
    """Not supported."""
    raise RuntimeError("ops.db: revision ${up_revision} has no way back; restore the backup from before the upgrade")
