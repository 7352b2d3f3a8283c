"""What can go wrong between a practice's folder and its pages.

    PipelineError
    ├── SettingsError         practice.toml is wrong; `problems` lists all that was found, one line each
    ├── PracticeMissing       no practice of this name, or the folder holds none
    ├── KeyringError          keys and secrets
    │   ├── KeysMissing       no key set where this practice's keys should lie
    │   ├── KeysPresent       a key set is there already, and nothing may overwrite it
    │   ├── KeysExposed       the key file can be read by group or others, or belongs to somebody else
    │   ├── WrongKey          the keys are not those of this practice, or not those of this file
    │   ├── SheetUnreadable   a recovery sheet with a typing error; names the line
    │   └── SecretMissing     practice.toml names a secret that was never set
    ├── StoreError            the files of a practice
    │   ├── FileMissing       a file that must be there is not
    │   ├── BrokenFile        a file that is there is not what was written
    │   ├── DiskFull          less free space than the step needs; says how much
    │   └── Busy              another process holds the lock; names it
    └── RunRefused            a run that must not land, because a newer one did

Messages say what was found, what was expected and where. They never hold a value of a patient, a key or a secret.
Modules that need an error of their own derive it from one of these. Foreign systems have their own tree
(`connectors.errors`).
"""

from __future__ import annotations

from collections.abc import Sequence


class PipelineError(Exception):
    """Anything that this package refuses or cannot do."""


class SettingsError(PipelineError):
    """Settings that do not hold together; `problems` lists all of them, each with file, table and key."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PracticeMissing(PipelineError):
    """There is no practice where one was named."""


class KeyringError(PipelineError):
    """Keys or secrets that are not there, not safe or not the right ones."""


class KeysMissing(KeyringError):
    """No key set where this practice's keys should lie."""


class KeysPresent(KeyringError):
    """A key set is there already; overwriting it would make the files behind it unreadable for ever."""


class KeysExposed(KeyringError):
    """The key file is not private to the user who runs this."""


class WrongKey(KeyringError):
    """The keys at hand are not those of this practice or of this file; nothing is broken."""


class SheetUnreadable(KeyringError):
    """A recovery sheet with a line that cannot be right."""


class SecretMissing(KeyringError):
    """A secret that practice.toml refers to was never set."""


class StoreError(PipelineError):
    """A file of the practice that cannot be written or read."""


class FileMissing(StoreError):
    """A file that must be there is not."""


class BrokenFile(StoreError):
    """A file that is there is not what was written."""


class DiskFull(StoreError):
    """Too little free space to begin; nothing was changed."""


class Busy(StoreError):
    """Another process is at work on this practice."""


class RunRefused(PipelineError):
    """This run must not land: its number is not beyond the newest one."""
