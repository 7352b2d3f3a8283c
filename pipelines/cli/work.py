"""`run`, `resync`, `status`: let the pipeline work without Dagster, and see how it does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.cli import say
from pipelines.cli.bars import bars
from pipelines.cli.practices import opened
from pipelines.cli.sandboxed import other_side
from pipelines.cli.say import AsJson, Ends, PracticeName
from pipelines.errors import SettingsError
from pipelines.health import SourceHealth, Stuck
from pipelines.land import SourceRead
from pipelines.ops import breaker
from pipelines.ops.findings import Finding
from pipelines.ops.runs import SourceRun
from pipelines.practice import Practice, home, practices
from pipelines.run import RunResult, Scope, run
from pipelines.status import PracticeStatus, status

SourceName = Annotated[str | None, typer.Option("--source", help="This source alone.", show_default=False)]
#: How a light looks where there are no colours.
LIGHTS = {"green": "[green]●[/] ok", "yellow": "[yellow]▲[/] late", "red": "[red]■[/] failed", "grey": "○ unknown"}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("run")(run_once)
    app.command()(resync)
    app.command("status")(show_status)


def run_once(
    name: PracticeName,
    full: Annotated[bool, typer.Option("--full", help="Read everything and compare, not only what changed.")] = False,
    source: SourceName = None,
    accept_removals: Annotated[
        bool, typer.Option("--accept-removals", help="It is right that a large share of the rows is gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read the sources of a practice and build what follows, once, without Dagster."""
    _run(name, "full" if full else "changes", source, accept_removals=accept_removals, as_json=as_json)


def resync(name: PracticeName, source: SourceName = None, as_json: AsJson = False) -> None:
    """After a source was repaired: ask it again at once and compare everything it says."""
    with opened(name) as (practice, o):
        for one in [source] if source else practice.source_names():
            _known(practice, one)
            breaker.reset(o, one, practice.now())
    _run(name, "full", source, accept_removals=False, as_json=as_json)


def _run(name: str, scope: Scope, source: str | None, *, accept_removals: bool, as_json: bool) -> None:
    with opened(name) as (practice, o), other_side(practice):
        if source is not None:
            _known(practice, source)
        with bars(shown=not as_json) as show:
            done = run(practice, o, scope=scope, only=source, accept_removals=accept_removals, progress=show)
    say.result(asdict(done), lambda: tell(done), as_json=as_json)
    say.end(say.STATE_ENDS[done.state])


def _known(practice: Practice, source: str) -> None:
    if source not in practice.source_names():
        known = ", ".join(practice.source_names())
        raise SettingsError([f"practice.toml: [sources.{source}]: there is none; there are {known}"])


def tell(done: RunResult) -> None:
    """One run, for people."""
    say.line(f"Run {done.run} ({done.scope}): [bold]{done.state}[/] after {done.seconds:.1f} s")
    for text in done.recovered.problems:
        say.line(f"[yellow]repaired:[/] {escape(text)}")
    if done.abandoned:
        say.line(f"cleared away: {len(done.abandoned)} run(s) that were cut short")
    columns = ("source", "state", "read", "new", "changed", "removed", "set aside", "unmapped codes", "s")
    say.out.print(say.table(*columns, rows=[_read_row(read) for read in done.landed.sources]))
    for read in done.landed.sources:
        if read.cause:
            _tell_trouble(read.source, read.cause, read.remedy)
    say.line(f"raw: {'segment ' + done.landed.segment if done.landed.segment else 'nothing new, no segment'}")
    if done.built is not None:
        _tell_build(done)


def _read_row(read: SourceRead) -> tuple[object, ...]:
    counts = (read.read, read.new, read.changed, read.removed, read.rejected, read.unmapped)
    return (read.source, read.state, *counts, round(read.seconds, 1))


def _tell_trouble(source: str, cause: str, remedy: str | None) -> None:
    """What is wrong and what to do, in one line."""
    say.line(f"[yellow]{escape(source)}:[/] {escape(cause)}" + (f" → {escape(remedy)}" if remedy else ""))


