"""What can go wrong with ops.db beyond the common tree.

    StoreError
    ├── ForeignFile      there is a file, but it is not an encrypted ops.db
    ├── SchemaNewer      a later version of the program wrote it; this one must not touch it
    └── AlreadyThere     `create` where an ops.db stands already
    PipelineError
    └── Refused          a change that must not happen (a second redeem, an unknown user, a link that is not there)

A key that is not this file's is `pipelines.errors.WrongKey`, a damaged file `BrokenFile`, a missing one `FileMissing`,
one that another process keeps too long `Busy`. None of them holds a key or a value.
"""

from __future__ import annotations

from pipelines.errors import PipelineError, StoreError


class ForeignFile(StoreError):
    """The file is not an encrypted ops.db at all."""


class SchemaNewer(StoreError):
    """The file was upgraded by a later version of the program."""


class AlreadyThere(StoreError):
    """An ops.db stands where a new one was to be made."""


class Refused(PipelineError):
    """A change that does not fit what is recorded; nothing was changed."""
