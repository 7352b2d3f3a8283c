"""The gate of a real practice: users, links and sessions in ops.db, and where the pages may listen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards import serve
from dashboards.practice_door import PracticeDoor
from dashboards.sign_in_forms import Refusal
from dashboards.viewer import NotAllowedError, Viewer, viewer_from
from pipelines.ops import Ops, users
from pipelines.practice import Practice
from pipelines.settings import Serve

PASSWORD = "ein langes Passwort"
HERE = "192.0.2.7"


@pytest.fixture
def door(practice: Practice, ops: Ops) -> PracticeDoor:
    users.add(ops, "Jörg", {"manager", "it"}, PASSWORD, practice.now())
    return PracticeDoor(practice, ops)


def signed_in(door: PracticeDoor) -> str:
    token = door.sign_in("Jörg", PASSWORD, HERE)
    assert isinstance(token, str)
    return token


def test_a_password_opens_a_session_with_the_roles(door: PracticeDoor) -> None:
    viewer = door.look_up(signed_in(door), active=True)
    assert viewer is not None
    assert (viewer.name, viewer.roles) == ("Jörg", {"manager", "it"})


@pytest.mark.parametrize(("name", "password"), [("Jörg", "falsch"), ("niemand", PASSWORD), ("", "")])
def test_whatever_is_wrong_the_answer_is_the_same(door: PracticeDoor, name: str, password: str) -> None:
    assert door.sign_in(name, password, HERE) is Refusal.WRONG


def test_a_link_works_once(door: PracticeDoor, practice: Practice, ops: Ops) -> None:
    link = users.one_time_link(ops, "Jörg", practice.now())
    assert isinstance(door.redeem(link), str)
    assert door.redeem(link) is Refusal.LINK


def test_asking_does_not_prolong_a_session_but_doing_does(door: PracticeDoor, practice: Practice, clock: Any) -> None:
    asked, active = signed_in(door), signed_in(door)
    for _ in range(4):
        clock.move(minutes=10)
        door.look_up(asked, active=False)
        door.look_up(active, active=True)
    assert door.look_up(asked, active=False) is None
    assert door.look_up(active, active=False) is not None


def test_a_page_can_end_its_own_session_and_no_other(door: PracticeDoor) -> None:
    mine, other = signed_in(door), signed_in(door)
    viewer = door.look_up(mine, active=True)
    assert viewer is not None
    door.sign_out_viewer(viewer)
    assert door.look_up(mine, active=False) is None
    assert door.look_up(other, active=False) is not None


def test_a_locked_user_is_out_at_once(door: PracticeDoor, practice: Practice, ops: Ops) -> None:
    token = signed_in(door)
    users.lock(ops, "Jörg", practice.now())
    assert door.look_up(token, active=False) is None


def test_the_viewer_survives_the_headers() -> None:
    viewer = Viewer("Jörg Ä%,;", frozenset({"it", "manager"}), "d" * 64)
    received = {name.decode(): value.decode() for name, value in viewer.headers()}
    keys = {"x-praxistakt-user": "name", "x-praxistakt-roles": "roles", "x-praxistakt-session": "session"}
    assert viewer_from({keys[name]: value for name, value in received.items()}) == viewer


@pytest.mark.parametrize("user", [{}, {"name": "Ada"}, {"name": "Ada", "roles": "", "session": "d"}])
def test_without_the_headers_nobody_is_anybody(user: dict[str, object]) -> None:
    with pytest.raises(NotAllowedError, match="missing"):
        viewer_from(user)


def test_beyond_this_machine_only_with_a_certificate() -> None:
    with pytest.raises(serve.InsecureAddressError, match="only with a certificate"):
        serve.options_of(Serve(host="0.0.0.0"), 8501)


def test_a_certificate_that_cannot_be_used_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("no certificate")
    settings = Serve(host="praxis.lan", certificate=str(tmp_path / "c.pem"), certificate_key=str(tmp_path / "k.pem"))
    with pytest.raises(serve.InsecureAddressError, match="cannot be used"):
        serve.options_of(settings, 8501)


def test_the_host_of_the_certificate_is_known_under_tls_only() -> None:
    assert "praxis.lan" in serve.hosts_of(Serve(host="Praxis.lan", certificate="c", certificate_key="k"))
    assert serve.hosts_of(Serve()) == {"127.0.0.1", "localhost", "::1"}
