"""`demo`: a believable practice from its two systems to its pages, by one command."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import polars as pl
import typer
from rich.markup import escape

from pipelines import publish
from pipelines.cli import say
from pipelines.cli.bars import bars
from pipelines.cli.process import use_home
from pipelines.cli.sandboxed import free_port, other_side
from pipelines.cli.say import AsJson, Ends
from pipelines.cli.serve import pages
from pipelines.ops import users
from pipelines.ops.database import open_ops
from pipelines.practice import Practice, utc_now
from pipelines.run import Scope
from pipelines.status import PracticeStatus, status

#: Who the demo signs in: has no password, comes in by links alone.
DEMO_USER = "demo"

#: Where the demo practice is.
ZONE = ZoneInfo("Europe/Berlin")

#: Weeks of utilisation that the summary shows.
WEEKS = 4

_COUNTS = """
SELECT count(*) AS appointments, count(*) FILTER (is_counted) AS counted, count(DISTINCT person_key) AS persons,
    min(service_date) AS first_day, max(service_date) AS last_day
FROM marts.fact_appointment
"""
_UTILISATION = """
SELECT isoyear(service_date) AS year, week(service_date) AS week,
    round(100 * sum(booked_min) / nullif(sum(bookable_min), 0), 1) AS booked_percent,
    round(100 * sum(used_min) / nullif(sum(bookable_min), 0), 1) AS used_percent
FROM marts.fact_capacity_day
WHERE resource_kind = 'person' AND service_date < date_trunc('week', $today::DATE)
    AND service_date >= date_trunc('week', $today::DATE) - to_days($days::INTEGER)
GROUP BY ALL
ORDER BY year, week
"""


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the summary.")] = False,
    home: Annotated[Path, typer.Option(help="Where the demo lies.")] = Path("demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Make it anew, whatever is there.")] = False,
    patients: Annotated[int, typer.Option(help="How many patients.")] = 12_000,
    years: Annotated[float, typer.Option(help="Years of history.")] = 3.0,
    disagreements: Annotated[int, typer.Option(help="Of each kind: 0, or 20 and more.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed, another practice.")] = 1,
    dagster: Annotated[bool, typer.Option("--dagster", help="Dagster's pages too, inside the gate.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a practice with made-up patients, run the pipeline through Dagster, serve its pages until Ctrl-C."""
    from connectors.sandbox.world import WorldPlan  # noqa: PLC0415  (the other side is made here alone)
    from pipelines.cli import demo_practice  # noqa: PLC0415

    places = demo_practice.Places(home.absolute())
    use_home(places.home)
    if fresh:
        demo_practice.clear(places)
    planted: dict[str, int] = {}
    scope: Scope = "changes"
    if places.practice.exists():
        practice = Practice.open(places.practice)
    else:
        plan = WorldPlan(utc_now().astimezone(ZONE).date(), seed, patients, years, disagreements=disagreements)
        with say.waiting("Making two systems and the people in them", shown=not as_json):
            practice, world = demo_practice.make(places, plan, DEMO_USER, free_port())
        planted, scope = _planted(world.truth), "full"
    with other_side(practice):
        _run(practice, scope, shown=not as_json)
        found = _summary(practice, planted)
        say.result(found, lambda: _tell(practice, found), as_json=as_json)
        if once:
            say.end(Ends.FAILED if found["status"].health.light == "red" else Ends.OK)
        else:
            _serve(practice, places.home, dagster=dagster)


def _planted(truth: pl.DataFrame) -> dict[str, int]:
    """How many disagreements of each kind the world was given."""
    return dict(truth.group_by("kind").len().sort("kind").iter_rows())


def _run(practice: Practice, scope: Scope, *, shown: bool) -> None:
    """All stations, as the service runs them, with progress bars."""
    from pipelines.defs.in_process import execute  # noqa: PLC0415  (Dagster loads only where it is used)

    with bars(shown=shown) as show:
        execute(practice.folder.parent, practice.id, scope, show)


def _summary(practice: Practice, planted: dict[str, int]) -> dict[str, Any]:
    """What was found and where: counts only."""
    with publish.connect(practice) as con:
        counts = con.execute(_COUNTS).pl().row(0, named=True)
        weeks = con.execute(_UTILISATION, {"today": practice.today(), "days": 7 * WEEKS}).pl().to_dicts()
    with open_ops(practice) as o:
        how = status(practice, o)
    return {
        "practice": practice.id,
        "folder": practice.folder,
        "counts": counts,
        "utilisation": weeks,
        "planted_disagreements": planted,
        "status": how,
    }


def _tell(practice: Practice, found: dict[str, Any]) -> None:
    counts, how = found["counts"], found["status"]
    say.line(f"\n[bold]{escape(practice.settings.name)}[/]")
    say.line(
        f"{counts['appointments']:,} appointments of {counts['persons']:,} persons, {counts['first_day']} to "
        f"{counts['last_day']}; {counts['counted']:,} on leading calendars"
    )
    rows: list[tuple[object, ...]] = [tuple(week.values()) for week in found["utilisation"]]
    say.out.print(say.table("year", "week", "booked %", "used %", rows=rows))
    if found["planted_disagreements"]:
        kinds = ", ".join(f"{kind} {count}" for kind, count in found["planted_disagreements"].items())
        say.line(f"Disagreements between the two systems (planted): {kinds}")
    _tell_where(practice, how)


def _tell_where(practice: Practice, how: PracticeStatus) -> None:
    generation = how.published
    say.line(f"Encrypted files: {practice.raw_folder} ({how.raw_bytes / 1e6:,.1f} MB), ops.db beside it")
    say.line(f"Published: {generation.folder if generation else 'nothing'}")
    say.line("Ask it yourself (nothing of a patient's name is in there):")
    say.line(f'  {say.program()} query {practice.folder} "FROM marts.fact_capacity_day LIMIT 10"')


def _serve(practice: Practice, home: Path, *, dagster: bool) -> None:
    """The service and the pages until Ctrl-C; the children end with it."""
    from pipelines.defs.daemon import running  # noqa: PLC0415

    with ExitStack() as stack:
        stack.enter_context(running(home))
        pages().serve(practice, with_dagster=dagster, on_ready=lambda base: _invite(practice, base))


def _invite(practice: Practice, base: str) -> None:
    with open_ops(practice) as o:
        token = users.one_time_link(o, DEMO_USER, practice.now())
    say.line("\n[bold]Dashboard[/] (this link signs in once; Ctrl-C ends everything):")
    say.line(f"  {pages().one_time_address(base, token)}")
