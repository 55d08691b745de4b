"""What it takes to program a cell: energy of its pulses, and of the current of verifying reads.

Program and verify: each pulse is followed by a read; a cell takes ``cell.write_pulses`` pulses on
average.  Energy is that of the current through the cell.  While it is written its conductance is
taken as the mean of its levels, ``(g_on + g_off) / 2``: the level to be stored is not known to a
cost, and that levels are used alike is *assumed*.  Charge pumps and write drivers are left out.
"""

from __future__ import annotations

from crossbar.arch import Arch

__all__ = ["mean_conductance", "verify_energy", "write_energy"]


def mean_conductance(arch: Arch) -> float:
    """Mean of the levels of a cell [S]; levels lie evenly between g_off and g_on."""
    return (arch.cell.g_on + arch.cell.g_off) / 2.0


def write_energy(arch: Arch) -> float | None:
    """Energy of one programming pulse of one cell [J]: ``v^2 * g * t``; None without its price.

    The isaac presets, 2 V and 40 ns (as quoted for ISAAC's cell), and 0.244 uS give 39 fJ.
    NVMExplorer's ReRAM takes 0.6 pJ (2 V, 10 ns) at a far higher conductance.
    """
    voltage, pulse = arch.cell.write_voltage, arch.cell.write_pulse
    if voltage is None or pulse is None:  # the schema gives both or neither
        return None
    return voltage**2 * mean_conductance(arch) * pulse


def verify_energy(arch: Arch) -> float:
    """Energy of the current through one cell in one verifying read [J]: ``v^2 * g * t``."""
    return arch.cell.read_voltage**2 * mean_conductance(arch) * arch.cell.read_pulse
