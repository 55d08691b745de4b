"""Ranges of converters from data: ``adc.policy: calibrated``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.columns import Columns, by_slice
from crossbar.circuit.dac import InputCoding
from crossbar.errors import InputError
from crossbar.mapping.plan import LayerPlan

__all__ = ["column_ranges"]

_UNIT = 2.0**20  # per level


def column_ranges(
    columns: list[Columns],
    plan: LayerPlan,
    arch: Arch,
    coding: InputCoding,
    sample: NDArray[np.int32] | None,
) -> list[NDArray[np.float64]]:
    """Find the largest sums that the columns of a layer see, without read noise.

    Parameters
    ----------
    columns : list of Columns
        By bundle, of one copy: a chip is calibrated after it is programmed.
    plan : LayerPlan
    arch : Arch
        ``adc.calibrate`` says whether a layer, a slice or each column has a range of its own;
        ``adc.calibration_share`` of the observed magnitudes must fit it.
    coding : InputCoding
    sample : int32[vectors, inputs of all groups]

    Returns
    -------
    list of float64[slices or pairs, outputs]
        By bundle [level]; one level where all sums are 0.

    Raises
    ------
    InputError
        Without a sample.
    """
    if sample is None or not len(sample):
        raise InputError(
            f"{plan.name}: adc.policy calibrated takes its ranges from calibration data, and the"
            " layer was given none"
        )
    reads = coding.digits(sample).astype(np.float64)
    share, grain = arch.adc.calibration_share, arch.adc.calibrate
    seen = []
    for bundle, column in zip(plan.bundles, columns, strict=True):
        first = bundle.first_group * plan.matrix.rows
        digits = reads[:, :, first : first + bundle.rows].reshape(-1, bundle.rows)
        by_part = []
        for sums, _, _ in by_slice(column, bundle, plan.encoding, arch):
            step = np.rint(sums[-1] / (len(sums) - 1) * _UNIT)  # whole: exact in any order
            found = [
                digits[:, g.start : g.start + g.rows] @ step[g.start : g.start + g.rows]
                for g in bundle.row_groups
            ]
            by_part.append(np.abs(np.concatenate(found)) / _UNIT)
        seen.append(by_part)
    if grain == "column":
        peaks = [np.stack([_quantile(s, share, 0) for s in parts]) for parts in seen]
    else:
        parts_of = [
            np.concatenate([parts[j].reshape(-1) for parts in seen]) for j in range(len(seen[0]))
        ]
        if grain == "layer":
            whole = _quantile(np.concatenate(parts_of), share, None)
            each = [whole] * len(parts_of)
        else:
            each = [_quantile(part, share, None) for part in parts_of]
        peaks = [
            np.repeat(np.array(each, dtype=np.float64)[:, None], bundle.outputs, axis=1)
            for bundle in plan.bundles
        ]
    return [np.where(peak > 0, peak, 1.0) for peak in peaks]


def _quantile(
    values: NDArray[np.float64], share: float, axis: int | None
) -> NDArray[np.float64] | float:
    if share >= 1.0:
        return np.asarray(values.max(axis))
    return np.asarray(np.quantile(values, share, axis=axis))
