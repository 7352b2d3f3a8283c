"""The service: Dagster's daemon as a child process, which polls, queues and starts runs.

It is told to stop through a pipe, not by a signal, so that it ends cleanly on Windows too and takes its code server
along; when we die without a word the pipe breaks.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
from dagster._core.instance import DagsterInstance
from dagster._serdes import serialize_value
from dagster_shared.ipc import get_ipc_shutdown_pipe, open_ipc_subprocess, send_ipc_shutdown_message

from pipelines.defs.instance import AT_WORK, fail_orphans, opened, unfinished
from pipelines.errors import Busy

#: Where the service writes, below the home of all practices.
LOG = Path(".dagster", "service.log")

#: The service, and then a run that is under way, get this long to come to an end.
STOP_WITHIN = 30
_LOOK_AGAIN = 0.2


def _command(instance: DagsterInstance, shutdown: int) -> list[str]:
    return [
        *(sys.executable, "-m", "dagster._daemon", "run"),
        *("--log-level", "warning", "--code-server-log-level", "warning"),
        *("--instance-ref", serialize_value(instance.get_ref()), "--shutdown-pipe", str(shutdown)),
        *("--module-name", "pipelines.definitions"),
    ]


def _stop(process: subprocess.Popen[bytes], pipe: int) -> None:
    try:
        send_ipc_shutdown_message(pipe)
        process.wait(timeout=STOP_WITHIN)
    except (BrokenPipeError, subprocess.TimeoutExpired):
        process.kill()
        process.wait()


def _let_runs_end(instance: DagsterInstance) -> None:
    """Wait for the run that is at work: its process ends with it and not with the service, and writes until then."""
    end = time.monotonic() + STOP_WITHIN
    while any(run.status in AT_WORK for run in unfinished(instance)) and time.monotonic() < end:
        time.sleep(_LOOK_AGAIN)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two services would each take the other's runs for dead."""
    try:
        with filelock.FileLock(home / ".dagster" / "service.lock", timeout=0):
            yield
    except filelock.Timeout:
        raise Busy(f"{home}: a service runs there already; end it, or use it") from None


@contextmanager
def running(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service over all practices below `home` until the block ends; what it says goes to `LOG` there.

    :raises Busy: a service runs there already.
    """
    with opened(home) as instance, _alone(home), (home / LOG).open("ab") as said:
        fail_orphans(instance)
        read, write = get_ipc_shutdown_pipe()
        process = open_ipc_subprocess(
            _command(instance, read), pass_fds=[read], stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            _stop(process, write)
            _let_runs_end(instance)
