"""What the counted actions cost, and how large the chip is."""

from crossbar.energy.area import chip_area, pe_area, tile_area
from crossbar.energy.price import COMPONENTS, Costs, action_energies, price

__all__ = [
    "COMPONENTS",
    "Costs",
    "action_energies",
    "chip_area",
    "pe_area",
    "price",
    "tile_area",
]
