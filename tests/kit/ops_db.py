"""An ops.db for tests, quickly: migrated once per process, then copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import polars as pl

from pipelines import ops
from pipelines.keys import Key
from pipelines.ops import ledger
from tests.kit.practices import NOON

KEY = Key("5a" * 32)


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        ops.create(Path(folder) / "ops.db", KEY)
        return (Path(folder) / "ops.db").read_bytes()


def fresh_ops(folder: Path, name: str = "ops.db") -> ops.Ops:
    """A new, empty ops.db in a folder, open under `KEY`, one connection kept."""
    (folder / name).write_bytes(_empty())
    return ops.open_path(folder / name, KEY, keep_connection=True)


def records(*source_ids: str, source: str = "pvs") -> pl.DataFrame:
    """Source records as `ledger.ensure` takes them."""
    keys = {"source": [source] * len(source_ids), "source_id": list(source_ids)}
    return pl.DataFrame(keys, schema={"source": pl.String, "source_id": pl.String})


def entity(o: ops.Ops, source_id: str, kind: str = "person") -> str:
    """The entity that a source record is linked to now."""
    return str(ledger.links(o).filter(kind=kind, source_id=source_id).get_column("entity_id").item())


def ensure_persons(path: Path, key_hex: str, source_ids: list[str]) -> int:
    """How many of these persons were new: for a process of its own, which can import nothing but modules."""
    with ops.open_path(path, Key(key_hex)) as o:
        return ledger.ensure(o, "person", records(*source_ids), NOON)
