"""What a reading means for what already stands: which rows are new, changed or gone, and when to stop and ask.

Frames in, frames out: nothing here reads a file, a clock or a source. Rows are compared column by column, because a
stored hash may be computed differently by the next version of a library and would then call every row changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from connectors import records
from connectors.errors import BadAnswer
from connectors.source import REJECTED_SCHEMA, UNMAPPED_SCHEMA, Batch, Scope, Window

#: What is wrong with a row: it was set aside, or (`kept`) it stands and one of its values is in doubt.
NOTED_SCHEMA = pl.Schema({**REJECTED_SCHEMA, "kept": pl.Boolean()})

#: What makes a code without a mapping the same one.
UNMAPPED_KEY = ["resource", "field", "code"]

#: Fewer rows than this may go without a question, whatever share they are.
FEW_ROWS = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """All batches of one record type as one; `frame` has each source_id once, as it was delivered last."""

    resource: str
    frame: pl.DataFrame
    scope: Scope
    window: Window | None
    position: str | None
    removed: tuple[str, ...]
    rejected: pl.DataFrame
    issues: pl.DataFrame
    unmapped: pl.DataFrame
    read: int

    @property
    def silent(self) -> bool:
        """Whether it says nothing at all: no row, and absence means nothing."""
        return self.scope == "changes" and self.read == 0 and self.unmapped.is_empty()


@dataclass(frozen=True, slots=True)
class Difference:
    """What a reading changes, each frame with the record's columns.

    `new` was not there or was gone, `changed` was otherwise, both in the order of delivery; `gone` holds the last known
    values in the order of source_id. `absent` of the gone rows were not reported as removed: they were just not
    delivered any more.
    """

    new: pl.DataFrame
    changed: pl.DataFrame
    gone: pl.DataFrame
    absent: int

    def rows(self) -> pl.DataFrame:
        """All of it as versions to add: the record's columns and `removed`."""
        now = pl.concat([self.new, self.changed]).with_columns(removed=pl.lit(False))
        return pl.concat([now, self.gone.with_columns(removed=pl.lit(True))])


def fold(resource: str, batches: Iterable[Batch]) -> Reading:
    """The batches of one reading as one.

    :raises BadAnswer: the reading is not whole, or rows were lost on the way: read == frame + rejected + removed must
        hold in every batch.
    """
    kept: list[Batch] = []
    for batch in batches:
        _require_conserved(batch)
        kept.append(batch)
    if not kept or not kept[-1].last:
        raise BadAnswer(f"{resource}: the answer ended after {len(kept)} batches, before its last one")
    if len({(batch.scope, batch.window) for batch in kept}) > 1:
        raise BadAnswer(f"{resource}: the batches of one answer differ in their scope")
    positions = [batch.position for batch in kept if batch.position is not None]
    return Reading(
        resource=resource,
        frame=_once(pl.concat([batch.frame for batch in kept])),
        scope=kept[-1].scope,
        window=kept[-1].window,
        position=positions[-1] if positions else None,
        removed=tuple(sorted({source_id for batch in kept for source_id in batch.removed})),
        rejected=pl.concat([batch.rejected for batch in kept]).unique(maintain_order=True),
        issues=pl.concat([batch.issues for batch in kept]).unique(maintain_order=True),
        unmapped=_counted(pl.concat([batch.unmapped for batch in kept])),
        read=sum(batch.read for batch in kept),
    )


def _once(frame: pl.DataFrame) -> pl.DataFrame:
    """Each source_id as it was delivered last; most sources deliver each once."""
    if frame["source_id"].n_unique() == frame.height:
        return frame
    return frame.unique("source_id", keep="last", maintain_order=True)


def _require_conserved(batch: Batch) -> None:
    parts = (batch.frame.height, batch.rejected.height, len(batch.removed))
    if batch.read != sum(parts):
        frame, rejected, removed = parts
        raise BadAnswer(
            f"{batch.resource}: {batch.read} rows were read, but {frame} in the frame, {rejected} rejected "
            f"and {removed} removed make {sum(parts)}"
        )
    if batch.frame["source_id"].null_count():
        raise BadAnswer(f"{batch.resource}: {batch.frame['source_id'].null_count()} rows without source_id")


def _counted(unmapped: pl.DataFrame) -> pl.DataFrame:
    """Each code once, however many batches had it."""
    if unmapped.is_empty():
        return unmapped
    return unmapped.group_by(UNMAPPED_KEY).agg(pl.col("rows").sum()).sort(UNMAPPED_KEY).select(UNMAPPED_SCHEMA.names())


