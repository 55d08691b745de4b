"""Ranges of converters from data: ``adc.policy: calibrated``."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.columns import Columns, by_slice
from crossbar.array.window import map_parts
from crossbar.circuit.dac import InputCoding
from crossbar.errors import InputError
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.tiling import Bundle

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
    jobs = []
    for bundle, column in zip(plan.bundles, columns, strict=True):
        first = bundle.first_group * plan.matrix.rows
        digits = reads[:, :, first : first + bundle.rows].reshape(-1, bundle.rows)
        for sums, _, _ in by_slice(column, bundle, plan.encoding, arch):
            step = np.rint(sums[-1] / (len(sums) - 1) * _UNIT)  # whole: exact in any order
            jobs.append((digits, step, bundle))
    # by bundle and slice: all magnitudes, or where all must fit the largest of each column
    seen = map_parts(partial(_magnitudes, share >= 1.0), jobs)
    parts = len(seen) // len(plan.bundles)
    if grain == "column":
        peaks = [_quantile(values, share, 0) for values in seen]
    else:
        whole = [
            np.concatenate([values.reshape(-1) for values in seen[j::parts]]) for j in range(parts)
        ]
        if grain == "layer":
            whole = [np.concatenate(whole)] * parts
        each = [_quantile(values, share, None) for values in whole]
        peaks = [np.full(v.shape[1], each[k % parts]) for k, v in enumerate(seen)]
    peaks = [np.where(peak > 0, peak, 1.0) for peak in peaks]
    return [np.stack(peaks[k : k + parts]) for k in range(0, len(peaks), parts)]


def _magnitudes(
    largest: bool, job: tuple[NDArray[np.float64], NDArray[np.float64], Bundle]
) -> NDArray[np.float64]:
    """Magnitudes of the sums of a slice, ``float64[row groups x reads x vectors, outputs]``.

    Only the largest of each column, ``[1, outputs]``, where that is all that is asked for.
    """
    digits, step, bundle = job
    out = []
    for g in bundle.row_groups:
        rows = slice(g.start, g.start + g.rows)
        sums = digits[:, rows] @ step[rows]
        if largest:
            out.append(np.maximum(sums.max(0, keepdims=True), -sums.min(0, keepdims=True)))
        else:
            out.append(np.abs(sums))
    found = np.concatenate(out) / _UNIT
    return found.max(0, keepdims=True) if largest else found


def _quantile(values: NDArray[np.float64], share: float, axis: int | None) -> NDArray[np.float64]:
    if share >= 1.0:
        return np.asarray(values.max(axis))
    return np.asarray(np.quantile(values, share, axis=axis))
