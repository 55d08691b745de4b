"""The tile's digital units: activation function, pooling, element-wise addition."""

from __future__ import annotations

from crossbar.circuit.isaac import TILE_OUTPUTS, per_action
from crossbar.circuit.shift_add import merge_energy

__all__ = ["activation_area", "activation_energy", "add_energy", "pool_area", "pool_energy"]


def activation_energy() -> float:
    """Energy of one element through the activation unit [J]: 0.542 pJ.

    ISAAC, ISCA 2016, table I: 0.52 mW for two sigmoid units; every output of a saturated tile, 96
    in 100 ns, passes one.  Any other function, a ReLU included, is assumed to cost the same.
    """
    return per_action(0.52e-3, TILE_OUTPUTS)


def activation_area() -> float:
    """Area of a tile's activation units [m^2].  ISAAC, ISCA 2016, table I: 0.0006 mm2 for two."""
    return 0.0006e-6


def pool_energy() -> float:
    """Energy of one element through the max-pool unit [J]: 0.417 pJ.

    ISAAC, ISCA 2016, table I: 0.4 mW; every output of a saturated tile, 96 in 100 ns, passes it.
    """
    return per_action(0.4e-3, TILE_OUTPUTS)


def pool_area() -> float:
    """Area of a tile's max-pool unit [m^2].  ISAAC, ISCA 2016, table I: 0.00024 mm2."""
    return 0.00024e-6


def add_energy() -> float:
    """Energy of adding two elements [J]: 0.0521 pJ.

    Residual sums and the sums of average pooling are not in ISAAC; they are *assumed* to use the
    tile's adder (`crossbar.circuit.shift_add.merge_energy`).
    """
    return merge_energy()
