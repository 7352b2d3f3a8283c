"""FHIR R4 as JSON, read without trust: any element may be missing or of the wrong shape, and none of it stops us.

https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.errors import BadAnswer

Json = Mapping[str, Any]

CONTENT_TYPE = "application/fhir+json"
_NOTHING: Json = {}


def objects(parent: Json, key: str) -> list[Json]:
    """The JSON objects in the list `parent[key]`; an object that stands alone counts as a list of one."""
    value = parent.get(key)
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def first(parent: Json, key: str) -> Json:
    """The first object of `parent[key]`, or an empty one."""
    return next(iter(objects(parent, key)), _NOTHING)


def text(parent: Json, key: str) -> str | None:
    """The text in `parent[key]`, if it is one."""
    value = parent.get(key)
    return value if isinstance(value, str) else None


def texts(parent: Json, key: str) -> list[str]:
    """The texts in the list `parent[key]`."""
    value = parent.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def code(concepts: list[Json]) -> str | None:
    """The first code of the first CodeableConcept that has one."""
    return next(codes(concepts), None)


def codes(concepts: list[Json]) -> Iterator[str]:
    """All codes of some CodeableConcepts."""
    for concept in concepts:
        for coding in objects(concept, "coding"):
            value = text(coding, "code")
            if value:
                yield value


def target(reference: Json) -> tuple[str, str]:
    """(type, id) of a Reference, relative or absolute, with or without a version; ("", id) when it lacks the type.

    The guide of ISiK Terminplanung itself refers to a slot without `Slot/`.
    """
    parts = (text(reference, "reference") or "").split("/_history/")[0].rsplit("/", 2)
    if len(parts) == 1:
        return "", parts[0] if not parts[0].startswith(("#", "urn:")) else ""
    return parts[-2], parts[-1]


def target_id(reference: Json, kind: str) -> str | None:
    """The id that a Reference to a `kind` holds, or None when it points at nothing or at something else."""
    found, key = target(reference)
    return key or None if found in ("", kind) else None


def extensions(element: Json) -> dict[str, Any]:
    """url -> value[x] of an element's simple extensions; of several with one url the first."""
    found: dict[str, Any] = {}
    for extension in objects(element, "extension"):
        value = next((v for k, v in extension.items() if k.startswith("value")), None)
        url = text(extension, "url")
        if url and value is not None:
            found.setdefault(url, value)
    return found


def last_updated(resource: Json) -> str | None:
    """`meta.lastUpdated` as it stands."""
    return text(first(resource, "meta"), "lastUpdated")


def version(resource: Json) -> str | None:
    """`meta.versionId`, for If-Match."""
    return text(first(resource, "meta"), "versionId")


@dataclass(frozen=True, slots=True)
class Bundle:
    """One page of a search: what was asked for, and what came along with it, by (type, id)."""

    matches: list[Json]
    included: dict[tuple[str, str], Json]
    total: int | None


def bundle(body: Json, kind: str) -> Bundle:
    """A searchset of `kind`. Raises BadAnswer when it is another resource."""
    if text(body, "resourceType") != "Bundle":
        raise BadAnswer(f"a search for {kind} was answered with another resource, expected a Bundle")
    matches, included = [], {}
    for entry in objects(body, "entry"):
        resource = first(entry, "resource")
        found = text(resource, "resourceType") or ""
        if found == kind and text(first(entry, "search"), "mode") in (None, "match"):
            matches.append(resource)
        elif found != "OperationOutcome":
            included[found, text(resource, "id") or ""] = resource
    total = body.get("total")
    return Bundle(matches, included, total if isinstance(total, int) else None)


def next_link(body: Json) -> object | None:
    """The address of the following page: whatever stands there, for a careful reader."""
    return next((link.get("url", "") for link in objects(body, "link") if link.get("relation") == "next"), None)


def outcome(body: Json | None) -> str:
    """The issue codes of an OperationOutcome. Its texts stay out: they may quote a patient."""
    found = sorted({text(issue, "code") or "" for issue in objects(body or {}, "issue")} - {""})
    return ", ".join(found) or "no reason given"
