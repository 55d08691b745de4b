"""Hardware descriptions: what a chip is, read from YAML, checked, SI inside."""

from __future__ import annotations

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
    IdealCell,
    Pe,
    Precision,
    Tile,
)

__all__ = [
    "Adc",
    "Arch",
    "Array",
    "Chip",
    "Dac",
    "Energy",
    "ExplainRow",
    "Faults",
    "IdealCell",
    "Pe",
    "Precision",
    "Tile",
    "arch_schema",
    "explain_arch",
    "load_arch",
    "preset_names",
]
