"""Who gets in: tries that lock a name or an address, how long a session lives, what a link is good for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from pipelines import ops
from pipelines.ops import links, passwords, sessions, users
from tests.kit.ops_db import fresh_ops
from tests.kit.practices import NOON

RIGHT, WRONG = "richtig-und-lang", "falsch-und-lang"
DESK, OTHER = "10.0.0.5", "10.0.0.6"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def o(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ops.Ops]:
    # The real parameters have a test of their own; here are hundreds of tries.
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with fresh_ops(tmp_path) as opened:
        users.add(opened, "Berta", ["reception"], RIGHT, NOON)
        users.add(opened, "Ali", ["manager"], RIGHT, NOON)
        yield opened


#: Minute, name, password, address.
Try = tuple[float, str, str, str]


def tries(count: int, *, every: float = 0.0, start: float = 0.0) -> list[Try]:
    """Wrong passwords of one user."""
    return [(start + every * number, "berta", WRONG, DESK) for number in range(count)]


def names(count: int) -> list[Try]:
    """One guess each for many names, from one address."""
    return [(0, f"guess{number}", WRONG, DESK) for number in range(count)]


#: Tries that went before, then one try (minute, name, password, address), and whether it gets in.
LOCKOUT = [
    ("the right password", [], (0, "Berta", RIGHT, DESK), True),
    ("the name in another case, with spaces", [], (0, " bERTA ", RIGHT, DESK), True),
    ("a wrong password", [], (0, "Berta", WRONG, DESK), False),
    ("a name that nobody has", [], (0, "Carla", RIGHT, DESK), False),
    ("9 wrong tries do not lock", tries(9), (1, "Berta", RIGHT, DESK), True),
    ("the 10th locks: the 11th is refused though it is right", tries(10), (1, "Berta", RIGHT, DESK), False),
    ("from another address too", tries(10), (1, "Berta", RIGHT, OTHER), False),
    ("another name at the same address is not locked", tries(10), (1, "Ali", RIGHT, DESK), True),
    ("after 15 minutes the name is free again", tries(10), (15, "Berta", RIGHT, DESK), True),
    ("but not a moment before", tries(10), (14.99, "Berta", RIGHT, DESK), False),
    ("refused tries do not prolong it", tries(10) + tries(30, start=1, every=0.4), (15, "Berta", RIGHT, DESK), True),
    ("10 tries over 15 minutes lock", tries(10, every=15 / 9), (15.5, "Berta", RIGHT, DESK), False),
    ("10 tries over more than 15 minutes do not", tries(10, every=1.7), (15.5, "Berta", RIGHT, DESK), True),
    (
        "a sign-in in between starts the count anew",
        [*tries(9), (1, "Berta", RIGHT, DESK), *tries(9, start=2)], (3, "Berta", RIGHT, DESK), True,
    ),
    ("10 names from one address lock the address", names(10), (1, "Ali", RIGHT, DESK), False),
    ("but not another address", names(10), (1, "Ali", RIGHT, OTHER), True),
    ("9 names do not", names(9), (1, "Ali", RIGHT, DESK), True),
    ("the address is free again after 15 minutes", names(10), (15, "Ali", RIGHT, DESK), True),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "then", "gets_in"), LOCKOUT, ids=[case[0] for case in LOCKOUT])
def test_lockout(o: ops.Ops, name: str, before: list[Try], then: Try, gets_in: bool) -> None:
    for minutes, who, password, address in before:
        users.verify(o, who, password, address, NOON + minutes * MINUTE)
    minutes, who, password, address = then
    found = users.verify(o, who, password, address, NOON + minutes * MINUTE)
    assert (found is not None) is gets_in


def test_a_person_can_lift_the_lock(o: ops.Ops) -> None:
    for _ in range(10):
        users.verify(o, "Berta", WRONG, DESK, NOON)
    assert users.locked_until(o, "Berta", DESK, NOON) == NOON + 15 * MINUTE
    users.unlock(o, "Berta", NOON)
    assert users.locked_until(o, "Berta", DESK, NOON) is None
    assert users.verify(o, "Berta", RIGHT, DESK, NOON) is not None


#: Minutes at which the session is used, then one look: is it alive?
SESSIONS = [
    ("at once", [], 0, True),
    ("29 idle minutes", [], 29, True),
    ("30 idle minutes end it", [], 30, False),
    ("use keeps it alive", [20, 40], 65, True),
    ("30 minutes after the last use", [20, 40], 70, False),
    ("12 hours end it, however busy", list(range(20, 720, 20)), 720, False),
    ("but not before", list(range(20, 720, 20)), 719, True),
    ("a clock before its opening", [], -1, False),
]


@pytest.mark.parametrize(("name", "used", "look", "alive"), SESSIONS, ids=[case[0] for case in SESSIONS])
def test_session_life(o: ops.Ops, name: str, used: list[float], look: float, alive: bool) -> None:
    user = users.find(o, "Berta")
    assert user is not None
    token = sessions.open_session(o, user, NOON)
    for minutes in used:
        assert sessions.look_up(o, token, NOON + minutes * MINUTE) is not None
    assert (sessions.look_up(o, token, NOON + look * MINUTE) is not None) is alive


def test_a_look_without_activity_does_not_prolong(o: ops.Ops) -> None:
    user = users.find(o, "Berta")
    assert user is not None
    token = sessions.open_session(o, user, NOON)
    assert sessions.peek(o, token, NOON + 29 * MINUTE) is not None
    assert sessions.peek(o, token, NOON + 31 * MINUTE) is None


def test_what_ends_a_session_at_once(o: ops.Ops) -> None:
    user = users.find(o, "Berta")
    assert user is not None
    endings = {
        "sign-out": lambda token: sessions.close(o, token, NOON),
        "sign-out on a page": lambda token: sessions.close_digest(o, links.token_digest(token), NOON),
        "all sessions": lambda token: sessions.close_all(o, user, NOON),
        "new password": lambda token: users.reset_password(o, "Berta", RIGHT, NOON),
        "user locked": lambda token: users.lock(o, "Berta", NOON),
    }
    for name, end in endings.items():
        token = sessions.open_session(o, user, NOON)
        assert sessions.look_up(o, token, NOON) is not None, name
        end(token)
        assert sessions.look_up(o, token, NOON) is None, name


def test_a_session_knows_roles_as_they_are_now(o: ops.Ops) -> None:
    user = users.find(o, "Berta")
    assert user is not None
    token = sessions.open_session(o, user, NOON)
    users.set_roles(o, "Berta", ["it", "analyst"], NOON)
    found = sessions.look_up(o, token, NOON)
    assert found is not None
    assert found.user.roles == ("analyst", "it")
    assert found.ends_at == NOON + 30 * MINUTE


#: Minutes after it was made; what happens before; whether it lets in.
LINKS = [
    ("at once", 0, [], True),
    ("within 10 minutes", 9.9, [], True),
    ("after 10 minutes", 10, [], False),
    ("a second time", 1, ["used"], False),
    ("of a user who was locked since", 1, ["locked"], False),
    ("of a user with a new password", 1, ["new password"], False),
]


@pytest.mark.parametrize(("name", "minutes", "before", "lets_in"), LINKS, ids=[case[0] for case in LINKS])
def test_one_time_link(o: ops.Ops, name: str, minutes: float, before: list[str], lets_in: bool) -> None:
    token = users.one_time_link(o, "Berta", NOON)
    if "used" in before:
        assert users.redeem(o, token, NOON) is not None
    if "locked" in before:
        users.lock(o, "Berta", NOON)
    if "new password" in before:
        users.reset_password(o, "Berta", RIGHT, NOON)
    assert (users.redeem(o, token, NOON + minutes * MINUTE) is not None) is lets_in


def test_a_link_is_good_for_one_purpose(o: ops.Ops) -> None:
    opening, signing = links.link_to(o, "person/01M884", NOON), users.one_time_link(o, "Berta", NOON)
    assert users.redeem(o, opening, NOON) is None
    assert links.open_target(o, signing, NOON) is None
    assert links.open_target(o, opening, NOON) == "person/01M884"
    assert links.open_target(o, opening, NOON) is None
