from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from connectors import registry
from connectors.pvs import profile
from pipelines import keys, settings
from pipelines.errors import KeysMissing, KeysPresent, PracticeMissing, SecretMissing, SettingsError, WrongKey
from pipelines.practice import Practice, home, keys_folder, practices, restore_keys
from tests.kit.practices import NOON, SETTINGS, Clock


def test_a_new_practice_opens_by_name_and_by_folder(practice: Practice) -> None:
    assert practices() == ("markt",)
    for named in ("markt", practice.folder, str(practice.folder)):
        found = Practice.open(named)
        assert found.folder == practice.folder
        assert found.settings == practice.settings
        assert found.key("raw") == practice.key("raw")
    assert practice.id == "markt"
    assert len({practice.key(purpose).hex for purpose in keys.PURPOSES}) == len(keys.PURPOSES)


def test_no_key_lies_in_the_folder(practice: Practice) -> None:
    together = b"".join(path.read_bytes() for path in practice.folder.rglob("*") if path.is_file())
    assert all(practice.key(purpose).hex.encode() not in together for purpose in keys.PURPOSES)
    assert not keys_folder(practice.folder).is_relative_to(practice.folder)


def test_instants_are_utc_and_days_are_local(practice: Practice, clock: Clock) -> None:
    assert practice.now() == NOON
    clock.at = dt.datetime(2026, 7, 1, 22, 30, tzinfo=dt.UTC)
    assert practice.today() == dt.date(2026, 7, 2)


def test_what_cannot_become_a_practice_is_refused_and_leaves_nothing(practice: Practice) -> None:
    with pytest.raises(SettingsError, match="holds a practice already"):
        Practice.init(practice.folder, SETTINGS)
    with pytest.raises(SettingsError, match="letters, digits"):
        Practice.init(home() / "Praxis am Markt", SETTINGS)
    with pytest.raises(SettingsError, match=r"practice\.toml: name: missing"):
        Practice.init(home() / "dorf", SETTINGS.replace("name =", "nam =", 1), keystore="file")
    assert practices() == ("markt",)
    assert not (keys_folder(home() / "dorf") / "dorf.keys").exists()


def test_keys_of_another_practice_of_the_same_name_are_never_overwritten(practice: Practice, tmp_path: Path) -> None:
    with pytest.raises(KeysPresent, match="markt"):
        Practice.init(tmp_path / "elsewhere" / "markt", SETTINGS, keystore="file")
    assert Practice.open("markt").key("ops") == practice.key("ops")


def test_keys_inside_the_practice_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAXISTAKT_KEYS", str(tmp_path / "markt" / "keys"))
    with pytest.raises(SettingsError, match="must not lie inside"):
        Practice.init(tmp_path / "markt", SETTINGS, keystore="file")


def test_wrong_and_missing_keys_are_told_before_anything_opens(practice: Practice) -> None:
    file = keys_folder(practice.folder) / "markt.keys"
    kept = file.read_bytes()
    keys.save_keys(keys.FileStore(file), keys.new_key_set())
    with pytest.raises(WrongKey, match="do not belong to this practice"):
        Practice.open("markt").key("raw")
    file.unlink()
    with pytest.raises(KeysMissing, match=r"markt\.keys"):
        Practice.open("markt").key("raw")
    file.write_bytes(kept)
    file.chmod(0o600)
    assert Practice.open("markt").key("raw") == practice.key("raw")


def test_a_printed_sheet_brings_a_practice_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAXISTAKT_HOME", str(tmp_path / "home"))
    made, sheet = Practice.init(tmp_path / "home" / "dorf", SETTINGS, keystore="file")
    other, foreign = Practice.init(tmp_path / "home" / "stadt", SETTINGS, keystore="file")
    assert keys_folder(made.folder) == tmp_path / "home-keys"
    (keys_folder(made.folder) / "dorf.keys").unlink()
    with pytest.raises(WrongKey):
        restore_keys("dorf", foreign.text, keystore="file")
    with pytest.raises(KeysMissing):
        Practice.open("dorf").key("raw")
    restore_keys("dorf", sheet.text, keystore="file")
    assert Practice.open("dorf").key("raw") == made.key("raw") != other.key("raw")


def test_secrets_are_kept_beside_the_keys(practice: Practice) -> None:
    with pytest.raises(SecretMissing, match="praxistakt secret set"):
        practice.secret("pvs-password")
    practice.set_secret("pvs-password", "geheim")
    assert Practice.open("markt").secret("pvs-password") == "geheim"
    assert practice.key("raw") == Practice.open("markt").key("raw")


def test_a_name_without_a_practice_is_told_with_the_places_looked_at(practice: Practice) -> None:
    with pytest.raises(PracticeMissing, match="nirgends"):
        Practice.open("nirgends")


def test_a_source_gets_its_table_and_what_it_needs(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(registry, "open_source", lambda name, table, **needs: given.update(needs, name=name, **table))
    practice.open_source("pvs")
    assert (given["name"], given["profile"], given["timezone"]) == ("pvs", "demo", "Europe/Berlin")
    assert practice.source_names() == ("pvs", "booking")


def test_paths_of_sources_begin_at_the_practices_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "home" / "markt"
    folder.mkdir(parents=True)
    (folder / "unsere.toml").write_bytes((profile.SHIPPED / "demo.toml").read_bytes())
    text = SETTINGS.replace('profile = "demo"', 'profile = "unsere.toml"')
    with pytest.raises(SettingsError, match=r"found no profile 'unsere\.toml'"):
        settings.load(text)
    assert settings.load(text, folder).source_tables["pvs"]["profile"] == str(folder / "unsere.toml")
    assert settings.load(SETTINGS, folder).source_tables["pvs"]["profile"] == "demo", "a name stays a name"
    absolute = SETTINGS.replace('profile = "demo"', f'profile = "{folder / "unsere.toml"}"')
    assert settings.load(absolute, tmp_path).source_tables["pvs"]["profile"] == str(folder / "unsere.toml")


def test_the_check_value_stands_above_the_tables(practice: Practice) -> None:
    text = (practice.folder / "practice.toml").read_text(encoding="utf-8")
    assert text.index("key_check") < text.index("[locations.markt]")
    assert practice.folder.stat().st_mode & 0o777 == 0o700
