"""Raw to marts, from nothing: seconds, memory, where the time goes, and what encryption costs.

The same build runs over encrypted files and over plain copies of them. Plain files exist in this benchmark alone: a
child process puts an ATTACH without a key, and a connection without encrypted spill files, in the place of ours.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from bulk_practice import Bulk, arguments, bulk_practice, size_of
from measure import Goal, Round, interleaved, median, report

from pipelines import files, publish, transform
from pipelines.files import disk, generations, manifest, segments
from pipelines.files.manifest import Segment
from pipelines.ops.database import open_ops
from pipelines.practice import Practice

RATIO_LIMIT = 1.3

#: What a build consists of: functions by where the build looks them up.
PARTS: dict[str, tuple[tuple[Any, str], ...]] = {
    "open raw": ((files, "raw_connection"),),
    "ops frames": ((publish, "frames"), (publish, "pseudonyms"), (transform, "load_ops")),
    "models": ((transform, "evaluate"),),
    "checks": ((transform, "checks"),),
    "compare with published": ((transform, "holds_same"),),
    "write": ((transform, "copy_published"),),
    "check and sync": ((files, "close_file"), (files, "carry_over"), (files, "publish_generation")),
}


def build(folder: str, *, plain: bool = False, publishes: bool = False) -> dict[str, Any]:
    """One build; into a new folder that goes again, or published over what is there."""
    if plain:
        _without_encryption()
    parts = _stopwatch()
    practice = Practice.open(folder)
    with open_ops(practice, keep_connection=True) as o, tempfile.TemporaryDirectory(dir=practice.folder) as out:
        built = publish.build(practice, o, force=True, out=None if publishes else Path(out))
        written = sum(path.stat().st_size for path in Path(out).iterdir())
    return {
        "seconds": built.seconds,
        "parts": {**parts, "rest": built.seconds - sum(parts.values())},
        "models": {model.name: (model.seconds, model.rows) for model in built.models},
        "bytes": written,
        "carried_over": len(built.carried_over),
    }


def _without_encryption() -> None:
    """From here on this process knows plain files only."""
    for module in (files, segments, generations):
        for name, stand_in in {"attach": _attach_plain, "connect": _connect_plain}.items():
            setattr(module, name, stand_in)


def _attach_plain(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    _key: object,
    alias: str,
    *,
    read_only: bool = True,
    block_size: int | None = None,
) -> None:
    options = ["READ_ONLY"] if read_only else []
    options += [f"BLOCK_SIZE {block_size:d}"] if block_size else []
    said = f"({', '.join(options)})" if options else ""
    con.execute(f"ATTACH {files.text_literal(str(path))} AS {files.identifier(alias)} {said}")


def _connect_plain(
    temp: Path | None = None, *, memory_limit: str = "2GB", locked: bool = True
) -> duckdb.DuckDBPyConnection:
    """As `files.connect`, without the module that encrypts; nothing is spilled encrypted."""
    spill = "" if temp is None else tempfile.mkdtemp(dir=temp.parent)
    con = duckdb.connect(
        ":memory:",
        config={
            "python_enable_replacements": False,
            "temp_directory": spill,
            "memory_limit": memory_limit,
        },
    )
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    if locked:
        con.execute("SET lock_configuration = true")
    return con


def _stopwatch() -> Counter[str]:
    """Seconds by part of a build, counted from now on in this process."""
    spent: Counter[str] = Counter()
    for part, places in PARTS.items():
        for module, name in places:
            setattr(module, name, _timed(getattr(module, name), part, spent))
    return spent


def _timed(work: Callable[..., Any], part: str, spent: Counter[str]) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        begun = time.monotonic()
        try:
            return work(*args, **named)
        finally:
            spent[part] += time.monotonic() - begun  # type: ignore[assignment]  # a Counter of seconds

    return timed


def plain_copy(bulk: Bulk) -> Path:
    """The practice once more, with plain segments; its folder."""
    home = bulk.base / "plain" / bulk.folder.name
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(bulk.folder, home, ignore=shutil.ignore_patterns("raw", "published", "temp"))
    (home / "raw").mkdir()
    encrypted, plain = Practice.open(bulk.folder), Practice.open(home)
    named = files.read_manifest(encrypted)
    if named is None:
        raise RuntimeError(f"{bulk.folder}: nothing has landed")
    copied = tuple(_copy_plain(encrypted, plain, segment) for segment in named.segments)
    manifest.write_manifest(plain, replace(named, segments=copied))
    return home


def _copy_plain(encrypted: Practice, plain: Practice, segment: Segment) -> Segment:
    path = plain.raw_folder / segment.name
    with closing(files.connect(encrypted.temp_folder)) as con:
        files.attach(con, encrypted.raw_folder / segment.name, encrypted.key("raw"), "here")
        sizes = con.execute("SELECT block_size FROM pragma_database_size() WHERE database_name = 'here'").fetchone()
        _attach_plain(con, path, None, "there", read_only=False, block_size=sizes[0] if sizes else None)
        con.execute("COPY FROM DATABASE here TO there")
        con.execute("DETACH there")
    return replace(segment, bytes=path.stat().st_size, sha256=disk.sha256(path))


def _tell(way: str, rounds: list[Round]) -> None:
    """Where the time of a way goes: medians of its parts, and the slowest models."""
    print(f"\n{way}")
    for part in rounds[0].result["parts"]:
        print(f"  {part:<32} {statistics.median(r.result['parts'].get(part, 0.0) for r in rounds):8.3f} s")
    names = rounds[0].result["models"]
    spent = {name: statistics.median(r.result["models"][name][0] for r in rounds) for name in names}
    for name in sorted(spent, key=spent.__getitem__, reverse=True)[:12]:
        print(f"    {name:<30} {spent[name]:8.3f} s {names[name][1]:>12,} rows")


def main() -> None:
    """Make the practice, build it in all ways, say what came out."""
    parser = arguments(__doc__.splitlines()[0])
    given = parser.parse_args()
    with bulk_practice(size_of(given), given.folder) as bulk:
        plain = plain_copy(bulk)
        ways = {
            "encrypted": (_encrypted, str(bulk.folder)),
            "plain": (_plain, str(plain)),
            "nothing differs (force)": (_same_again, str(bulk.folder)),
        }
        rows = interleaved(ways, given.rounds)
        raw = files.read_manifest(Practice.open(bulk.folder))
        for way in ("encrypted", "nothing differs (force)"):
            _tell(way, rows[way])
        print()
        ratio = median(rows["encrypted"]) / median(rows["plain"])
        report(
            "rebuild",
            rows,
            [Goal("encrypted against plain", ratio, RATIO_LIMIT)],
            cpu_ratio=round(_cpu(rows["encrypted"]) / _cpu(rows["plain"]), 3),
            size=vars(bulk.size),
            raw_mb=round((raw.bytes if raw else 0) / 1e6, 1),
            published_mb=round(rows["encrypted"][0].result["bytes"] / 1e6, 1),
            made_s={name: round(seconds, 1) for name, seconds in bulk.made.items()},
        )


def _cpu(rounds: list[Round]) -> float:
    return statistics.median(one.cpu for one in rounds)


def _encrypted(folder: str) -> dict[str, Any]:
    return build(folder)


def _plain(folder: str) -> dict[str, Any]:
    return build(folder, plain=True)


def _same_again(folder: str) -> dict[str, Any]:
    return build(folder, publishes=True)


if __name__ == "__main__":
    main()
