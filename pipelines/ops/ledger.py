"""The ledger: which source record stands for which entity, in bulk and one by one.

Every source record has exactly one standing link from the first time it is seen. Links are ended, never changed; ids
are ULIDs that nothing can be read from, and are never used again. What a person or a matching rule changes goes
through `move`, `forbid`, `redirect` within the transaction of its decision.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from pipelines.ops import numbers
from pipelines.ops.bulk import insert_rows, read_frame
from pipelines.ops.database import Ops
from pipelines.ops.errors import Refused
from pipelines.ops.ids import new_ids
from pipelines.ops.models import Alias, AntiLink, Entity, Link
from pipelines.ops.models.base import to_microseconds

LINKS = pl.Schema(
    {
        "kind": pl.String(),
        "source": pl.String(),
        "source_id": pl.String(),
        "entity_id": pl.String(),
        "rule": pl.String(),
        "decision": pl.Int64(),
        "number": pl.Int64(),
    }
)
ALIASES = pl.Schema({"kind": pl.String(), "entity_id": pl.String(), "current_id": pl.String()})
ANTI_LINKS = pl.Schema(
    {
        "kind": pl.String(),
        "source_a": pl.String(),
        "source_id_a": pl.String(),
        "source_b": pl.String(),
        "source_id_b": pl.String(),
        "rule": pl.String(),
        "decision": pl.Int64(),
        "number": pl.Int64(),
    }
)
_KEY = ["source", "source_id"]
_ALONE = "first-seen"


def ensure(o: Ops, kind: str, keys: pl.DataFrame, now: dt.datetime) -> int:
    """Give each source record that has no link yet an entity; the number of new links.

    :param keys: `source`, `source_id`, and optionally `together`: records with the same text there share one entity
        (the schedules of one calendar, for instance), that of their oldest link if one of them has one already.
        Repeated rows and records that are linked already are passed over, so calling it again changes nothing.
    """
    wanted = _with_together(keys)
    with o.reading() as session:
        seen_at, known = numbers.current(session), _standing(session, kind)
    if wanted.join(known, on=_KEY, how="anti").is_empty():
        return 0
    with o.transaction() as session:
        if numbers.current(session) != seen_at:
            known = _standing(session, kind)
        return _add(session, kind, wanted, known, now)


def _with_together(keys: pl.DataFrame) -> pl.DataFrame:
    together = pl.col("together") if "together" in keys.columns else pl.lit(None, pl.String).alias("together")
    return keys.select(*(pl.col(name).cast(pl.String) for name in _KEY), together).unique(
        _KEY, keep="first", maintain_order=True
    )


def _standing(session: Session, kind: str) -> pl.DataFrame:
    query = select(Link.source, Link.source_id, Link.entity_id).where(Link.kind == kind, numbers.standing(Link))
    return read_frame(session, query, pl.Schema({name: LINKS[name] for name in (*_KEY, "entity_id")}))


def _add(session: Session, kind: str, wanted: pl.DataFrame, known: pl.DataFrame, now: dt.datetime) -> int:
    given = _entities(wanted, known, now)
    fresh = given.filter(pl.col("known_id").is_null())
    if fresh.is_empty():
        return 0
    number, at = numbers.advance(session), to_microseconds(now)
    entities = fresh.filter("made").get_column("entity_id").unique(maintain_order=True)
    insert_rows(session, Entity, ("kind", "id", "created_at", "number"), ((kind, one, at, number) for one in entities))
    insert_rows(
        session,
        Link,
        ("kind", "source", "source_id", "entity_id", "rule", "number", "created_at"),
        ((kind, *row, _ALONE, number, at) for row in fresh.select(*_KEY, "entity_id").iter_rows()),
    )
    return fresh.height


def _entities(wanted: pl.DataFrame, known: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """`wanted` with `known_id` (its link's entity, if any), `entity_id` (what it gets) and `made` (that id is new)."""
    keyed = wanted.join(known.rename({"entity_id": "known_id"}), on=_KEY, how="left", maintain_order="left")
    group = pl.coalesce(pl.lit("=") + pl.col("together"), pl.concat_str(pl.lit("#"), pl.int_range(pl.len())))
    grouped = keyed.with_columns(group.alias("group"))
    ids = grouped.group_by("group", maintain_order=True).agg(pl.col("known_id").min().alias("entity_id"))
    new = pl.Series("new_id", new_ids(ids.height, now), dtype=pl.String)
    chosen = ids.select(
        "group", pl.coalesce("entity_id", new).alias("entity_id"), pl.col("entity_id").is_null().alias("made")
    )
    return grouped.join(chosen, on="group", how="left", maintain_order="left")


def links(o: Ops, number: int | None = None) -> pl.DataFrame:
    """All links that stand, or that stood at a number: `LINKS`, ordered by kind, source, source_id."""
    with o.reading() as session:
        return links_at(session, numbers.current(session) if number is None else number)


def links_at(session: Session, number: int) -> pl.DataFrame:
    """`links` within a session."""
    query = select(Link.kind, Link.source, Link.source_id, Link.entity_id, Link.rule, Link.decision, Link.number).where(
        numbers.valid_at(Link, number)
    )
    # Sorted here and not by SQLite, whose sorter would take as long again as the reading.
    return read_frame(session, query, LINKS).sort("kind", "source", "source_id")


def anti_links(o: Ops, number: int | None = None) -> pl.DataFrame:
    """All pairs of source records that must not be linked to one entity: `ANTI_LINKS`."""
    with o.reading() as session:
        at = numbers.current(session) if number is None else number
        query = select(*(getattr(AntiLink, name) for name in ANTI_LINKS)).where(numbers.valid_at(AntiLink, at))
        return read_frame(session, query.order_by(*(getattr(AntiLink, name) for name in ANTI_LINKS)), ANTI_LINKS)


def aliases(o: Ops, number: int | None = None) -> pl.DataFrame:
    """All ids that redirect, and the id at the end of their chain: `ALIASES`, ordered."""
    with o.reading() as session:
        return aliases_at(session, numbers.current(session) if number is None else number)


def aliases_at(session: Session, number: int) -> pl.DataFrame:
    """`aliases` within a session."""
    query = select(Alias.kind, Alias.entity_id, Alias.current_id).where(numbers.valid_at(Alias, number))
    steps = read_frame(session, query, ALIASES)
    return _to_the_end(steps).sort("kind", "entity_id")


def _to_the_end(steps: pl.DataFrame) -> pl.DataFrame:
    """Follow each redirect until nothing redirects further; `redirect` lets no circle arise."""
    following = steps.select("kind", pl.col("entity_id").alias("current_id"), pl.col("current_id").alias("further"))
    while True:
        joined = steps.join(following, on=["kind", "current_id"], how="left")
        if joined.get_column("further").null_count() == joined.height:
            return steps
        steps = joined.select("kind", "entity_id", pl.coalesce("further", "current_id").alias("current_id"))


def move(
    session: Session, kind: str, source: str, source_id: str, entity_id: str,
    *, rule: str, number: int, now: dt.datetime, decision: int | None = None,
) -> None:  # fmt: skip
    """Link a source record to another entity from this number on; its former link ends.

    :raises Refused: the record has no standing link, there is no such entity, or it is linked to this one already.
    """
    former = session.scalars(select(Link).where(_of(kind, source, source_id), numbers.standing(Link))).one_or_none()
    if former is None:
        raise Refused(f"ledger: {kind} {source}/{source_id} has no link that could be moved")
    if session.get(Entity, (kind, entity_id)) is None:
        raise Refused(f"ledger: there is no {kind} {entity_id}")
    if former.entity_id == entity_id:
        raise Refused(f"ledger: {kind} {source}/{source_id} is linked to {entity_id} already")
    former.ended_number = number
    session.flush()
    session.add(
        Link(
            kind=kind, source=source, source_id=source_id, entity_id=entity_id,
            rule=rule, decision=decision, number=number, created_at=now,
        )
    )  # fmt: skip
    session.flush()


def _of(kind: str, source: str, source_id: str) -> ColumnElement[bool]:
    return (Link.kind == kind) & (Link.source == source) & (Link.source_id == source_id)


def new_entity(session: Session, kind: str, *, number: int, now: dt.datetime) -> str:
    """A new entity without records, for a split; its id."""
    entity = new_ids(1, now)[0]
    session.add(Entity(kind=kind, id=entity, created_at=now, number=number))
    session.flush()
    return entity


def forbid(
    session: Session, kind: str, one: tuple[str, str], other: tuple[str, str],
    *, rule: str, number: int, now: dt.datetime, decision: int | None = None,
) -> None:  # fmt: skip
    """Two source records, each (source, source_id), must not share an entity. Said twice, it stands once."""
    (source_a, id_a), (source_b, id_b) = sorted((one, other))
    pair = {"kind": kind, "source_a": source_a, "source_id_a": id_a, "source_b": source_b, "source_id_b": id_b}
    known = select(AntiLink.id).filter_by(**pair).where(numbers.standing(AntiLink))
    if session.scalars(known).first() is None:
        session.add(AntiLink(**pair, rule=rule, decision=decision, number=number, created_at=now))
        session.flush()


def redirect(
    session: Session, kind: str, entity_id: str, current_id: str,
    *, number: int, now: dt.datetime, decision: int | None = None,
) -> None:  # fmt: skip
    """An id means another one from this number on (after a merge).

    :raises Refused: it redirects already, the redirect would close a circle, or there is no such entity.
    """
    missing = [one for one in (entity_id, current_id) if session.get(Entity, (kind, one)) is None]
    if missing:
        raise Refused(f"ledger: there is no {kind} {missing[0]}")
    if current_id == entity_id or resolve(session, kind, current_id) == entity_id:
        raise Refused(f"ledger: {kind} {entity_id} cannot redirect to {current_id}: that would be a circle")
    known = select(Alias.id).where(Alias.kind == kind, Alias.entity_id == entity_id, numbers.standing(Alias))
    if session.scalars(known).first() is not None:
        raise Refused(f"ledger: {kind} {entity_id} redirects already")
    session.add(
        Alias(kind=kind, entity_id=entity_id, current_id=current_id, decision=decision, number=number, created_at=now)
    )
    session.flush()


def restore(session: Session, kind: str, entity_id: str, *, number: int) -> None:
    """A redirected id stands for itself again from this number on (a merge is undone).

    :raises Refused: it does not redirect.
    """
    ended = session.execute(
        update(Alias)
        .where(Alias.kind == kind, Alias.entity_id == entity_id, numbers.standing(Alias))
        .values(ended_number=number)
        .returning(Alias.id)
    ).all()
    if not ended:
        raise Refused(f"ledger: {kind} {entity_id} does not redirect")


def resolve(session: Session, kind: str, entity_id: str) -> str:
    """The id at the end of the redirects of this one; itself if it has none."""
    while True:
        step = select(Alias.current_id).where(Alias.kind == kind, Alias.entity_id == entity_id, numbers.standing(Alias))
        further = session.scalars(step).one_or_none()
        if further is None:
            return entity_id
        entity_id = further
