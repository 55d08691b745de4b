"""Which digital units the tiles of a chip have: those that the network it is built for needs."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BUILT_FOR", "ON_DEMAND", "chip_units"]

BUILT_FOR: Mapping[str, str] = {
    "multiplier": "multiplies",
    "softmax": "softmax_ops",
    "norm": "norm_ops",
    "matmul": "macs",
}
"""Unit of every tile -> the action for which it is there; a chip without the action is built
without the unit.  Every chip has the other units."""

ON_DEMAND = (*BUILT_FOR, "embedding", "programming")
"""Components that only some networks have."""


def chip_units(counts: Mapping[str, float | None]) -> frozenset[str]:
    """Return which units of `BUILT_FOR` a chip has.

    Parameters
    ----------
    counts : mapping of str to float
        Actions of one inference of its network, as `crossbar.timing.Counts.to_dict`; one that is
        missing is none.
    """
    return frozenset(unit for unit, action in BUILT_FOR.items() if counts.get(action))
