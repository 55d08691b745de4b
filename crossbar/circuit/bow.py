"""Integral nonlinearity: how far a converter's transfer curve bends away from a straight line."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["bows"]


def bows(mixes: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    """Curves that are 0 at both ends and have a largest magnitude of exactly 1 in between.

    A mix of a parabola, ``4 u (1 - u)``, and an S, ``6 sqrt(3) u (1 - u) (1 - 2 u)``, ``u`` from 0
    to 1: the bend of the second and third order that data sheets show, e.g. of the voltage
    coefficients of resistors and capacitors.

    Parameters
    ----------
    mixes : float64[n, 2]
        Uniform draws in 0..1; 0.5 is none of the parabola, of the S.
    points : int
        Steps of the curve, ends included.

    Returns
    -------
    float64[n, points]
        0 throughout where there is nothing between the ends.
    """
    u = np.linspace(0.0, 1.0, points)
    parabola = 4.0 * u * (1.0 - u)
    both = np.stack([parabola, 1.5 * math.sqrt(3.0) * parabola * (1.0 - 2.0 * u)])
    curves = (2.0 * mixes - 1.0) @ both
    if points:
        curves[:, [0, -1]] = 0.0
    peaks = np.abs(curves).max(1, initial=0.0, keepdims=True)
    return np.asarray(np.divide(curves, peaks, out=np.zeros_like(curves), where=peaks > 0))
