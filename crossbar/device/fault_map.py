"""Broken cells one by one: measured elsewhere, or drawn once and kept in a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.device.fault_files import read_cells, read_states, write_cells, write_states
from crossbar.errors import DataError, InputError

__all__ = ["HEALTHY", "STUCK_OFF", "STUCK_ON", "FaultMap"]

HEALTHY, STUCK_ON, STUCK_OFF = 0, 1, 2
"""States of a cell: as programmed, at the top level (low resistance), at level 0 (high)."""

_SUFFIXES = (".npz", ".csv")
_PLACES = ("array", "row", "col")


@dataclass(frozen=True, eq=False, repr=False)
class FaultMap:
    """Explicit faults of named arrays.

    Parameters
    ----------
    cells : int[n, 4]
        Array, row, column and state of each broken cell, in any order; state 1 is stuck on, 2
        stuck off.
    arrays : int[n], optional
        Numbers of the arrays that were looked at; None: those that no cell is named of are healthy.
    shape : tuple of int, optional
        Rows and columns of an array; None: not known, only that all cells named lie within.
    source : str
        Where the map comes from, for messages.

    Notes
    -----
    ``.npz`` keeps everything: ``states`` int8[n, rows, cols] with 0 healthy, 1 stuck on, 2 stuck
    off, and ``arrays`` int[n], their numbers on the chip (0 .. n-1 where left out).

    ``.csv`` lists broken cells only, under the heading ``array,row,col,stuck`` with ``on`` or
    ``off``: arrays that it does not name are healthy, and it does not tell their size.

    Raises
    ------
    DataError
        Cells named twice, places that are negative or outside, unknown states.
    """

    cells: NDArray[np.int64]
    arrays: NDArray[np.int64] | None = None
    shape: tuple[int, int] | None = None
    source: str = "fault map"

    def __post_init__(self) -> None:
        table = np.array(self.cells, dtype=np.int64).reshape(-1, 4)
        table = table[np.lexsort(table.T[2::-1])]
        table.setflags(write=False)
        object.__setattr__(self, "cells", table)
        if self.arrays is not None:
            numbers = np.sort(np.array(self.arrays, dtype=np.int64))
            numbers.setflags(write=False)
            object.__setattr__(self, "arrays", numbers)
        for problem in self._problems():
            raise DataError(f"{self.source}: {problem}")

    def _key(self) -> tuple[object, ...]:
        numbers = None if self.arrays is None else self.arrays.tobytes()
        return self.cells.tobytes(), numbers, self.shape

    def __eq__(self, other: object) -> bool:
        """Whether the faults are the same, wherever they were read."""
        return isinstance(other, FaultMap) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"FaultMap({len(self.cells):,} broken cells, {self.source})"

    def _problems(self) -> Iterator[str]:
        """Yield what is wrong, the worst first."""
        table, numbers = self.cells, self.arrays
        for name, column in zip(_PLACES, table.T, strict=False):
            if (column < 0).any():
                yield f"{name} {column.min()} is negative (allowed: 0 or more)"
        wrong = (table[:, 3] != STUCK_ON) & (table[:, 3] != STUCK_OFF)
        if wrong.any():
            yield f"{_cell(table[wrong][0])}: state {table[wrong][0, 3]} (allowed: 1 on, 2 off)"
        again = (table[1:, :3] == table[:-1, :3]).all(1)
        if again.any():
            yield f"{_cell(table[1:][again][0])}: named twice (allowed: once)"
        if numbers is not None:
            if (numbers < 0).any():
                yield f"array {numbers[0]} is negative (allowed: 0 or more)"
            twice = numbers[1:][numbers[1:] == numbers[:-1]]
            if len(twice):
                yield f"array {twice[0]}: given twice (allowed: once)"
            strange = ~np.isin(table[:, 0], numbers)
            if strange.any():
                yield f"{_cell(table[strange][0])}: not one of its arrays ({_span(numbers)})"
        if self.shape is not None:
            yield from _outside(table, self.shape)

    @classmethod
    def from_states(
        cls, states: ArrayLike, arrays: ArrayLike | None = None, source: str = "fault map"
    ) -> FaultMap:
        """Make a map of the states of whole arrays.

        Parameters
        ----------
        states : int[n, rows, cols]
            0 healthy, 1 stuck on, 2 stuck off.
        arrays : int[n], optional
            Their numbers on the chip; 0 .. n-1 where left out.
        source : str

        Raises
        ------
        DataError
            Another number of dimensions, other values, another number of arrays.
        """
        held = np.asarray(states)
        if held.ndim != 3 or not held.size:
            raise DataError(
                f"{source}: states has shape {held.shape} (allowed: arrays x rows x cols)"
            )
        if held.dtype.kind not in "iu":
            raise DataError(f"{source}: states holds {held.dtype} (allowed: whole numbers)")
        wrong = held[(held < HEALTHY) | (held > STUCK_OFF)]
        if len(wrong):
            raise DataError(
                f"{source}: states holds {wrong[0]} (allowed: 0 healthy, 1 stuck on, 2 stuck off)"
            )
        numbers = np.arange(len(held)) if arrays is None else np.asarray(arrays)
        if numbers.shape != (len(held),) or numbers.dtype.kind not in "iu":
            raise DataError(
                f"{source}: arrays holds {numbers.dtype} of shape {numbers.shape} (allowed:"
                f" {len(held)} whole numbers, one for each array of states)"
            )
        which, row, col = np.nonzero(held)
        table = np.stack((numbers[which], row, col, held[which, row, col]), axis=1)
        rows, cols = held.shape[1:]
        return cls(table.astype(np.int64), numbers.astype(np.int64), (rows, cols), source)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> FaultMap:
        """Read a map from an ``.npz`` or ``.csv`` file, see the class.

        Raises
        ------
        InputError
            Another kind of file.
        DataError
            No such file, wrong columns, shapes or values.
        """
        path = _checked(path)
        if path.suffix == ".npz":
            return cls.from_states(*read_states(path), source=str(path))
        return cls(read_cells(path, {"on": STUCK_ON, "off": STUCK_OFF}), source=str(path))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map to an ``.npz`` or ``.csv`` file, see the class.

        Raises
        ------
        InputError
            Another kind of file, a folder that cannot be written to, or ``.npz`` for a map that
            does not say which arrays there are and how large.
        """
        path = _checked(path)
        if path.suffix == ".csv":
            write_cells(path, self.cells, {STUCK_ON: "on", STUCK_OFF: "off"})
            return
        if self.shape is None or self.arrays is None:
            raise InputError(
                f"{path}: {self.source} does not say which arrays there are and how large (allowed:"
                " .csv)"
            )
        states = np.stack([self.states(int(number), self.shape) for number in self.arrays])
        write_states(path, states, self.arrays)

    def states(self, array: int, shape: tuple[int, int]) -> NDArray[np.int8]:
        """States of the cells of one array.

        Parameters
        ----------
        array : int
            Number on the chip.
        shape : tuple of int
            Its rows and columns.

        Returns
        -------
        int8[rows, cols]
            0 healthy, 1 stuck on, 2 stuck off.

        Raises
        ------
        DataError
            The map does not have this array, or its arrays have another size.
        """
        if self.arrays is not None:
            place = int(np.searchsorted(self.arrays, array))
            if place == len(self.arrays) or self.arrays[place] != array:
                raise DataError(f"{self.source}: no array {array} (it has {_span(self.arrays)})")
        if self.shape is not None and self.shape != tuple(shape):
            raise DataError(
                f"{self.source}: arrays of {self.shape[0]} x {self.shape[1]} cells; the chip's have"
                f" {shape[0]} x {shape[1]}"
            )
        first, last = np.searchsorted(self.cells[:, 0], (array, array + 1))
        part = self.cells[first:last]
        for problem in _outside(part, shape):
            raise DataError(f"{self.source}: {problem}")
        out = np.full(shape, HEALTHY, dtype=np.int8)
        out[part[:, 1], part[:, 2]] = part[:, 3]
        return out


def _checked(path: str | os.PathLike[str]) -> Path:
    """Return the path of a map, by its suffix one of the two kinds."""
    path = Path(path)
    if path.suffix not in _SUFFIXES:
        raise InputError(f"{path}: not a fault map by its name (allowed: {', '.join(_SUFFIXES)})")
    return path


def _outside(table: NDArray[np.int64], shape: tuple[int, int]) -> Iterator[str]:
    """Yield the first cell that lies outside an array of this shape."""
    outside = (table[:, 1] >= shape[0]) | (table[:, 2] >= shape[1])
    if outside.any():
        yield f"{_cell(table[outside][0])}: outside an array of {shape[0]} x {shape[1]}"


def _cell(row: NDArray[np.int64]) -> str:
    return f"array {row[0]}, row {row[1]}, col {row[2]}"


def _span(numbers: NDArray[np.int64]) -> str:
    if not len(numbers):
        return "none"
    if len(numbers) == 1:
        return f"array {numbers[0]} only"
    return f"{len(numbers):,} arrays, {numbers[0]} to {numbers[-1]}"
