"""Hardware descriptions: what a chip is, read from YAML, checked, SI inside."""

from __future__ import annotations

from crossbar.arch.cell import Cell, IdealCell, ReramCell, SotMramCell
from crossbar.arch.cell_table import CellTable
from crossbar.arch.keys import ExplainRow, arch_schema, explain_arch
from crossbar.arch.loading import load_arch, preset_names
from crossbar.arch.schema import (
    Adc,
    Arch,
    Array,
    Chip,
    Dac,
    Energy,
    Faults,
    Pe,
    Precision,
    Tile,
)

__all__ = [
    "Adc",
    "Arch",
    "Array",
    "Cell",
    "CellTable",
    "Chip",
    "Dac",
    "Energy",
    "ExplainRow",
    "Faults",
    "IdealCell",
    "Pe",
    "Precision",
    "ReramCell",
    "SotMramCell",
    "Tile",
    "arch_schema",
    "explain_arch",
    "load_arch",
    "preset_names",
]
