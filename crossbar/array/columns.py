"""What each column of a bundle adds up when its rows are driven, in levels; and the noise on it.

In units of one level and one DAC step (the numerics contract): a healthy ideal cell adds its code
times the digit of its row.  Pedestal, reference column, wires, nonlinearity and DAC errors are in
the numbers; read noise is a variance beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.physical import Physical, full_scale, g_step, telegraphed
from crossbar.array.program import unit_column, weight_columns
from crossbar.circuit.dac import dac_drive
from crossbar.device.nonlinearity import cell_current
from crossbar.device.read_noise import noise_variance
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle, reference_column, usable_columns

__all__ = ["Columns", "by_slice", "has_read_noise", "make_columns", "of_units"]


@dataclass(frozen=True)
class Columns:
    """Sums and noise of whole arrays, by digit.

    Parameters
    ----------
    currents : list of float64[row_blocks, col_blocks, array rows, array columns]
        What a row adds to each column at digit 1, 2 ...: levels.
    square, linear : float64, shaped like a current, or None
        Variance that a row driven with digit d adds: ``square d**2 + linear d`` [level**2]; None
        without read noise.
    constant : float64[row_blocks, col_blocks, array columns] or None
        Variance of each column whatever is driven [level**2].
    """

    currents: list[NDArray[np.float64]]
    square: NDArray[np.float64] | None
    linear: NDArray[np.float64] | None
    constant: NDArray[np.float64] | None

    @property
    def digits(self) -> int:
        """Digits of a row, 0 among them."""
        return len(self.currents) + 1


def make_columns(
    physical: Physical, arch: Arch, seed: int, epoch: int = 0, *, noise: bool = True
) -> Columns:
    """Work out sums and noise of the arrays of one copy of a bundle.

    Parameters
    ----------
    physical : Physical
    arch : Arch
    seed : int
        Of telegraph states and of the mismatch of DACs.
    epoch : int
        Of the telegraph states: inference number // ``rtn_dwell``.
    noise : bool
        Work out variances too.
    """
    cell, scale = arch.cell, full_scale(arch)
    g = telegraphed(physical, arch, seed, epoch)
    drive = dac_drive(arch, physical.numbers.reshape(-1), g.shape[2], seed)
    currents = []
    for digit in range(1, scale + 1):
        steps: Any = float(digit)
        if drive is not None:
            steps = drive[:, :, digit].reshape(*physical.numbers.shape, g.shape[2], 1)
        current = cell_current(cell, g, steps, scale)
        currents.append(_in_levels(current, physical, arch, digit, steps))
    if not (noise and has_read_noise(arch)):
        return Columns(currents, None, None, None)
    square, linear, constant = noise_variance(cell, g, scale)
    unit = g_step(arch) ** 2
    if physical.shares is not None:
        # each cell's noise current divides like its signal current: right to first order in the
        # resistance of the wires; that columns then correlate is left out
        shares = physical.shares**2
        square, linear, constant = square * shares, linear * shares, constant * shares
    parts = [part / unit for part in (square, linear, constant)]
    if reference_column(arch):
        # a reference's noise is in each difference; that it is common to all is left out
        parts = [part + part[..., -1:] for part in parts]
    return Columns(currents, parts[0], parts[1], parts[2].sum(2))


def has_read_noise(arch: Arch) -> bool:
    """Whether reads carry fresh noise of the cells."""
    noise = arch.cell.read_noise
    return bool(noise.sigma or noise.additive or noise.thermal or noise.shot)


def _in_levels(
    current: NDArray[np.float64], physical: Physical, arch: Arch, digit: int, steps: Any
) -> NDArray[np.float64]:
    if physical.shares is not None:
        current = current * physical.shares
    if physical.sneak is not None:
        current = current + steps * physical.sneak
    if arch.cell.pedestal == "ideal" or arch.array.subtract == "analog":
        # of a pair the pedestals cancel by themselves
        current = current - digit * arch.cell.g_off
    elif reference_column(arch):
        current = current - current[..., -1:]
    return current / g_step(arch)


def by_slice(
    columns: Columns, bundle: Bundle, encoding: Encoding, arch: Arch
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.float64] | None]]:
    """Lay out sums and variances slice by slice; pairs whose currents meet are joined.

    One at a time: all slices together would need several times the memory of the conductances.

    Yields
    ------
    tuple
        By slice (or pair): ``float64[digits, rows, outputs]`` sums [level], variances the same way
        [level**2] and ``float64[row_blocks, outputs]`` variance whatever is driven; None without
        read noise.
    """
    width = usable_columns(arch)

    def pick(arrays: NDArray[np.float64]) -> NDArray[np.float64]:
        return weight_columns(arrays, bundle, encoding, width)

    sums = [pick(current) for current in columns.currents]
    variances: list[NDArray[np.float64]] = []
    constant = None
    if columns.square is not None and columns.linear is not None and columns.constant is not None:
        square, linear = pick(columns.square), pick(columns.linear)
        variances = [square * d**2 + linear * d for d in range(1, columns.digits)]
        constant = _constants(columns.constant, bundle, encoding, width)
    paired = encoding.subtract == "analog"
    half = encoding.columns // 2
    for j in range(half if paired else encoding.columns):
        each = [s[j] - s[j + half] if paired else s[j] for s in sums]
        noise = [v[j] + v[j + half] if paired else v[j] for v in variances]
        still = None
        if constant is not None:
            still = constant[j] + constant[j + half] if paired else constant[j]
        zero = np.zeros_like(each[0])
        yield np.stack([zero, *each]), np.stack([zero, *noise]) if variances else None, still


def _constants(
    constant: NDArray[np.float64], bundle: Bundle, encoding: Encoding, width: int
) -> NDArray[np.float64]:
    """Sort variances of columns by slice: ``float64[slices, row_blocks, outputs]``."""
    flat = constant[..., :width].reshape(len(constant), -1)[:, : bundle.columns]
    out = np.empty((encoding.columns, len(constant), bundle.outputs))
    out[list(encoding.order)] = flat.reshape(len(constant), bundle.outputs, -1).transpose(2, 0, 1)
    return out


def of_units(
    columns: Columns, bundle: Bundle, arch: Arch
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Pick out the unit columns, as `by_slice` does for a slice.

    Returns
    -------
    tuple
        ``float64[digits, rows, col_blocks]`` sums [level], variances the same way, and
        ``float64[row_blocks, col_blocks]`` variance whatever is driven.
    """
    at = unit_column(arch)

    def pick(arrays: NDArray[np.float64]) -> NDArray[np.float64]:
        column = arrays[..., at].transpose(0, 2, 1)
        return np.asarray(column.reshape(-1, arrays.shape[1])[: bundle.rows])

    sums = [pick(current) for current in columns.currents]
    zero = np.zeros_like(sums[0])
    if columns.square is None or columns.linear is None or columns.constant is None:
        return np.stack([zero, *sums]), None, None
    square, linear = pick(columns.square), pick(columns.linear)
    noise = [square * d**2 + linear * d for d in range(1, columns.digits)]
    return np.stack([zero, *sums]), np.stack([zero, *noise]), columns.constant[..., at]
