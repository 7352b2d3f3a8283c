"""What a doctor would look at: this machine, the keys, the files, each source. Says a remedy for what is wrong.

Never raises for a bad finding: that is what it is there to find.
"""

from __future__ import annotations

import platform
import shutil
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.errors import ConnectorError
from connectors.source import Finding
from pipelines import files
from pipelines.errors import PipelineError, SecretMissing
from pipelines.ops.database import open_ops
from pipelines.practice import Practice

#: Below these the disk gets a warning, or stops a build: a generation of a large practice takes half a gigabyte.
DISK_LOW, DISK_FULL = 5e9, 1e9


def examine(practice: Practice) -> list[Finding]:
    """All findings, the sound ones too, in the order in which they should be mended."""
    return [
        *_machine(practice),
        _tried("keys", lambda: _keys(practice), "`praxistakt restore-keys` with the recovery sheet"),
        _tried("ops.db", lambda: _ops(practice), "restore ops.db from a backup"),
        *_files(practice),
        *(finding for name in practice.source_names() for finding in _source(practice, name)),
    ]


def secrets(practice: Practice) -> dict[str, bool]:
    """Names of the secrets that practice.toml refers to, and whether each is set."""
    names = sorted({name for table in practice.settings.source_tables.values() for name in _referred(table)})
    return {name: _is_set(practice, name) for name in names}


def _referred(table: Mapping[str, Any]) -> Iterator[str]:
    """Values of keys called `secret` or `..._secret`, at any depth."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _referred(value)
        elif (key == "secret" or key.endswith("_secret")) and isinstance(value, str):
            yield value


def _is_set(practice: Practice, name: str) -> bool:
    try:
        practice.secret(name)
    except SecretMissing:
        return False
    return True


def _machine(practice: Practice) -> Iterator[Finding]:
    bits = struct.calcsize("P") * 8
    yield Finding("python", "ok", f"{platform.python_version()}, {bits}-bit, {platform.system()} {platform.machine()}")
    yield _tried("duckdb", _duckdb, "install the locked versions: duckdb and duckdb-extension-httpfs must be equal")
    yield _disk(practice)
    missing = [name for name, there in secrets(practice).items() if not there]
    for name in missing:
        yield Finding("secret", "error", f"{name} is not set", f"praxistakt secret set {practice.id} {name}")


def _disk(practice: Practice) -> Finding:
    free = shutil.disk_usage(practice.folder).free
    message = f"{free / 1e9:,.1f} GB free"
    if free >= DISK_LOW:
        return Finding("disk", "ok", message)
    return Finding("disk", "error" if free < DISK_FULL else "warn", message, "make room, or move the practice's folder")


def _tried(check: str, look: Callable[[], str], remedy: str) -> Finding:
    """`look` says what is well, or raises one of our errors, which says what is not."""
    try:
        return Finding(check, "ok", look())
    except (PipelineError, ConnectorError) as error:
        return Finding(check, "error", f"{type(error).__name__}: {error}", remedy)


def _duckdb() -> str:
    con = files.connect()
    try:
        row = con.execute("SELECT version()").fetchone()
    finally:
        con.close()
    return f"{row[0] if row else 'no version'}, with the module that encrypts"


def _keys(practice: Practice) -> str:
    practice.key("raw")
    return "all there, and they are this practice's"


def _ops(practice: Practice) -> str:
    with open_ops(practice):
        return "opens, and its schema is current"


def _files(practice: Practice) -> list[Finding]:
    try:
        problems = files.verify(practice)
    except PipelineError as error:  # keys are missing: then nothing can be said about files
        return [Finding("files", "error", f"{type(error).__name__}: {error}")]
    manifest = files.read_manifest(practice) if not problems else None
    if manifest is not None:
        return [Finding("files", "ok", f"{len(manifest.segments)} segment(s), run {manifest.run}, all as written")]
    remedy = "the next run brings back the last complete state"
    return [Finding("files", "error", problem, remedy) for problem in problems] or [
        Finding("files", "ok", "nothing landed yet")
    ]


def _source(practice: Practice, name: str) -> list[Finding]:
    """What the source says about its own link; each finding is named after it."""
    try:
        with practice.open_source(name) as source:
            found = source.check()
    except (PipelineError, ConnectorError) as error:
        return [
            Finding(name, "error", f"{type(error).__name__}: {error}", f"correct [sources.{name}] in practice.toml")
        ]
    return [Finding(f"{name}: {one.check}", one.level, one.message, one.remedy) for one in found]
