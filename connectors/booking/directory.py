"""Who and where, as the schedules and services of a FHIR server tell it; it fills what an appointment leaves open.

An ISiK appointment names slots and actors, never its schedule: the slot does. Where the slot is gone (a server may
forget old ones), an actor with one schedule only still tells which it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, TypeVar

from connectors.booking import fhir
from connectors.booking.fhir import Json

Actor = tuple[str, str]
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Directory:
    """Actors are (type, id); see `Directory.of`."""

    schedules: Mapping[str, Json] = field(default_factory=dict)
    actors: Mapping[Actor, Json] = field(default_factory=dict)
    services: Mapping[str, Json] = field(default_factory=dict)
    _sites: frozenset[str] = frozenset()
    _schedule_of: Mapping[Actor, str] = field(default_factory=dict)
    _service_of: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schedules: Sequence[Json], included: Mapping[Actor, Json], services: Sequence[Json]) -> Self:
        """From all Schedules, the actors that came along (`_include=Schedule:actor`) and all HealthcareServices."""
        references = [
            (fhir.text(schedule, "id") or "", reference)
            for schedule in schedules
            for reference in fhir.objects(schedule, "actor")
        ]
        named = {fhir.target(reference): _from_display(reference) for _, reference in references}
        actors = {**named, **included}
        return cls(
            schedules={fhir.text(schedule, "id") or "": schedule for schedule in schedules},
            actors=actors,
            services={fhir.text(service, "id") or "": service for service in services},
            _sites=frozenset(key for (kind, key), found in actors.items() if kind == "Location" and _is_site(found)),
            _schedule_of=_unique((fhir.target(reference), schedule) for schedule, reference in references),
            _service_of=_unique(
                (code, fhir.text(service, "id") or "")
                for service in services
                for code in fhir.codes(fhir.objects(service, "type"))
            ),
        )

    def of_kind(self, kind: str) -> list[Json]:
        """All actors of a type, for example `Practitioner`, by id."""
        known = sorted(self.actors, key=lambda actor: actor[1])
        return [self.actors[of, key] for of, key in known if of == kind and key]

    def room(self, actors: Sequence[Actor]) -> str | None:
        """The first Location among the actors that is not known to be a site."""
        return next((key for kind, key in actors if kind == "Location" and key not in self._sites), None)

    def site(self, actors: Sequence[Actor]) -> str | None:
        """The first Location among the actors that is a site."""
        return next((key for kind, key in actors if kind == "Location" and key in self._sites), None)

    def schedule_of(self, practitioner: str | None, room: str | None) -> str | None:
        """The only schedule of a practitioner, else of a room."""
        return self._schedule_of.get(("Practitioner", practitioner or "")) or self._schedule_of.get(
            ("Location", room or "")
        )

    def service_of(self, type_codes: Iterable[str]) -> str | None:
        """The only service that has one of these type codes."""
        return next((self._service_of[code] for code in type_codes if code in self._service_of), None)


def _from_display(reference: Json) -> Json:
    """An actor of whom we know no more than a name."""
    kind, key = fhir.target(reference)
    name = fhir.text(reference, "display")
    named: Json = {"name": [{"family": name}]} if kind == "Practitioner" else {"name": name}
    return {"resourceType": kind, "id": key, **named}


def _is_site(location: Json) -> bool:
    return fhir.code(fhir.objects(location, "physicalType")) in ("si", "bu")


def _unique(pairs: Iterable[tuple[_Key, str]]) -> dict[_Key, str]:
    """Keys that stand for one value only."""
    found: dict[_Key, set[str]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return {key: values.pop() for key, values in found.items() if len(values) == 1}
