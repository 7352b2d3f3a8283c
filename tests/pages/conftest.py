"""A served practice for the pages: in this process for AppTest, in a child for a real browser."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import data
from dashboards.viewer import Viewer
from pipelines.ops.database import Ops

HERE = Path(__file__).parent
APP = Path(data.__file__).with_name("app.py")


def load(name: str) -> ModuleType:
    """A module of this folder (tests are no package)."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def made() -> ModuleType:
    return load("made_practice")


@pytest.fixture(scope="session")
def reader(made: ModuleType) -> object:
    return made.make_reader()


@dataclass
class Pages:
    """The practice of this process, and a way to look at its pages in a role."""

    ops: Ops
    signed_out: list[Viewer] = field(default_factory=list)

    def open(self, page: str, roles: str, **query: str) -> AppTest:
        """A page as somebody in these roles (comma between them) sees it at first."""
        at = AppTest.from_string(f"from dashboards.views.{page} import {page}\n{page}()", default_timeout=20)
        return self._run(at, roles, query)

    def start(self, roles: str) -> AppTest:
        """The whole application with its navigation."""
        return self._run(AppTest.from_file(str(APP), default_timeout=20), roles, {})

    def _run(self, at: AppTest, roles: str, query: dict[str, str]) -> AppTest:
        at.user = {"name": "Ada", "roles": roles, "session": f"digest-of-{roles}"}
        for name, value in query.items():
            at.query_params[name] = value
        return at.run()


@pytest.fixture(scope="session")
def template(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a practice that tests copy: making one takes longer than looking at it."""
    folder = tmp_path_factory.mktemp("template") / "markt"
    made.make_practice(folder)[1].close()
    return folder


@pytest.fixture
def serve_reader(made: ModuleType, template: Path, tmp_path: Path) -> Iterator[Callable[[object], Pages]]:
    """Serve a practice of this process from a reader of `made_practice`."""
    opened: list[Ops] = []

    def serving(reader: object) -> Pages:
        practice, ops = made.make_practice(tmp_path / "markt", like=template)
        opened.append(ops)
        pages = Pages(ops)
        data.serve_from(practice, ops, pages.signed_out.append, published=made.published(reader))
        return pages

    yield serving
    for ops in opened:
        ops.close()


@pytest.fixture
def pages(serve_reader: Callable[[object], Pages], reader: object) -> Pages:
    return serve_reader(reader)


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and a password for the users chef, empfang, edv, analyse."""

    base: str
    password: str
    told: dict[str, object]
    child: subprocess.Popen[str]

    def serve_requests(self) -> None:
        """Let a run take what "Jetzt synchronisieren" asked for, and end it."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write("run\n")
        self.child.stdin.flush()
        assert self.child.stdout.readline() == "ran\n"


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[Server]:
    """The pages as they are really served, in a process of their own."""
    command = [sys.executable, str(HERE / "served_child.py"), str(folder / "markt"), *more]
    environment = {**os.environ, "PRAXISTAKT_HOME": str(folder)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        yield Server(told["base"], told["password"], told, child)
        child.terminate()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this process."""
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def serve_in() -> Callable[..., AbstractContextManager[Server]]:
    """Start a server of one's own: `serve_in(folder, certificate)`."""
    return serving
