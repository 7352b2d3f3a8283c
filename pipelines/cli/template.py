"""The practice.toml that `init` writes: a start to be edited, with a word on each table."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `init` was told about a new practice's sources."""

    timezone: str = "Europe/Berlin"
    pvs_url: str | None = None
    pvs_profile: str | None = None
    booking_url: str | None = None
    booking_access_id: str | None = None


def practice_toml(name: str, state: str, wishes: Wishes) -> str:
    """A practice.toml with one location (in a Bundesland, `BY`) and the sources that are known."""
    parts = (_practice(name, state, wishes.timezone), _pvs(wishes), _booking(wishes), _REST)
    return "\n".join(part for part in parts if part)


def text(value: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False)


def _practice(name: str, state: str, timezone: str) -> str:
    return f"""\
# Praxistakt: settings of one practice. `praxistakt doctor` checks them; passwords are never in this file
# (`praxistakt secret set`).
name = {text(name)}
timezone = {text(timezone)}

# One table per site. `state` decides public and school holidays; opening hours decide how old data may be.
[locations.haupt]
name = {text(name)}
state = {text(state)}

[locations.haupt.opening_hours]
mon = ["08:00-12:00", "14:00-18:00"]
tue = ["08:00-12:00", "14:00-18:00"]
wed = ["08:00-12:00"]
thu = ["08:00-12:00", "14:00-18:00"]
fri = ["08:00-12:00"]
"""


def _pvs(wishes: Wishes) -> str:
    if wishes.pvs_url is None:
        return ""
    return f"""\
# The practice software. Use a login that may read and nothing else.
[sources.pvs]
kind = "pvs"
title = "Praxissoftware"
profile = {text(wishes.pvs_profile or "demo")}
url = {text(wishes.pvs_url)}
# password_secret = "pvs-password"
"""


def _booking(wishes: Wishes) -> str:
    if wishes.booking_url is None:
        return ""
    auth = (
        f'auth = {{ kind = "apiauth", access_id = {text(wishes.booking_access_id)}, secret = "booking-key" }}'
        if wishes.booking_access_id
        else 'auth = { kind = "none" }  # or bearer (secret = "..."), or apiauth (access_id, secret)'
    )
    return f"""\
# The booking platform, ISiK Terminplanung (FHIR R4).
[sources.booking]
kind = "isik"
title = "Online-Buchung"
base_url = {text(wishes.booking_url)}
{auth}
"""


_REST = """\
# A calendar of the practice software that is not named here counts as it stands there. Name those that also stand on
# the platform, and who leads: pvs, platform or both.
# [[calendars]]
# key = "beispiel"
# name = "Dr. Beispiel"
# kind = "person"
# location = "haupt"
# leads = "pvs"
# schedules = { pvs = "1", booking = "sched-1" }

# Days on which the practice, or one location, is closed; both days included.
# [[closures]]
# start = 2026-12-24
# end = 2026-12-24
# name = "Heiligabend"

# Times of day are local. In quiet hours nothing is asked by itself but the nightly comparison.
[schedule]
poll_seconds = 30
full_at = "02:30"
snapshot_at = "07:00"
quiet_hours = ["22:00-06:00"]

[rules]
late_cancel_hours = 24
removal_share = 0.2

[serve]
port = 8501
"""
