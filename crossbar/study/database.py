"""The SQLite file of a study: its layout, how it is opened, its errors in plain words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossbar.errors import CrossbarError, DataError, InputError, RunError, SchemaVersionError

__all__ = ["FILE", "SCHEMA", "in_words", "open_to_read", "open_to_write", "transaction"]

FILE = "study.sqlite"
"""Name of a store in its folder."""

SCHEMA = 1
"""Version of the layout; newer ones are refused."""

_MARK = 0x78627374
"""``PRAGMA application_id`` of our files: ``xbst``."""

_LAYOUT = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE points (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT 'pending',
    owner TEXT,
    started REAL,
    seconds REAL,
    error TEXT,
    numbers TEXT
);
CREATE INDEX running ON points (owner) WHERE status = 'running';
-- apart from the points, so that whoever counts or lists them reads no reports
CREATE TABLE reports (point INTEGER PRIMARY KEY REFERENCES points, report BLOB NOT NULL);
-- the points that were last asked for, in order (one point may stand there under two values)
CREATE TABLE grid (place INTEGER PRIMARY KEY, point INTEGER NOT NULL, given TEXT NOT NULL);
PRAGMA application_id = {_MARK};
PRAGMA user_version = {SCHEMA};
"""

_IDENTITY = """
SELECT (SELECT application_id FROM pragma_application_id),
    (SELECT user_version FROM pragma_user_version),
    (SELECT count(*) FROM sqlite_master)
"""

_TIMES_UP = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NO_STORE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_CLOSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


def open_to_write(path: Path, wait: float) -> sqlite3.Connection:
    """Open the file of a store, or make it.

    Parameters
    ----------
    path : Path
    wait : float
        How long others may keep it locked [s].

    Raises
    ------
    DataError
        It is something else, or damaged.
    SchemaVersionError
        A newer version made it.
    InputError
        It cannot be opened or written.
    RunError
        It is locked, or the disk is full.
    """
    with in_words(path):
        connection = sqlite3.connect(path, timeout=wait, isolation_level=None)
        try:
            # before anything is changed: it may be someone else's file
            _check(path, connection)
            _share(path, connection, wait)
            with transaction(connection):
                if _check(path, connection):
                    for statement in _LAYOUT.split(";"):
                        connection.execute(statement)
        except BaseException:
            connection.close()
            raise
    return connection


def open_to_read(path: Path, wait: float) -> sqlite3.Connection:
    """Open the file of a store that is there; nothing is written.

    Raises
    ------
    CrossbarError
        As `open_to_write`.
    """
    if not path.is_file():
        raise InputError(f"{path.parent}: no study is there ({path.name} is missing)")
    if os.access(path.parent, os.W_OK):
        how = "mode=rw"  # only who may write removes the log's files when closing
    else:
        how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    with in_words(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{how}", uri=True, timeout=wait, isolation_level=None
        )
        try:
            connection.execute("PRAGMA query_only = 1")
            if _check(path, connection):
                raise DataError(f"{path}: no store of a study: it is empty")
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; others that write wait meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Say in one line what SQLite met."""
    try:
        yield
    except sqlite3.Error as error:
        raise _worded(path, error) from error


def _worded(path: Path, error: sqlite3.Error) -> CrossbarError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    kept = "finished points are kept"
    if code in _TIMES_UP:
        return RunError(
            f"{path}: locked by another program for too long; {kept}: end that program and run"
            " again"
        )
    if code == sqlite3.SQLITE_FULL:
        return RunError(f"{path}: the disk is full; {kept}: make room and run again")
    if code in _CLOSED:
        return InputError(f"{path}: cannot be written or opened ({error})")
    if code in _NO_STORE:
        return DataError(f"{path}: no store of a study, or a damaged one ({error})")
    return RunError(f"{path}: {error}; {kept}")


def _check(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether the file is new and empty; others must be stores of a version that we read."""
    # one statement, so that a process that makes the file meanwhile is seen before or after
    mark, version, tables = connection.execute(_IDENTITY).fetchone()
    if mark == 0 and tables == 0:
        return True
    if mark != _MARK:
        raise DataError(f"{path}: an SQLite file, but no store of a study")
    if version > SCHEMA:
        raise SchemaVersionError(
            f"{path}: version {version} was written by a newer crossbar; this one reads up to"
            f" {SCHEMA}"
        )
    return False


def _share(path: Path, connection: sqlite3.Connection, wait: float) -> None:
    """Turn on the write-ahead log: readers and a writer at once, one short write a point.

    A killed process loses nothing that was committed (a power cut may cost the last points, never
    the file): that is SQLite's ``synchronous = NORMAL``.
    """
    until = time.monotonic() + wait
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            # SQLite itself does not wait here, when two processes make the file at once
            if error.sqlite_errorcode & 0xFF not in _TIMES_UP or time.monotonic() > until:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise InputError(f"{path}: its file system cannot be shared by processes; give another")
    connection.execute("PRAGMA synchronous = NORMAL")
