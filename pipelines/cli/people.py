"""`user`: who may sign in to the pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipelines.cli import say
from pipelines.cli.practices import opened, sign_in_link
from pipelines.cli.say import AsJson, PracticeName
from pipelines.ops import users

UserName = Annotated[str, typer.Argument(help="The name that is typed at sign-in.", show_default=False)]
FromPipe = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(cls=say.Commands, no_args_is_help=True, help="Who may sign in to the pages.")
    for command in (add, lock, unlock, reset, link):
        group.command()(command)
    group.command("list")(show)
    app.add_typer(group, name="user")


def ask_password(*, from_pipe: bool) -> str:
    """A password from the terminal (twice) or from a pipe; never from the command's arguments, which others can see."""
    if from_pipe:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def add(
    name: PracticeName,
    user: UserName,
    role: Annotated[list[str], typer.Option("--role", help="manager, reception, it, analyst; several add up.")],
    password_stdin: FromPipe = False,
    as_json: AsJson = False,
) -> None:
    """Add a user."""
    password = ask_password(from_pipe=password_stdin)
    with opened(name) as (practice, o):
        users.add(o, user, role, password, practice.now())
    say.result({"user": user, "roles": role}, lambda: say.line(f"{user} may sign in."), as_json=as_json)


def lock(name: PracticeName, user: UserName, as_json: AsJson = False) -> None:
    """Keep a user out, at once: open pages close too."""
    with opened(name) as (practice, o):
        users.lock(o, user, practice.now())
    say.result({"user": user, "state": "locked"}, lambda: say.line(f"{user} is locked."), as_json=as_json)


def unlock(name: PracticeName, user: UserName, as_json: AsJson = False) -> None:
    """Let a locked user in again, also after too many wrong passwords."""
    with opened(name) as (practice, o):
        users.unlock(o, user, practice.now())
    say.result({"user": user, "state": "active"}, lambda: say.line(f"{user} may sign in again."), as_json=as_json)


def reset(name: PracticeName, user: UserName, password_stdin: FromPipe = False, as_json: AsJson = False) -> None:
    """Give a user a new password; sessions of the old one end."""
    password = ask_password(from_pipe=password_stdin)
    with opened(name) as (practice, o):
        users.reset_password(o, user, password, practice.now())
    say.result({"user": user}, lambda: say.line(f"{user} has a new password."), as_json=as_json)


def link(name: PracticeName, user: UserName, as_json: AsJson = False) -> None:
    """An address that signs this user in, once."""
    with opened(name) as (practice, o):
        address = sign_in_link(practice, users.one_time_link(o, user, practice.now()))
    say.result({"user": user, "link": address}, lambda: say.line(address), as_json=as_json)


def show(name: PracticeName, as_json: AsJson = False) -> None:
    """All users, their roles and whether they are locked."""
    with opened(name) as (_, o):
        found = users.every_user(o)
    listed = [{"user": one.name, "roles": one.roles, "state": one.state} for one in found]
    rows: list[tuple[object, ...]] = [(one.name, ", ".join(one.roles), one.state) for one in found]
    say.result(
        {"users": listed}, lambda: say.out.print(say.table("user", "roles", "state", rows=rows)), as_json=as_json
    )
