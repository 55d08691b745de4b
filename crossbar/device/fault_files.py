"""Files of broken cells: what stands in them, and one clear line where it is wrong."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import DataError
from crossbar.files import write_whole

__all__ = ["read_cells", "read_states", "write_cells", "write_states"]

_COLUMNS = ("array", "row", "col", "stuck")
_LARGEST = 1 << 31

Read = TypeVar("Read")


def read_states(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read ``states`` and, where it is there, ``arrays`` of an ``.npz`` file.

    Raises
    ------
    DataError
        No such file, not an archive of arrays, arrays of other names.
    """

    def read() -> tuple[NDArray[Any], NDArray[Any] | None]:
        with path.open("rb") as file:
            held = np.load(file, allow_pickle=False)
            if not isinstance(held, np.lib.npyio.NpzFile):
                raise ValueError("one bare array")
            names = tuple(held.files)
            if "states" not in names or set(names) - {"states", "arrays"}:
                raise DataError(
                    f"{path}: holds {', '.join(names) or 'nothing'} (allowed: states and arrays)"
                )
            return held["states"], held["arrays"] if "arrays" in names else None

    try:
        return _opened(path, read)
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not an .npz file of plain arrays") from None


def write_states(path: Path, states: NDArray[np.int8], arrays: NDArray[np.int64]) -> None:
    """Write an ``.npz`` file that `read_states` reads."""

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez_compressed(file, states=states, arrays=arrays)

    write_whole(path, write)


def read_cells(path: Path, states: Mapping[str, int]) -> NDArray[np.int64]:
    """Read the rows of a ``.csv`` file.

    Parameters
    ----------
    path : path
    states : mapping
        Word of the column ``stuck`` -> state.

    Returns
    -------
    int64[n, 4]
        Array, row, column and state.

    Raises
    ------
    DataError
        No such file, other columns, a row that is too short or too long, a value that is none.
    """

    def read() -> list[tuple[int, int, int, int]]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            heading = tuple(name.strip() for name in next(lines, ()))
            if heading != _COLUMNS:
                raise DataError(
                    f"{path}: columns {','.join(heading) or 'missing'} (allowed:"
                    f" {','.join(_COLUMNS)})"
                )
            return [_row(f"{path}: line {lines.line_num}", row, states) for row in lines if row]

    try:
        rows = _opened(path, read)
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}: not a text file of comma-separated values") from None
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def write_cells(path: Path, cells: NDArray[np.int64], words: Mapping[int, str]) -> None:
    """Write a ``.csv`` file that `read_cells` reads."""
    lines = [",".join(_COLUMNS)]
    lines += [f"{array},{row},{col},{words[state]}" for array, row, col, state in cells.tolist()]
    write_whole(path, "\n".join(lines) + "\n")


def _opened(path: Path, read: Callable[[], Read]) -> Read:
    """Read a file; an error of the system becomes one line."""
    try:
        return read()
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _row(where: str, row: list[str], states: Mapping[str, int]) -> tuple[int, int, int, int]:
    """Read one line: three places and a word."""
    if len(row) != len(_COLUMNS):
        raise DataError(f"{where}: {len(row)} values (allowed: {', '.join(_COLUMNS)})")
    places = []
    for name, text in zip(_COLUMNS[:3], row, strict=False):
        text = text.strip()
        if not (text.isascii() and text.isdigit()) or int(text) >= _LARGEST:
            raise DataError(f"{where}: {name} {text!r} (allowed: a whole number, 0 or more)")
        places.append(int(text))
    word = row[3].strip()
    if word not in states:
        raise DataError(f"{where}: stuck {word!r} (allowed: {', '.join(states)})")
    return places[0], places[1], places[2], states[word]
