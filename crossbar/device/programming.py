"""What it takes to program a cell: energy of its pulses, and of the current of verifying reads.

Program and verify: each pulse is followed by a read; a cell takes ``cell.write_pulses`` pulses on
average, or as many as ``cell.variation.verify_tolerance`` asks for.  Energy is that of the current
through the cell.  While it is written its conductance is taken as the mean of its levels, ``(g_on +
g_off) / 2``: the level to be stored is not known to a cost, and that levels are used alike is
*assumed*.  Charge pumps and write drivers are left out.
"""

from __future__ import annotations

from crossbar.arch import Arch
from crossbar.device.variation import make_verify, programming_spread

__all__ = ["mean_conductance", "mean_write_pulses", "verify_energy", "write_energy"]


def mean_conductance(arch: Arch) -> float:
    """Mean of the levels of a cell [S]; levels lie evenly between g_off and g_on."""
    return (arch.cell.g_on + arch.cell.g_off) / 2.0


def mean_write_pulses(arch: Arch) -> float:
    """Mean number of pulses that program one cell, each followed by a read.

    With ``cell.variation.verify_tolerance`` the mean over the levels, used alike (*assumed*), of
    ``(1 - (1 - p)^n) / p``: p is the probability that a pulse ends within the tolerance, n the most
    pulses of a cell.  Else ``cell.write_pulses``.
    """
    verify = make_verify(arch.cell, programming_spread(arch.cell))
    if verify is None:
        return arch.cell.write_pulses
    return float(verify.mean_pulses.mean())


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
