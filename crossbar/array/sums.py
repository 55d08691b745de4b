"""What is given back digitally after the reads: sums of inputs times constants.

A flipped column returns ``top * sum - read``, an offset encoding takes ``offset * sum`` away once a
weight, and a pedestal that the converter saw takes ``pedestal * sum`` away from every column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.adc import pedestal_levels
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle, usable_columns

__all__ = ["InputSums", "input_sums"]


@dataclass(frozen=True)
class InputSums:
    """Which inputs are summed, and what one unit of each sum adds to each output.

    Parameters
    ----------
    segments : int64[segments, 2]
        First row and rows of each sum.
    weight : float64[segments, sources, outputs]
        ``sources`` is 1 for digital sums, the column blocks for sums of unit columns.
    """

    segments: NDArray[np.int64]
    weight: NDArray[np.float64]


def _segments(bundle: Bundle) -> list[tuple[int, int, int, int]]:
    """Cut row groups at layer groups: (row group, layer group, first row, rows)."""
    per = bundle.rows // bundle.groups
    cut = []
    for g, group in enumerate(bundle.row_groups):
        row, end = group.start, group.start + group.rows
        while row < end:
            stop = min(end, (row // per + 1) * per)
            cut.append((g, row // per, row, stop - row))
            row = stop
    return cut


def input_sums(
    flips: NDArray[np.bool_], bundle: Bundle, encoding: Encoding, arch: Arch
) -> InputSums:
    """Work out the sums of a bundle.

    Parameters
    ----------
    flips : bool[row_groups, slices, outputs]
    bundle, encoding, arch
    """
    n_slices, n = encoding.columns, bundle.outputs
    has_units = arch.array.input_sum == "column"
    if has_units:  # then a bundle holds one group
        segments = [(g, 0, r.start, r.rows) for g, r in enumerate(bundle.row_groups)]
    else:
        segments = _segments(bundle)
    place = np.argsort(encoding.order)[:, None]
    block = (np.arange(n) * n_slices + place) // usable_columns(arch)  # [slices, outputs]
    source = block if has_units else np.zeros_like(block)
    pedestal = pedestal_levels(arch) if arch.cell.pedestal == "digital" else 0.0
    of_group = np.arange(n) // (n // bundle.groups)
    outputs = np.arange(n)
    weight = np.zeros((len(segments), bundle.col_blocks if has_units else 1, n))
    for k, (g, layer_group, _, _) in enumerate(segments):
        mine = of_group == layer_group
        for j, s in enumerate(encoding.slices):
            counts = float(s.sign * (1 << s.shift))
            back = np.where(mine & flips[g, j], counts * (s.top // s.step), 0.0)
            # a pedestal is driven by the rows of all groups
            back += counts / s.step * pedestal * np.where(flips[g, j], 1.0, -1.0)
            np.add.at(weight[k], (source[j], outputs), back)
        np.add.at(weight[k], (source[0], outputs), np.where(mine, -float(encoding.offset), 0.0))
    if has_units and pedestal:
        weight /= 1.0 + pedestal  # a unit column has cells at level 1, and their pedestal
    return InputSums(np.array([s[2:] for s in segments], dtype=np.int64), weight)
