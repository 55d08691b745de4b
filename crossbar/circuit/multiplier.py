"""The tile's multipliers: element-wise products of activations, one a vector lane.

Gates, masks that scale, batch normalisation that was not folded into a layer, weights of
interpolation, and the scale of attention scores.
"""

from __future__ import annotations

from crossbar.circuit.arithmetic import multiply_area, multiply_energy

__all__ = ["multiplier_area", "multiplier_energy"]


def multiplier_energy(bits: int) -> float:
    """Energy of one product of two activations of ``bits`` bits [J]: 0.142 pJ at 8 bits."""
    return multiply_energy(bits, bits)


def multiplier_area(bits: int, lanes: int) -> float:
    """Area of a tile's multipliers [m^2], one for each of its vector ``lanes``."""
    return lanes * multiply_area(bits, bits)
