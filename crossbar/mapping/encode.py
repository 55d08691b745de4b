"""Integers to cell codes: encodings and bit slices (design: the numerics contract).

A signed integer weight ``w`` becomes ``S`` cells in ``S`` neighbouring physical columns.  Its
value is recovered as ``sum_j sign_j * 2**shift_j * code_j / step_j - offset`` for a row that is
driven by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch

__all__ = ["Encoding", "Slice", "encode", "make_encoding", "weight_range"]


@dataclass(frozen=True, slots=True)
class Slice:
    """One physical column of a weight.

    Parameters
    ----------
    group : str
        ``"offset"``, ``"plus"``, ``"minus"``, ``"magnitude"`` or ``"sign"``.
    shift : int
        Its code counts ``2**shift``.
    sign : int
        +1 or -1.
    width : int
        Bits stored; narrower than the cell in the top slice when the bits do not divide.
    low : int
        Lowest bit of the group's integer that it holds.
    step : int
        Levels between neighbouring values: more than 1 in a narrow slice that is spread over the
        whole cell (``cell.narrow_slice: full_swing``); a read is then divided by it.
    """

    group: str
    shift: int
    sign: int
    width: int
    low: int
    step: int = 1

    @property
    def top(self) -> int:
        """Largest code it stores without faults."""
        return ((1 << self.width) - 1) * self.step


@dataclass(frozen=True, slots=True)
class Encoding:
    """How an integer weight is laid out in columns.

    Parameters
    ----------
    kind : str
        ``"offset"``, ``"differential"`` or ``"twos_complement"``.
    bits : int
        Bits of the signed integer (ternary weights take 2, binary ones 1).
    slices : tuple of Slice
        Least significant first; a differential weight has all ``plus`` slices, then all ``minus``.
    offset : int
        Subtracted per driven unit of input: ``2**(bits - 1)`` for ``offset``, else 0 (binary: see
        `encode`).
    subtract : str
        ``"digital"`` converts plus and minus columns apart, ``"analog"`` their difference.
    """

    kind: str
    bits: int
    slices: tuple[Slice, ...]
    offset: int
    subtract: str

    @property
    def columns(self) -> int:
        """Physical columns a weight."""
        return len(self.slices)

    @property
    def order(self) -> tuple[int, ...]:
        """Slices in the order of their physical columns; pairs whose currents meet lie together."""
        if self.subtract != "analog":
            return tuple(range(self.columns))
        half = self.columns // 2
        return tuple(j for k in range(half) for j in (k, k + half))

    @property
    def conversions(self) -> int:
        """Conversions a weight and read: pairs are converted once when subtracted as currents."""
        return self.columns // 2 if self.subtract == "analog" else self.columns


def _cut(group: str, bits: int, cell_bits: int, sign: int) -> list[Slice]:
    return [
        Slice(group, low, sign, min(cell_bits, bits - low), low)
        for low in range(0, bits, cell_bits)
    ]


def _spread(s: Slice, cell_bits: int) -> Slice:
    """Spread a narrow slice's levels over the cell, where they fall on whole levels."""
    physical_top = (1 << cell_bits) - 1
    even = physical_top % s.top == 0
    return replace(s, step=physical_top // s.top) if even else s


def weight_range(weight_bits: int, weight_levels: int | None) -> tuple[int, int]:
    """Return a weight's signed bits and largest magnitude: (8, 127), ternary (2, 1), (1, 1)."""
    bits = 2 if weight_levels == 3 else weight_bits
    return bits, max(1, (1 << (bits - 1)) - 1)


def make_encoding(arch: Arch, weight_bits: int, weight_levels: int | None = None) -> Encoding:
    """Choose the slices for signed integers of ``weight_bits`` in cells of ``arch.cell.bits``.

    Binary weights are -1 and +1: ``offset`` stores the bit u with ``w = 2 u - 1``,
    ``differential`` one bit a side, ``twos_complement`` the bit of -1 with ``w = 1 - 2 u``.
    """
    bits, _ = weight_range(weight_bits, weight_levels)
    cell = arch.cell.bits
    kind = arch.array.encoding
    if kind == "offset":
        if bits == 1:
            slices, offset = [Slice("offset", 1, 1, 1, 0)], 1
        else:
            slices, offset = _cut("offset", bits, cell, 1), 1 << (bits - 1)
    elif kind == "differential":
        magnitude = max(1, bits - 1)
        slices = _cut("plus", magnitude, cell, 1) + _cut("minus", magnitude, cell, -1)
        offset = 0
    elif bits == 1:
        slices, offset = [Slice("sign", 1, -1, 1, 0)], -1
    else:
        slices = _cut("magnitude", bits - 1, cell, 1)
        slices.append(Slice("sign", bits - 1, -1, 1, bits - 1))
        offset = 0
    if arch.cell.narrow_slice == "full_swing":
        slices = [_spread(s, cell) for s in slices]
    return Encoding(kind, bits, tuple(slices), offset, arch.array.subtract)


def encode(weights: NDArray[np.integer], encoding: Encoding) -> NDArray[np.uint8]:
    """Cut integer weights into codes.

    Parameters
    ----------
    weights : int[rows, cols]
        Signed, within the range of ``encoding.bits`` (binary: -1 and +1 only).

    Returns
    -------
    uint8[slices, rows, cols]
        ``sum_j sign_j * 2**shift_j * code_j / step_j - offset == weights``.
    """
    w = np.asarray(weights, dtype=np.int64)
    groups: dict[str, NDArray[np.int64]]
    if encoding.kind == "offset":
        groups = {"offset": (w + 1) // 2 if encoding.bits == 1 else w + encoding.offset}
    elif encoding.kind == "differential":
        groups = {"plus": np.maximum(w, 0), "minus": np.maximum(-w, 0)}
    elif encoding.bits == 1:
        groups = {"sign": (1 - w) // 2}
    else:
        stored = w & ((1 << encoding.bits) - 1)
        groups = {"magnitude": stored, "sign": stored}
    codes = np.empty((encoding.columns, *w.shape), dtype=np.uint8)
    for j, s in enumerate(encoding.slices):
        codes[j] = ((groups[s.group] >> s.low) & ((1 << s.width) - 1)) * s.step
    return codes
