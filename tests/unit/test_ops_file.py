"""ops.db as a file: encrypted, opened by its key alone, and each trouble named as what it is."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from pipelines import ops
from pipelines.errors import BrokenFile, Busy, FileMissing, WrongKey
from pipelines.keys import Key
from pipelines.ops import engine, integrity, settings
from pipelines.ops.models import OpsNumber
from pipelines.practice import Practice
from tests.kit.practices import NOON

CANARY = "Zitronenfalter-4711"


@pytest.fixture
def key() -> Key:
    return Key.random()


@pytest.fixture
def path(tmp_path: Path, key: Key) -> Path:
    ops.create(tmp_path / "ops.db", key)
    return tmp_path / "ops.db"


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_a_practice_opens_its_own_file(practice: Practice) -> None:
    ops.create(practice.ops_path, practice.key("ops"))
    with ops.open_ops(practice) as o:
        assert ops.number(o) == 0


@pytest.mark.parametrize("keep_connection", [True, False])
@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("cipher_memory_security", "1"),
        ("temp_store", 2),
    ],
)
def test_each_connection_has_the_agreed_settings(
    path: Path, key: Key, pragma: str, expected: object, keep_connection: bool
) -> None:
    with ops.open_path(path, key, keep_connection=keep_connection) as o, o.reading() as session:
        assert session.execute(text(f"PRAGMA {pragma}")).scalar_one() == expected


def test_nothing_readable_lies_on_disk(path: Path, key: Key) -> None:
    o = ops.open_path(path, key, keep_connection=True)
    settings.record(o, "canary", CANARY, "test", NOON)
    files = [found for found in path.parent.iterdir() if found.name.startswith("ops.db")]
    assert len(files) > 1, "the write-ahead log is part of what is looked at"
    assert not [found.name for found in files if CANARY.encode() in found.read_bytes()]
    assert CANARY in settings.as_of(o).values()
    o.close()


def test_another_key_is_called_that(path: Path) -> None:
    with pytest.raises(WrongKey, match=r"ops\.db: this key opens none of its \d+ pages"):
        ops.open_path(path, Key.random())


def test_a_key_that_is_none_never_reaches_a_statement(path: Path) -> None:
    class NoKey:
        hex = "'; ATTACH DATABASE 'x' AS y; --"

    with pytest.raises(WrongKey) as raised:
        ops.open_path(path, NoKey())
    assert "ATTACH" not in str(raised.value)


def test_no_message_holds_the_key(path: Path, key: Key) -> None:
    other = Key.random()
    with pytest.raises(WrongKey) as raised:
        ops.open_path(path, other)
    told = "".join(str(part) for part in (raised.value, raised.value.__cause__, repr(raised.value)))
    assert other.hex not in told
    assert key.hex not in told


def test_no_file_is_made_where_there_is_none(tmp_path: Path, key: Key) -> None:
    with pytest.raises(FileMissing, match=r"ops\.db: not in"):
        ops.open_path(tmp_path / "ops.db", key)
    assert not list(tmp_path.iterdir())


def test_a_file_is_never_made_over_another(path: Path, key: Key) -> None:
    before = path.read_bytes()
    with pytest.raises(ops.AlreadyThere):
        ops.create(path, key)
    assert path.read_bytes() == before


def test_what_an_interrupted_create_left_is_in_nobodys_way(tmp_path: Path, key: Key) -> None:
    (tmp_path / "ops.db.new").write_bytes(b"half a file")
    ops.create(tmp_path / "ops.db", key)
    assert [found.name for found in tmp_path.iterdir()] == ["ops.db"]


def test_an_unencrypted_database_is_foreign(tmp_path: Path, key: Key) -> None:
    with sqlite3.connect(tmp_path / "ops.db") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(ops.ForeignFile, match="unencrypted SQLite"):
        ops.open_path(tmp_path / "ops.db", key)


def test_some_other_file_is_foreign(tmp_path: Path, key: Key) -> None:
    (tmp_path / "ops.db").write_bytes(b"a letter, not a database")
    with pytest.raises(ops.ForeignFile, match="24 bytes"):
        ops.open_path(tmp_path / "ops.db", key)


def test_another_programs_database_under_the_same_key_is_foreign(tmp_path: Path, key: Key) -> None:
    connection = sqlcipher.connect(str(tmp_path / "ops.db"))
    connection.execute(f"PRAGMA key = \"x'{key.hex}'\"")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(ops.ForeignFile, match="another program"):
        ops.open_path(tmp_path / "ops.db", key)


def test_a_broken_first_page_is_not_called_a_wrong_key(path: Path, key: Key) -> None:
    flip(path, 1000)
    with pytest.raises(BrokenFile, match=r"the key is right, but page 1 of \d+ was changed"):
        ops.open_path(path, key)


def test_a_flipped_bit_is_found_and_its_page_named(path: Path, key: Key) -> None:
    flip(path, 4096 * 20 + 77)
    with ops.open_path(path, key) as o:
        found = integrity.problems(o)
    assert found
    assert "page 21" in found[0]


def test_a_whole_file_has_no_problems(path: Path, key: Key) -> None:
    with ops.open_path(path, key) as o:
        assert integrity.problems(o) == ()


def test_a_value_that_breaks_a_rule_is_not_in_the_message(path: Path, key: Key) -> None:
    with ops.open_path(path, key) as o, pytest.raises(IntegrityError) as raised, o.transaction() as session:
        session.execute(
            text("INSERT INTO user (id, name, name_key, state, created_at) VALUES (:id, :name, :name, 'no', 0)"),
            {"id": "1", "name": CANARY},
        )
    assert CANARY not in str(raised.value)


def test_a_block_that_raises_leaves_nothing(path: Path, key: Key) -> None:
    with ops.open_path(path, key) as o:
        with pytest.raises(ops.Refused), o.transaction() as session:  # noqa: PT012  (the block is what is tested)
            session.execute(text("UPDATE ops_number SET value = 7"))
            raise ops.Refused("half-way")
        assert ops.number(o) == 0


def test_readers_do_not_wait_for_a_writer(path: Path, key: Key) -> None:
    with ops.open_path(path, key) as o, o.transaction() as writing:
        writing.execute(text("UPDATE ops_number SET value = 7"))
        with o.reading() as session:
            assert session.scalars(select(OpsNumber.value)).one() == 0


def test_writers_wait_for_one_another(path: Path, key: Key) -> None:
    with ops.open_path(path, key) as o:

        def add() -> None:
            for _ in range(25):
                with o.transaction() as session:
                    value = session.scalars(select(OpsNumber.value)).one()
                    session.execute(text("UPDATE ops_number SET value = :value"), {"value": value + 1})

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ops.number(o) == 100


def test_a_writer_that_waits_too_long_is_told_so(path: Path, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    with ops.open_path(path, key) as o, o.transaction(), pytest.raises(Busy, match="another process"), o.transaction():
        pass
