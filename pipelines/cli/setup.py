"""`init`, `secret`, `doctor`: make a practice, give it its passwords, see whether it is well."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from connectors.source import Finding
from pipelines import doctor
from pipelines.cli import say
from pipelines.cli.people import ask_password
from pipelines.cli.sandboxed import other_side
from pipelines.cli.say import AsJson, Ends, PracticeName
from pipelines.cli.template import Wishes, practice_toml
from pipelines.errors import SettingsError
from pipelines.keys import Keystore, RecoverySheet
from pipelines.ops import users
from pipelines.ops.database import create, open_ops
from pipelines.practice import Practice, home, restore_keys


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command("doctor")(examine)
    group = typer.Typer(cls=say.Commands, no_args_is_help=True, help="Passwords and API keys of sources.")
    group.command("set")(set_secret)
    group.command("list")(list_secrets)
    app.add_typer(group, name="secret")
    app.command("restore-keys")(bring_back_keys)


def init(
    folder: Annotated[str, typer.Argument(help="A name below $PRAXISTAKT_HOME, or a folder.", show_default=False)],
    *,
    name: Annotated[str | None, typer.Option(help="The practice's name.")] = None,
    state: Annotated[str | None, typer.Option(help="Bundesland: BY, BE, NW, ...")] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the practice.")] = "Europe/Berlin",
    pvs_url: Annotated[str | None, typer.Option(help="SQLAlchemy or ODBC URL, without a password.")] = None,
    pvs_profile: Annotated[str | None, typer.Option(help="The practice software's profile.")] = None,
    booking_url: Annotated[str | None, typer.Option(help="Base address of the platform's FHIR API.")] = None,
    booking_access_id: Annotated[str | None, typer.Option(help="Our name for APIAuth.")] = None,
    settings: Annotated[Path | None, typer.Option(help="A practice.toml to take instead of these options.")] = None,
    user: Annotated[str | None, typer.Option(help="Name of the first user (manager and IT).")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Its password from standard input.")] = False,
    sheet: Annotated[Path | None, typer.Option(help="Write the recovery sheet there; else it is printed.")] = None,
    keystore: Annotated[str, typer.Option(help="auto, keyring or file.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Make a practice: folder, practice.toml, keys, recovery sheet, ops.db, first user."""
    _refuse_sheet(sheet)
    wishes = Wishes(timezone, pvs_url, _as_typed(pvs_profile), booking_url, booking_access_id)
    text = settings.read_text(encoding="utf-8") if settings else practice_toml(*_named(name, state), _asked(wishes))
    first = _ask(user, "--user", "Name of the first user").strip()
    if not first:
        raise SettingsError(["init: --user: found an empty name, expected one"])
    password = users.long_enough(ask_password(from_pipe=password_stdin))
    practice, recovery = Practice.init(_place(folder), text, keystore=_keystore(keystore))
    create(practice.ops_path, practice.key("ops"))
    with open_ops(practice) as o:
        users.add(o, first, ["manager", "it"], password, practice.now())
    _hand_over(recovery, sheet, as_json=as_json)
    made = {"practice": practice.id, "folder": practice.folder, "user": first, "sheet": sheet}
    say.result(made, lambda: _tell_made(practice), as_json=as_json)


def _as_typed(profile: str | None) -> str | None:
    """A path that was typed here means here; in practice.toml it would begin at the practice's folder."""
    return str(Path(profile).expanduser().absolute()) if profile and profile.endswith(".toml") else profile


def _named(name: str | None, state: str | None) -> tuple[str, str]:
    return _ask(name, "--name", "Name of the practice"), _ask(state, "--state", "Bundesland (BY, BE, NW, ...)")


def _asked(wishes: Wishes) -> Wishes:
    """A practice has at least one source."""
    if wishes.pvs_url or wishes.booking_url:
        return wishes
    return replace(wishes, pvs_url=_ask(None, "--pvs-url", "URL of the practice software"))


def _place(folder: str) -> Path:
    """A bare name lies below the home of all practices, where the service finds it."""
    return home() / folder if Path(folder).name == folder else Path(folder)


