"""The schema of ops.db over time: Alembic migrations, packaged as data and run from here alone.

A file is upgraded when it is opened, in one transaction: either all steps happened or none. There is no way back but a
backup (a downgrade would have to throw decisions away).
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine

from pipelines.ops.engine import APPLICATION_ID
from pipelines.ops.errors import SchemaNewer

#: The newest revision. Kept here so that opening an up-to-date file does not import Alembic; a test compares it.
HEAD = "0002"

MIGRATIONS = Path(__file__).parent / "migrations"


def create(engine: Engine) -> None:
    """All migrations on an empty file, and our mark on it."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        _migrate(connection)


def upgrade(engine: Engine, path: Path) -> None:
    """All migrations that a file lacks.

    :raises SchemaNewer: its revision is none of ours.
    """
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (slow to import, and rarely needed)

    with engine.begin() as connection:
        found = revision(connection)
        known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
        if found is not None and found not in known:
            raise SchemaNewer(
                f"{path.name}: its schema is {found}, this program knows up to {HEAD}; install the newer version again"
            )
        _migrate(connection)


def revision(connection: Connection) -> str | None:
    """The revision of an open file; None for one without any tables."""
    known = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
    if known is None:
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return None if found is None else str(found)


def _migrate(connection: Connection, target: str = "head") -> None:
    """Run Alembic inside the transaction that the caller began."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    command.upgrade(config, target)
