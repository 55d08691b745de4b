"""Turn integer results into activations: scale, bias, and positions back into an image."""

from __future__ import annotations

import numpy as np

from crossbar.kernels._jit import jit

__all__ = ["add_transposed", "rescale", "rescale_tokens"]


@jit
def add_transposed(total, lsb, values):
    """Add the joined reads to what is there: ``values[n, p] += lsb * total[p, n]``.

    Goes through both in squares of 16, so that neither is walked across its cache lines.

    Parameters
    ----------
    total : int64[rows, outputs]
    lsb : float
    values : float64[outputs, rows], added to
    """
    n_rows, n_outputs = total.shape
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
