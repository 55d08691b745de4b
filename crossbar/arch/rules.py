"""Combinations of keys that no hardware can have.

A rule looks at values that are right one by one.  The loader runs the rules also on files with
other errors, on the keys that could be read, so that everything is reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from crossbar import units
from crossbar.arch.fields import shown

__all__ = ["broken"]


@dataclass(frozen=True)
class _Rule:
    """One impossible combination.

    Parameters
    ----------
    at : str
        Dotted path of the key that is reported.
    needs : tuple of str
        Dotted paths of the values that `check` takes, in its order.
    check : callable
        Returns what is wrong and what is allowed, or None.
    """

    at: str
    needs: tuple[str, ...]
    check: Callable[..., str | None]


def broken(value: Callable[[str], Any]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield the broken rules.

    Parameters
    ----------
    value : callable
        Dotted path -> the value of that key; raises `LookupError` where it could not be read.

    Yields
    ------
    tuple
        The path to report, all paths involved, and the problem in words.
    """
    for rule in _RULES:
        try:
            values = [value(path) for path in rule.needs]
        except LookupError:
            continue
        problem = rule.check(*values)
        if problem is not None:
            yield rule.at, rule.needs, problem


def _off_below_on(g_off: float, g_on: float) -> str | None:
    if g_off < g_on:
        return None
    return f"{_s(g_off)} is not below cell.g_on ({_s(g_on)})"


def _pulse_in_cycle(pulse: float, cycle: float) -> str | None:
    if pulse <= cycle:
        return None
    limit = shown(units.exact(cycle, "s"))
    return f"{shown(units.exact(pulse, 's'))} is longer than array.cycle ({limit})"


def _group_in_array(group: int | None, rows: int) -> str | None:
    if group is None or group <= rows:
        return None
    return f"{group} is more than array.rows ({rows})"


def _analog_is_differential(subtract: str, encoding: str) -> str | None:
    if subtract != "analog" or encoding == "differential":
        return None
    return f"analog needs array.encoding differential (it is {encoding})"


def _flip_is_digital(flip: bool, subtract: str) -> str | None:
    if not flip or subtract != "analog":
        return None
    return "true needs array.subtract digital (it is analog: both columns share one conversion)"


def _sum_column_fits(input_sum: str, cols: int) -> str | None:
    if input_sum != "column" or cols >= 2:
        return None
    return f"column takes a column of the array, and array.cols is {cols} (2 or more needed)"


def _pair_fits(subtract: str, cols: int, input_sum: str) -> str | None:
    needed = 3 if input_sum == "column" else 2
    if subtract != "analog" or cols >= needed:
        return None
    return f"analog subtracts pairs of columns, and array.cols is {cols} ({needed} or more needed)"


def _lossless_without_bits(bits: int | None, policy: str) -> str | None:
    if policy == "lossless" and bits is not None:
        return f"{bits} is given, but adc.policy lossless takes the bits it needs (null removes it)"
    if policy != "lossless" and bits is None:
        return f"missing (adc.policy {policy} needs it; 1 to 16)"
    return None


def _signed_needs_two_bits(bits: int | None, subtract: str) -> str | None:
    if subtract != "analog" or bits is None or bits >= 2:
        return None
    return f"{bits} is too few for signed reads (array.subtract analog; 2 to 16)"


def _adcs_in_pe(adcs: int, arrays: int) -> str | None:
    if adcs <= arrays:
        return None
    return f"{adcs} is more than pe.arrays ({arrays})"


def _balance_needs_a_size(replication: object, tiles: object) -> str | None:
    if replication != "balance" or tiles != "auto":
        return None
    return "balance fills a chip of a given size, and chip.tiles is auto (give a number of tiles)"


def _table_needs_energy(energy: float | None, source: str) -> str | None:
    if source != "table" or energy is not None:
        return None
    return "missing (energy.array table needs it; an energy, e.g. '30 pJ')"


def _write_is_whole(other: float | None, here: float | None, key: str, example: str) -> str | None:
    if here is not None or other is None:
        return None
    return f"missing ({key} is given; both are needed to price programming, e.g. {example!r})"


def _voltage_is_given(pulse: float | None, voltage: float | None) -> str | None:
    return _write_is_whole(pulse, voltage, "cell.write_pulse", "2 V")


def _pulse_is_given(voltage: float | None, pulse: float | None) -> str | None:
    return _write_is_whole(voltage, pulse, "cell.write_voltage", "40 ns")


_MOST_CLOCKS = 1e6


def _cycle_in_clocks(cycle: float, clock: float) -> str | None:
    clocks = cycle * clock
    period = shown(units.exact(1 / clock, "s"))
    if clocks < 1 - 1e-6:
        return f"{shown(units.exact(cycle, 's'))} is shorter than one clock ({period})"
    if clocks > _MOST_CLOCKS:
        length = shown(units.exact(cycle, "s"))
        return f"{length} is more than {_MOST_CLOCKS:,.0f} clocks (of {period})"
    return None


def _rate_in_clocks(rate: float, clock: float) -> str | None:
    if clock / rate <= _MOST_CLOCKS:
        return None
    return (
        f"{shown(units.exact(rate, 'Hz'))} makes a conversion longer than"
        f" {_MOST_CLOCKS:,.0f} clocks (of {shown(units.exact(1 / clock, 's'))})"
    )


def _s(conductance: float) -> str:
    return shown(units.exact(conductance, "S"))


_RULES = (
    _Rule("cell.g_off", ("cell.g_off", "cell.g_on"), _off_below_on),
    _Rule("cell.read_pulse", ("cell.read_pulse", "array.cycle"), _pulse_in_cycle),
    _Rule("cell.write_voltage", ("cell.write_pulse", "cell.write_voltage"), _voltage_is_given),
    _Rule("cell.write_pulse", ("cell.write_voltage", "cell.write_pulse"), _pulse_is_given),
    _Rule("array.cycle", ("array.cycle", "clock"), _cycle_in_clocks),
    _Rule("adc.rate", ("adc.rate", "clock"), _rate_in_clocks),
    _Rule("array.rows_per_read", ("array.rows_per_read", "array.rows"), _group_in_array),
    _Rule("array.subtract", ("array.subtract", "array.encoding"), _analog_is_differential),
    _Rule("array.flip_columns", ("array.flip_columns", "array.subtract"), _flip_is_digital),
    _Rule("array.input_sum", ("array.input_sum", "array.cols"), _sum_column_fits),
    _Rule("array.subtract", ("array.subtract", "array.cols", "array.input_sum"), _pair_fits),
    _Rule("array.read_energy", ("array.read_energy", "energy.array"), _table_needs_energy),
    _Rule("adc.bits", ("adc.bits", "adc.policy"), _lossless_without_bits),
    _Rule("adc.bits", ("adc.bits", "array.subtract"), _signed_needs_two_bits),
    _Rule("pe.adcs", ("pe.adcs", "pe.arrays"), _adcs_in_pe),
    _Rule("replication", ("replication", "chip.tiles"), _balance_needs_a_size),
)
