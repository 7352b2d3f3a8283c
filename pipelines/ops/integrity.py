"""Is ops.db whole: every page as it was written, SQLite's own structure, references, the audit chain."""

from __future__ import annotations

from sqlalchemy import Connection

from pipelines.errors import BrokenFile
from pipelines.ops import audit
from pipelines.ops.database import Ops

#: Problems named at most; a broken file may have one per page.
_NAMED = 20


def problems(o: Ops) -> tuple[str, ...]:
    """What is wrong with the file, in words and without values; nothing when all is well. Reads the whole file."""
    try:
        with o.reading() as session:
            found = _of_file(session.connection(), o.path.name)
        return found or audit.verify(o)
    except BrokenFile as error:
        return (str(error),)


def _of_file(connection: Connection, name: str) -> tuple[str, ...]:
    """The first kind of check that finds something: later ones stumble over the same page."""
    pages = [str(line) for (line,) in connection.exec_driver_sql("PRAGMA cipher_integrity_check")]
    if pages:
        return tuple(f"{name}: {line}" for line in pages[:_NAMED])
    structure = [str(line) for (line,) in connection.exec_driver_sql(f"PRAGMA quick_check({_NAMED})")]
    if structure != ["ok"]:
        return tuple(f"{name}: {line}" for line in structure)
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return tuple(f"{name}: a row of {row[0]} refers to {row[2]}, where there is none" for row in orphans[:_NAMED])
