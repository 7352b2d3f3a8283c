"""A practice: the only way to its folder, keys, secrets, sources, settings and clock.

One practice is one folder. Its keys lie outside it, so that a copy of the folder is an encrypted export, and deleting
the folder and the keys is erasure. The environment is read in this module and nowhere else:

    PRAXISTAKT_HOME   the folder that holds the practices' folders; default ~/praxistakt
    PRAXISTAKT_KEYS   the folder for key files; default beside the practices: ~/praxistakt-keys
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from pipelines import keys, settings
from pipelines.errors import KeysMissing, KeysPresent, PracticeMissing, SettingsError
from pipelines.keys import Key, Keystore, RecoverySheet
from pipelines.settings import Settings

if TYPE_CHECKING:
    from connectors.source import Source

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


def utc_now() -> dt.datetime:
    """The wall clock. Only here: everything else is given its time."""
    return dt.datetime.now(dt.UTC)


def home() -> Path:
    """The folder that holds the practices of this machine."""
    named = os.environ.get("PRAXISTAKT_HOME")
    return (Path(named) if named else Path.home() / "praxistakt").expanduser().absolute()


def keys_folder(practice_folder: Path) -> Path:
    """Where a practice's key file lies, if the operating system's keyring is not used: beside the home it lies in."""
    named = os.environ.get("PRAXISTAKT_KEYS")
    beside = practice_folder.parent
    return Path(named).expanduser().absolute() if named else beside.with_name(f"{beside.name}-keys")


def practices() -> tuple[str, ...]:
    """Names of the practices under `home()`, sorted."""
    return tuple(sorted(found.parent.name for found in home().glob(f"*/{settings.FILE_NAME}")))


@dataclass(frozen=True)
class Practice:
    """One practice; cheap to open. Keys are looked up when the first one is asked for, and checked as a set.

    `id` is the folder's name. Two practices share nothing but the code.
    """

    folder: Path
    settings: Settings
    clock: Callable[[], dt.datetime] = field(default=utc_now, compare=False)

    @classmethod
    def open(cls, folder_or_name: str | Path, *, clock: Callable[[], dt.datetime] = utc_now) -> Self:
        """The practice in a folder, or the one of this name under `home()`.

        :raises PracticeMissing: no practice.toml there.
        :raises SettingsError: with all problems of its practice.toml.
        """
        folder = _find(folder_or_name)
        text = (folder / settings.FILE_NAME).read_text(encoding="utf-8")
        return cls(folder, settings.load(text, folder), clock)

    @classmethod
    def init(
        cls,
        folder: str | Path,
        settings_toml: str,
        *,
        keystore: Keystore = "auto",
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> tuple[Self, RecoverySheet]:
        """Make a practice: its folder, its keys, its practice.toml with their check value. No ops.db yet.

        :raises SettingsError: the settings are wrong, the folder's name is no id or the folder is in use.
        :raises KeysPresent: keys of a practice of this name are there already.
        """
        folder = Path(folder).expanduser().absolute()
        _refuse_folder(folder)
        settings.load(settings_toml, folder)
        store = keys.choose_store(keys_folder(folder), folder.name, keystore)
        if keys.has_keys(store):
            raise KeysPresent(
                f"{store.place}: holds keys of a practice named {folder.name}; choose another name, or, if that"
                " practice is gone for good, remove its keys there first"
            )
        key_set = keys.new_key_set()
        text = _with_key_check(settings_toml, keys.check_value(key_set))
        loaded = settings.load(text, folder)
        keys.save_keys(store, key_set)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / settings.FILE_NAME).write_text(text, encoding="utf-8")
        return cls(folder, loaded, clock), keys.recovery_sheet(loaded.name, key_set)

    @property
    def id(self) -> str:
        """The folder's name: the practice's name in commands, logs and Dagster's partitions."""
        return self.folder.name

    def now(self) -> dt.datetime:
        """The instant, UTC."""
        return self.clock().astimezone(dt.UTC)

    def today(self) -> dt.date:
        """The day in the practice's own zone."""
        return self.now().astimezone(self.zone).date()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The practice's time zone."""
        return ZoneInfo(self.settings.timezone)

    def key(self, purpose: str) -> Key:
        """The key for one purpose of `keys.PURPOSES`.

        :raises KeysMissing: the key set is not on this machine.
        :raises WrongKey: the keys found are not those of this practice (nothing was opened with them).
        """
        return self._keys[purpose]

    def secret(self, name: str) -> str:
        """A password or API key that practice.toml names.

        :raises SecretMissing: it was never set.
        """
        return keys.load_secret(self._store, name)

    def set_secret(self, name: str, value: str) -> None:
        """Keep a secret beside the keys."""
        keys.save_secret(self._store, name, value)

    def source_names(self) -> tuple[str, ...]:
        """Names of the foreign systems, in the order of practice.toml."""
        return tuple(self.settings.sources)

    def open_source(self, name: str) -> Source:
        """A foreign system, ready to be read in a `with`.

        :raises connectors.errors.ConnectorError: its profile is wrong or a driver is missing.
        """
        from connectors import registry  # noqa: PLC0415  (drivers load only where a foreign system is read)

        table = self.settings.source_tables[name]
        return registry.open_source(name, table, secret=self.secret, timezone=self.settings.timezone, now=self.now)

    @property
    def raw_folder(self) -> Path:
        """What foreign systems said: segments and their manifest."""
        return self.folder / "raw"

    @property
    def published_folder(self) -> Path:
        """What was built: a folder per generation and the pointer `current`."""
        return self.folder / "published"

    @property
    def spool_folder(self) -> Path:
        """Pushed messages that no segment holds yet."""
        return self.folder / "spool"

    @property
    def temp_folder(self) -> Path:
        """For DuckDB's (encrypted) spill files; nothing in it outlives a run."""
        return self.folder / "temp"

    @property
    def ops_path(self) -> Path:
        """What was decided here."""
        return self.folder / "ops.db"

    @cached_property
    def _store(self) -> keys.KeyStore:
        return keys.find_store(keys_folder(self.folder), self.id)

    @cached_property
    def _keys(self) -> dict[str, Key]:
        if self.settings.key_check is None:
            raise KeysMissing(f"{settings.FILE_NAME}: key_check: missing; it is written when the practice is made")
        return keys.load_keys(self._store, self.settings.key_check)


