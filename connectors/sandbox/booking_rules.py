"""What the played booking platform lets happen: bookings, cancellations, moves, patients. All of it in transactions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.sandbox.booking_store import Declined, Store, Stored, text

Values = Mapping[str, Any]

#: An appointment in one of these keeps its slots.
LIVE = ("proposed", "pending", "booked", "arrived", "fulfilled", "noshow")
_STATUS = (*LIVE, "cancelled", "entered-in-error")


class Rules:
    """Each method is one thing that can be asked for; it raises `Declined` and then nothing has changed.

    `confirms` False makes a platform that looks at bookings later: they stay `pending`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.confirms = True

    def book(self, values: Values, now: dt.datetime, *, key: str | None = None, cancels: str | None = None) -> Stored:
        """A new appointment; with `cancels` in place of that one, which ends only if the new one is taken."""
        with self._store.transaction():
            self._check_references(values)
            if text(now) > str(values.get("start") or ""):
                raise Declined(422, "business-rule")
            replaced = None if cancels is None else self._cancel_for(cancels, now)
            slots = self._take(values, now)
            body = {
                **values,
                "status": "booked" if self.confirms else "pending",
                "created_at": text(now),
                "slots": slots,
                **({"replaces": replaced} if replaced else {}),
            }
            return self._store.put("appointment", self._store.new_id("appointment"), body, now, key)

    def move(self, key: str, values: Values, now: dt.datetime, *, version: int | None = None) -> Stored:
        """The same appointment at another time, with its id."""
        with self._store.transaction():
            current = self._live(key, version)
            self._free(current, now)
            body = {**current.body, **values}
            self._check_references(body)
            return self._store.put("appointment", key, {**body, "slots": self._take(body, now)}, now)

    def set_status(self, key: str, values: Values, now: dt.datetime, *, version: int | None = None) -> Stored:
        """`status` and, for a cancellation, `cancelled_by`."""
        status = values.get("status")
        if status not in (None, *_STATUS) or set(values) - {"status", "cancelled_by"}:
            raise Declined(400, "value")
        with self._store.transaction():
            current = self._live(key, version)
            body = {**current.body, **{name: value for name, value in values.items() if value is not None}}
            if status == "cancelled":
                self._free(current, now)
                body["cancelled_at"] = text(now)
            return self._store.put("appointment", key, body, now)

    def create_patient(self, values: Values, now: dt.datetime, *, key: str | None) -> tuple[Stored, bool]:
        """A patient, or with the same key the one that was made before; and whether it is new."""
        with self._store.transaction():
            made = self._store.search("patient", [("change_key", "=", key)]) if key else []
            if len(made) > 1:
                raise Declined(412, "multiple-matches")
            if made:
                return made[0], False
            if not values.get("family_name"):
                raise Declined(422, "required")
            body = {"active": True, **values, "created_at": text(now)}
            return self._store.put("patient", self._store.new_id("patient"), body, now, key), True

    def change_patient(self, key: str, values: Values, now: dt.datetime, *, version: int | None = None) -> Stored:
        """Some fields of a patient; None removes one."""
        with self._store.transaction():
            current = self._current("patient", key, version)
            body = {**current.body, **values}
            body = {name: value for name, value in body.items() if value is not None}
            return self._store.put("patient", key, body, now)

    def _current(self, resource: str, key: str, version: int | None) -> Stored:
        current = self._store.get(resource, key)
        if current is None:
            raise Declined(404, "not-found")
        if version is not None and version != current.version:
            raise Declined(412, "conflict")
        return current

    def _live(self, key: str, version: int | None) -> Stored:
        current = self._current("appointment", key, version)
        if current.body.get("status") not in LIVE:
            raise Declined(422, "business-rule")
        return current

    def _check_references(self, values: Values) -> None:
        for resource, required in (("patient", True), ("schedule", True), ("healthcare_service", False)):
            key = values.get(f"{resource}_id")
            found = self._store.get(resource, str(key)) if key else None
            if (key or required) and (found is None or found.body.get("active") is False):
                raise Declined(422, "not-found")
        if not (values.get("start") and values.get("end")) or values["end"] <= values["start"]:
            raise Declined(422, "invariant")

    def _take(self, values: Values, now: dt.datetime) -> list[str]:
        """The slots that the time needs, now busy: all free, without a gap, from before the start to after the end."""
        touching = self._store.search(
            "slot",
            [
                ("schedule_id", "=", values["schedule_id"]),
                ("start", "<", values["end"]),
                ("end", ">", values["start"]),
            ],
        )
        slots = sorted(touching, key=lambda slot: str(slot.body["start"]))
        if any(slot.body.get("status") != "free" for slot in slots):
            raise Declined(409, "conflict")
        if not _covers(slots, values):
            raise Declined(422, "business-rule")
        for slot in slots:
            self._store.put("slot", slot.id, {**slot.body, "status": "busy"}, now)
        return [slot.id for slot in slots]

    def _free(self, appointment: Stored, now: dt.datetime) -> None:
        for key in appointment.body.get("slots", ()):
            slot = self._store.get("slot", key)
            if slot is not None and slot.body.get("status") == "busy":
                self._store.put("slot", key, {**slot.body, "status": "free"}, now)

    def _cancel_for(self, key: str, now: dt.datetime) -> str:
        """End the appointment that is moved; `key` may be an absolute or relative address."""
        old = self._live(key.rsplit("/", 1)[-1], None)
        self._free(old, now)
        body = {**old.body, "status": "cancelled", "cancelled_at": text(now)}
        self._store.put("appointment", old.id, body, now)
        return old.id


def _covers(slots: Sequence[Stored], values: Values) -> bool:
    edge = str(values["start"])
    for slot in slots:
        if str(slot.body["start"]) > edge:
            return False
        edge = max(edge, str(slot.body["end"]))
    return bool(slots) and edge >= str(values["end"])
