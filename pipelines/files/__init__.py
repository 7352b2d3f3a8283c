"""Everything on disk but ops.db: write-once encrypted DuckDB files, the manifest and the pointer that say which count.

The steps are always the same: write under another name, check by reading back, fsync, rename, fsync the folder, and
let the manifest (raw) or the pointer (published) move last. Whatever stops the process, what counted before counts.
"""

from pipelines.files.checkpoints import checkpoint
from pipelines.files.disk import require_space
from pipelines.files.duck import attach, column_type, connect, identifier, seal, text_literal
from pipelines.files.generations import (
    Generation,
    carry_over,
    close_file,
    current,
    new_generation,
    publish_generation,
)
from pipelines.files.locks import lock
from pipelines.files.manifest import Manifest, Segment, read_manifest
from pipelines.files.recovery import Recovered, recover, verify
from pipelines.files.segments import (
    COMPACT_BEYOND,
    compact,
    naming_broken,
    needs_compaction,
    raw_connection,
    write_segment,
)
from pipelines.files.tables import TABLES

__all__ = [
    "COMPACT_BEYOND",
    "TABLES",
    "Generation",
    "Manifest",
    "Recovered",
    "Segment",
    "attach",
    "carry_over",
    "checkpoint",
    "close_file",
    "column_type",
    "compact",
    "connect",
    "current",
    "identifier",
    "lock",
    "naming_broken",
    "needs_compaction",
    "new_generation",
    "publish_generation",
    "raw_connection",
    "read_manifest",
    "recover",
    "require_space",
    "seal",
    "text_literal",
    "verify",
    "write_segment",
]
