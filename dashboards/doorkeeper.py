"""What the gate needs to know of a practice: the house, and the doorkeeper who knows its users and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dashboards.sign_in_forms import Refusal
from dashboards.viewer import Viewer


class Doorkeeper(Protocol):
    """Users and sessions of one practice. Every method may block; the gate calls it in a thread."""

    def sign_in(self, name: str, password: str, address: str) -> str | Refusal:
        """A new session token, or why not."""
        ...

    def redeem(self, link_token: str) -> str | Refusal:
        """A new session token for a one-time link, or why not."""
        ...

    def look_up(self, token: str, *, active: bool) -> Viewer | None:
        """Who holds this session token; None when it ended. `active` puts off the idle limit."""
        ...

    def sign_out(self, token: str) -> None:
        """End the session, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """A practice as the gate sees it: its id, its name, the host names it answers to, and whether TLS is on."""

    id: str
    name: str
    hosts: frozenset[str]
    secure: bool

    @property
    def cookie(self) -> str:
        """Name of the session's cookie. Cookies ignore ports: two practices on one machine need two names."""
        return f"praxistakt_{self.id}"

    def origin(self, host: str | None) -> str:
        """The only Origin that may change anything under this Host."""
        return f"{'https' if self.secure else 'http'}://{host}"
