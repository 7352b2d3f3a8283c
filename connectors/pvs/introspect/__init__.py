"""An unknown database to the draft of a profile: tables, columns and keys by name, a few rows of a few tables by look.

Read-only, limited in rows and time. No value of a patient leaves it: names of tables and columns, counts and codes do.
"""

from __future__ import annotations

from connectors.pvs.engine import Deadline, parse_url, reading_engine, speaking
from connectors.pvs.introspect.draft import Draft, draft
from connectors.pvs.introspect.tables import search

#: Seconds for a database that answers nothing, and for the whole.
IDLE, TOTAL = 20.0, 120.0


def introspect(url: str, password: str | None, *, name: str = "praxis") -> Draft:
    """Look at the database at a URL and write the draft of a profile of that name.

    Raises ConnectorError where it cannot be reached or asked.
    """
    engine = reading_engine(parse_url(url, password), (), Deadline(IDLE, TOTAL))
    try:
        with speaking(f"introspect {name}"), engine.connect() as connection:
            found, sampler = search(connection)
            return draft(found, sampler, connection.dialect.identifier_preparer.quote, name)
    finally:
        engine.dispose()