def restore_keys(folder_or_name: str | Path, sheet: str, *, keystore: Keystore = "auto") -> None:
    """Bring a practice's keys back from its recovery sheet onto this machine.

    :raises SheetUnreadable: a typing error; the message names the lines.
    :raises WrongKey: the sheet of another practice. Nothing is stored then.
    """
    practice = Practice.open(folder_or_name)
    key_set = keys.read_recovery_sheet(sheet)
    keys.require_check(key_set, practice.settings.key_check, "the recovery sheet")
    keys.save_keys(keys.choose_store(keys_folder(practice.folder), practice.id, keystore), key_set)


def _find(folder_or_name: str | Path) -> Path:
    """A bare name is looked up under `home()` first, then as a folder here."""
    given = Path(folder_or_name).expanduser()
    bare = isinstance(folder_or_name, str) and given.name == folder_or_name
    candidates = [home() / folder_or_name, given] if bare else [given]
    for folder in candidates:
        if (folder / settings.FILE_NAME).is_file():
            return folder.resolve()
    places = " and ".join(str(folder.absolute()) for folder in candidates)
    raise PracticeMissing(f"no practice in {places}: no {settings.FILE_NAME} there")


def _refuse_folder(folder: Path) -> None:
    problems = []
    if not _ID.fullmatch(folder.name):
        problems.append(
            f"{folder.name}: a practice's folder is named with letters, digits, - and _, at most 40 of them"
        )
    if (folder / settings.FILE_NAME).exists():
        problems.append(f"{folder}: holds a practice already; choose another name, or open that one")
    if keys_folder(folder).is_relative_to(folder):
        problems.append(f"{keys_folder(folder)}: keys must not lie inside the practice's folder; set PRAXISTAKT_KEYS")
    if problems:
        raise SettingsError(problems)


def _with_key_check(text: str, value: str) -> str:
    """The same file with the check value above the first table, where TOML keeps top-level keys."""
    line = f'key_check = "{value}"  # belongs to the keys of this practice; do not change it\n'
    first_table = re.search(r"^\s*\[", text, re.MULTILINE)
    at = first_table.start() if first_table else len(text)
    return f"{text[:at].rstrip()}\n{line}\n{text[at:].lstrip()}"
