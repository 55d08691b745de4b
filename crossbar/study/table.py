"""What a study found, as a table: one row a point, in the order of its axes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossbar.errors import InputError, UnknownNameError
from crossbar.files import write_whole
from crossbar.report import Report
from crossbar.study.csv_file import POINTS, cell_text, csv_text
from crossbar.study.database import FILE, in_words, open_to_read
from crossbar.study.facts import read_facts
from crossbar.study.packing import NUMBERS, unpack
from crossbar.study.store import WAIT, Store, read_rows
from crossbar.study.table_text import table_text

if TYPE_CHECKING:
    import pandas

__all__ = ["POINTS", "StudyTable", "load_table", "table_of"]

_IN_CSV = (
    "energy",
    "latency",
    "throughput",
    "area",
    "accuracy",
    "accuracy_std",
    "accuracy_worst",
    "digital_accuracy",
    "float_accuracy",
    "power.average",
    "power.peak",
)


@dataclass(frozen=True)
class StudyTable:
    """The points of a study: values of the axes, numbers, status.

    Parameters
    ----------
    name : str
    axes : tuple of str
        Dotted keys.
    held : str
        What is held equal between the points, in words.
    rows : list of dict
        In the order of the axes: their values, then ``energy`` [J], ``latency`` [s],
        ``throughput`` [1/s], ``area`` [m^2], ``accuracy`` (0..1; of several trials
        their mean, with ``accuracy_std`` and ``accuracy_worst``), ``digital_accuracy`` and
        ``float_accuracy`` (of the same network in integers, and as it is), ``power.average`` and
        ``power.peak`` [W], ``status`` (pending, running, done, failed) and ``error``.  What was not
        measured is None.
    folder : Path
        Where the store is.
    keys : tuple of str
        Of the points in the store.
    """

    name: str
    axes: tuple[str, ...]
    held: str
    rows: list[dict[str, Any]]
    folder: Path = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        return table_text(self.name, self.axes, self.held, self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: axes, numbers, status and error."""
        return (*self.axes, *NUMBERS, "status", "error")

    def column(self, name: str) -> list[Any]:
        """Return one value a point.

        Raises
        ------
        UnknownNameError
            There is no such column.
        """
        if name not in self.columns:
            raise UnknownNameError("column", name, self.columns)
        return [row[name] for row in self.rows]

    def report(self, place: int) -> Report | None:
        """Return the whole report of a row; None where the point is not done.

        Raises
        ------
        InputError
            There is no such row, or the store is gone.
        DataError
            What is stored is no report of this version.
        """
        if not -len(self) <= place < len(self):
            raise InputError(f"row {place}: the table has rows 0 to {len(self) - 1}")
        path = self.folder / FILE
        query = "SELECT report FROM reports JOIN points ON id = point WHERE key = ?"
        with closing(open_to_read(path, WAIT)) as connection, in_words(path):
            found = connection.execute(query, (self.keys[place],)).fetchone()
        return None if found is None else Report.from_dict(unpack(found[0]), f"{path}: row {place}")

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame; what was not measured is NaN, ``attrs`` say what is held equal."""
        import pandas

        frame = pandas.DataFrame(self.rows, columns=list(self.columns))
        frame = frame.astype(dict.fromkeys(NUMBERS, float))
        frame.attrs.update(name=self.name, held=self.held)
        return frame

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write ``points.csv``: floats with every digit, one line a point.

        Raises
        ------
        InputError
            It cannot be written; an existing file is then as it was.
        """
        write_whole(path, csv_text((*self.axes, *_IN_CSV, "status", "error"), self.rows))

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file; an axis of words and numbers is written as words.

        Raises
        ------
        InputError
            It cannot be written; an existing file is then as it was.
        """
        frame = self.to_pandas()
        for axis in self.axes:
            values = self.column(axis)
            kinds = {_kind(value) for value in values} - {""}
            if len(kinds) > 1 or "other" in kinds:  # a column of a Parquet file is of one sort
                frame[axis] = [None if value is None else cell_text(value) for value in values]
        write_whole(path, lambda file: frame.to_parquet(file, engine="pyarrow", index=False))


def load_table(folder: str | os.PathLike[str]) -> StudyTable:
    """Read the table of a study's folder, finished or not; nothing is written there.

    Raises
    ------
    InputError
        There is no study.
    DataError
        The store is something else, or damaged.
    SchemaVersionError
        A newer version wrote it.
    """
    path = Path(folder) / FILE
    with closing(open_to_read(path, WAIT)) as connection, in_words(path):
        return _table(path.parent, read_facts(connection), list(read_rows(connection)))


def table_of(store: Store) -> StudyTable:
    """Return the table of the points that were added to an open store."""
    return _table(store.folder, store.facts(), list(store.rows()))


def _table(
    folder: Path, facts: Mapping[str, str], points: Sequence[Mapping[str, Any]]
) -> StudyTable:
    axes = tuple(dict.fromkeys(axis for point in points for axis in point["values"]))
    empty = dict.fromkeys(axes)
    numbers = dict.fromkeys(NUMBERS)
    rows = [
        {**empty, **point["values"], **numbers, **point["numbers"]}
        | {"status": point["status"], "error": point["error"]}
        for point in points
    ]
    about = json.loads(facts.get("about", "{}"))
    return StudyTable(
        name=facts.get("name") or str(about.get("name") or folder.name),
        axes=axes,
        held=facts.get("held", ""),
        rows=rows,
        folder=folder,
        keys=tuple(point["key"] for point in points),
    )


def _kind(value: Any) -> str:
    """Name what a column of a Parquet file can hold: ``""`` for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"