def _ask(given: str | None, option: str, question: str) -> str:
    """What an option said, else what a person types; a program that forgot it is told which."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise SettingsError([f"init: {option}: missing, and there is no terminal to ask at"])
    return str(typer.prompt(question))


def _keystore(choice: str) -> Keystore:
    choices: dict[str, Keystore] = {"auto": "auto", "keyring": "keyring", "file": "file"}
    if choice not in choices:
        raise SettingsError([f"init: --keystore: found {choice!r}, expected one of {', '.join(choices)}"])
    return choices[choice]


def _refuse_sheet(sheet: Path | None) -> None:
    if sheet is not None and sheet.exists():
        raise SettingsError([f"init: --sheet: {sheet} exists; a recovery sheet is never written over anything"])


def _hand_over(recovery: RecoverySheet, sheet: Path | None, *, as_json: bool) -> None:
    """To a file if one is named, else to the terminal; beside JSON to stderr, because JSON ends in other programs."""
    if sheet is not None:
        sheet.touch(mode=0o600)
        sheet.write_text(recovery.text, encoding="utf-8")
    else:
        typer.echo(recovery.text, err=as_json)


def _tell_made(practice: Practice) -> None:
    say.line(f"Made: {practice.folder}")
    say.line("Print the recovery sheet, lock it away, delete its file: without it nobody can bring lost keys back.")
    say.line("The opening hours in its practice.toml are only an example: write yours.")
    say.line(f"Next: edit practice.toml, then `praxistakt doctor {practice.id}` and `praxistakt run {practice.id}`.")


def set_secret(
    name: PracticeName,
    secret: Annotated[str, typer.Argument(help="The name that practice.toml uses.", show_default=False)],
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read the value from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a password or an API key beside the practice's keys."""
    Practice.open(name).set_secret(secret, ask_password(from_pipe=from_stdin))
    say.result({"secret": secret}, lambda: say.line(f"{secret} is set."), as_json=as_json)


def list_secrets(name: PracticeName, as_json: AsJson = False) -> None:
    """Which secrets practice.toml names, and whether each is set; never their values."""
    found = doctor.secrets(Practice.open(name))
    rows: list[tuple[object, ...]] = [(one, "set" if there else "missing") for one, there in found.items()]
    say.result({"secrets": found}, lambda: say.out.print(say.table("secret", "state", rows=rows)), as_json=as_json)
    say.end(Ends.OK if all(found.values()) else Ends.ATTENTION)


def bring_back_keys(
    name: PracticeName,
    sheet: Annotated[Path, typer.Argument(help="The recovery sheet as a text file.", show_default=False)],
    keystore: Annotated[str, typer.Option(help="auto, keyring or file.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Bring lost keys back from the recovery sheet. Secrets of sources are not on it: set them again."""
    restore_keys(name, sheet.read_text(encoding="utf-8"), keystore=_keystore(keystore))
    said = f"The keys of {name} are back; delete {sheet}. Set the secrets of its sources: praxistakt secret list {name}"
    say.result({"practice": name}, lambda: say.line(said), as_json=as_json)


def examine(name: PracticeName, as_json: AsJson = False) -> None:
    """Look at everything that a run needs: this machine, keys, files, sources. Names a remedy for what is wrong."""
    practice = Practice.open(name)
    with other_side(practice):
        findings = doctor.examine(practice)
    say.result({"findings": findings}, lambda: tell_findings(findings), as_json=as_json)
    say.end(max((_LEVEL_ENDS[finding.level] for finding in findings), default=Ends.OK))


_LEVEL_ENDS = {"ok": Ends.OK, "warn": Ends.ATTENTION, "error": Ends.FAILED}
_MARKS = {"ok": "[green]●[/]", "warn": "[yellow]▲[/]", "error": "[red]■[/]"}


def tell_findings(findings: list[Finding]) -> None:
    """One line each: a light, what was looked at, what was found, and what to do."""
    for finding in findings:
        remedy = f" → {escape(finding.remedy)}" if finding.remedy else ""
        say.line(f"{_MARKS[finding.level]} {escape(finding.check)}: {escape(finding.message)}{remedy}")
