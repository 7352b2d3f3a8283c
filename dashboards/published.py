"""Frames of the published generation in memory: read once, dropped when the next one is published."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Literal, Protocol

import polars as pl

from dashboards.queries import Query
from pipelines.errors import PipelineError

#: Frames of one generation that are kept: the pages' own, and the spans of days that people looked at last.
KEPT: Final = 64

Parameters = Mapping[str, object]
_Key = tuple[Query, tuple[tuple[str, object], ...]]


class Reader(Protocol):
    """An open generation (`pipelines.publish.Reader` is one)."""

    def frame(self, store: Literal["marts", "desk"], sql: str, parameters: Parameters, /) -> pl.DataFrame:
        """What a SELECT gives."""
        ...


class Published:
    """The newest generation; threads of several viewers may share it.

    `newest` gives the reader of the generation that is published now, the same one as long as it is, and raises
    `NothingPublished` before the first build.
    """

    def __init__(self, newest: Callable[[], Reader]) -> None:
        self._newest = newest
        self._guard = threading.Lock()
        self._reader: Reader | None = None
        self._frames: OrderedDict[_Key, pl.DataFrame] = OrderedDict()

    def open(self) -> None:
        """Open the newest generation ahead of the first question. What is wrong with it is said when it is asked."""
        with contextlib.suppress(PipelineError):
            self._newest()

    def frame(self, query: Query, parameters: Parameters, *, keep: bool = True) -> pl.DataFrame:
        """The answer to a query; `keep=False` for rows with names, which must not outlive the look.

        :raises NothingPublished: there was no build yet.
        """
        reader, key = self._newest(), (query, tuple(sorted(parameters.items())))
        known = self._known(reader, key)
        if known is not None:
            return known
        frame = reader.frame(query.store, query.sql, parameters)
        if keep:
            self._keep(reader, key, frame)
        return frame

    def _known(self, reader: Reader, key: _Key) -> pl.DataFrame | None:
        with self._guard:
            if reader is not self._reader:
                self._reader = reader
                self._frames.clear()
            if key in self._frames:
                self._frames.move_to_end(key)
            return self._frames.get(key)

    def _keep(self, reader: Reader, key: _Key, frame: pl.DataFrame) -> None:
        with self._guard:
            if reader is self._reader:  # else a newer generation came while this one was asked
                self._frames[key] = frame
            while len(self._frames) > KEPT:
                self._frames.popitem(last=False)
