"""Files of a build are written at the same time; what did not change is found out before. None disturbs another."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines import files, publish, transform
from pipelines.practice import Practice
from tests.kit.reference_practice import Practice as Played
from tests.kit.reference_practice import warehouse

pytestmark = pytest.mark.faults

#: Where files were compared while another was finished, about one round in thirty failed.
ROUNDS, LOOKS = 100, 12


def test_a_file_is_written_though_others_take_long_to_compare(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Core and marts did not change, desk did; each look through the catalogs may meet the end of another's writing."""
    con = warehouse(Played(), "2026-03-02", *publish.STORES)
    (tmp_path / "first").mkdir()
    written, _ = publish._write(practice, con, tmp_path / "first", None)
    published = files.Generation("first", tmp_path / "first", 1, 1, practice.today(), "", written, practice.now())
    con.execute("INSERT INTO desk.practitioner SELECT 'p', 'Dr. Demir', 'D'")
    holds_same = transform.holds_same

    def slowly(asked: duckdb.DuckDBPyConnection, schema: str, file: str) -> bool:
        return all(holds_same(asked, schema, file) for _ in range(1 if schema == "desk" else LOOKS))

    monkeypatch.setattr(transform, "holds_same", slowly)
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert publish._write(practice, con, folder, published)[1] == ["core.duckdb", "marts.duckdb"]
