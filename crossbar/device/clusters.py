"""Where clusters of broken cells lie: a germ-grain model on the cells of one array.

Each cell is a germ with the same probability.  A germ's cluster is the cell and those nearest to
it, as many as its size says; clusters overlap.  Germs stand outside the array as well, so a cell
at an edge is as likely to be hit as any other.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossbar.device.draws import CLUSTERS, uniforms

__all__ = ["at_least", "cluster_offsets", "cluster_states", "germ_rate"]

_GERM, _KIND, _PART, _SIZE = range(4)  # turns of the stream
_PER_SET = 4


def _sizes(size: float) -> tuple[int, float]:
    """Whole part of the mean size and the share of germs that use the next one."""
    whole = math.floor(size)
    return whole, size - whole


@lru_cache(maxsize=64)
def at_least(size: float) -> NDArray[np.float64]:
    """Probability that a cluster has at least 1, 2, 3 ... cells.

    Sizes are spread evenly over ``1 .. 2 size - 1``; for a size between two whole numbers a share
    of the clusters uses the lower one, so that the mean is exactly ``size``.

    Returns
    -------
    float64[largest size]
        Falling from 1; its sum is the mean size.
    """
    whole, share = _sizes(size)
    larger = whole + 1 if share else whole
    out = np.zeros(2 * larger - 1)
    for middle, weight in ((whole, 1.0 - share), (larger, share)):
        n = 2 * middle - 1
        out[:n] += weight * np.arange(n, 0, -1) / n
    out.setflags(write=False)
    return out


@lru_cache(maxsize=64)
def cluster_offsets(count: int) -> NDArray[np.int64]:
    """Rows and columns from a germ to the ``count`` cells nearest to it, itself first.

    Returns
    -------
    int64[count, 2]
        By distance, then row, then column.
    """
    reach = math.ceil(math.sqrt(count / math.pi)) + 2
    d = np.arange(-reach, reach + 1)
    rows, cols = (part.ravel() for part in np.meshgrid(d, d, indexing="ij"))
    order = np.lexsort((cols, rows, rows**2 + cols**2))[:count]
    out = np.stack((rows[order], cols[order]), axis=1)
    out.setflags(write=False)
    return out


@lru_cache(maxsize=256)
def germ_rate(rate: float, size: float) -> float:
    """Probability of a germ at which a cell is hit with probability ``rate``.

    A cell escapes when none of the germs around it reaches it, ``1 - rate = prod_k (1 - p q_k)``
    with ``q_k`` of `at_least`; solved by bisection to the last bit.
    """
    q = at_least(size)
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if 1.0 - math.prod(1.0 - middle * q) < rate:
            low = middle
        else:
            high = middle
    return high


def cluster_states(
    share_on: float,
    rate: float,
    size: float,
    array: int,
    shape: tuple[int, int],
    seed: int,
    states: tuple[int, int, int],
    turn: int = 0,
) -> NDArray[np.int8]:
    """Draw the clusters of one array.

    Parameters
    ----------
    share_on : float
        Share of the broken cells that are stuck on.
    rate : float
        Share of cells that are broken.
    size : float
        Mean number of cells of a cluster.
    array : int
        Number on the chip.
    shape : tuple of int
    seed : int
    states : tuple of int
        What to write for healthy, stuck on and stuck off.
    turn : int
        Which of several draws of clusters.

    Returns
    -------
    int8[rows, cols]
        Where clusters overlap, that of the germ furthest down and right counts: a rule that knows
        nothing of their kinds, which keeps the share that is stuck on.
    """
    healthy, on, off = states
    out = np.full(shape, healthy, dtype=np.int8)
    offsets = cluster_offsets(len(at_least(size)))
    reach = int(np.abs(offsets).max())
    wide = (shape[0] + 2 * reach, shape[1] + 2 * reach)
    first = _PER_SET * turn
    germs = uniforms(seed, CLUSTERS, array, wide, first + _GERM) < germ_rate(rate, size)
    rows, cols = np.nonzero(germs)
    if not len(rows):
        return out
    kind, part, place = (
        uniforms(seed, CLUSTERS, array, wide, first + which)[rows, cols]
        for which in (_KIND, _PART, _SIZE)
    )
    whole, share = _sizes(size)
    most = 2 * (whole + (part < share)) - 1
    sizes = 1 + (place * most).astype(np.int64)
    state = np.where(kind < share_on, on, off).astype(np.int8)
    germ = np.repeat(np.arange(len(rows)), sizes)
    step = np.arange(len(germ)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    down = rows[germ] + offsets[step, 0] - reach
    right = cols[germ] + offsets[step, 1] - reach
    inside = (down >= 0) & (down < shape[0]) & (right >= 0) & (right < shape[1])
    out[down[inside], right[inside]] = state[germ[inside]]  # the last of several counts
    return out
