from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import files
from pipelines.errors import BrokenFile, Busy, DiskFull, FileMissing, RunRefused, StoreError, WrongKey
from pipelines.files import checkpoints, disk, segments
from pipelines.keys import Key
from pipelines.practice import Practice
from tests.kit.practices import NOON, Clock
from tests.kit.segments import appointments, land_rows, raw_rows


def test_settings_are_hardened_and_locked(tmp_path: Path) -> None:
    con = files.connect(tmp_path)
    wanted = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "temp_file_encryption": "true",
        "lock_configuration": "true",
        "TimeZone": "UTC",
    }
    for name, value in wanted.items():
        assert con.execute("SELECT current_setting(?)", [name]).fetchone()[0] in (value, value == "true"), name
    with pytest.raises(duckdb.Error, match="locked"):
        con.execute("SET temp_file_encryption = false")
    with pytest.raises(duckdb.Error, match="wanted"):
        con.execute("SELECT * FROM wanted")


def test_a_sealed_connection_reaches_nothing_but_what_is_attached(practice: Practice, tmp_path: Path) -> None:
    path = tmp_path / "one.duckdb"
    key = Key.random()
    writer = files.connect()
    files.attach(writer, path, key, "one", read_only=False)
    writer.execute("CREATE TABLE one.t AS SELECT 42 AS a; DETACH one")
    con = files.connect(locked=False)
    files.attach(con, path, key, "one")
    files.seal(con)
    assert con.execute("SELECT a FROM one.t").fetchall() == [(42,)]
    for forbidden in (
        "SELECT * FROM read_text('/etc/hostname')",
        f"COPY one.t TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/two.duckdb' AS two",
        "SET enable_external_access = true",
        "INSERT INTO one.t VALUES (1)",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(forbidden)
    assert key.hex not in str(con.execute("SELECT * FROM duckdb_databases()").fetchall())
    assert key.hex not in str(con.execute("SELECT * FROM duckdb_settings()").fetchall())


def test_what_does_not_fit_into_memory_is_spilled_encrypted_and_goes_with_the_connection(tmp_path: Path) -> None:
    temp = tmp_path / "practice" / "temp"
    con = files.connect(temp, memory_limit="40MB")
    con.execute("CREATE TABLE t AS SELECT range AS i, 'Kanarienvogel' || range AS s FROM range(1500000)")
    spilled = [path.read_bytes() for path in temp.rglob("*") if path.is_file()]
    assert sum(map(len, spilled)) > 100_000
    assert all(b"Kanarienvogel" not in content for content in spilled)
    con.close()
    assert list(temp.iterdir()) == []


def damaged(content: bytes, damage: str) -> bytes:
    at = {"header bit": 5000, "page bit": len(content) - 5000}.get(damage, 0)
    return {
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "foreign": b"not a database" * 1000,
        "header bit": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
        "page bit": content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :],
    }[damage]


def test_wrong_key_broken_and_missing_files_are_told_apart(tmp_path: Path) -> None:
    path, key = tmp_path / "one.duckdb", Key.random()
    con = files.connect()
    files.attach(con, path, key, "one", read_only=False)
    con.execute("CREATE TABLE one.t AS SELECT 42 AS a; DETACH one")
    with pytest.raises(WrongKey, match=r"one\.duckdb: was written under another key"):
        files.attach(con, path, Key.random(), "one")
    with pytest.raises(FileMissing, match=r"two\.duckdb"):
        files.attach(con, tmp_path / "two.duckdb", key, "one")
    whole = path.read_bytes()
    for damage in ("truncated", "empty", "foreign", "header bit"):
        path.write_bytes(damaged(whole, damage))
        with pytest.raises(BrokenFile, match=r"one\.duckdb"):
            files.attach(con, path, key, "one")
    plain = tmp_path / "plain.duckdb"
    duckdb.connect(str(plain)).close()
    with pytest.raises(BrokenFile, match="not encrypted"):
        files.attach(con, plain, key, "plain")


def test_before_the_first_landing_every_table_is_there_and_empty(practice: Practice) -> None:
    assert files.read_manifest(practice) is None
    con = files.raw_connection(practice, None)
    for table, schema in files.TABLES.items():
        found = con.execute(f"SELECT * FROM raw.{files.identifier(table)}").pl()
        assert found.height == 0
        assert dict(found.schema) == dict(schema), table