def compare(reading: Reading, standing: pl.DataFrame) -> Difference:
    """What a reading changes.

    :param standing: the newest row of each source_id that the reading may touch, with the record's columns and
        `removed`: those in its frame, in `removed`, and, by its scope, all that should be there.
    """
    columns = records.schema(reading.resource).names()
    live = standing.filter(~pl.col("removed")).select(columns)
    if live.is_empty():
        return Difference(reading.frame, live, live, absent=0)
    if not reading.removed and _same(live, reading.frame):
        return Difference(live.clear(), live.clear(), live.clear(), absent=0)
    both = reading.frame.join(live, on="source_id", how="inner", suffix=" before", maintain_order="left")
    differs = [pl.col(name).ne_missing(pl.col(f"{name} before")) for name in columns if name != "source_id"]
    absent = _absent(reading, live)
    reported = live.filter(pl.col("source_id").is_in(reading.removed)).join(reading.frame, on="source_id", how="anti")
    return Difference(
        new=reading.frame.join(live, on="source_id", how="anti", maintain_order="left"),
        changed=both.filter(pl.any_horizontal(differs)).select(columns),
        gone=pl.concat([reported, absent]).sort("source_id"),
        absent=absent.height,
    )


def _same(live: pl.DataFrame, frame: pl.DataFrame) -> bool:
    """The usual case by far, and much cheaper to see than to join."""
    return live.height == frame.height and live.sort("source_id").equals(frame.sort("source_id"))


def _absent(reading: Reading, live: pl.DataFrame) -> pl.DataFrame:
    """Rows that should have been delivered and were not. A row that was set aside is there, if unreadable."""
    if reading.scope == "changes":
        return live.clear()
    if reading.scope == "window":
        live = live.filter(in_window(reading.window))
    seen = pl.concat([reading.frame["source_id"], reading.rejected["source_id"].drop_nulls(), _ids(reading.removed)])
    return live.filter(~pl.col("source_id").is_in(seen.implode()))


def _ids(source_ids: Iterable[str]) -> pl.Series:
    return pl.Series("source_id", list(source_ids), dtype=pl.String)


def in_window(window: Window | None) -> pl.Expr:
    """Whether a row starts inside the window."""
    if window is None:
        raise BadAnswer("the answer says that it covers a window, but not which")
    return (pl.col("start") >= window.start) & (pl.col("start") < window.end)


def reason_to_stop(difference: Difference, *, in_scope: int, in_table: int, share: float) -> str | None:
    """Why so many removals need a person's yes, or None if they do not.

    :param in_scope: rows that the reading should have delivered (all of the table's for `changes`).
    :param in_table: rows of this source and record type that stand.
    :param share: the part of `in_scope` that may go.
    """
    gone = difference.gone.height
    if difference.absent and in_table + difference.new.height == gone:
        return f"empty-table: all {gone:,} rows would go, because none was delivered"
    if gone >= FEW_ROWS and gone > share * in_scope:
        return f"mass-removal: {gone:,} of {in_scope:,} rows would go, more than {share:.0%}"
    return None


def rejected_news(reading: Reading, standing: pl.DataFrame) -> pl.DataFrame:
    """Rows set aside and doubts that did not stand so before, and (`removed`) those that no longer do.

    :param standing: what stands of this source and record type, with the columns of `NOTED_SCHEMA`.
    """
    if reading.rejected.is_empty() and reading.issues.is_empty() and standing.is_empty():
        return _marked(standing, standing)
    columns = NOTED_SCHEMA.names()
    marked = [reading.rejected.with_columns(kept=pl.lit(False)), reading.issues.with_columns(kept=pl.lit(True))]
    noted = pl.concat(marked)
    added = noted.join(standing, on=columns, how="anti", nulls_equal=True)
    unseen = standing.join(noted, on=columns, how="anti", nulls_equal=True)
    if reading.scope != "full":
        heard = pl.concat([reading.frame["source_id"], reading.rejected["source_id"], _ids(reading.removed)])
        unseen = unseen.filter(pl.col("source_id").is_in(heard.drop_nulls().implode()))
    return _marked(added, unseen)


def unmapped_news(reading: Reading, standing: pl.DataFrame) -> pl.DataFrame:
    """Codes without a mapping that did not stand before, and (`removed`) those that a full reading no longer has.

    :param standing: the codes of this source and record type that stand, with the columns of `UNMAPPED_SCHEMA`.
    """
    if reading.unmapped.is_empty() and standing.is_empty():
        return _marked(standing, standing)
    added = reading.unmapped.join(standing, on=UNMAPPED_KEY, how="anti")
    unseen = standing.join(reading.unmapped, on=UNMAPPED_KEY, how="anti")
    return _marked(added, unseen if reading.scope == "full" else unseen.clear())


def _marked(added: pl.DataFrame, unseen: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([added.with_columns(removed=pl.lit(False)), unseen.with_columns(removed=pl.lit(True))])