def _tell_build(done: RunResult) -> None:
    built = done.built
    if built is None or built.generation is None:
        say.line("published: what is there is current, no generation")
        return
    say.line(f"published: generation {built.generation.name}, {len(built.models)} tables in {built.seconds:.1f} s")
    for check in built.checks:
        if check.rows:
            say.line(f"[yellow]check {check.name}:[/] {check.rows} row(s), {check.severity}")


def show_status(
    name: Annotated[str | None, typer.Argument(help="One practice; else all of them.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """How practices do: lights, ages of data, last runs, breakers, findings."""
    found = [_status(one) for one in ([name] if name else practices())]
    say.result(found[0] if name else {"practices": found}, lambda: _tell_all(found), as_json=as_json)
    say.end(max((_ends(one) for one in found), default=Ends.OK))


def _tell_all(found: list[PracticeStatus]) -> None:
    for one in found:
        _tell_status(one)
    if not found:
        say.line(f"no practice in {home()}; `praxistakt init` or `praxistakt demo` makes one")


def _status(name: str) -> PracticeStatus:
    with opened(name) as (practice, o):
        return status(practice, o, stuck_elsewhere=_stuck_in_service(practice))


def _stuck_in_service(practice: Practice) -> list[Stuck]:
    """What the service started and did not end; without a service there is nothing to ask, and it takes a second."""
    if not (home() / ".dagster").is_dir():
        return []
    from pipelines.defs.instance import stuck_runs  # noqa: PLC0415  (Dagster loads only where it is asked)

    return [one for one in stuck_runs(home(), practice.now()) if one.practice == practice.id]


def _ends(found: PracticeStatus) -> Ends:
    light = {"green": Ends.OK, "grey": Ends.ATTENTION, "yellow": Ends.ATTENTION, "red": Ends.FAILED}
    wrong = any(finding.severity == "error" for finding in found.findings)
    return max(light[found.health.light], Ends.ATTENTION if wrong else Ends.OK)


def _tell_status(found: PracticeStatus) -> None:
    service = "running" if found.health.service_alive else "not running (praxistakt dagster)"
    say.line(f"[bold]{escape(found.name)}[/] ({found.practice}): {LIGHTS[found.health.light]}, service {service}")
    columns = ("source", "light", "reason", "data age", "breaker")
    say.out.print(say.table(*columns, rows=[_source_row(source) for source in found.health.sources]))
    for source in found.health.sources:
        if source.light != "green" and source.facts.cause:
            _tell_trouble(source.source, source.facts.cause, source.facts.remedy)
    for run_ in found.runs:
        why = "".join(f"; {escape(one.source)}: {_oddity(one)}" for one in run_.sources if _oddity(one))
        say.line(f"run {run_.run} {run_.kind}: {run_.state}, started {run_.started_at:%d.%m. %H:%M} UTC{why}")
    for stuck in found.health.stuck:
        say.line(f"[red]run {stuck.run} at work for {stuck.minutes} min:[/] {stuck.remedy}")
    for finding in found.findings:
        _tell_finding(finding)


def _oddity(read: SourceRun) -> str:
    """Why somebody should look at what a run read from a source; "" if nobody need."""
    if read.state != "ok":
        return read.state
    return f"{read.rejected} row(s) set aside" if read.rejected else ""


def _tell_finding(finding: Finding) -> None:
    """What it is about; why and what to do, if that is on record and is not told with the source."""
    say.line(f"[yellow]{finding.severity}:[/] {finding.kind} {escape(finding.key)}, {finding.times} time(s)")
    cause, remedy = finding.detail.get("cause"), finding.detail.get("remedy")
    if cause and finding.source is None:
        say.line(f"  {escape(str(cause))}" + (f" → {escape(str(remedy))}" if remedy else ""))


def _source_row(source: SourceHealth) -> tuple[object, ...]:
    age = None if source.age_minutes is None else f"{source.age_minutes} min"
    return (source.title, source.light, source.reason, age, source.facts.breaker)