def test_what_is_written_is_read_back_with_its_types(practice: Practice) -> None:
    hours = pl.DataFrame(
        [
            {"source": "pvs", "source_id": "1", "run": 1, "read_at": NOON, "removed": False, "weekday": 3,
             "date": dt.date(2026, 3, 4), "start_time": dt.time(8, 0), "end_time": dt.time(12, 30)}
        ],
        schema=files.TABLES["working_hours"],
    )  # fmt: skip
    land_rows(practice, 1, working_hours=hours, appointment=appointments(1, "a", "b"))
    con = files.raw_connection(practice, files.read_manifest(practice))
    assert con.execute("SELECT * FROM raw.working_hours").pl().equals(hours, null_equal=True)
    assert con.execute("SELECT * FROM raw.appointment").pl().equals(appointments(1, "a", "b"), null_equal=True)


def test_a_segment_is_small_encrypted_and_named_with_its_counts(practice: Practice) -> None:
    manifest = land_rows(practice, 7, appointment=appointments(7, "kanarienvogel", "b"))
    (segment,) = manifest.segments
    path = practice.raw_folder / segment.name
    assert segment.tables == {"appointment": 2, "run": 1}
    assert (segment.run, segment.first_run, manifest.run) == (7, 7, 7)
    assert segment.bytes == path.stat().st_size < 250_000
    assert segment.sha256 == disk.sha256(path)
    assert b"kanarienvogel" not in path.read_bytes()
    assert sorted(p.name for p in practice.raw_folder.iterdir()) == [segment.name, "manifest", "manifest.7"]
    assert files.read_manifest(practice) == manifest


def test_empty_tables_are_left_out_and_nothing_is_no_segment(practice: Practice) -> None:
    manifest = land_rows(
        practice, 1, appointment=appointments(1, "a"), patient=pl.DataFrame(schema=files.TABLES["patient"])
    )
    assert set(manifest.segments[0].tables) == {"appointment", "run"}
    with pytest.raises(StoreError, match="no rows"):
        files.write_segment(practice, 2, {"patient": pl.DataFrame(schema=files.TABLES["patient"])})


def test_what_is_no_table_of_raw_is_refused(practice: Practice) -> None:
    with pytest.raises(StoreError, match="raw has no table diagnosis"):
        files.write_segment(practice, 1, {"diagnosis": pl.DataFrame({"a": [1]})})
    with pytest.raises(StoreError, match=r"raw\.appointment: .* differ from the table's in note"):
        files.write_segment(practice, 1, {"appointment": appointments(1, "a").with_columns(note=pl.lit("x"))})
    assert not (practice.raw_folder / "manifest").exists()


def test_an_older_run_does_not_land_after_a_newer_one(practice: Practice) -> None:
    land_rows(practice, 5, appointment=appointments(5, "a"))
    with pytest.raises(RunRefused, match="run 4 comes after run 5"):
        land_rows(practice, 4, appointment=appointments(4, "b"))
    land_rows(practice, 5, appointment=appointments(5, "b"))
    assert [segment.name for segment in files.read_manifest(practice).segments] == [
        "00000005-1.duckdb",
        "00000005-2.duckdb",
    ]


def test_segments_read_as_one_table_before_and_after_compaction(practice: Practice) -> None:
    for run in range(1, 6):
        land_rows(practice, run, appointment=appointments(run, f"a{run}", "same"))
    manifest = files.read_manifest(practice)
    before = raw_rows(practice, "appointment")
    assert before.height == 10
    assert not files.needs_compaction(manifest)
    assert files.needs_compaction(manifest, beyond=4)
    compacted = files.compact(practice, 5)
    assert raw_rows(practice, "appointment").equals(before)
    assert [(s.run, s.first_run, s.tables) for s in compacted.segments] == [(5, 1, {"appointment": 10, "run": 5})]
    assert compacted.run == manifest.run
    assert len(list(practice.raw_folder.glob("*.duckdb"))) == 1
    assert files.verify(practice) == []


def test_an_earlier_run_can_be_read_whatever_was_compacted_since(practice: Practice) -> None:
    seen = {}
    for run in range(1, 5):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
        seen[run] = raw_rows(practice, "appointment")
    files.compact(practice, 4)
    land_rows(practice, 5, appointment=appointments(5, "a5"))
    for run, rows in seen.items():
        assert files.read_manifest(practice, run).run == run
        assert raw_rows(practice, "appointment", run).equals(rows)


def test_a_connection_outlives_a_compaction_and_an_old_manifest_finds_the_new_file(practice: Practice) -> None:
    for run in (1, 2):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
    old = files.read_manifest(practice)
    reading = files.raw_connection(practice, old)
    files.compact(practice, 2)
    assert reading.execute("SELECT count(*) FROM raw.appointment").fetchone() == (2,)
    with files.raw_connection(practice, old) as late:
        assert late.execute("SELECT count(*) FROM raw.appointment").fetchone() == (2,)


