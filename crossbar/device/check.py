"""Can the models of a cell be used for it: ranges of fits, tables, counts of levels."""

from __future__ import annotations

from collections.abc import Iterator

from crossbar import units
from crossbar.arch import Arch
from crossbar.arch.cell import Cell, SotMramCell
from crossbar.arch.cell_effects import FitVariation, LevelVariation, MiloCurrent, PcmDrift
from crossbar.device.drift import PCM_RANGE
from crossbar.device.fits import find_fit
from crossbar.device.nonlinearity import MILO_RANGE, MILO_VOLTAGE
from crossbar.errors import ConfigError

__all__ = ["check_cell"]

_ROUNDING = 1e-9


def check_cell(arch: Arch) -> None:
    """Check that the device models of an arch hold for its cell.

    A fit, a drift model or an I-V curve that was measured in a range of conductances holds for
    levels in this range only; a table must cover all levels.

    Raises
    ------
    ConfigError
        An `InputError` whose lines name everything that is wrong.
    """
    problems = [f"{arch.name}: {problem}" for problem in _problems(arch.cell)]
    if problems:
        raise ConfigError(problems)


def _problems(cell: Cell) -> Iterator[str]:
    """Yield what is wrong, key by key."""
    levels = 1 << cell.bits
    if isinstance(cell, SotMramCell) and cell.bits != 1:
        yield f"cell.bits: {cell.bits} (allowed: 1, a magnetic cell has two states)"
    if not cell.g_off < cell.g_on:
        yield f"cell.g_off: {_s(cell.g_off)} (allowed: less than cell.g_on, {_s(cell.g_on)})"
    variation = cell.variation
    if isinstance(variation, FitVariation):
        fit = find_fit(variation.name)
        yield from _outside(cell, f"cell.variation: {fit.name}", (fit.low, fit.high))
        if cell.g_on in fit and float(fit.sigma(cell.g_on)) > cell.g_on - cell.g_off:
            error = _s(float(fit.sigma(cell.g_on)))
            yield (
                f"cell.variation: {fit.name}: its error at cell.g_on is {error}, more than the"
                f" whole range of the cell (allowed: cells like those measured, to {_s(fit.high)})"
            )
    elif isinstance(variation, LevelVariation) and len(variation.sigmas) != levels:
        yield (
            f"cell.variation.sigmas: {len(variation.sigmas)} values (allowed: {levels}, one a"
            " level)"
        )
    elif variation.kind == "table":
        if cell.table is None:
            yield "cell.table: missing (cell.variation: table takes the error from a CSV file)"
        else:
            ends = (min(cell.table.targets), max(cell.table.targets))
            yield from _outside(cell, f"cell.table: {cell.table.source}", ends)
    if isinstance(cell.drift, PcmDrift):
        yield from _outside(cell, "cell.drift: pcm", PCM_RANGE)
    if isinstance(cell.nonlinearity, MiloCurrent):
        yield from _outside(cell, "cell.nonlinearity: milo_2021", MILO_RANGE)
        if cell.read_voltage > MILO_VOLTAGE:
            yield (
                f"cell.nonlinearity: milo_2021: cell.read_voltage {_v(cell.read_voltage)} (allowed:"
                f" up to {_v(MILO_VOLTAGE)})"
            )


def _outside(cell: Cell, what: str, ends: tuple[float, float]) -> Iterator[str]:
    """Yield which ends of the levels lie outside a range [S]."""
    slack = _ROUNDING * ends[1]
    allowed = f"(allowed: {_s(ends[0])} to {_s(ends[1])})"
    if cell.g_off < ends[0] - slack:
        yield f"{what}: cell.g_off {_s(cell.g_off)} {allowed}"
    if cell.g_on > ends[1] + slack:
        yield f"{what}: cell.g_on {_s(cell.g_on)} {allowed}"


def _s(g: float) -> str:
    return units.text(g, "S", 4)


def _v(voltage: float) -> str:
    return units.text(voltage, "V")
