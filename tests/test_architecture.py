"""Who may import whom, and who owns our names: the directions that are expensive to turn round later."""

from __future__ import annotations

import ast
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("connectors", "pipelines", "dashboards")

#: Each package may import itself and those below it.
MAY_IMPORT = {
    "connectors": {"connectors"},
    "pipelines": {"pipelines", "connectors"},
    "dashboards": {"dashboards", "pipelines"},
}

#: A third-party library and the only places that know it.
ONLY_IN = {
    "dagster": ("pipelines/defs/", "pipelines/definitions.py"),
    "dagster_webserver": ("pipelines/defs/",),
    "streamlit": ("dashboards/",),
    "pyodbc": ("connectors/",),
    "httpx": ("connectors/",),
    "sqlalchemy": ("connectors/", "pipelines/ops/"),
    "alembic": ("pipelines/ops/",),
    "sqlcipher3": ("pipelines/ops/",),
    "duckdb": ("pipelines/",),
    "typer": ("pipelines/cli",),
    "rich": ("pipelines/cli", "pipelines/demo.py"),
}

#: The other side, played by us, is started by the command line alone (tests and benchmarks aside).
SANDBOX_ONLY_IN = ("connectors/sandbox/", "pipelines/cli", "pipelines/demo.py")

#: Stations and jobs meet in tables; only those that put them in order know several.
STATIONS = ("land", "matching", "audit_calendars", "slot_snapshot", "sync", "recall", "no_show", "waitlist", "privacy")
ORDERED_BY = ("pipelines/run.py", "pipelines/definitions.py", "pipelines/defs/", "pipelines/cli", "pipelines/demo.py")

NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "misc", "common", "manager"}


def modules(*tops: str) -> Iterator[Path]:
    """Python files below `tops`, relative to the root."""
    for top in tops:
        yield from (path.relative_to(ROOT) for path in sorted((ROOT / top).rglob("*.py")))


def imports(module: Path) -> set[str]:
    """Dotted names that a module imports, wherever in it; `from a import b` counts as `a` and `a.b`."""
    found: set[str] = set()
    package = module.parent.parts
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *((node.module,) if node.module else ())))
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


def breaches(allowed: dict[str, tuple[str, ...]], name: str) -> list[str]:
    """Modules that import library `name` from outside its places."""
    places = allowed[name]
    return [
        str(module)
        for module in modules(*PACKAGES)
        if not module.as_posix().startswith(places)
        and any(imported.split(".")[0] == name for imported in imports(module))
    ]


def test_the_reader_of_imports_finds_all_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path, raising=True)
    (tmp_path / "pipelines" / "defs").mkdir(parents=True)
    module = Path("pipelines/defs/a.py")
    (tmp_path / module).write_text("import x.y\ndef f():\n    from . import b\n    from ..land import land\n")
    assert imports(module) >= {"x.y", "pipelines.defs.b", "pipelines.land", "pipelines.land.land"}


@pytest.mark.parametrize("top", PACKAGES)
def test_packages_import_only_downwards(top: str) -> None:
    wrong = {
        f"{module}: {name}"
        for module in modules(top)
        for name in imports(module)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] not in MAY_IMPORT[top]
    }
    assert wrong == set()


def test_only_one_command_starts_what_lies_above() -> None:
    """`dashboards` is loaded by name in one place; a module's name as a text is the way round an import statement."""
    named = {
        str(module)
        for module in modules("pipelines", "connectors")
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("dashboards.")
    }
    assert named <= {"pipelines/cli/serve.py"}


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_is_known_in_its_places_only(library: str) -> None:
    assert breaches(ONLY_IN, library) == []


def test_only_the_command_line_plays_the_other_side() -> None:
    wrong = [
        str(module)
        for module in modules(*PACKAGES)
        if not module.as_posix().startswith(SANDBOX_ONLY_IN)
        and any(name.startswith("connectors.sandbox") for name in imports(module))
    ]
    assert wrong == []


def test_stations_meet_in_tables_only() -> None:
    names = {f"pipelines.{station}" for station in STATIONS}
    wrong = []
    for module in modules("pipelines"):
        own = f"pipelines.{module.with_suffix('').parts[1]}"
        if own in names and not module.as_posix().startswith(ORDERED_BY):
            others = {".".join(name.split(".")[:2]) for name in imports(module)} & names - {own}
            wrong += [f"{module}: {other}" for other in sorted(others)]
    assert wrong == []


def test_nothing_below_imports_those_who_order_it() -> None:
    above = {"pipelines.run", "pipelines.definitions", "pipelines.defs", "pipelines.cli", "pipelines.demo"}
    wrong = [
        f"{module}: {name}"
        for module in modules("pipelines", "connectors")
        if not module.as_posix().startswith(ORDERED_BY)
        for name in imports(module)
        if ".".join(name.split(".")[:2]) in above
    ]
    assert wrong == []


def test_no_module_is_named_after_a_kind() -> None:
    assert [str(m) for m in modules(*PACKAGES) if NAMES_THAT_SAY_NOTHING & {*m.parts, m.stem}] == []


def test_every_module_of_defs_is_imported_by_name() -> None:
    """The folder loader of Dagster fails in an installed wheel."""
    parts = {f"pipelines.defs.{path.stem}" for path in modules("pipelines/defs") if path.stem != "__init__"}
    run_dagster = {f"pipelines.defs.{name}" for name in ("daemon", "in_process", "instance", "ui")}
    assert imports(Path("pipelines/definitions.py")) >= parts - run_dagster


def test_sql_holds_no_python() -> None:
    assert list((ROOT / "sql").rglob("*.py")) == []


def test_foreign_text_cannot_become_markup() -> None:
    """Names of patients come from booking portals: nothing may render them as HTML."""
    for module in modules("dashboards"):
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
            allows = isinstance(node, ast.keyword) and node.arg == "unsafe_allow_html"
            renders = isinstance(node, ast.Attribute) and node.attr == "html" and ast.unparse(node.value) == "st"
            if allows or renders:
                pytest.fail(f"{module}:{getattr(node, 'lineno', '?')} renders foreign text as HTML")


def test_the_environment_is_read_in_one_place() -> None:
    reading = {
        str(module)
        for module in modules(*PACKAGES)
        for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    # the command line hands its --home on to the processes that it starts
    assert reading <= {"pipelines/practice.py", "pipelines/cli/process.py"}


def test_nobody_else_owns_our_package_names() -> None:
    """A distribution that installs a package called `connectors` or `sql` would shadow ours, or be shadowed."""
    owners = importlib.metadata.packages_distributions()
    ours = {*PACKAGES, "sql"}
    assert {name: set(owners.get(name, [])) - {"praxistakt"} for name in ours} == {name: set() for name in ours}
