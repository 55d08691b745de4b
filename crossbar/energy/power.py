"""Power that does not depend on what is run: of a saturated chip, and of an idle one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crossbar.arch import Arch
from crossbar.device.cell_cost import table_read_energy, worst_drive_energy
from crossbar.energy.price import COMPONENTS, published_energies
from crossbar.energy.rates import saturated_rates
from crossbar.energy.sources import Factor, Origin, published_origins
from crossbar.mapping.encode import Encoding

__all__ = ["leakage_power", "leaking_share", "nameplate", "power_origins"]


def nameplate(
    arch: Arch, tiles: int, encoding: Encoding | None = None, units: Collection[str] = ()
) -> dict[str, float]:
    """Power of each component of a chip at its declared rate [W].

    ``energy of one action x actions a second of a saturated tile x tiles``, and the port with all
    its links busy (`crossbar.energy.rates`).  ISAAC, ISCA 2016, table I: 24.08 mW an IMA, 330 mW a
    tile, 10.4 W for HyperTransport, 65.8 W for 168 tiles; digital input sums, which the table does
    not have, add 0.04 %.

    The cells cost ``array.read_energy`` a read; where ``energy.array`` is ``data`` the worst that
    data can do, ``read_pulse * v^2 * g_on`` for every cell.

    No bound on what a run draws: a network may pool an output more than once, or add.

    Parameters
    ----------
    arch : Arch
    tiles : int
        Of the chip, idle ones included.
    encoding : Encoding, optional
        Of the weights, which decides whether inputs are summed, as for `crossbar.energy.tile_area`;
        by default that of ``arch.precision``.
    units : collection of str
        Digital units that only some networks need and that this chip has, as for
        `crossbar.energy.tile_area`.  The memory of embedding tables is no part of the chip.
    """
    rates = saturated_rates(arch, encoding, units)
    power = dict.fromkeys(COMPONENTS, 0.0)
    for component, action, energy in (*published_energies(arch), _cells(arch)):
        if action in rates:
            copies = 1 if component == "offchip" else tiles
            power[component] += copies * energy * rates[action].value
    return power


def leakage_power(
    arch: Arch, tiles: int, encoding: Encoding | None = None, units: Collection[str] = ()
) -> dict[str, float]:
    """Power that each component draws whatever happens [W]: `leaking_share` of its nameplate.

    Every tile of the chip leaks, those without work included.

    Parameters
    ----------
    arch : Arch
    tiles : int
    encoding, units
        As for `nameplate`.
    """
    full = nameplate(arch, tiles, encoding, units)
    return {name: leaking_share(arch, name) * power for name, power in full.items()}


def leaking_share(arch: Arch, component: str) -> float:
    """Share of a component's nameplate that it draws also when idle, 0..1.

    ``energy.leakage_share``, but for two: the port draws all of its power always where
    ``chip.offchip_power`` is ``static``, and cells that are priced by the data draw nothing between
    reads, since no voltage is across them.
    """
    if component == "offchip" and arch.chip.offchip_power == "static":
        return 1.0
    if component == "array" and arch.energy.array == "data":
        return 0.0
    return arch.energy.leakage_share


def power_origins(
    arch: Arch, encoding: Encoding | None = None, units: Collection[str] = ()
) -> Mapping[tuple[str, str], tuple[Origin, Origin]]:
    """List where the nameplate comes from: ``(energy of one action, actions a second)``.

    By component and action; the products of a component's pairs add up to its power in one tile,
    to that of the chip for ``offchip``.  Times `leaking_share` it is the leakage.
    """
    rates, energies = saturated_rates(arch, encoding, units), dict(published_origins(arch))
    energies.pop(("array", "array_reads"), None)
    energies[_cells(arch)[:2]] = _cells_origin(arch)
    return {
        (component, action): (origin, rates[action])
        for (component, action), origin in energies.items()
        if action in rates
    }


def _cells(arch: Arch) -> tuple[str, str, float]:
    """Price the cells of a saturated chip: by reads, or by the rows that the data drives."""
    if arch.energy.array == "table":
        return "array", "array_reads", table_read_energy(arch)
    return "array", "dac_drives", worst_drive_energy(arch)


def _cells_origin(arch: Arch) -> Origin:
    if arch.energy.array == "table":
        return published_origins(arch)["array", "array_reads"]
    cell = arch.cell
    return Origin(
        "one row in one read, all on",
        (
            Factor("array.cols", arch.array.cols),
            Factor("cell.read_voltage", cell.read_voltage, "V"),
            Factor("cell.read_voltage", cell.read_voltage, "V"),
            Factor("cell.g_on", cell.g_on, "S"),
            Factor("cell.read_pulse", cell.read_pulse, "s"),
        ),
        "the worst that data can do: the row at the whole read voltage, its cells all at g_on (the"
        " isaac presets assume a g_on at which 128 such rows cost the 30 pJ of ISAAC, ISCA 2016,"
        " table I)",
    )
