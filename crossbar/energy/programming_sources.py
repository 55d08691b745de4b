"""What programming one cell costs, taken apart."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.arch import Arch
from crossbar.device.programming import mean_conductance, mean_write_pulses
from crossbar.energy.origin import Factor, Origin

__all__ = ["cell_origins", "runtime_origin"]


def cell_origins(arch: Arch, verify: Mapping[str, Origin]) -> Mapping[str, Origin]:
    """List what programming one cell costs, by what it is spent on; nothing where not priced.

    Parameters
    ----------
    arch : Arch
    verify : mapping of str to Origin
        Actions of a verifying read, each with what it costs once.
    """
    cell, pulses = arch.cell, Factor("mean pulses of a cell", mean_write_pulses(arch))
    if cell.write_voltage is None or cell.write_pulse is None:
        return {}
    stored = Factor("mean of g_on and g_off", mean_conductance(arch), "S")
    return {
        "write": Origin(
            "the pulses of one cell",
            (
                pulses,
                Factor("cell.write_voltage", cell.write_voltage, "V"),
                Factor("cell.write_voltage", cell.write_voltage, "V"),
                stored,
                Factor("cell.write_pulse", cell.write_pulse, "s"),
            ),
            "v^2 g t; that the cell conducts the mean of its levels meanwhile is assumed, and"
            " drivers and pumps are left out",
        ),
        "verify": Origin(
            "current of the verifying reads of one cell",
            (
                pulses,
                Factor("cell.read_voltage", cell.read_voltage, "V"),
                Factor("cell.read_voltage", cell.read_voltage, "V"),
                stored,
                Factor("cell.read_pulse", cell.read_pulse, "s"),
            ),
            "v^2 g t, one read after each pulse, of the one array of the PE that is programmed; at"
            " the mean of the levels (assumed)",
        ),
        **{
            f"verify {action}": Origin(
                f"{origin.of} in each verifying read", (pulses, *origin.factors), origin.source
            )
            for action, origin in verify.items()
        },
    }


def runtime_origin(arch: Arch, verify: Mapping[str, Origin]) -> Origin:
    """Trace the energy of programming one cell during an inference.

    Parameters
    ----------
    arch : Arch
    verify : mapping of str to Origin
        As for `cell_origins`.
    """
    terms = tuple(cell_origins(arch, verify).values())
    what = "programming one cell"
    if not terms:
        nothing = (Factor("price", 0.0, "J"),)
        return Origin(what, nothing, "no cell.write_voltage: nothing is programmed at run time")
    source = (
        "pulses and verifying reads as when the network is loaded, at the mean of the levels"
        " (assumed); pumps and drivers are left out"
    )
    return Origin(what, (), source, terms)
