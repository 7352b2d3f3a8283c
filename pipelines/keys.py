"""Keys and secrets of a practice: where they lie, how they are checked, how they come back from paper.

A practice has one random key of 32 bytes per purpose. They lie in the keyring of the operating system where there is
one, else in a file of mode 0600 outside the practice's folder; secrets (passwords, API keys) lie beside them and are
named in practice.toml, never written there. Nothing here reads the environment: the folder is an argument.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets as random
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import keyring
import keyring.core

from pipelines.errors import KeysExposed, KeysMissing, SecretMissing, SheetUnreadable, WrongKey

#: What a practice's keys are for, in the order in which the check value and the recovery sheet hold them.
PURPOSES = ("raw", "core", "desk", "marts", "ops", "spool", "pseudonym")

Keystore = Literal["auto", "keyring", "file"]

_CHECK_TEXT = b"praxistakt key check 1"
_HEX_KEY = re.compile(r"[0-9a-f]{64}")


class Key:
    """32 secret bytes. `hex` is the text that stores take; nothing else shows the value, `repr` least of all."""

    __slots__ = ("_hex",)

    def __init__(self, hex_text: str) -> None:
        if not _HEX_KEY.fullmatch(hex_text):
            raise WrongKey("a key is 64 hexadecimal digits in lower case; what was found is not")
        self._hex = hex_text

    @classmethod
    def random(cls) -> Key:
        """A new key from the operating system's generator."""
        return cls(random.token_hex(32))

    @property
    def hex(self) -> str:
        """64 digits, safe to put into a pragma because of the check above."""
        return self._hex

    def digest(self, text: bytes) -> str:
        """HMAC-SHA-256 of a text under this key, 64 hexadecimal digits."""
        return hmac.new(bytes.fromhex(self._hex), text, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "Key(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self._hex, other._hex)

    def __hash__(self) -> int:
        return hash(self._hex)

    def __reduce__(self) -> str:
        raise TypeError("a key is not written into a pickle")


KeySet = Mapping[str, Key]


def new_key_set() -> dict[str, Key]:
    """One random key per purpose."""
    return {purpose: Key.random() for purpose in PURPOSES}


def check_value(keys: KeySet) -> str:
    """Tells these keys from all others without revealing them: HMAC of a fixed text over all of them."""
    together = bytes.fromhex("".join(keys[purpose].hex for purpose in PURPOSES))
    return hmac.new(together, _CHECK_TEXT, hashlib.sha256).hexdigest()[:32]


class KeyStore(Protocol):
    """A place for short secret texts by name. Keys are kept as `key:<purpose>`, secrets as `secret:<name>`."""

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        ...

    def get(self, name: str) -> str | None:
        """The text, or None if there is none of this name."""
        ...

    def put(self, entries: Mapping[str, str]) -> None:
        """Keep texts by name, each in place of any other of its name."""
        ...

    def erase(self) -> None:
        """Forget the keys and all secrets of the practice, for good."""
        ...


class FileStore:
    """One JSON file of mode 0600, replaced as a whole; refused when anybody else could read it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self.path)

    def get(self, name: str) -> str | None:
        """See `KeyStore`."""
        return self._read().get(name)

    def put(self, entries: Mapping[str, str]) -> None:
        """See `KeyStore`; the new file is on disk before it takes the old one's place."""
        self._write({**self._read(), **entries})

    def erase(self) -> None:
        """See `KeyStore`."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        _refuse_if_exposed(self.path)
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise KeysMissing(f"{self.path}: not a key file: no JSON object of texts in it") from error
        return dict(entries)

    def _write(self, entries: Mapping[str, str]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            json.dump(entries, out, indent=1, sort_keys=True)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.path)


def _refuse_if_exposed(path: Path) -> None:
    """On Windows the user profile's access list protects the file; there are no such mode bits to look at."""
    if os.name != "posix":
        return
    found = path.stat()
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise KeysExposed(f"{path}: mode is {stat.S_IMODE(found.st_mode):04o}, expected 0600: run `chmod 600 {path}`")
    if found.st_uid != os.geteuid():
        raise KeysExposed(f"{path}: belongs to another user than the one who runs this")


class KeyringStore:
    """The operating system's keyring: Credential Manager, Keychain or Secret Service, an entry per text.

    A keyring cannot list its entries, so the names of the secrets are kept in an entry of their own.
    """

    _NAMES = "names"

    def __init__(self, practice_id: str) -> None:
        self.service = f"praxistakt/{practice_id}"

    @property
    def place(self) -> str:
        """The keyring's service name."""
        return f"the keyring of the operating system, service {self.service}"

    def get(self, name: str) -> str | None:
        """See `KeyStore`."""
        return keyring.get_password(self.service, name)

    def put(self, entries: Mapping[str, str]) -> None:
        """See `KeyStore`."""
        keyring.set_password(self.service, self._NAMES, json.dumps(sorted({*self._names(), *entries})))
        for name, value in entries.items():
            keyring.set_password(self.service, name, value)

    def erase(self) -> None:
        """See `KeyStore`."""
        for name in (*self._names(), self._NAMES):
            if self.get(name) is not None:
                keyring.delete_password(self.service, name)

    def _names(self) -> tuple[str, ...]:
        return tuple(json.loads(self.get(self._NAMES) or "[]"))


def keyring_usable() -> bool:
    """Whether the operating system offers a keyring that keeps what it is given (headless servers have none)."""
    return bool(keyring.core.recommended(keyring.get_keyring()))


def find_store(folder: Path, practice_id: str) -> KeyStore:
    """Where the keys of an existing practice lie: in its key file if there is one, else in the keyring.

    :raises KeysMissing: neither a file nor a keyring is there.
    """
    file = FileStore(_key_file(folder, practice_id))
    if file.path.exists():
        return file
    if keyring_usable():
        return KeyringStore(practice_id)
    remedy = "`praxistakt restore-keys` takes the sheet"
    raise KeysMissing(f"{file.path}: no such file, and this system has no keyring; {remedy}")


def choose_store(folder: Path, practice_id: str, choice: Keystore) -> KeyStore:
    """Where the keys of a new practice shall lie."""
    wants_file = choice == "file" or (choice == "auto" and not keyring_usable())
    return FileStore(_key_file(folder, practice_id)) if wants_file else KeyringStore(practice_id)


def _key_file(folder: Path, practice_id: str) -> Path:
    return folder / f"{practice_id}.keys"


def has_keys(store: KeyStore) -> bool:
    """Whether any key of a practice lies there."""
    return any(store.get(f"key:{purpose}") is not None for purpose in PURPOSES)


def save_keys(store: KeyStore, keys: KeySet) -> None:
    """Put a key set into a store, over any other."""
    store.put({f"key:{purpose}": keys[purpose].hex for purpose in PURPOSES})


def load_keys(store: KeyStore, expected_check: str) -> dict[str, Key]:
    """The key set of a practice.

    :param expected_check: the practice's `key_check`.
    :raises KeysMissing: a key is not there.
    :raises WrongKey: all are there, but they are those of another practice.
    """
    found = {purpose: store.get(f"key:{purpose}") for purpose in PURPOSES}
    missing = [purpose for purpose, text in found.items() if text is None]
    if missing:
        raise KeysMissing(f"{store.place}: no key for {', '.join(missing)}; `praxistakt restore-keys` takes the sheet")
    keys = {purpose: Key(text) for purpose, text in found.items() if text is not None}
    require_check(keys, expected_check, store.place)
    return keys


def require_check(keys: KeySet, expected_check: str | None, place: str) -> None:
    """Refuse keys that are not those of the practice with this `key_check`.

    :raises WrongKey: and nothing was opened with them.
    """
    if not hmac.compare_digest(check_value(keys), expected_check or ""):
        raise WrongKey(f"{place}: the keys there do not belong to this practice (its key_check says so)")


def load_secret(store: KeyStore, name: str) -> str:
    """A secret by its name.

    :raises SecretMissing: it was never set.
    """
    value = store.get(f"secret:{name}")
    if value is None:
        raise SecretMissing(f"{store.place}: no secret named {name!r}; set it with `praxistakt secret set`")
    return value


def save_secret(store: KeyStore, name: str, value: str) -> None:
    """Keep a secret under a name."""
    store.put({f"secret:{name}": value})


@dataclass(frozen=True, slots=True, repr=False)
class RecoverySheet:
    """The text to print and lock away: whoever has it and the files can read them, and without it nobody helps."""

    text: str

    def __repr__(self) -> str:
        return "RecoverySheet(…)"


_GROUPS = 8
_SHEET_LINE = re.compile(r"^\s*([a-z]+) ([12])\s+((?:[0-9a-f]{4}\s+){8})=\s*([0-9a-f]{4})\s*$", re.IGNORECASE)


def recovery_sheet(name: str, keys: KeySet) -> RecoverySheet:
    """Each key in two lines of eight groups, each line with a check group that finds a typing error."""
    head = [
        "Praxistakt: Wiederherstellungsblatt / recovery sheet",
        f"Praxis: {name}",
        f"key_check: {check_value(keys)}",
        "Ausdrucken, wegschließen, Datei löschen. Wer dieses Blatt und die Dateien hat, kann alles lesen.",
        "",
    ]
    return RecoverySheet("\n".join([*head, *_sheet_lines(keys), ""]))


def _sheet_lines(keys: KeySet) -> Iterator[str]:
    for purpose in PURPOSES:
        digits = keys[purpose].hex
        for part, half in enumerate((digits[:32], digits[32:]), start=1):
            groups = " ".join(half[at : at + 4] for at in range(0, 4 * _GROUPS, 4))
            yield f"{purpose:<9} {part}  {groups} = {_line_check(purpose, part, half)}"


def _line_check(purpose: str, part: int, half: str) -> str:
    return hashlib.sha256(f"{purpose} {part} {half}".encode()).hexdigest()[:4]


def read_recovery_sheet(text: str) -> dict[str, Key]:
    """The key set of a sheet that was typed or scanned; other lines than those with keys are passed over.

    :raises SheetUnreadable: a line is missing or holds a typing error; the message names each.
    """
    halves: dict[tuple[str, int], str] = {}
    wrong = []
    for line in text.lower().splitlines():
        match = _SHEET_LINE.match(re.sub(r"\s+", " ", line))
        if match is None:
            continue
        purpose, part, half = match[1], int(match[2]), match[3].replace(" ", "")
        halves[purpose, part] = half
        if _line_check(purpose, part, half) != match[4]:
            wrong.append(f"line '{purpose} {part}': the check group does not fit, look for a typing error")
    wanted = [(purpose, part) for purpose in PURPOSES for part in (1, 2)]
    wrong += [
        f"line '{purpose} {part}': missing or not readable" for purpose, part in wanted if (purpose, part) not in halves
    ]
    if wrong:
        raise SheetUnreadable("recovery sheet: " + "; ".join(wrong))
    return {purpose: Key(halves[purpose, 1] + halves[purpose, 2]) for purpose in PURPOSES}
