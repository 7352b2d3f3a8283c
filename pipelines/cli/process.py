"""What a process that sees patients' data must not do, and what it hands on to its children."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from pathlib import Path


def no_core_dumps() -> None:
    """A crash must not leave the memory on disk. Windows writes no dumps of this kind unless a machine is set to."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  (there is none on Windows)

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def print_anything() -> None:
    """A mark that the terminal's or a pipe's encoding lacks (Windows) becomes a question mark, not a failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class IdsAndCounts(logging.Filter):
    """Our own loggers write ids and counts; what others put into theirs nobody can know.

    So of a foreign record the text without its arguments remains, and of any exception its type alone.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging.Filter."""
        if record.exc_info and record.exc_info[0]:
            record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
        record.exc_info = record.exc_text = record.stack_info = None
        if record.name.split(".")[0] not in {"praxistakt", "pipelines", "connectors", "dashboards"}:
            record.args = ()
        return True


def log_to_stderr() -> None:
    """Warnings and worse, as far as they may be shown."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(IdsAndCounts())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def wait_for(process: subprocess.Popen[bytes]) -> int | None:
    """Wait until a child process ends by itself (its exit code) or somebody presses Ctrl-C (None)."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        return None


def use_home(folder: Path) -> None:
    """Practices lie below this folder from here on, for this process and for those that it starts."""
    os.environ["PRAXISTAKT_HOME"] = str(folder)
