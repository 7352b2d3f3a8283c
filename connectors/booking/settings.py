"""A `[sources.<name>]` table of kind `isik` or `booking-json`: its keys, its defaults, all that may be wrong with it.

[sources.booking]
kind = "isik"
base_url = "https://booking.example/fhir"
auth = { kind = "apiauth", access_id = "praxis-am-markt", secret = "booking-key" }
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors import problems as complaints
from connectors import records
from connectors.booking.apiauth import DIALECTS, Dialect

#: Plain HTTP is for a server on this very machine; anything else speaks TLS.
LOOPBACK = ("127.0.0.1", "::1", "localhost")

#: resource -> field -> platform's code -> our code
CodeMaps = Mapping[str, Mapping[str, Mapping[str, str]]]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoAuthSettings(_Table):
    """The platform asks for no proof, or the network gives it."""

    kind: Literal["none"]


class BearerSettings(_Table):
    """`secret` is the name under which the token is kept, never the token."""

    kind: Literal["bearer"]
    secret: str = Field(min_length=1)


class ApiAuthSettings(_Table):
    """`version` is that of the platform's api-auth gem and sets the rest, which can be set one by one as well."""

    kind: Literal["apiauth"]
    access_id: str = Field(min_length=1, pattern=r"^[^:\s]+$")
    secret: str = Field(min_length=1)
    version: Literal["1.0", "2.0", "2.5", "3.0"] = "3.0"
    digest: Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] = "sha1"
    hash_header: Literal["Content-MD5", "X-Authorization-Content-SHA256"] | None = None
    sign_method: bool | None = None

    def dialect(self) -> Dialect:
        """How to sign."""
        base = DIALECTS[self.version]
        return Dialect(
            digest=self.digest,
            hash_header=self.hash_header or base.hash_header,
            sign_method=base.sign_method if self.sign_method is None else self.sign_method,
        )


class BookingSettings(_Table):
    """`codes` adds to the code maps (resource, field, code), `extensions` names FHIR extensions (resource, field)."""

    kind: Literal["isik", "booking-json"]
    title: str | None = None
    base_url: str
    auth: Annotated[NoAuthSettings | BearerSettings | ApiAuthSettings, Field(discriminator="kind")] = NoAuthSettings(
        kind="none"
    )
    ca_file: str | None = None
    proxy: str | None = None
    page_size: int = Field(default=500, ge=1, le=5_000)
    request_seconds: float = Field(default=60.0, gt=0, le=600)
    answer_bytes: int = Field(default=8 * 1024 * 1024, ge=1_024)
    overlap_seconds: int = Field(default=120, ge=0)
    last_updated: Literal["auto", "yes", "no"] = "auto"
    codes: dict[str, dict[str, dict[str, str]]] = {}
    extensions: dict[str, dict[str, str]] = {}

    @field_validator("base_url")
    @classmethod
    def _safe_address(cls, given: str) -> str:
        try:
            url = httpx.URL(given)
        except httpx.InvalidURL as error:
            raise ValueError("an address such as https://booking.example/fhir") from error
        if url.scheme not in ("https", "http") or not url.host or not 0 < (url.port or 443) < 65_536:
            raise ValueError("an address such as https://booking.example/fhir")
        if url.scheme == "http" and url.host not in LOOPBACK:
            raise ValueError("https, because only a server on this machine may be asked without it")
        if url.userinfo or url.query or url.fragment:
            raise ValueError("an address without a user name, a query and a fragment")
        return given

    @field_validator("ca_file")
    @classmethod
    def _readable_file(cls, given: str | None) -> str | None:
        if given is not None and not Path(given).is_file():
            raise ValueError("the path of a file that exists, with the private CA in PEM form")
        return given

    @model_validator(mode="after")
    def _known_fields(self) -> Self:
        for resource, fields in self.codes.items():
            known = records.codes(resource) if resource in records.RECORDS else {}
            _expect(f"codes.{resource}", fields, known)
            for field, given in fields.items():
                _expect(f"codes.{resource}.{field}", given.values(), known[field])
        for resource, urls in self.extensions.items():
            known_fields = records.columns(resource) if resource in records.RECORDS else {}
            _expect(f"extensions.{resource}", urls, known_fields)
        return self

    def code_maps(self, known: CodeMaps) -> dict[str, dict[str, dict[str, str]]]:
        """The flavour's own maps, with what the settings add or correct."""
        merged = {
            resource: {field: dict(codes) for field, codes in fields.items()} for resource, fields in known.items()
        }
        for resource, fields in self.codes.items():
            for field, codes in fields.items():
                merged.setdefault(resource, {}).setdefault(field, {}).update(codes)
        return merged


def problems(name: str, table: Mapping[str, Any]) -> list[str]:
    """All that is wrong with `[sources.<name>]`, one line each; empty when it is well."""
    try:
        BookingSettings.model_validate(dict(table))
    except ValidationError as error:
        return complaints.lines("practice.toml", error, ("sources", name), BookingSettings.model_fields)
    return []


def _expect(where: str, given: Any, known: Any) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(f"in {where} no {', '.join(unknown)} but {complaints.choices(known)}")
