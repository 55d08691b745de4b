"""A reading whose cells flicker: the same converters and noise, other sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.analog_reading import AnalogReading, Part
from crossbar.array.columns import Columns, by_slice, of_units
from crossbar.kernels.tables import SumTables, make_tables
from crossbar.mapping.encode import Encoding

__all__ = ["with_sums"]


def with_sums(
    reading: AnalogReading, columns: Columns, encoding: Encoding, arch: Arch
) -> AnalogReading:
    """Return a reading by tables with the sums of other conductances.

    Parameters
    ----------
    reading : AnalogReading
        By tables, made with room for what telegraph noise adds.  Its converters, their noise and
        the variance of read noise stay: that of a cell which has jumped is taken as before, second
        order in the two.
    columns : Columns
        Of one epoch, without variances.
    encoding, arch
    """
    bundle = reading.bundle
    groups = np.array([[g.start, g.rows] for g in bundle.row_groups], dtype=np.int64)

    parts = [
        _with_sums(part, sums, groups)
        for part, (sums, _, _) in zip(
            reading.parts, by_slice(columns, bundle, encoding, arch), strict=True
        )
    ]
    units = reading.units
    if units:
        sums, _, _ = of_units(columns, bundle, arch)
        units = [_with_sums(unit, sums, groups[k : k + 1]) for k, unit in enumerate(units)]
    return replace(reading, parts=parts, units=units)


def _with_sums(part: Part, sums: NDArray[np.float64], groups: NDArray[np.int64]) -> Part:
    assert isinstance(part.sums, SumTables)
    fresh = make_tables(sums, groups, part.scale, part.conversion.frac)
    return replace(part, sums=fresh._replace(variances=part.sums.variances))
