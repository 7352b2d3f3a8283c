from __future__ import annotations

import os
import pickle
import stat
import traceback
from pathlib import Path

import keyring
import pytest

from pipelines import keys
from pipelines.errors import KeysExposed, KeysMissing, SecretMissing, SheetUnreadable, WrongKey
from pipelines.keys import FileStore, Key, KeyringStore


class DrawerKeyring:
    """An operating system's keyring, in memory. No subclass: `keyring` would find it and use it in other tests."""

    priority = 5.0

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def drawer(monkeypatch: pytest.MonkeyPatch) -> DrawerKeyring:
    drawer = DrawerKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", drawer)
    return drawer


def test_a_key_shows_itself_nowhere() -> None:
    key = Key.random()
    shown = [repr(key), str(key), f"{key}", f"{[key]}"]
    assert all(key.hex not in text for text in shown)
    assert repr(key) == "Key(…)"
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(key)


@pytest.mark.parametrize("text", ["", "ab", "AB" * 32, "g" * 64, "ab" * 32 + "\n", "'; DROP TABLE key; --"])
def test_what_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(WrongKey) as refused:
        Key(text)
    assert not text or text not in "".join(traceback.format_exception_only(refused.value))


def test_keys_are_compared_by_value() -> None:
    assert Key("ab" * 32) == Key("ab" * 32)
    assert Key("ab" * 32) != Key("ac" * 32)
    assert len({Key("ab" * 32), Key("ab" * 32)}) == 1


def test_the_check_value_depends_on_every_key() -> None:
    key_set = keys.new_key_set()
    values = {keys.check_value({**key_set, purpose: Key.random()}) for purpose in keys.PURPOSES}
    assert len(values | {keys.check_value(key_set)}) == len(keys.PURPOSES) + 1


def stores(folder: Path) -> list[keys.KeyStore]:
    return [FileStore(folder / "keys" / "markt.keys"), KeyringStore("markt")]


@pytest.mark.usefixtures("drawer")
def test_both_stores_keep_keys_and_secrets_and_forget_them(tmp_path: Path) -> None:
    for store in stores(tmp_path):
        key_set = keys.new_key_set()
        assert not keys.has_keys(store)
        keys.save_keys(store, key_set)
        keys.save_secret(store, "pvs-password", "geheim")
        assert keys.load_keys(store, keys.check_value(key_set)) == key_set
        assert keys.load_secret(store, "pvs-password") == "geheim"
        store.erase()
        assert not keys.has_keys(store)
        with pytest.raises(SecretMissing, match="pvs-password"):
            keys.load_secret(store, "pvs-password")


@pytest.mark.usefixtures("drawer")
def test_missing_and_foreign_keys_are_told_apart(tmp_path: Path) -> None:
    for store in stores(tmp_path):
        with pytest.raises(KeysMissing, match="no key for raw, core"):
            keys.load_keys(store, "0" * 32)
        keys.save_keys(store, keys.new_key_set())
        with pytest.raises(WrongKey, match="key_check"):
            keys.load_keys(store, keys.check_value(keys.new_key_set()))


@pytest.mark.skipif(os.name != "posix", reason="mode bits are POSIX")
def test_a_key_file_is_private_and_refused_when_it_is_not(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "keys" / "markt.keys")
    keys.save_keys(store, keys.new_key_set())
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    for mode in (0o640, 0o604, 0o660):
        store.path.chmod(mode)
        with pytest.raises(KeysExposed, match="chmod 600"):
            store.get("key:raw")


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "markt.keys")
    store.path.touch(mode=0o600)
    with pytest.raises(KeysMissing, match=r"markt\.keys: not a key file"):
        store.get("key:raw")


def test_where_the_keys_lie(tmp_path: Path, drawer: DrawerKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(keys.choose_store(tmp_path, "markt", "auto"), KeyringStore)
    assert isinstance(keys.choose_store(tmp_path, "markt", "file"), FileStore)
    assert isinstance(keys.find_store(tmp_path, "markt"), KeyringStore)
    FileStore(tmp_path / "markt.keys").put({"key:raw": "x"})
    assert isinstance(keys.find_store(tmp_path, "markt"), FileStore)
    monkeypatch.setattr(DrawerKeyring, "priority", 0.0)
    assert isinstance(keys.choose_store(tmp_path, "markt", "auto"), FileStore)
    with pytest.raises(KeysMissing, match="no keyring"):
        keys.find_store(tmp_path, "dorf")


def test_a_recovery_sheet_brings_the_keys_back() -> None:
    key_set = keys.new_key_set()
    sheet = keys.recovery_sheet("Praxis am Markt", key_set)
    assert keys.read_recovery_sheet(sheet.text) == key_set
    retyped = "\r\n".join(f"  {line.upper()} " for line in sheet.text.splitlines())
    assert keys.read_recovery_sheet(retyped) == key_set
    assert key_set["raw"].hex[:4] not in repr(sheet)


def test_a_typing_error_on_the_sheet_is_named_by_its_line() -> None:
    lines = keys.recovery_sheet("Praxis am Markt", keys.new_key_set()).text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("desk      2"))
    wrong = "1" if lines[at][13] == "0" else "0"
    lines[at] = lines[at][:13] + wrong + lines[at][14:]
    without = [line for line in lines if not line.startswith("ops       1")]
    with pytest.raises(SheetUnreadable) as refused:
        keys.read_recovery_sheet("\n".join(without))
    assert "'desk 2': the check group does not fit" in str(refused.value)
    assert "'ops 1': missing" in str(refused.value)
    assert str(refused.value).count("line '") == 2
