"""How a bundle of arbitrary conductances is computed: partial-sum tables, or matrix products.

Tables: for every four input bits the sixteen possible sums of a column are kept in fixed point, so
a read is one addition for each four bits (`crossbar.kernels.tables`).  Products: where the row
drivers are noisy, drives are real numbers and a read is a matrix product of whole numbers in double
precision, exact in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.analog_reading import AnalogReading, Part, Products
from crossbar.array.columns import Columns, by_slice, of_units
from crossbar.array.path import has_dac_noise, has_telegraph
from crossbar.array.physical import Physical, full_scale, g_step
from crossbar.array.program import Cells
from crossbar.array.sums import input_sums
from crossbar.circuit.adc import Adc, make_adc, make_unit_adc
from crossbar.circuit.adc_mismatch import Converters, adc_number, converter_instances
from crossbar.circuit.dac import InputCoding, dac_drive
from crossbar.kernels.conversion import Conversion, make_conversion
from crossbar.kernels.draw import noise_key
from crossbar.kernels.tables import SumTables, make_tables, table_numbers
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle, usable_columns

__all__ = ["make_analog"]

_READ_NOISE, _DAC_NOISE = 7, 10  # streams
_MOST_PLACES, _EXACT = 20, 52  # binary places; bits of a sum that double precision holds


@dataclass(frozen=True)
class _Wiring:
    """Which converter serves which column, by row group."""

    converters: Converters | None
    which: NDArray[np.int64]  # [row_groups, col_blocks], index into the converters

    def of(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.which[:, blocks]


def _wire(arch: Arch, adc: Adc, physical: Physical, bundle: Bundle, seed: int) -> _Wiring:
    numbers = np.asarray(adc_number(arch, physical.numbers), dtype=np.int64)
    known, which = np.unique(numbers, return_inverse=True)
    converters = converter_instances(arch, adc, known, seed)
    of_block = which.reshape(numbers.shape)
    return _Wiring(converters, of_block[[group.block for group in bundle.row_groups]])


def make_analog(
    cells: Cells,
    physical: Physical,
    columns: Columns,
    weights: NDArray[np.integer],
    bundle: Bundle,
    encoding: Encoding,
    coding: InputCoding,
    arch: Arch,
    ranges: NDArray[np.float64] | None,
    seed: int,
) -> AnalogReading:
    """Turn columns into tables or matrices, and their converters into numbers.

    Parameters
    ----------
    cells : Cells
    physical : Physical
    columns : Columns
        With ideal drives where `has_dac_noise`.
    weights : int[rows, outputs]
        The integers that were meant, 0 where unused.
    bundle, encoding, coding
    arch : Arch
        As seen.
    ranges : float64[slices, outputs] or None
        Largest sum that the converters take in, for ``adc.policy: calibrated``.
    seed : int
    """
    width = usable_columns(arch)
    n, n_slices = bundle.outputs, encoding.columns
    place = np.argsort(encoding.order)
    first = int(physical.numbers[0, 0])
    parts = []
    wiring = None
    for j, (sums, noise, still) in enumerate(by_slice(columns, bundle, encoding, arch)):
        lsb, adc = _lsb_of(arch, None if ranges is None else ranges[j], n)
        if wiring is None:
            wiring = _wire(arch, adc, physical, bundle, seed)
        s = encoding.slices[j]
        flip = -cells.flips[:, j].astype(np.int64)
        if s.sign < 0:
            flip = ~flip
        blocks = (np.arange(n) * n_slices + place[j]) // width
        quiet = _per_group(still, bundle)
        made, conversion, scale = _convert(
            arch, adc, lsb, sums, noise, quiet, bundle, flip, blocks, wiring,
            noise_key(seed, _READ_NOISE, first, j),
        )  # fmt: skip
        parts.append(Part(made, conversion, s.shift, lsb / s.step, scale))
    assert wiring is not None  # an encoding has slices
    back = input_sums(cells.flips, bundle, encoding, arch)
    needed = bool(back.weight.any())
    units, unit_lsb = [], 1.0
    if needed and arch.array.input_sum == "column":
        unit_adc = make_unit_adc(arch)
        unit_lsb = unit_adc.lsb
        served = _wire(arch, unit_adc, physical, bundle, seed)
        units = _units(arch, unit_adc, columns, bundle, served, first, seed)
    by_product = has_dac_noise(arch)
    rows = arch.array.rows
    drive = None
    if by_product and arch.dac.inl:
        drawn = dac_drive(arch, physical.numbers.reshape(-1), rows, seed)
        drive = None if drawn is None else drawn.reshape(*physical.numbers.shape, rows, -1)
    return AnalogReading(
        bundle,
        parts,
        back.weight.reshape(-1, n) if needed else np.zeros((0, n)),
        back.segments,
        units,
        unit_lsb,
        -coding.offset * weights.astype(np.float64).sum(0),
        drive,
        arch.dac.noise if by_product else 0.0,
        [[noise_key(seed, _DAC_NOISE, int(a)) for a in row] for row in physical.numbers],
    )


def _lsb_of(
    arch: Arch, peak: NDArray[np.float64] | None, outputs: int
) -> tuple[NDArray[np.float64], Adc]:
    """What a code counts in each column, and a converter with the right codes."""
    adc = make_adc(arch)
    if peak is None:
        return np.full(outputs, adc.lsb), adc
    return peak / adc.high, adc


def _per_group(still: NDArray[np.float64] | None, bundle: Bundle) -> NDArray[np.float64] | None:
    return None if still is None else still[[group.block for group in bundle.row_groups]]


def _convert(
    arch: Arch,
    adc: Adc,
    lsb: NDArray[np.float64],
    sums: NDArray[np.float64],
    noise: NDArray[np.float64] | None,
    still: NDArray[np.float64] | None,
    bundle: Bundle,
    flip: NDArray[np.int64],
    blocks: NDArray[np.int64],
    wiring: _Wiring,
    key: int,
) -> tuple[SumTables | Products, Conversion, NDArray[np.float64]]:
    """Build sums and conversion of the columns of one slice; the last is lsb per level."""
    converters = wiring.converters
    groups = np.array([[g.start, g.rows] for g in bundle.row_groups], dtype=np.int64)
    scale = np.broadcast_to(1.0 / lsb, flip.shape).copy()
    offset, thresholds, which, adc_variance = None, None, None, 0.0
    if converters is not None:
        adc_variance = converters.noise**2
        if converters.thresholds is not None:
            thresholds, which = converters.thresholds, wiring.of(blocks)
        else:
            scale *= converters.gain[wiring.of(blocks)]
            offset = converters.offset[wiring.of(blocks)]
    if noise is not None and not noise.any():
        noise = None  # thermal noise alone does not depend on what is driven
    quiet = np.zeros(flip.shape) if still is None else still * scale**2
    quiet = quiet + adc_variance
    noisy = noise is not None or bool(quiet.any())
    worst = 0.0
    if noisy:
        worst = float(
            np.sqrt(quiet.max() + (0.0 if noise is None else _worst(noise, groups, scale)))
        )
    largest = 0.0 if offset is None else float(np.abs(offset).max())
    largest += _flicker(arch, bundle) * float(scale.max())
    frac = table_numbers(sums, groups, scale, offset=largest, spread=worst)
    conversion = make_conversion(
        frac, adc.low, adc.high, flip,
        offset=offset, thresholds=thresholds, which=which,
        deviation=np.sqrt(quiet) if noisy and noise is None else None,
        constant_variance=quiet if noise is not None else None,
        key=key,
    )  # fmt: skip
    if not has_dac_noise(arch):
        return make_tables(sums, groups, scale, frac, noise), conversion, scale
    full = len(sums) - 1
    rows = [slice(g.start, g.start + g.rows) for g in bundle.row_groups]
    bound = max(float(np.abs(sums[full][r]).sum(0).max(initial=1.0)) for r in rows)
    room = _EXACT - math.ceil(math.log2(max(2.0 * bound, 1.0)))  # INL and noise reach further
    places = min(_MOST_PLACES, room // 2)
    unit = 2.0**places
    squares = linears = None
    if noise is not None:
        # two digits tell square and linear part apart; with one digit they are one
        linear = 2.0 * noise[1] - noise[2] / 2.0 if full > 1 else np.zeros_like(noise[1])
        square = noise[1] - linear
        squares = [np.rint(square[r] * unit) for r in rows]
        linears = [np.rint(linear[r] * unit) for r in rows]
    matrices = [np.rint(sums[full][r] / full * unit) for r in rows]
    return Products(places, matrices, squares, linears, scale, blocks), conversion, scale


def _flicker(arch: Arch, bundle: Bundle) -> float:
    """Most that telegraph noise can add to a sum [level]: fixed point keeps room for it."""
    if not has_telegraph(arch):
        return 0.0
    rows = max(group.rows for group in bundle.row_groups)
    top = 2.0 * arch.cell.g_on / g_step(arch)  # programming may overshoot; pairs move both ways
    return 2.0 * rows * full_scale(arch) * arch.cell.read_noise.rtn_amplitude * top


def _worst(
    noise: NDArray[np.float64], groups: NDArray[np.int64], scale: NDArray[np.float64]
) -> float:
    """Largest variance of a read [lsb**2]."""
    found = [noise[:, a : a + n].max(0).sum(0) for a, n in groups]
    return float((np.stack(found) * scale**2).max())


def _units(
    arch: Arch,
    adc: Adc,
    columns: Columns,
    bundle: Bundle,
    wiring: _Wiring,
    first: int,
    seed: int,
) -> list[Part]:
    """Tables of the unit columns, one row group after the other; their drives are not noisy."""
    sums, noise, still = of_units(columns, bundle, arch)
    quiet = _per_group(still, bundle)
    steady = arch.model_copy(update={"dac": arch.dac.model_copy(update={"noise": 0.0})})
    out = []
    for g, group in enumerate(bundle.row_groups):
        here = _Wiring(wiring.converters, wiring.which[g : g + 1])
        one = Bundle(0, 1, group.rows, 1, 1, 1, 1, (group,))
        blocks = np.arange(bundle.col_blocks)
        tables, conversion, scale = _convert(
            steady, adc, np.full(bundle.col_blocks, adc.lsb), sums, noise,
            None if quiet is None else quiet[g : g + 1], one,
            np.zeros((1, bundle.col_blocks), dtype=np.int64), blocks, here,
            noise_key(seed, _READ_NOISE, first, 1000 + g),
        )  # fmt: skip
        out.append(Part(tables, conversion, 0, np.ones(bundle.col_blocks), scale))
    return out
