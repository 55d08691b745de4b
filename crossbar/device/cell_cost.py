"""What cells cost: the area of an array, the table's energy of a read and the worst of the data."""

from __future__ import annotations

from crossbar.arch import Arch
from crossbar.errors import InputError

__all__ = ["array_area", "table_read_energy", "worst_drive_energy"]


def array_area(rows: int, cols: int) -> float:
    """Area of the cells of one array [m^2], proportional to their number.

    ISAAC, ISCA 2016, table I, 32 nm: 0.0002 mm2 for 8 arrays of 128 x 128, 25 um2 each.
    """
    return 0.0002e-6 / 8 * (rows * cols) / (128 * 128)


def table_read_energy(arch: Arch) -> float:
    """Energy of one read of one array [J] where ``energy.array`` is ``table``.

    ``array.read_energy``, whatever the data and however many rows are driven.  ISAAC, ISCA 2016,
    table I: 2.4 mW for 8 arrays read once in 100 ns = 30 pJ.

    Raises
    ------
    InputError
        When the arch has no ``array.read_energy``.
    """
    if arch.array.read_energy is None:
        raise InputError(
            f"{arch.name}: array.read_energy: missing; the price of a read by the table"
        )
    return arch.array.read_energy


def worst_drive_energy(arch: Arch) -> float:
    """Energy of one row in one read [J] when all is on: ``read_pulse * v^2 * g_on * cols``.

    The most that ``energy.array: data`` can find: the row is driven with the whole read voltage and
    all its cells are at ``g_on``.  128 such rows of the isaac presets cost the table's 30 pJ.
    """
    cell = arch.cell
    return arch.array.cols * cell.read_voltage**2 * cell.g_on * cell.read_pulse
