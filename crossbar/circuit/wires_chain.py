"""Chains of nodes along one wire, each node loaded to ground: closed forms, no subtraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["node_voltages", "pair_links"]

Array = NDArray[np.float64]


def _looking_back(loads: Array, between: Array, first: float | None) -> Array:
    """Admittance [S] that each node sees towards the first end, its own load left out."""
    seen = np.empty_like(loads)
    seen[0] = 0.0 if first is None else 1.0 / first
    for k, resistance in enumerate(between):
        total = seen[k] + loads[k]
        seen[k + 1] = total / (1.0 + resistance * total)
    return seen


def _driven(loads: Array, between: Array, first: float, ahead: Array) -> Array:
    """Voltages with 1 V at the first end alone; ``ahead``: what each node sees beyond it."""
    onward = loads + ahead
    voltages = np.empty_like(loads)
    voltages[0] = 1.0 / (1.0 + first * onward[0])
    for k, resistance in enumerate(between):
        voltages[k + 1] = voltages[k] / (1.0 + resistance * onward[k + 1])
    return voltages


def node_voltages(loads: Array, between: Array, first: float | None, last: float | None) -> Array:
    """Voltages along chains with 1 V at each end that is connected.

    Parameters
    ----------
    loads : float64[nodes, chains]      [S]
        From each node to 0 V; chains side by side.
    between : float64[nodes - 1]      [ohm]
        Wire between neighbours.
    first, last : float or None      [ohm]
        From the first (last) node to its end, above 0; None: nothing is connected there.

    Returns
    -------
    float64[nodes, chains]      [V]
    """
    voltages = np.zeros_like(loads)
    if first is not None:
        ahead = _looking_back(loads[::-1], between[::-1], last)[::-1]
        voltages += _driven(loads, between, first, ahead)
    if last is not None:
        behind = _looking_back(loads, between, first)
        voltages += _driven(loads[::-1], between[::-1], last, behind[::-1])[::-1]
    return voltages


def pair_links(loads: Array, between: Array, first: float | None, last: float | None) -> Array:
    """Links that the nodes of chains leave behind among what their loads lead to.

    Load k of every chain leads to the same node k.  With ``Z`` the resistance matrix of a chain
    whose ends and loads are grounded, the link is the sum over chains of
    ``loads[i] Z[i, k] loads[k]``; ``Z[i, k]`` is ``Z[k, k]`` times the attenuation from k to i.

    Parameters
    ----------
    loads, between, first, last
        As in `node_voltages`.

    Returns
    -------
    float64[nodes, nodes]      [S]
        Symmetric; the diagonal means nothing.
    """
    behind = _looking_back(loads, between, first)
    ahead = _looking_back(loads[::-1], between[::-1], last)[::-1]
    onward = behind + loads
    own = loads / (onward + ahead)
    links = np.empty((len(loads), len(loads)))
    weighted = loads.copy()  # loads[i] times the attenuation from the node in hand back to i
    for k in range(len(loads)):
        if k:
            weighted[:k] /= 1.0 + between[k - 1] * onward[k - 1]
        links[: k + 1, k] = links[k, : k + 1] = weighted[: k + 1] @ own[k]
    return links
