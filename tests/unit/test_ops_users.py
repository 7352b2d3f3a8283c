"""Users and passwords: what is kept, what it costs, what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from sqlalchemy import select, text

from pipelines import ops
from pipelines.ops import audit, passwords, sessions, users
from pipelines.ops.models import UserRow
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON

PASSWORD = "richtig-und-lang"
DESK = "10.0.0.5"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def o(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ops.Ops]:
    monkeypatch.setattr(passwords, "hasher", CHEAP)
    with fresh_ops(tmp_path) as opened:
        yield opened


def test_hashes_have_the_agreed_parameters() -> None:
    found = extract_parameters(passwords.make(PASSWORD))
    assert (found.type, found.memory_cost, found.time_cost) == (Type.ID, 64 * 1024, 3)


class Counting:
    """A hasher that notes how many are at work at once."""

    def __init__(self) -> None:
        self.running = self.most = self.calls = 0
        self.guard = threading.Lock()
        self.together = threading.Barrier(2)

    def verify(self, hashed: str, password: str) -> bool:
        with self.guard:
            self.running, self.calls = self.running + 1, self.calls + 1
            self.most = max(self.most, self.running)
        self.together.wait(timeout=60)
        with self.guard:
            self.running -= 1
        return True


def test_two_are_computed_at_once_and_no_third(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    monkeypatch.setattr(passwords, "hasher", counting)
    threads = [threading.Thread(target=passwords.matches, args=("hash", PASSWORD)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counting.most, counting.calls) == (2, 8)


def test_an_unknown_user_costs_one_hash_too(o: ops.Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    users.add(o, "Berta", ["it"], PASSWORD, NOON)
    asked: list[str] = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            asked.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "hasher", Noting(time_cost=1, memory_cost=8, parallelism=1))
    for name in ("Berta", "Nobody"):
        assert users.verify(o, name, "falsch-und-lang", DESK, NOON) is None
    assert len(asked) == 2
    first, second = (extract_parameters(one) for one in asked)
    assert first == second


def test_neither_password_nor_token_is_kept(o: ops.Ops) -> None:
    user = users.add(o, "Berta", ["it"], PASSWORD, NOON)
    tokens = [sessions.open_session(o, user, NOON), users.one_time_link(o, "Berta", NOON)]
    users.verify(o, "Vertippt-Geheimnis", PASSWORD, DESK, NOON)
    with o.reading() as session:
        tables = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        kept = "".join(str(session.execute(text(f'SELECT * FROM "{table}"')).all()) for table in tables)
    assert "Berta" in kept
    assert not [secret for secret in (PASSWORD, "Vertippt-Geheimnis", *tokens) if secret in kept]


def test_an_old_hash_is_made_anew_at_sign_in(o: ops.Ops, monkeypatch: pytest.MonkeyPatch) -> None:
    users.add(o, "Berta", ["it"], PASSWORD, NOON)
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    assert users.verify(o, "Berta", PASSWORD, DESK, NOON) is not None
    with o.reading() as session:
        kept = session.scalars(select(UserRow.password_hash)).one()
    assert kept is not None
    assert extract_parameters(kept).time_cost == 2
    assert users.verify(o, "Berta", PASSWORD, DESK, NOON) is not None


def test_a_locked_user_does_not_get_in_and_an_unlocked_one_does(o: ops.Ops) -> None:
    users.add(o, "Berta", ["it"], PASSWORD, NOON)
    assert users.lock(o, "Berta", NOON).state == "locked"
    assert users.verify(o, "Berta", PASSWORD, DESK, NOON) is None
    with pytest.raises(ops.Refused, match="is locked"):
        users.one_time_link(o, "Berta", NOON)
    users.unlock(o, "Berta", NOON)
    assert users.verify(o, "Berta", PASSWORD, DESK, NOON) is not None


def test_without_a_password_only_a_link_lets_in(o: ops.Ops) -> None:
    users.add(o, "Demo", ["manager"], None, NOON)
    assert users.verify(o, "Demo", "", DESK, NOON) is None
    assert users.redeem(o, users.one_time_link(o, "Demo", NOON), NOON) is not None


@pytest.mark.parametrize(
    ("name", "roles", "password", "message"),
    [
        ("Berta", ["it"], PASSWORD, "empty or taken"),
        (" BERTA ", ["it"], PASSWORD, "empty or taken"),
        ("  ", ["it"], PASSWORD, "empty or taken"),
        ("Ali", ["boss"], PASSWORD, "found boss, expected some of manager, reception, it, analyst"),
        ("Ali", [], PASSWORD, "found none"),
        ("Ali", ["it"], "kurz", "4 characters, expected at least 10"),
    ],
)
def test_what_is_refused(o: ops.Ops, name: str, roles: list[str], password: str, message: str) -> None:
    users.add(o, "Berta", ["it"], PASSWORD, NOON)
    with pytest.raises(ops.Refused, match=message):
        users.add(o, name, roles, password, NOON)
    assert [one.name for one in users.every_user(o)] == ["Berta"]


def test_who_did_what_to_a_user_is_in_the_log(o: ops.Ops) -> None:
    user = users.add(o, "Berta", ["it"], PASSWORD, NOON)
    users.set_roles(o, "Berta", ["manager"], NOON, by="Ali")
    users.verify(o, "Berta", PASSWORD, DESK, NOON)
    found = [(entry.actor, entry.action) for entry in audit.entries(o, subject=user.id)]
    assert found == [("Berta", "sign-in"), ("Ali", "user:roles"), ("cli", "user:add")]


def test_many_tries_at_once_are_all_counted(o: ops.Ops) -> None:
    users.add(o, "Berta", ["it"], PASSWORD, NOON)
    threads = [
        threading.Thread(target=users.verify, args=(o, "Berta", "falsch-und-lang", DESK, NOON)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert users.verify(o, "Berta", PASSWORD, DESK, NOON) is None
    with o.reading() as session:
        assert session.execute(text("SELECT count(*) FROM login_attempt")).scalar_one() == 10
