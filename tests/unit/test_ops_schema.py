"""The schema over time: every version that was ever out there becomes the one that the models describe."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import IntegrityError, StatementError

from pipelines import ops
from pipelines.keys import Key
from pipelines.ops import engine as engines
from pipelines.ops import schema
from pipelines.ops.models import Base, ServiceBeat
from pipelines.ops.models.base import Day, Flag, Instant, Json, canonical_json

SCRIPTS = ScriptDirectory(str(schema.MIGRATIONS))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]


@pytest.fixture
def key() -> Key:
    return Key.random()


def new_engine(path: Path, key: Key) -> Engine:
    return engines.open_engine(path, key, keep_connection=True)


def config(connection: Connection) -> Config:
    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(schema.MIGRATIONS))
    return made


def described(connection: Connection) -> dict[str, Any]:
    """All that SQLite says about its tables, in comparable form; CHECKs by name and text without white space."""
    found: dict[str, Any] = {}
    inspector = inspect(connection)
    for name in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
        columns = connection.exec_driver_sql(f"PRAGMA table_xinfo({name})").all()
        table = connection.exec_driver_sql(f"SELECT wr, strict FROM pragma_table_list WHERE name = '{name}'").all()
        indexes = connection.exec_driver_sql(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '{name}' AND sql IS NOT NULL"
        ).all()
        checks = {check["name"]: "".join(check["sqltext"].split()) for check in inspector.get_check_constraints(name)}
        keys = connection.exec_driver_sql(f"PRAGMA foreign_key_list({name})").all()
        found[name] = {
            "columns": [tuple(column) for column in columns],
            "table": [tuple(row) for row in table],
            "indexes": sorted((index[0], " ".join(index[1].split())) for index in indexes),
            "unique": sorted(str(one) for one in inspector.get_unique_constraints(name)),
            "checks": checks,
            "foreign_keys": sorted(tuple(row)[2:] for row in keys),
        }
    return found


def test_head_is_the_newest_migration() -> None:
    assert SCRIPTS.get_heads() == [schema.HEAD]


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_version_becomes_what_the_models_say(tmp_path: Path, key: Key, revision: str) -> None:
    old, fresh = new_engine(tmp_path / "ops.db", key), new_engine(tmp_path / "models.db", key)
    with old.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id = {engines.APPLICATION_ID}")
        command.upgrade(config(connection), revision)
    old.dispose()
    with fresh.begin() as connection:
        Base.metadata.create_all(connection)
        expected = described(connection)
    fresh.dispose()
    with ops.open_path(tmp_path / "ops.db", key) as o, o.engine.connect() as connection:
        assert schema.revision(connection) == schema.HEAD
        assert described(connection) == expected
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_there_is_no_way_back_and_it_says_so(tmp_path: Path, key: Key, revision: str) -> None:
    engine = new_engine(tmp_path / "ops.db", key)
    with engine.begin() as connection:
        command.upgrade(config(connection), revision)
        with pytest.raises(RuntimeError, match=f"revision {revision} has no way back; restore the backup"):
            command.downgrade(config(connection), "-1")
    engine.dispose()


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "ops.db"
    ops.create(path, key)
    with ops.open_path(path, key) as o, o.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ops.SchemaNewer, match="9999, this program knows up to"):
        ops.open_path(path, key)


def test_every_table_is_strict(tmp_path: Path, key: Key) -> None:
    ops.create(tmp_path / "ops.db", key)
    with ops.open_path(tmp_path / "ops.db", key) as o, o.reading() as session:
        lax = session.execute(
            text(
                "SELECT name FROM pragma_table_list WHERE strict = 0 AND type = 'table'"
                " AND name NOT LIKE 'sqlite%' AND name <> 'alembic_version'"
            )
        )
        assert lax.all() == []


def test_a_naive_instant_is_refused(tmp_path: Path, key: Key) -> None:
    ops.create(tmp_path / "ops.db", key)
    naive = dt.datetime(2026, 3, 4, 12, 0)  # noqa: DTZ001
    with (
        ops.open_path(tmp_path / "ops.db", key) as o,
        pytest.raises(StatementError, match="without a time zone"),
        o.transaction() as session,
    ):
        session.add(ServiceBeat(service="poll", at=naive))


def test_instants_come_back_to_the_microsecond_in_utc() -> None:
    berlin = dt.timezone(dt.timedelta(hours=2))
    told = dt.datetime(2026, 3, 4, 12, 0, 0, 123457, tzinfo=berlin)
    kept = Instant().process_bind_param(told, None)  # type: ignore[arg-type]
    found = Instant().process_result_value(kept, None)  # type: ignore[arg-type]
    assert found == told
    assert found is not None
    assert found.tzinfo is dt.UTC


def test_a_moment_is_no_day() -> None:
    with pytest.raises(TypeError, match="local day"):
        Day().process_bind_param(dt.datetime(2026, 3, 4, tzinfo=dt.UTC), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Instant(), Day(), Flag(), Json()])
def test_nothing_stays_nothing(kind: Any) -> None:
    assert kind.process_bind_param(None, None) is None
    assert kind.process_result_value(None, None) is None


def test_equal_values_are_equal_texts() -> None:
    assert canonical_json({"b": [1], "a": "ä"}) == canonical_json({"a": "ä", "b": [1]}) == '{"a":"ä","b":[1]}'


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("INSERT INTO entity VALUES ('animal', '01M884WT9F0009RZB39CFV8RGM', 0, 1)", "ck_entity_kind"),
        ("INSERT INTO ops_number VALUES (2, 0)", "ck_ops_number_only_one"),
        ("INSERT INTO sync_run VALUES (1, 'full', 'ok', 0, NULL, NULL)", "ck_sync_run_finished"),
        ("INSERT INTO sync_request VALUES (1, NULL, 'x', 0, 'claimed', NULL, NULL, NULL)", "ck_sync_request_claimed"),
        (
            "INSERT INTO link VALUES (1, 'person', 'pvs', '1', '01M884WT9F0009RZB39CFV8RGM', 'r', NULL, 1, 0, NULL)",
            "FOREIGN KEY",
        ),
        ("INSERT INTO alias VALUES (1, 'person', 'x', 'x', NULL, 0, 1, NULL)", "ck_alias_not_itself"),
        ("INSERT INTO decision VALUES (5, 'k', 'v', 'a', NULL, NULL, NULL, 5, 0)", "ck_decision_undoes"),
    ],
)
def test_the_schema_itself_refuses(tmp_path: Path, key: Key, statement: str, rule: str) -> None:
    ops.create(tmp_path / "ops.db", key)
    with (
        ops.open_path(tmp_path / "ops.db", key) as o,
        pytest.raises(IntegrityError, match=rule),
        o.transaction() as session,
    ):
        session.execute(text(statement))
