"""What the counted actions cost, what the chip draws, and how large it is."""

from crossbar.energy.area import chip_area, pe_area, tile_area
from crossbar.energy.peak import peak_power
from crossbar.energy.power import leakage_power, nameplate
from crossbar.energy.price import COMPONENTS, Costs, action_energies, price
from crossbar.energy.programming import Programming, programming_cost

__all__ = [
    "COMPONENTS",
    "Costs",
    "Programming",
    "action_energies",
    "chip_area",
    "leakage_power",
    "nameplate",
    "pe_area",
    "peak_power",
    "price",
    "programming_cost",
    "tile_area",
]
