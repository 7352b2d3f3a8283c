"""How a command gets at a practice: opened by name with its ops.db, and where its pages are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.cli.serve import pages
from pipelines.ops.database import Ops, open_ops
from pipelines.practice import Practice


@contextmanager
def opened(name: str) -> Iterator[tuple[Practice, Ops]]:
    """A practice and its ops.db."""
    practice = Practice.open(name)
    with open_ops(practice, keep_connection=True) as o:
        yield practice, o


def sign_in_link(practice: Practice, token: str) -> str:
    """The address that signs in once, as a browser on this machine reaches the pages."""
    serve = practice.settings.serve
    base = f"{'https' if serve.certificate else 'http'}://{serve.host}:{serve.port}"
    return pages().one_time_address(base, token)
