"""After a kill or a power cut: bring the folder back to its last complete state, and say what was found.

What a killed run left behind is removed. A manifest or pointer that is missing, or names what is not there, is a
problem that a person must hear of: then the newest complete state counts, and segments that it does not name are set
aside, not removed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import BrokenFile, StoreError, WrongKey
from pipelines.files import disk
from pipelines.files.duck import attach, connect
from pipelines.files.generations import (
    POINTER,
    complete_generations,
    current,
    generation_problems,
    publish_generation,
    unused_generations,
)
from pipelines.files.locks import lock
from pipelines.files.manifest import MANIFEST, Manifest, copies, parse, read_manifest, write_manifest
from pipelines.files.segments import segment_problems, unnamed_segments
from pipelines.practice import Practice

ASIDE = "aside"

#: A spill folder that nothing touched for this long belongs to nobody who lives.
_SPILL_AGE = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery did: files that it removed, and `problems` that a person must hear of, one line each."""

    removed: int = 0
    problems: tuple[str, ...] = ()


def recover(practice: Practice, *, thorough: bool = False) -> Recovered:
    """Bring raw and the published generation to their last complete state, before any other work of a run.

    :param thorough: look at contents too, because a run found a segment that is not what was written; sizes are enough
        for what a kill or a power cut leaves behind.
    :raises BrokenFile: raw has no complete state any more.
    :raises Busy: another process is at work.
    """
    raw, published = _recover_raw(practice, thorough=thorough), _recover_published(practice)
    return Recovered(raw.removed + published.removed, raw.problems + published.problems)


def _recover_raw(practice: Practice, *, thorough: bool) -> Recovered:
    with lock(practice, "raw"):
        try:
            manifest = read_manifest(practice)
            problems = segment_problems(practice, manifest) if thorough else _misfits(practice, manifest)
        except BrokenFile as error:
            manifest, problems = None, [str(error)]
        if problems:
            return Recovered(problems=(*problems, _fall_back(practice)))
        leftover = [
            *_old_spill(practice),
            *practice.raw_folder.glob("manifest*.new"),
            *unnamed_segments(practice, manifest),
        ]
        return Recovered(removed=len(leftover) - len(disk.remove(leftover)))


def _misfits(practice: Practice, manifest: Manifest | None) -> list[str]:
    """Sizes are compared, not contents: this runs before every landing."""
    found = []
    for segment in () if manifest is None else manifest.segments:
        path = practice.raw_folder / segment.name
        if not path.is_file():
            found.append(f"{path}: missing, though the manifest names it")
        elif path.stat().st_size != segment.bytes:
            found.append(f"{path}: {path.stat().st_size} bytes, expected {segment.bytes}")
    return found


def _fall_back(practice: Practice) -> str:
    for path in copies(practice):
        with contextlib.suppress(BrokenFile):
            manifest = parse(path)
            if not segment_problems(practice, manifest):
                _set_aside(practice, manifest)
                write_manifest(practice, manifest)
                return f"{practice.raw_folder / MANIFEST}: brought back as of run {manifest.run}"
    raise BrokenFile(f"{practice.raw_folder}: no manifest names segments that are all there; restore a backup")


def _set_aside(practice: Practice, manifest: Manifest) -> None:
    """Segments that a lost manifest may have named are kept for whoever looks into it."""
    folder = practice.raw_folder / ASIDE
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in unnamed_segments(practice, manifest):
        disk.replace(path, folder / path.name)


def _old_spill(practice: Practice) -> list[Path]:
    """A build or a reader beside us may be spilling right now, so only what nobody touched for a day goes."""
    now = practice.now().timestamp()
    return [path for path in practice.temp_folder.glob("*") if now - path.stat().st_mtime > _SPILL_AGE.total_seconds()]


def _recover_published(practice: Practice) -> Recovered:
    """Without any complete generation the pointer goes: the next build writes one from raw and ops."""
    with lock(practice, "build"):
        try:
            published = current(practice)
        except StoreError as error:
            return Recovered(problems=(str(error), _point_back(practice)))
        leftover = unused_generations(practice, published)
        return Recovered(removed=len(leftover) - len(disk.remove(leftover)))


def _point_back(practice: Practice) -> str:
    pointer = practice.published_folder / POINTER
    newest = next(iter(complete_generations(practice)), None)
    if newest is None:
        pointer.unlink(missing_ok=True)
        return f"{pointer}: no complete generation is left; the next build writes one"
    publish_generation(practice, newest)
    return f"{pointer}: brought back to generation {newest.name}"


def verify(practice: Practice) -> list[str]:
    """Read every byte of raw and of the published generation: what is missing, changed or does not open."""
    try:
        manifest, published = read_manifest(practice), current(practice)
    except StoreError as error:
        return [str(error)]
    problems = segment_problems(practice, manifest)
    files = [] if manifest is None else [(practice.raw_folder / segment.name, "raw") for segment in manifest.segments]
    if published is not None:
        problems += generation_problems(published)
        files += [(published.folder / name, Path(name).stem) for name in published.files if name.endswith(".duckdb")]
    told = {problem.split(": ", 1)[0] for problem in problems}
    return problems + [
        line for path, purpose in files if str(path) not in told for line in _opening(practice, path, purpose)
    ]


def _opening(practice: Practice, path: Path, purpose: str) -> list[str]:
    try:
        with contextlib.closing(connect()) as con:
            attach(con, path, practice.key(purpose), "reading")
    except (StoreError, WrongKey) as error:
        return [str(error)]
    return []
