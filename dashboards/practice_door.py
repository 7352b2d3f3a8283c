"""The doorkeeper of a real practice: users, links and sessions in ops.db."""

from __future__ import annotations

from dashboards.sign_in_forms import Refusal
from dashboards.viewer import Viewer
from pipelines.ops import sessions, users
from pipelines.ops.database import Ops
from pipelines.practice import Practice


class PracticeDoor:
    """A `dashboards.doorkeeper.Doorkeeper`; the practice's clock decides what has expired."""

    def __init__(self, practice: Practice, ops: Ops) -> None:
        self._practice = practice
        self._ops = ops

    def sign_in(self, name: str, password: str, address: str) -> str | Refusal:
        """A new session for a user who knows the password; whether the name exists or is locked is not told."""
        user = users.verify(self._ops, name, password, address, self._practice.now())
        return Refusal.WRONG if user is None else sessions.open_session(self._ops, user, self._practice.now())

    def redeem(self, link_token: str) -> str | Refusal:
        """A new session for who holds a link that was not used yet."""
        user = users.redeem(self._ops, link_token, self._practice.now())
        return Refusal.LINK if user is None else sessions.open_session(self._ops, user, self._practice.now())

    def look_up(self, token: str, *, active: bool) -> Viewer | None:
        """The holder of a live session with the roles of this moment."""
        look = sessions.look_up if active else sessions.peek
        found = look(self._ops, token, self._practice.now())
        return None if found is None else Viewer(found.user.name, frozenset(found.user.roles), found.digest)

    def sign_out(self, token: str) -> None:
        """End the session, if there is one."""
        sessions.close(self._ops, token, self._practice.now())

    def sign_out_viewer(self, viewer: Viewer) -> None:
        """End the session of a page, which knows its digest only; the gate closes the page within two seconds."""
        sessions.close_digest(self._ops, viewer.session, self._practice.now())
