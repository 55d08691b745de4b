"""Turn integer results into activations: scale, bias, and positions back into an image."""

from __future__ import annotations

import numpy as np

from crossbar.kernels._jit import jit

__all__ = [
    "add_columns",
    "add_rows",
    "add_sums",
    "add_transposed",
    "rescale",
    "rescale_rows",
    "rescale_tokens",
]


@jit
def add_columns(some, outputs, total):
    """Add columns that stand for some outputs: ``total[p, outputs[c]] += some[p, c]``.

    Parameters
    ----------
    some : int32 or int64[rows, cols]
    outputs : int64[cols]
    total : like some[rows, outputs], added to
    """
    for p in range(some.shape[0]):
        for c in range(some.shape[1]):
            total[p, outputs[c]] += some[p, c]


@jit
def add_rows(total, lsb, values):
    """Add the joined reads to what is there: ``values[p, n] += lsb * total[p, n]``.

    Parameters
    ----------
    total : int32 or int64[rows or more, outputs or more]
    lsb : float
    values : float64[rows, outputs], added to
    """
    for p in range(values.shape[0]):
        for n in range(values.shape[1]):
            values[p, n] += lsb * total[p, n]


@jit
def add_sums(sums, lsb, weight, values):
    """Add what input sums are worth: ``values[p, n] += lsb * sum_k sums[p, k] * weight[k, n]``.

    Parameters
    ----------
    sums : int64[rows, segments]
    lsb : float
    weight : float64[segments, outputs]
    values : float64[rows, outputs], added to
    """
    row = np.empty(weight.shape[1])
    for p in range(values.shape[0]):
        row[:] = 0.0
        for k in range(weight.shape[0]):
            factor = np.float64(sums[p, k])
            for n in range(row.size):
                row[n] += factor * weight[k, n]
        for n in range(row.size):  # scaled once: the same bits in any layout
            values[p, n] += lsb * row[n]


@jit
def add_transposed(total, lsb, values):
    """Add the joined reads to what is there: ``values[n, p] += lsb * total[p, n]``.

    Goes through both in squares of 16, so that neither is walked across its cache lines.

    Parameters
    ----------
    total : int32 or int64[rows or more, outputs or more]
    lsb : float
    values : float64[outputs, rows], added to
    """
    n_outputs, n_rows = values.shape
    for p0 in range(0, n_rows, 16):
        for n0 in range(0, n_outputs, 16):
            for n in range(n0, min(n0 + 16, n_outputs)):
                for p in range(p0, min(p0 + 16, n_rows)):
                    values[n, p] += lsb * total[p, n]


@jit
def rescale(values, scale, bias, span, first_output, out):
    """Write ``out[b, n, p] = values * scale[n] + bias[n]``, computed in float64 and rounded once.

    Parameters
    ----------
    values : float32 or float64[outputs, images * positions]
    scale, bias : float64[all outputs]
    span : int64[4]
        First image, images, first position, positions of the columns of ``values``.
    first_output : int
        Output that row 0 of ``values`` is.
    out : float32 or float64[batch, all outputs, all positions]
    """
    n_positions = span[3]
    for b in range(span[1]):
        for n in range(values.shape[0]):
            k = first_output + n
            factor, add = scale[k], bias[k]
            source = values[n, b * n_positions : (b + 1) * n_positions]
            target = out[span[0] + b, k, span[2] : span[2] + n_positions]
            for p in range(n_positions):
                target[p] = np.float64(source[p]) * factor + add


@jit
def rescale_tokens(values, scale, bias, span, first_output, out):
    """Write ``out[b, p, n] = values * scale[n] + bias[n]``: `rescale` for linear layers.

    Parameters
    ----------
    values : float32 or float64[images * positions, outputs]
    scale, bias, span, first_output
        As in `rescale`.
    out : float32 or float64[batch, all positions, all outputs]
    """
    n_positions = span[3]
    for b in range(span[1]):
        for p in range(n_positions):
            source = values[b * n_positions + p]
            target = out[span[0] + b, span[2] + p, first_output : first_output + source.shape[0]]
            for n in range(source.shape[0]):
                factor, add = scale[first_output + n], bias[first_output + n]
                target[n] = np.float64(source[n]) * factor + add


@jit
def rescale_rows(values, scale, bias, rows, span, first_output, out):
    """Write ``out[b, p, n] = values * (scale[n] * rows[b, p]) + bias[n]``: a scale for each token.

    Parameters
    ----------
    values : float32 or float64[images * positions, outputs]
    scale, bias, span, first_output
        As in `rescale`.
    rows : float32[batch, all positions]
        Scale of each input vector.
    out : float32 or float64[batch, all positions, all outputs]
    """
    n_positions = span[3]
    for b in range(span[1]):
        for p in range(n_positions):
            source = values[b * n_positions + p]
            own = np.float64(rows[span[0] + b, span[2] + p])
            target = out[span[0] + b, span[2] + p, first_output : first_output + source.shape[0]]
            for n in range(source.shape[0]):
                factor, add = scale[first_output + n] * own, bias[first_output + n]
                target[n] = np.float64(source[n]) * factor + add
