"""A reading whose cells flicker: the same converters and noise, other sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.analog_reading import AnalogReading, Part, Unit
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

    def part(job: tuple[Part, NDArray[np.float64]]) -> Part:
        old, sums = job
        assert isinstance(old.sums, SumTables)
        fresh = make_tables(sums, groups, old.scale, old.conversion.frac)
        return replace(old, sums=fresh._replace(variances=old.sums.variances))

    slices = [sums for sums, _, _ in by_slice(columns, bundle, encoding, arch)]
    parts = [part(job) for job in zip(reading.parts, slices, strict=True)]
    units = []
    if reading.units:
        sums, _, _ = of_units(columns, bundle, arch)
        for k, unit in enumerate(reading.units):
            fresh = make_tables(sums, groups[k : k + 1], unit.scale, unit.conversion.frac)
            units.append(
                Unit(
                    fresh._replace(variances=unit.sums.variances),
                    unit.conversion,
                    unit.scale,
                )
            )
    return replace(reading, parts=parts, units=units)
