"""Counts the tests that passed, per marker, against a committed minimum.

A suite that quietly loses its browser tests stays green; this plugin makes that red. `--census GROUP` names the table
of `tests/census.toml` that holds the minimum for this run. In continuous integration (`CI=true`) a skip is a failure.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from pathlib import Path

import pytest

CENSUS = Path(__file__).parent.parent / "census.toml"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--census", metavar="GROUP", help="hold the counts against this table of tests/census.toml")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Census(config), "census")


class Census:
    """Lives in the process that reports, beside any number of workers."""

    def __init__(self, config: pytest.Config) -> None:
        markers = [line.split(":")[0] for line in config.getini("markers")]
        self.markers = {m for m in markers if m in ("browser", "engine", "faults", "vendors", "journey")}
        self.group: str | None = config.getoption("--census")
        self.passed: Counter[str] = Counter()
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.update(["total", *(self.markers & set(report.keywords))])

    def shortfalls(self) -> list[str]:
        if self.group is None:
            return []
        minimum = tomllib.loads(CENSUS.read_text())[self.group]
        return [
            f"{m}: {self.passed[m]} passed, at least {n} expected" for m, n in minimum.items() if self.passed[m] < n
        ]

    def problems(self) -> list[str]:
        skipped = self.skipped if os.environ.get("CI") == "true" else []
        return self.shortfalls() + [f"skipped: {nodeid}" for nodeid in skipped]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and self.problems():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        counts = ", ".join(f"{marker} {n}" for marker, n in sorted(self.passed.items()))
        terminalreporter.write_line(f"passed per marker: {counts}")
        for problem in self.problems():
            terminalreporter.write_line(f"census: {problem}", red=True)
