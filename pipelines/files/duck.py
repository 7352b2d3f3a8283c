"""DuckDB as we use it: in memory, hardened, every file attached with a bound key.

Keys never stand in a statement's text. Settings are locked before any data is in reach. The module that makes
encrypted writing possible comes out of a pinned wheel; DuckDB checks its signature.
"""

from __future__ import annotations

import functools
import importlib.metadata
import secrets
from pathlib import Path
from types import MappingProxyType

import duckdb
import polars as pl

from pipelines.errors import BrokenFile, FileMissing, StoreError, WrongKey
from pipelines.keys import Key

#: A small segment is 0.2 MB with blocks of this size, 2.6 MB with DuckDB's own.
SMALL_BLOCK = 16_384

_MODULE_WHEEL = "duckdb-extension-httpfs"
_MODULE_FILE = "httpfs.duckdb_extension"

_TYPES = MappingProxyType(
    {
        pl.String(): "VARCHAR",
        pl.Int64(): "BIGINT",
        pl.Boolean(): "BOOLEAN",
        pl.Date(): "DATE",
        pl.Time(): "TIME",
        pl.Datetime("us", "UTC"): "TIMESTAMPTZ",
    }
)


def connect(temp: Path | None = None, *, memory_limit: str = "2GB", locked: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection in memory, ready to attach encrypted files.

    :param temp: where spill files may go (encrypted, in a folder of this connection's own); None: nowhere.
    :param locked: whether the settings are locked at once. False leaves that to `seal`, after attaching.
    """
    if temp is not None:
        temp.mkdir(mode=0o700, parents=True, exist_ok=True)  # DuckDB makes the last folder of a path and no other
    con = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
            "temp_file_encryption": True,
            "temp_directory": "" if temp is None else str(temp / f"duckdb-{secrets.token_hex(4)}"),
            "memory_limit": memory_limit,
        },
    )
    con.execute(f"LOAD {text_literal(str(_crypto_module()))}")
    con.execute("SET GLOBAL TimeZone = 'UTC'")  # its cursors are sessions of their own
    con.execute("SET enable_progress_bar = false")  # DuckDB draws one on stdout, where --json speaks
    if locked:
        con.execute("SET lock_configuration = true")
    return con


def seal(con: duckdb.DuckDBPyConnection) -> None:
    """From here on nothing but what is attached: no file, no COPY, no ATTACH, no network, no setting."""
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


@functools.cache
def _crypto_module() -> Path:
    """DuckDB's OpenSSL module inside its wheel, of exactly DuckDB's version."""
    wheel = importlib.metadata.distribution(_MODULE_WHEEL)
    if wheel.version != duckdb.__version__:
        raise StoreError(f"{_MODULE_WHEEL}: version {wheel.version} is installed, expected {duckdb.__version__}")
    found = next((file for file in wheel.files or () if file.name == _MODULE_FILE), None)
    if found is None:
        raise StoreError(f"{_MODULE_WHEEL} {wheel.version}: holds no {_MODULE_FILE}")
    return Path(str(wheel.locate_file(found)))


def attach(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    key: Key,
    alias: str,
    *,
    read_only: bool = True,
    block_size: int | None = None,
) -> None:
    """Attach an encrypted file under a name; `read_only=False` makes a new one.

    :raises FileMissing, WrongKey, BrokenFile: each with the file's name.
    """
    if read_only and not path.is_file():
        raise FileMissing(f"{path}: no such file")
    options = ["ENCRYPTION_KEY ?"]
    options += ["READ_ONLY"] if read_only else []
    options += [f"BLOCK_SIZE {block_size:d}"] if block_size else []
    statement = f"ATTACH {text_literal(str(path))} AS {identifier(alias)} ({', '.join(options)})"
    try:
        con.execute(statement, [key.hex])
    except duckdb.Error as error:
        raise _translated(path, error) from None


def _translated(path: Path, error: duckdb.Error) -> StoreError | WrongKey:
    said = str(error)
    if "Wrong encryption key" in said:
        return WrongKey(f"{path}: was written under another key")
    if "is not encrypted" in said:
        return BrokenFile(f"{path}: is not encrypted, so it is none of ours")
    return BrokenFile(f"{path}: does not open: {said.splitlines()[0].replace(str(path), path.name)}")


def identifier(name: str) -> str:
    """A name as SQL writes it, reserved words (`start`, `end`) included."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text as SQL writes it, where no value can be bound."""
    return "'" + text.replace("'", "''") + "'"


def column_type(dtype: pl.DataType) -> str:
    """DuckDB's type for a column of a record.

    :raises StoreError: no record has columns of this type.
    """
    try:
        return _TYPES[dtype]
    except KeyError:
        raise StoreError(f"no column type for {dtype}; expected one of {', '.join(map(str, _TYPES))}") from None
