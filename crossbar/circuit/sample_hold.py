"""Sample and hold: keeps a column's sum while its converter is busy with others."""

from __future__ import annotations

from crossbar.circuit.isaac import PE_COLUMNS, per_action

__all__ = ["sample_energy", "sample_hold_area"]


def sample_energy() -> float:
    """Energy of holding one column for one read [J]: 0.977 fJ.

    ISAAC, ISCA 2016, table I: 10 uW for the 8 x 128 circuits of an IMA, each used once in 100 ns.
    """
    return per_action(10e-6, PE_COLUMNS)


def sample_hold_area() -> float:
    """Area of one circuit [m^2]: 0.039 um2, one a column.

    ISAAC, ISCA 2016, table I: 0.00004 mm2 for 8 x 128.
    """
    return 0.00004e-6 / PE_COLUMNS