def test_a_segment_of_an_older_version_lacks_columns_and_reads_as_null(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {**files.TABLES, "run": pl.Schema({"run": pl.Int64()})}
    monkeypatch.setattr(segments, "TABLES", short)
    files.write_segment(practice, 1, {"run": pl.DataFrame({"run": [1]}, schema=short["run"])})
    monkeypatch.undo()
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(practice.folder.parent.parent / "keys"))
    assert raw_rows(practice, "run").rows() == [(1, None, None)]


def test_columns_that_nobody_fills_take_no_room_and_read_as_null_beside_those_that_somebody_does(
    practice: Practice,
) -> None:
    first = appointments(1, "a", "b")
    second = appointments(2, "b").with_columns(room_id=pl.lit("3"), cancelled_at=pl.lit(NOON, first.schema["start"]))
    land_rows(practice, 1, appointment=first)
    land_rows(practice, 2, appointment=second)
    whole = pl.concat([first, second]).sort(pl.all(), nulls_last=True)
    assert raw_rows(practice, "appointment").equals(whole)
    path = practice.raw_folder / files.read_manifest(practice).segments[0].name
    with files.connect() as con:
        files.attach(con, path, practice.key("raw"), "one")
        kept = {name for (name,) in con.execute("SELECT column_name FROM duckdb_columns()").fetchall()}
    assert {"source_id", "start", "status"} <= kept
    assert not {"room_id", "cancelled_at"} & kept
    files.compact(practice, 2)
    assert raw_rows(practice, "appointment").equals(whole)


def test_a_segment_longer_than_one_chunk_is_whole(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_CHUNK", 3)
    rows = appointments(1, *"abcdefgh")
    land_rows(practice, 1, appointment=rows)
    assert raw_rows(practice, "appointment").equals(rows)


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "header bit", "page bit", "missing", "swapped"])
def test_a_damaged_segment_is_named(practice: Practice, damage: str) -> None:
    for run in (1, 2):
        land_rows(practice, run, appointment=appointments(run, *(f"{run}-{n}" for n in range(2000))))
    manifest = files.read_manifest(practice)
    first, second = (practice.raw_folder / segment.name for segment in manifest.segments)
    if damage == "missing":
        first.unlink()
    else:
        first.write_bytes(second.read_bytes() if damage == "swapped" else damaged(first.read_bytes(), damage))
    problems = files.verify(practice)
    assert len(problems) == 1
    assert problems[0].startswith(str(first))
    if damage == "swapped" and manifest.segments[0].bytes == manifest.segments[1].bytes:
        return
    with (
        pytest.raises((BrokenFile, FileMissing), match=first.name),
        files.naming_broken(practice, manifest),
        files.raw_connection(practice, manifest) as con,
    ):
        con.execute("SELECT * FROM raw.appointment").fetchall()


def test_a_segment_under_another_key_is_no_broken_file(practice: Practice) -> None:
    manifest = land_rows(practice, 1, appointment=appointments(1, "a"))
    practice.__dict__["_keys"] = {**practice._keys, "raw": Key.random()}
    with pytest.raises(WrongKey, match=manifest.segments[0].name):
        files.raw_connection(practice, manifest)


def test_without_room_nothing_begins(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    land_rows(practice, 1, appointment=appointments(1, "a"))
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 0, 100))
    with pytest.raises(DiskFull, match=r"0 MB free, a segment of run 2 needs"):
        land_rows(practice, 2, appointment=appointments(2, *(str(n) for n in range(1000))))
    with pytest.raises(DiskFull, match="compaction needs"):
        files.compact(practice, 2)
    assert files.read_manifest(practice).run == 1


def test_the_lock_names_who_holds_it_and_may_be_taken_twice_by_its_thread(practice: Practice) -> None:
    held = "import sys; from pipelines import files; from pipelines.practice import Practice\n" \
           "files.locks.lock(Practice.open('markt'), 'raw').__enter__()"  # fmt: skip
    with files.lock(practice, "raw"), files.lock(practice, "raw"), files.lock(practice, "build"):
        other = subprocess.run([sys.executable, "-c", held], capture_output=True, text=True, check=False)
        assert f"markt: raw is locked by process {os.getpid()} on " in other.stderr
        assert "since 2026-03-04T11:00:00" in other.stderr
    with files.lock(practice, "raw"):
        pass
    assert not (practice.folder / "lock" / "raw.holder").exists()


def test_a_lock_that_is_held_is_waited_for_or_told(practice: Practice) -> None:
    def take() -> str:
        try:
            with files.lock(practice, "raw", wait=0.01):
                return "taken"
        except Busy:
            return "busy"

    with ThreadPoolExecutor(1) as beside:
        with files.lock(practice, "raw"):
            assert beside.submit(take).result() == "busy"
        assert beside.submit(take).result() == "taken"


def kill_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def stop(reached: str) -> None:
        if reached == name:
            raise KeyboardInterrupt(name)

    monkeypatch.setattr(checkpoints, "on_checkpoint", stop)


