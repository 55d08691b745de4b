"""Cells that are stuck, and where they are: by rates, in clusters, in lines, or from a map.

Faults are named by what they do: stuck ``on`` is the low-resistance state, the physical top level;
stuck ``off`` the high-resistance state, level 0 (`crossbar.device.fault_kinds`).  They belong to
the physical cells of an array, whatever these hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar.device.clusters import cluster_states
from crossbar.device.draws import LINES, STUCK, uniforms
from crossbar.device.fault_kinds import ClusteredFaults, LineFaults, StuckAt
from crossbar.device.fault_map import HEALTHY, STUCK_OFF, STUCK_ON, FaultMap
from crossbar.errors import InputError

__all__ = [
    "HEALTHY",
    "STUCK_OFF",
    "STUCK_ON",
    "ClusteredFaults",
    "FaultMap",
    "FaultSet",
    "Faults",
    "LineFaults",
    "StuckAt",
    "apply_states",
    "breaks_cells",
    "draw_map",
    "stuck_codes",
    "stuck_states",
]


@dataclass(frozen=True, slots=True)
class FaultSet:
    """Several causes of faults at once; a plain tuple of them means the same.

    Parameters
    ----------
    parts : tuple
        `StuckAt`, `ClusteredFaults`, `LineFaults`, `FaultMap`, other sets.

    Notes
    -----
    In the order given: a cell that one part has stuck stays as it is, later parts neither heal it
    nor turn it round.  Parts of one kind are drawn independently of each other; the first of each
    kind draws as it does alone.
    """

    parts: tuple[Faults, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", tuple(_flat(self.parts)))


Faults: TypeAlias = (
    "StuckAt | ClusteredFaults | LineFaults | FaultMap | FaultSet | tuple[Faults, ...]"
)
"""Everything that can break cells."""

Part: TypeAlias = StuckAt | ClusteredFaults | LineFaults | FaultMap


def stuck_states(faults: Faults, array: int, shape: tuple[int, int], seed: int) -> NDArray[np.int8]:
    """States of all cells of one physical array.

    Parameters
    ----------
    faults : StuckAt, ClusteredFaults, LineFaults, FaultMap, FaultSet or a tuple of them
    array : int
        Its number on the chip.
    shape : tuple of int
        Its rows and columns; a fault of a row takes all of them.
    seed : int

    Returns
    -------
    int8[rows, cols]
        0 healthy, 1 stuck on, 2 stuck off; depends on (seed, array, row, col) only.

    Raises
    ------
    DataError
        A `FaultMap` without this array, or of arrays of another size.
    InputError
        Not faults.
    """
    out = np.full(shape, HEALTHY, dtype=np.int8)
    seen: dict[type, int] = {}
    for part in _flat((faults,)):
        turn = seen.get(type(part), 0)
        seen[type(part)] = turn + 1
        more = _part_states(part, array, shape, seed, turn)
        np.copyto(out, more, where=out == HEALTHY)
    return out


def apply_states(codes: NDArray[np.uint8], states: NDArray[np.int8], top: int) -> NDArray[np.uint8]:
    """Replace the codes of stuck cells.

    Parameters
    ----------
    codes : uint8[..., rows, cols]
    states : int8[..., rows, cols]
        Of `stuck_states`.
    top : int
        Physical top level, ``2**cell.bits - 1``.

    Returns
    -------
    uint8[..., rows, cols]
        Stuck on: ``top``; stuck off: 0; the others as they were.
    """
    out = codes.copy()
    out[states == STUCK_OFF] = 0
    out[states == STUCK_ON] = top
    return out


def stuck_codes(
    codes: NDArray[np.uint8],
    array: int,
    faults: StuckAt,
    seed: int,
    top: int,
    row: int = 0,
    col: int = 0,
) -> NDArray[np.uint8]:
    """Replace the codes of stuck cells in a part of an array.

    The draw depends on (seed, array, row, col) only; a cell that is stuck at some rate is stuck at
    every higher rate.

    Parameters
    ----------
    codes : uint8[rows, cols]
        Part of one physical array.
    array : int
        Its number on the chip.
    faults : StuckAt
    seed : int
    top : int
        Physical top level, ``2**cell.bits - 1``.
    row, col : int
        Where ``codes`` begins in the array.

    Returns
    -------
    uint8[rows, cols]
    """
    u = uniforms(seed, STUCK, array, codes.shape, 0, row, col)
    return apply_states(codes, _by_rates(u, faults.on, faults.off), top)


def draw_map(faults: Faults, arrays: Iterable[int], shape: tuple[int, int], seed: int) -> FaultMap:
    """Draw the faults of some arrays, to be saved, looked at or changed.

    Parameters
    ----------
    faults : StuckAt, ClusteredFaults, LineFaults, FaultMap, FaultSet or a tuple of them
    arrays : iterable of int
        Numbers on the chip.
    shape : tuple of int
        Rows and columns of an array.
    seed : int

    Returns
    -------
    FaultMap
        Whose `stuck_states` are those of ``faults`` with this seed.
    """
    numbers = [int(array) for array in arrays]
    if not numbers:
        raise InputError("draw_map: arrays is empty (allowed: one number or more)")
    states = np.stack([stuck_states(faults, array, shape, seed) for array in numbers])
    return FaultMap.from_states(states, numbers, f"drawn with seed {seed}")


def breaks_cells(faults: Faults | None) -> bool:
    """Whether any cell can be stuck: false without faults, and where all rates are 0."""
    return faults is not None and any(_breaks(part) for part in _flat((faults,)))


def _breaks(part: Part) -> bool:
    match part:
        case StuckAt() | ClusteredFaults():
            return part.on > 0 or part.off > 0
        case LineFaults():
            return part.row_on + part.row_off + part.col_on + part.col_off > 0
        case FaultMap():
            return len(part.cells) > 0


def _part_states(
    part: Part, array: int, shape: tuple[int, int], seed: int, turn: int
) -> NDArray[np.int8]:
    """States by one part alone; ``turn`` counts parts of its kind."""
    match part:
        case StuckAt():
            return _by_rates(uniforms(seed, STUCK, array, shape, turn), part.on, part.off)
        case ClusteredFaults():
            total = min(part.on + part.off, 1.0)
            if not total:
                return np.full(shape, HEALTHY, dtype=np.int8)
            share = part.on / (part.on + part.off)
            states = (HEALTHY, STUCK_ON, STUCK_OFF)
            return cluster_states(share, total, part.size, array, shape, seed, states, turn)
        case LineFaults():
            return _line_states(part, array, shape, seed, turn)
        case FaultMap():
            return part.states(array, shape)


def _by_rates(u: NDArray[np.float64], on: float, off: float) -> NDArray[np.int8]:
    """Stuck off where a draw is low, on where it is high: more of each at higher rates."""
    out = np.full(u.shape, HEALTHY, dtype=np.int8)
    out[u < off] = STUCK_OFF
    out[u >= 1.0 - on] = STUCK_ON
    return out


def _line_states(
    lines: LineFaults, array: int, shape: tuple[int, int], seed: int, turn: int
) -> NDArray[np.int8]:
    """Rows and columns; off, the larger number, counts where they cross."""
    rows = uniforms(seed, LINES, array, (shape[0], 1), 2 * turn)
    cols = uniforms(seed, LINES, array, (1, shape[1]), 2 * turn + 1)
    down = _by_rates(rows, lines.row_on, lines.row_off)
    across = _by_rates(cols, lines.col_on, lines.col_off)
    return np.maximum(down, across)


def _flat(parts: Iterable[Faults]) -> Iterator[Part]:
    """Yield the parts of sets within sets, in order."""
    for part in parts:
        if isinstance(part, FaultSet):
            yield from _flat(part.parts)
        elif isinstance(part, (tuple, list)):
            yield from _flat(part)
        elif isinstance(part, (StuckAt, ClusteredFaults, LineFaults, FaultMap)):
            yield part
        else:
            raise InputError(
                f"faults: {part!r} (allowed: StuckAt, ClusteredFaults, LineFaults, FaultMap, a"
                " tuple of them)"
            )
