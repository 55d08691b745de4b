"""The store of a study: every point once, whatever ends a run and whoever shares the folder.

A point is *pending*, *running* (claimed by a process), *done* (with its report) or *failed* (with
its error).  Each step is one transaction, so a process that is killed leaves points that are done,
and points that the next process takes back.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from crossbar.errors import InputError, RunError
from crossbar.study.database import FILE, in_words, open_to_write, transaction
from crossbar.study.facts import introduce, read_facts
from crossbar.study.owner import Owner, gone, sweep
from crossbar.study.packing import Packed, pack, plain_json, unpack

__all__ = ["WAIT", "Counted", "Store", "read_rows"]

WAIT = 20.0
"""How long another program may keep a store locked [s]."""

_TOGETHER = 64
"""Most points of one lot that are claimed at once."""

_JOIN = "{grid} AS g CROSS JOIN points AS p ON p.id = g.point"
"""A grid with its points; CROSS JOIN: SQLite walks the grid in its order."""


@dataclass(frozen=True)
class Counted:
    """How many points of the grid have each status."""

    pending: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0


def read_rows(connection: Any, grid: str = "grid") -> Iterator[dict[str, Any]]:
    """Yield the points of a grid in its order, without their reports.

    Parameters
    ----------
    connection : sqlite3.Connection
    grid : str
        The table that holds it.
    """
    names = ("key", "status", "owner", "started", "seconds", "error")
    columns = ", ".join(f"p.{name}" for name in names)
    query = f"SELECT {columns}, g.given, p.numbers FROM {_JOIN.format(grid=grid)} ORDER BY g.place"
    for *found, given, numbers in connection.execute(query):
        row = dict(zip(names, found, strict=True))
        yield row | {"values": json.loads(given), "numbers": json.loads(numbers or "{}")}


class Store:
    """The points of a study in one folder; a context manager.  Made by `Store.open`."""

    def __init__(self, folder: Path, wait: float) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._db = open_to_write(self.path, wait)
        try:
            with in_words(self.path):  # of this process: another may ask for other points
                self._db.execute(
                    "CREATE TEMP TABLE mine"
                    " (place INTEGER PRIMARY KEY, point INTEGER, given TEXT, lot TEXT)"
                )
                self._db.execute("INSERT INTO mine SELECT *, NULL FROM grid")
            sweep(folder)
            self._owner = Owner(folder)
        except BaseException:
            self._db.close()
            raise
        self._from = 0  # no place before it is pending, unless somebody gave one back
        self._in_lots = False

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        about: Mapping[str, Any],
        *,
        keys: Sequence[str] = (),
        wait: float = WAIT,
    ) -> Self:
        """Open the store of a folder, or make it.

        Parameters
        ----------
        folder : path
            Made where it is missing.
        about : mapping
            Whose points they are, JSON-able: name, measure, version of the code ...  A store of
            another study is refused.
        keys : sequence of str
            Keys of the points that will be added: a store that holds one of them may say
            something else about itself, since equal keys mean equal content.
        wait : float
            How long another program may keep the store locked [s].

        Raises
        ------
        InputError
            The folder cannot be made or written, or holds another study.
        DataError
            ``study.sqlite`` there is no store, or damaged.
        SchemaVersionError
            A newer version wrote it.
        RunError
            It is locked for too long, or the disk is full.
        """
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{path}: cannot be made a folder: {error.strerror}") from error
        store = cls(path, wait)
        try:
            with in_words(store.path), transaction(store._db):
                introduce(store._db, path, about, keys)
        except BaseException:
            store.close()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; points that are claimed and not finished are free again."""
        self._db.close()
        self._owner.leave()

    def describe(self, *, name: str, held: str) -> None:
        """Keep what tables and figures of this study say about it."""
        with in_words(self.path), transaction(self._db):
            self._db.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", [("name", name), ("held", held)]
            )

    def add(
        self,
        points: Sequence[tuple[str, Mapping[str, Any]]],
        lots: Sequence[str] | None = None,
    ) -> int:
        """Make these the points of the study; what is known of them is kept.

        Points that were added before and are not among these stay in the store, unseen, until they
        are asked for again.

        Parameters
        ----------
        points : sequence of (str, mapping)
            Content key, and the values of the axes; in the order of the table.
        lots : sequence of str, optional
            One for each point: neighbours of one lot share work, so one process takes them
            together.

        Returns
        -------
        int
            How many of them were finished already.
        """
        given = [plain_json(values) for _, values in points]
        with in_words(self.path), transaction(self._db):
            run = self._db.execute
            run("DELETE FROM mine")
            self._db.executemany(
                "INSERT OR IGNORE INTO points (key) VALUES (?)", ((key,) for key, _ in points)
            )
            self._db.executemany(
                "INSERT INTO mine SELECT ?, id, ?, ? FROM points WHERE key = ?",
                (
                    (place, given[place], lots[place] if lots else None, key)
                    for place, (key, _) in enumerate(points)
                ),
            )
            run("DELETE FROM grid")
            run("INSERT INTO grid SELECT place, point, given FROM mine")
            self._from, self._in_lots = 0, lots is not None
            self._take_back()
        return self.counted().done

    def retry_failed(self) -> int:
        """Make the failed points pending again; return how many."""
        with in_words(self.path), transaction(self._db):
            changed = self._db.execute(
                "UPDATE points SET status = 'pending', error = NULL WHERE status = 'failed'"
                " AND id IN (SELECT point FROM mine)"
            )
            self._from = 0
            return changed.rowcount

    def claim(self, n: int) -> list[tuple[str, dict[str, Any]]]:
        """Take pending points for this process: nobody else gets them.

        What a process that has died had claimed is pending again.

        Parameters
        ----------
        n : int
            At most so many, the first ones; of a lot, up to 64.

        Returns
        -------
        list of (str, dict)
            Keys and values.
        """
        with in_words(self.path), transaction(self._db):
            found = self._pending(n)
            if not found:
                self._take_back()
                self._from = 0
                found = self._pending(n)
            if found:
                self._from = found[-1][0] + 1
            now = time.time()
            self._db.executemany(
                "UPDATE points SET status = 'running', owner = ?, started = ? WHERE id = ?",
                [(self._owner.name, now, point) for _, point, *_ in found],
            )
        return [(key, json.loads(given)) for _, _, key, given, _ in found]

    def finish(self, key: str, report: Mapping[str, Any] | Packed, seconds: float) -> None:
        """Keep the report of a point that this process had claimed."""
        packed = report if isinstance(report, Packed) else pack(report)
        with in_words(self.path), transaction(self._db):
            point = self._settle(key, "done", seconds, None, packed.numbers)
            self._db.execute("INSERT OR REPLACE INTO reports VALUES (?, ?)", (point, packed.report))

    def fail(self, key: str, error: str, seconds: float) -> None:
        """Keep why a point that this process had claimed has no report."""
        with in_words(self.path), transaction(self._db):
            self._settle(key, "failed", seconds, error, None)

    def release(self) -> None:
        """Give back every point that this process had claimed and not finished."""
        with in_words(self.path), transaction(self._db):
            self._free(self._owner.name)
            self._from = 0

    def counted(self) -> Counted:
        """Count the points by status."""
        query = f"SELECT p.status, count(*) FROM {_JOIN.format(grid='mine')} GROUP BY p.status"
        with in_words(self.path):
            return Counted(**dict(self._db.execute(query).fetchall()))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the points in their order, with everything but their reports."""
        with in_words(self.path):
            yield from read_rows(self._db, "mine")

    def facts(self) -> dict[str, str]:
        """Return what the store says about itself: ``about`` (JSON), ``name``, ``held``."""
        with in_words(self.path):
            return read_facts(self._db)

    def report(self, key: str) -> dict[str, Any] | None:
        """Return the report of a point, None where it has none."""
        query = "SELECT report FROM reports JOIN points ON id = point WHERE key = ?"
        with in_words(self.path):
            found = self._db.execute(query, (key,)).fetchone()
        return None if found is None else unpack(found[0])

    def _pending(self, n: int) -> list[tuple[int, int, str, str, str | None]]:
        """Find the next pending points: place, id, key, values, lot."""
        query = (
            f"SELECT g.place, p.id, p.key, g.given, g.lot FROM {_JOIN.format(grid='mine')}"
            " WHERE g.place >= ? AND p.status = 'pending' ORDER BY g.place LIMIT ?"
        )
        most = max(n, _TOGETHER) if self._in_lots else n
        found = self._db.execute(query, (self._from, most)).fetchall()
        lot = found[0][4] if found else None
        most = n if lot is None else _TOGETHER
        chosen: dict[int, tuple[int, int, str, str, str | None]] = {}
        for row in found:
            if row[4] != lot or len(chosen) == most:
                break
            chosen.setdefault(row[1], row)  # a point that stands in two places is computed once
        return list(chosen.values())

    def _take_back(self) -> None:
        """Free what processes had claimed that are gone."""
        query = "SELECT DISTINCT owner FROM points WHERE status = 'running'"
        for (name,) in self._db.execute(query).fetchall():
            if name != self._owner.name and gone(self.folder, name):
                self._free(name)

    def _free(self, owner: str) -> None:
        self._db.execute(
            "UPDATE points SET status = 'pending', owner = NULL, started = NULL"
            " WHERE status = 'running' AND owner = ?",
            (owner,),
        )

    def _settle(
        self, key: str, status: str, seconds: float, error: str | None, numbers: str | None
    ) -> int:
        found = self._db.execute(
            "UPDATE points SET status = ?, seconds = ?, error = ?, numbers = ?"
            " WHERE key = ? AND status = 'running' AND owner = ? RETURNING id",
            (status, seconds, error, numbers, key, self._owner.name),
        ).fetchall()
        if not found:
            raise RunError(f"{self.path}: point {key} is not claimed by this process")
        return int(found[0][0])
