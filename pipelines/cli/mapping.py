"""`map introspect`, `map test`, `grants`: from an unknown practice database to a profile that fits, and its login."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipelines import trial
from pipelines.cli import say
from pipelines.cli.people import ask_password
from pipelines.cli.sandboxed import other_side
from pipelines.cli.say import AsJson, Ends, PracticeName
from pipelines.cli.setup import tell_findings
from pipelines.errors import SettingsError
from pipelines.practice import Practice
from pipelines.trial import RecordTrial, Trial

if TYPE_CHECKING:
    from connectors.pvs.introspect.draft import Draft

SourceName = Annotated[str | None, typer.Option("--source", help="Its name in practice.toml; else the first database.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(cls=say.Commands, no_args_is_help=True, help="Profiles: from an unknown database to records.")
    group.command("introspect")(draft_of_database)
    group.command("test")(try_mapping)
    app.add_typer(group, name="map")
    app.command("grants")(print_grants)


def draft_of_database(
    target: Annotated[str, typer.Argument(help="A practice, or the URL of a database.", show_default=False)],
    *,
    source: SourceName = None,
    name: Annotated[str, typer.Option(help="The profile's name.")] = "praxis",
    out: Annotated[Path | None, typer.Option(help="Write the draft there; else it is printed.")] = None,
    ask: Annotated[bool, typer.Option("--password", help="Ask for the password of the URL's login.")] = False,
    from_stdin: Annotated[bool, typer.Option("--password-stdin", help="Its password from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at an unknown database and draft a profile for it. Reads a few rows of a few tables, shows none of them."""
    from connectors.pvs.introspect import introspect  # noqa: PLC0415  (databases load only where one is asked)

    _refuse_draft(out)
    password = ask_password(from_pipe=from_stdin) if ask or from_stdin else None
    url, password = (target, password) if ":" in target else _link(target, source)
    with say.waiting("looking at tables", shown=not as_json):
        made = introspect(url, password, name=name)
    if out is not None:
        out.write_text(made.text, encoding="utf-8")
    told = {"tables": made.tables, "columns": made.columns, "records": made.records, "holes": made.holes, "draft": out}
    say.result(told | ({} if out else {"text": made.text}), lambda: _tell_draft(made, out), as_json=as_json)
    say.end(Ends.ATTENTION if made.holes else Ends.OK)


def _refuse_draft(out: Path | None) -> None:
    if out is not None and out.exists():
        raise SettingsError([f"map introspect: --out: {out} exists; a draft is never written over anything"])


def _link(name: str, source: str | None) -> tuple[str, str | None]:
    """The URL and password of a practice's database."""
    practice = Practice.open(name)
    table = practice.settings.source_tables[_database(practice, source)]
    secret = table.get("password_secret")
    return str(table["url"]), None if secret is None else practice.secret(str(secret))


def _database(practice: Practice, source: str | None) -> str:
    """The source of that name, or the first one that is a database."""
    tables = practice.settings.source_tables
    if source is None:
        found = next((name for name, table in tables.items() if table["kind"] == "pvs"), None)
        if found is None:
            raise SettingsError(['practice.toml: [sources]: there is no database (kind = "pvs")'])
        return found
    if source not in tables:
        raise SettingsError([f"practice.toml: [sources.{source}]: there is none; there are {', '.join(tables)}"])
    return source


def _tell_draft(made: Draft, out: Path | None) -> None:
    if out is None:
        typer.echo(made.text)
        return
    say.line(f"{made.tables} tables, {made.columns} columns; draft: {out}")
    rows: list[tuple[object, ...]] = list(made.records.items())
    say.out.print(say.table("record", "table", rows=rows))
    if made.holes:
        say.line(f"{len(made.holes)} hole(s) to fill in (???):")
        for hole in made.holes:
            say.line(f"  {escape('[' + hole + ']')}")
    say.line(
        "Next: look at every line of it, then `praxistakt init ... --pvs-profile` (or name it in a practice.toml that"
        " is there already), then `praxistakt map test`."
    )


def try_mapping(name: PracticeName, source: SourceName = None, as_json: AsJson = False) -> None:
    """Read everything through a source's profile, land nothing, say what is odd. Shows counts and codes, no patient."""
    practice = Practice.open(name)
    with other_side(practice), say.waiting("reading", shown=not as_json):
        tried = trial.attempt(practice, _database(practice, source))
    say.result(tried, lambda: _tell_trial(tried), as_json=as_json)
    say.end({"ok": Ends.OK, "warn": Ends.ATTENTION, "error": Ends.FAILED}[tried.level])


def _tell_trial(tried: Trial) -> None:
    tell_findings(tried.findings)
    if tried.records:
        columns = ("record", "rows", "kept", "deleted", "set aside", "doubts", "from", "to", "empty fields")
        say.out.print(say.table(*columns, rows=[_row(one) for one in tried.records]))
    seen = tried.plausibility
    if seen is not None:
        say.line(
            f"appointments: {seen.per_week:g} per week, {seen.minutes:g} minutes,"
            f" {seen.outside_day:.1%} outside {trial.DAY[0]}-{trial.DAY[1]} h, {seen.at_weekends:.1%} at weekends,"
            f" {seen.without_length:.1%} without length"
        )
    for remark in tried.remarks:
        say.line(f"[yellow]▲[/] {escape(remark)}")
    if tried.level == "ok":
        say.line("Nothing odd. Nothing was landed either: `praxistakt run` does that.")


def _row(one: RecordTrial) -> tuple[object, ...]:
    counts = (one.read, one.kept, one.removed, sum(one.rejected.values()), sum(one.issues.values()))
    much = [f"{name} {share:.0%}" for name, share in one.empty.items() if share >= 0.5]
    return (one.resource, *counts, one.first, one.last, ", ".join(much) or None)


def print_grants(
    name: PracticeName,
    *,
    source: SourceName = None,
    login: Annotated[str, typer.Option(help="The login that is to be made.")] = "praxistakt",
    schema: Annotated[str | None, typer.Option(help="The tables' schema, if it is not the usual one.")] = None,
    writing: Annotated[bool, typer.Option("--writing", help="For the login that carries corrections.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the statements that make a login with the rights the profile needs, and no others. Runs none of them."""
    from connectors.pvs import grants  # noqa: PLC0415  (databases load only where one is spoken of)

    practice = Practice.open(name)
    table = practice.settings.source_tables[_database(practice, source)]
    lines = grants.for_source(table, login=login, schema=schema, role="writing" if writing else "reading")
    say.result({"statements": lines}, lambda: typer.echo("\n".join(lines)), as_json=as_json)