WRITE_POINTS = [
    "segment.filled", "segment.committed", "segment.detached", "segment.synced", "segment.renamed",
    "manifest-copy.written", "manifest-copy.replaced", "manifest.written", "manifest.replaced",
    "manifest.named", "segments.removed",
]  # fmt: skip


@pytest.mark.parametrize("point", WRITE_POINTS)
def test_stopped_anywhere_raw_is_the_last_complete_state(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    land_rows(practice, 1, appointment=appointments(1, "a"))
    kill_at(monkeypatch, point)
    with pytest.raises(KeyboardInterrupt):
        land_rows(practice, 2, appointment=appointments(2, "b"))
    monkeypatch.setattr(checkpoints, "on_checkpoint", lambda _: None)
    moved = WRITE_POINTS.index(point) >= WRITE_POINTS.index("manifest.replaced")
    assert files.read_manifest(practice).run == (2 if moved else 1)
    assert files.recover(practice).problems == ()
    assert raw_rows(practice, "appointment").height == (2 if moved else 1)
    assert files.verify(practice) == []
    land_rows(practice, 3, appointment=appointments(3, "c"))
    assert not list(practice.raw_folder.glob("*.new*"))


def test_a_lost_manifest_comes_back_from_its_copy(practice: Practice) -> None:
    for run in (1, 2):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
    path = practice.raw_folder / "manifest"
    for loss in (path.unlink, lambda: path.write_text("{half"), lambda: path.write_text(json.dumps({"format": 99}))):
        loss()
        with pytest.raises(BrokenFile, match="manifest"):
            files.read_manifest(practice)
        problems = files.recover(practice).problems
        assert "brought back as of run 2" in problems[-1]
        assert raw_rows(practice, "appointment").height == 2
    assert files.recover(practice).problems == ()


def test_a_changed_segment_is_found_by_those_who_look_at_contents(practice: Practice) -> None:
    for run in (1, 2):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
    changed = practice.raw_folder / files.read_manifest(practice).segments[-1].name
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    assert files.recover(practice).problems == ()
    problems = files.recover(practice, thorough=True).problems
    assert problems[0] == f"{changed}: differs from what was written (SHA-256)"
    assert "brought back as of run 1" in problems[-1]
    assert raw_rows(practice, "appointment")["source_id"].to_list() == ["a1"]


def test_a_lost_segment_brings_the_newest_complete_state_and_sets_the_rest_aside(practice: Practice) -> None:
    for run in (1, 2, 3):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
    lost = practice.raw_folder / files.read_manifest(practice).segments[1].name
    lost.unlink()
    problems = files.recover(practice).problems
    assert problems[0] == f"{lost}: missing, though the manifest names it"
    assert "brought back as of run 1" in problems[-1]
    assert raw_rows(practice, "appointment")["source_id"].to_list() == ["a1"]
    assert [path.name for path in (practice.raw_folder / "aside").iterdir()] == ["00000003-1.duckdb"]
    land_rows(practice, 4, appointment=appointments(4, "a4"))
    assert raw_rows(practice, "appointment").height == 2


def test_without_any_complete_state_a_person_is_told(practice: Practice) -> None:
    manifest = land_rows(practice, 1, appointment=appointments(1, "a"))
    (practice.raw_folder / manifest.segments[0].name).unlink()
    with pytest.raises(BrokenFile, match="restore a backup"):
        files.recover(practice)


def test_the_last_ten_manifests_are_kept(practice: Practice) -> None:
    for run in range(1, 13):
        land_rows(practice, run, appointment=appointments(run, f"a{run}"))
    kept = sorted(int(path.suffix[1:]) for path in practice.raw_folder.glob("manifest.*"))
    assert kept == list(range(3, 13))


def test_recovery_removes_what_a_killed_run_left_behind(practice: Practice, clock: Clock) -> None:
    land_rows(practice, 1, appointment=appointments(1, "a"))
    (practice.raw_folder / "00000002-1.duckdb.new").write_bytes(b"half")
    (practice.raw_folder / "00000002-1.duckdb.new.wal").write_bytes(b"half")
    (practice.raw_folder / "manifest.new").write_text("half")
    spill = practice.temp_folder / "duckdb-old"
    spill.mkdir(parents=True)
    os.utime(spill, (NOON.timestamp() - 90_000,) * 2)
    (practice.temp_folder / "duckdb-live").mkdir()
    os.utime(practice.temp_folder / "duckdb-live", (NOON.timestamp(),) * 2)
    found = files.recover(practice)
    assert (found.removed, found.problems) == (4, ())
    assert [path.name for path in practice.temp_folder.iterdir()] == ["duckdb-live"]
    assert files.recover(practice).removed == 0
