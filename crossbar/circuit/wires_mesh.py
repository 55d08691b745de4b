"""Taking inner nodes out of a network of conductances, without ever subtracting.

A network is a symmetric matrix of links [S]: entry ``i, j`` is the conductance between nodes i and
j; the diagonal is never read (it may hold anything).  Star-mesh: a node k with links ``a_k`` leaves
behind links ``a_ki a_kj / sum(a_k)``.  Sums and products of numbers that are not negative keep
their relative precision, whatever the ratio of wire to cell conductances (Grassmann, Taksar and
Heyman, Operations Research 33(5), 1985, on Markov chains; the nodal matrix, with its large diagonal
out of which the small cells are subtracted again, loses ten digits at 1 mohm and 0.1 uS).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

__all__ = ["close_network", "mesh", "star_mesh"]

_LARGE = 32  # nodes from which one factorisation a block beats numpy's batched solver
_FEW = 4  # blocks up to which a loop over them costs nothing
_WEAK = 1e-4  # share of a node's admittance that leads out, below which Cholesky is too coarse

Array = NDArray[np.float64]


def star_mesh(links: Array, inner: int) -> Array:
    """Eliminate the first ``inner`` nodes one by one; exact to rounding for any links.

    Parameters
    ----------
    links : float64[nodes, nodes, ...]      [S]  overwritten
        Networks side by side along the last axes.
    inner : int

    Returns
    -------
    float64[nodes - inner, nodes - inner, ...]      [S]
        A view of ``links``.
    """
    for k in range(inner):
        row = links[k, k + 1 :]
        links[k + 1 :, k + 1 :] += row[:, None] * (row / row.sum(axis=0))
    return links[inner:, inner:]


def mesh(inner: Array, cross: Array) -> Array:
    """Links that eliminated nodes leave behind among the nodes they were linked to.

    ``cross^T A^-1 cross``, where A is diagonal (all the links of a node) minus ``inner``.

    Parameters
    ----------
    inner : float64[..., n, n]      [S]  overwritten
        Links among the nodes that go.
    cross : float64[..., n, k]      [S]
        Their links to the nodes that stay.

    Returns
    -------
    float64[..., k, k]      [S]

    Notes
    -----
    The pivots of A are differences, so digits are lost where a node leads out by a small share of
    its links only; A is factorised where that share is above 1e-4 and star-mesh used elsewhere.
    In a grid of equal wires the share is never below 1 / (2 n): a random walk along a row wire is
    as likely to step left as right, so starting one segment from the edge that goes it reaches the
    far edge, n segments away, first with probability 1 / n at least.
    """
    n, k = cross.shape[-2:]
    lead = cross.shape[:-2]
    diagonal = np.arange(n)
    inner[..., diagonal, diagonal] = 0.0
    out = cross.sum(axis=-1)
    total = out + inner.sum(axis=-1)
    if np.any(out < _WEAK * total):
        full = np.zeros((n + k, n + k, *lead))
        full[:n, :n] = np.moveaxis(inner, (-2, -1), (0, 1))
        full[:n, n:] = np.moveaxis(cross, (-2, -1), (0, 1))
        return np.ascontiguousarray(np.moveaxis(star_mesh(full, n), (0, 1), (-2, -1)))
    np.negative(inner, out=inner)
    inner[..., diagonal, diagonal] = total
    if n < _LARGE or np.prod(lead) > _FEW:
        solved = np.linalg.solve(inner, cross)
        return np.asarray(np.matmul(np.swapaxes(cross, -1, -2), solved))
    result = np.empty((*lead, k, k))
    for at in np.ndindex(*lead):
        factor, _ = lapack.dpotrf(inner[at].T, lower=1)
        half: Any = blas.dtrsm(1.0, factor, cross[at], lower=1)
        np.matmul(half.T, half, out=result[at])
    return result


def _eliminate(links: Array, inner: NDArray[np.intp], outer: NDArray[np.intp]) -> None:
    inside, across = links[np.ix_(inner, inner)], links[np.ix_(inner, outer)]
    links[np.ix_(outer, outer)] += mesh(inside, across)


def close_network(
    links: Array,
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    bottom: NDArray[np.intp],
    r_end: float,
    r_driver: float,
    r_sense: float,
) -> tuple[Array, Array]:
    """Put drivers and sense resistances at the edges of a network and eliminate what is inside.

    Parameters
    ----------
    links : float64[nodes, nodes]      [S]
        Among the nodes named by the next three.
    left, right, bottom : int[rows], int[rows] or int[0], int[cols]
        Where the rows begin, where they end if they are driven there too, where columns end.
    r_end : float      [ohm]
        Between a right node and its driver; not used without right nodes.
    r_driver, r_sense : float      [ohm]
        Between a left node and its driver, a bottom node and its ground; 0: they are one node.

    Returns
    -------
    g_eff : float64[rows, cols]      [S]
        Links between drivers and grounds.
    among : float64[rows, rows]      [S]
        Links among drivers; the diagonal is zero.
    """
    n, rows, cols = len(links), len(left), len(bottom)
    more_rows, more_cols = rows * (r_driver > 0.0), cols * (r_sense > 0.0)
    nodes = np.zeros((n + more_rows + more_cols,) * 2)
    nodes[:n, :n] = links
    drivers = n + np.arange(rows) if more_rows else left
    grounds = n + more_rows + np.arange(cols) if more_cols else bottom
    kept = [drivers] if more_rows else []
    if right.size:
        nodes[right, drivers] += 1.0 / r_end
        _eliminate(nodes, right, np.concatenate([left, bottom, *kept]))
    if more_cols:
        nodes[bottom, grounds] = 1.0 / r_sense
        _eliminate(nodes, bottom, np.concatenate([left, grounds, *kept]))
    if more_rows:
        nodes[left, drivers] += 1.0 / r_driver
        _eliminate(nodes, left, np.concatenate([drivers, grounds]))
    among = nodes[np.ix_(drivers, drivers)]
    among = 0.5 * (among + among.T)
    np.fill_diagonal(among, 0.0)
    return nodes[np.ix_(drivers, grounds)], among
