"""How far each source was read by runs that found nothing new: for the poll alone.

What is read next begins at the watermark in raw, which moves only with rows. So that a commit that changes none of
our records is asked about once and not at every poll, the positions of a reading without news are kept here. They hold
for one state of raw: where that was restored or rolled back, they count for nothing, and the next poll asks again.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import or_, select
from sqlalchemy.dialects.sqlite import insert

from pipelines.ops.database import Ops
from pipelines.ops.models import SourcePosition

#: Position by record type, by source.
Positions = Mapping[str, Mapping[str, str]]


def note(o: Ops, run: int, manifest_run: int, seen: Positions) -> None:
    """Keep how far a run came whose readings were compared with what stood in raw and added nothing.

    :param manifest_run: the newest run of the manifest after the landing; 0 before the first.
    """
    rows = [
        {"source": source, "resource": resource, "run": run, "manifest_run": manifest_run, "position": position}
        for source, positions in seen.items()
        for resource, position in positions.items()
    ]
    if not rows:
        return
    added = insert(SourcePosition)
    moved = {name: added.excluded[name] for name in ("run", "manifest_run", "position")}
    with o.transaction() as session:
        session.execute(added.on_conflict_do_update(set_=moved), rows)


def of_state(o: Ops, manifest_run: int) -> dict[str, dict[str, str]]:
    """The positions that hold for the raw of this manifest.

    A run that landed no row may have written a segment all the same (the morning's open slots): then the manifest
    names that run, and the sources' rows are those of before.
    """
    query = (
        select(SourcePosition)
        .where(or_(SourcePosition.manifest_run == manifest_run, SourcePosition.run == manifest_run))
        .order_by(SourcePosition.source, SourcePosition.resource)
    )
    found: dict[str, dict[str, str]] = {}
    with o.reading() as session:
        for row in session.scalars(query):
            found.setdefault(row.source, {})[row.resource] = row.position
    return found
