"""Turn integer results into activations: scale, bias, and positions back into an image."""

from __future__ import annotations

import numpy as np

from ._jit import jit

__all__ = ["rescale"]


@jit
def rescale(values, scale, bias, span, first_output, out):
    """Write ``out[b, n, p] = values * scale[n] + bias[n]``, computed in float64 and rounded once.

    Parameters
    ----------
    values : float32, float64 or int64[images * positions, outputs]
    scale, bias : float64[all outputs]
    span : int64[4]
        First image, images, first position, positions of the rows of ``values``.
    first_output : int
        Output that column 0 of ``values`` is.
    out : float32 or float64[batch, all outputs, all positions]
    """
    n_positions = span[3]
    for b in range(span[1]):
        for n in range(values.shape[1]):
            k = first_output + n
            for p in range(n_positions):
                value = np.float64(values[b * n_positions + p, n]) * scale[k] + bias[k]
                out[span[0] + b, k, span[2] + p] = value
