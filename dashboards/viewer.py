"""Who is looking, and what each role may see.

The gate proves who it is and puts name, roles and the digest of the session into headers that Streamlit trusts
(`server.trustedUserHeaders`); `viewer()` reads them back. Rights are asked for twice: by the navigation, so that
nobody is offered what they may not see, and by `data.py` before anything is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote

#: Header of the gate -> key in `st.user`.
TRUSTED_HEADERS: Mapping[str, str] = MappingProxyType(
    {"X-Praxistakt-User": "name", "X-Praxistakt-Roles": "roles", "X-Praxistakt-Session": "session"}
)

#: What may be asked for -> the roles that may. Per-person figures are employee monitoring (§ 26 BDSG): managers only.
RIGHTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "utilisation": frozenset({"manager", "reception", "analyst"}),
        "utilisation_per_person": frozenset({"manager"}),
        "appointments_by_name": frozenset({"manager", "reception"}),
        "connections": frozenset({"manager", "reception", "it"}),
        "set_aside_records": frozenset({"it"}),
        "request_sync": frozenset({"manager", "reception", "it"}),
        "orchestration": frozenset({"it"}),
    }
)


class NotAllowedError(PermissionError):
    """The viewer's roles do not cover what was asked for."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person: user name, roles (manager, reception, it, analyst), SHA-256 hex of the session token."""

    name: str
    roles: frozenset[str]
    session: str

    def may(self, right: str) -> bool:
        """Whether one of the roles covers `right` (a key of RIGHTS; KeyError for any other)."""
        return bool(self.roles & RIGHTS[right])

    def require(self, right: str) -> None:
        """Raise NotAllowedError unless the viewer may."""
        if not self.may(right):
            raise NotAllowedError(f"{right}: needs one of {sorted(RIGHTS[right])}, found {sorted(self.roles)}")

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The trusted headers, ready for an ASGI scope; the name is percent-encoded, headers know no umlauts."""
        values = (quote(self.name), ",".join(sorted(self.roles)), self.session)
        return [(name.lower().encode(), value.encode()) for name, value in zip(TRUSTED_HEADERS, values, strict=True)]


def viewer_from(user: Mapping[str, object]) -> Viewer:
    """The viewer that the trusted headers name; NotAllowedError where one is missing (nobody passed the gate)."""
    found = {key: str(user.get(key) or "") for key in TRUSTED_HEADERS.values()}
    if not all(found.values()):
        raise NotAllowedError(f"signed-in viewer expected, missing: {sorted(k for k, v in found.items() if not v)}")
    return Viewer(unquote(found["name"]), frozenset(found["roles"].split(",")), found["session"])
