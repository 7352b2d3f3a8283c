"""The manifest of raw: which segments count. It moves last, so that a run is there as a whole or not at all.

`raw/manifest` is the one that counts; beside it lies a copy of each of the last ten as `manifest.<run>`, from which
`recovery` brings back the newest whose files are all there and unchanged.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.errors import BrokenFile
from pipelines.files import disk
from pipelines.practice import Practice

MANIFEST = "manifest"
_FORMAT = 1
_KEPT = 10


@dataclass(frozen=True, slots=True)
class Segment:
    """One write-once file of raw: `run` is the newest in it, `first_run` the oldest (they differ after compaction)."""

    name: str
    run: int
    first_run: int
    bytes: int
    sha256: str
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What raw holds. `run` is the newest run that counts: rows of later ones in these segments do not."""

    run: int
    segments: tuple[Segment, ...]
    written_at: dt.datetime

    @property
    def bytes(self) -> int:
        """Size of all segments together."""
        return sum(segment.bytes for segment in self.segments)

    def as_of(self, run: int) -> Manifest:
        """What raw held after an earlier run, whatever was compacted since."""
        kept = tuple(segment for segment in self.segments if segment.first_run <= run)
        return replace(self, run=min(run, self.run), segments=kept)


def read_manifest(practice: Practice, run: int | None = None) -> Manifest | None:
    """The manifest that counts, or what it was after an earlier run; None before the first landing.

    :raises BrokenFile: it cannot be read; `recovery.recover` brings an older one back.
    """
    path = practice.raw_folder / MANIFEST
    if not path.exists():
        if copies(practice):
            raise BrokenFile(f"{path}: missing, though raw was written before")
        return None
    manifest = parse(path)
    return manifest if run is None else manifest.as_of(run)


def parse(path: Path) -> Manifest:
    """A manifest file as an object.

    :raises BrokenFile: it is not one.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return _from_json(found)
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenFile(f"{path}: no manifest: {type(error).__name__}") from error


def _from_json(found: Mapping[str, Any]) -> Manifest:
    if found["format"] != _FORMAT:
        raise ValueError("written by a later version")
    segments = tuple(Segment(**segment) for segment in found["segments"])
    return Manifest(found["run"], segments, dt.datetime.fromisoformat(found["written_at"]))


def write_manifest(practice: Practice, manifest: Manifest) -> None:
    """Make these the segments that count; then forget copies beyond the last ten."""
    text = _to_json(manifest)
    disk.write_text(practice.raw_folder / f"{MANIFEST}.{manifest.run}", text, name="manifest-copy")
    disk.write_text(practice.raw_folder / MANIFEST, text, name="manifest")
    disk.remove(copies(practice)[_KEPT:])


def _to_json(manifest: Manifest) -> str:
    content = asdict(manifest) | {"format": _FORMAT, "written_at": manifest.written_at.isoformat()}
    return json.dumps(content, indent=1)


def copies(practice: Practice) -> list[Path]:
    """Copies of the last manifests, the newest first."""
    found = [path for path in practice.raw_folder.glob(f"{MANIFEST}.*") if path.suffix[1:].isdigit()]
    return sorted(found, key=lambda path: int(path.suffix[1:]), reverse=True)
