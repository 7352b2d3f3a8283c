"""What is wrong with a TOML file, in one form: `file: [table.key] found ..., expected ...`.

Profiles and `[sources.<name>]` tables are checked by pydantic and by rules of our own; both end up as such lines, so
that a person can repair everything at once. The lines hold what stands in the file and never a value of a patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

#: pydantic's name of a complaint -> what was expected; the placeholders are those of the complaint's context.
_EXPECTED = {
    "missing": "a value",
    "literal_error": "{expected}",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
}


def line(file: str, location: Iterable[object], found: str, expected: str) -> str:
    """One problem; `location` is the path of tables and keys inside the file."""
    return f"{file}: [{'.'.join(str(part) for part in location)}] found {found}, expected {expected}"


def lines(file: str, error: ValidationError, location: tuple[object, ...], keys: Iterable[str]) -> list[str]:
    """pydantic's complaints about the table at `location`; `keys` are those that the table may have."""
    return [
        line(file, (*location, *problem["loc"]), _found(problem), _expected(problem, keys))
        for problem in error.errors(include_url=False)
    ]


def choices(values: Iterable[str]) -> str:
    """`one of a, b, c`, for messages."""
    return "one of " + ", ".join(values)


def _found(problem: Mapping[str, object]) -> str:
    if problem["type"] == "missing":
        return "nothing"
    if problem["type"] == "extra_forbidden":
        return "a key that is not known here"
    return repr(problem["input"])


def _expected(problem: Mapping[str, object], keys: Iterable[str]) -> str:
    kind = str(problem["type"])
    if kind == "extra_forbidden":
        return choices(keys) if len(_path(problem)) == 1 else "only keys that this table knows"
    context = problem.get("ctx")
    if kind == "value_error" and isinstance(context, dict):
        return str(context["error"])
    if kind in _EXPECTED:
        return _EXPECTED[kind].format(**(context if isinstance(context, dict) else {}))
    return str(problem["msg"])


def _path(problem: Mapping[str, object]) -> tuple[object, ...]:
    location = problem["loc"]
    return location if isinstance(location, tuple) else ()
