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


def _states_differ(tmr: float, half: float | None, voltage: float) -> str | None:
    left = tmr / (1.0 + (voltage / half) ** 2) if half is not None else tmr
    if left >= _LEAST_TMR:
        return None
    if tmr < _LEAST_TMR:
        return f"{tmr:g} leaves no difference between the two states (more than 0)"
    at = shown(units.exact(voltage, "V"))
    return f"{tmr:g} falls to {left:.1g} at cell.read_voltage ({at}): no difference is left"


def _magnetic_is_one_bit(bits: int, kind: str) -> str | None:
    if kind != "sot_mram" or bits == 1:
        return None
    return f"{bits} is more than a magnetic cell stores (cell.kind sot_mram; only 1)"


def _sigma_a_level(sigmas: tuple[float, ...], bits: int) -> str | None:
    if len(sigmas) == 1 << bits:
        return None
    count = f"{len(sigmas)} {'number' if len(sigmas) == 1 else 'numbers'}"
    return f"{count} for {1 << bits} levels (one a level; cell.bits is {bits})"


def _table_is_given(table: object, kind: str) -> str | None:
    if kind != "table" or table is not None:
        return None
    return "missing (cell.variation.kind table needs it; a CSV file, e.g. 'my_cells.csv')"


def _pulses_are_counted_once(pulses: float, tolerance: float | None) -> str | None:
    if tolerance is None or pulses == 1:
        return None
    return (
        f"{pulses:g} is given, but cell.variation.verify_tolerance decides how many pulses a cell"
        " takes (null removes it)"
    )


def _reference_fits(pedestal: str, cols: int, input_sum: str, subtract: str) -> str | None:
    needed = 3 if input_sum == "column" else 2
    if pedestal != "reference" or subtract == "analog" or cols >= needed:
        return None
    return f"reference takes a column of the array, and array.cols is {cols} ({needed} needed)"


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


def _signed_needs_two_bits(bits: int | None, subtract: str, signed: str) -> str | None:
    if bits is None or bits >= 2:
        return None
    if subtract == "analog":
        return f"{bits} is too few for signed reads (array.subtract analog; 2 to 16)"
    if signed == "sign_magnitude":
        return f"{bits} is too few for signed reads (dac.signed sign_magnitude; 2 to 16)"
    return None


def _effective_bits(enob: float | None, bits: int | None, policy: str, noise: float) -> str | None:
    if enob is None:
        return None
    if noise > 0:
        return f"{enob:g} and adc.noise ({noise:g}) both say how noisy a conversion is (give one)"
    if policy == "lossless":
        return f"{enob:g} needs adc.bits (adc.policy lossless takes the bits it needs)"
    if bits is None or enob <= bits:
        return None
    return f"{enob:g} is more than adc.bits ({bits})"


def _even_steps(kind: str, inl: float, dnl: float) -> str | None:
    if kind != "ideal" or not inl + dnl:
        return None
    given = "adc.inl" if inl else "adc.dnl"
    return f"ideal has even steps, but {given} is given (allowed: sar, ramp, flash, pipeline)"


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
_LEAST_TMR = 1e-9


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
    _Rule("cell.tmr", ("cell.tmr", "cell.tmr_half_voltage", "cell.read_voltage"), _states_differ),
    _Rule("cell.bits", ("cell.bits", "cell.kind"), _magnetic_is_one_bit),
    _Rule("cell.read_pulse", ("cell.read_pulse", "array.cycle"), _pulse_in_cycle),
    _Rule("cell.write_voltage", ("cell.write_pulse", "cell.write_voltage"), _voltage_is_given),
    _Rule("cell.write_pulse", ("cell.write_voltage", "cell.write_pulse"), _pulse_is_given),
    _Rule(
        "cell.write_pulses",
        ("cell.write_pulses", "cell.variation.verify_tolerance"),
        _pulses_are_counted_once,
    ),
    _Rule(
        "cell.pedestal",
        ("cell.pedestal", "array.cols", "array.input_sum", "array.subtract"),
        _reference_fits,
    ),
    _Rule("cell.variation.sigmas", ("cell.variation.sigmas", "cell.bits"), _sigma_a_level),
    _Rule("cell.table", ("cell.table", "cell.variation.kind"), _table_is_given),
    _Rule("array.cycle", ("array.cycle", "clock"), _cycle_in_clocks),
    _Rule("adc.rate", ("adc.rate", "clock"), _rate_in_clocks),
    _Rule("array.rows_per_read", ("array.rows_per_read", "array.rows"), _group_in_array),
    _Rule("array.subtract", ("array.subtract", "array.encoding"), _analog_is_differential),
    _Rule("array.flip_columns", ("array.flip_columns", "array.subtract"), _flip_is_digital),
    _Rule("array.input_sum", ("array.input_sum", "array.cols"), _sum_column_fits),
    _Rule("array.subtract", ("array.subtract", "array.cols", "array.input_sum"), _pair_fits),
    _Rule("array.read_energy", ("array.read_energy", "energy.array"), _table_needs_energy),
    _Rule("adc.bits", ("adc.bits", "adc.policy"), _lossless_without_bits),
    _Rule("adc.bits", ("adc.bits", "array.subtract", "dac.signed"), _signed_needs_two_bits),
    _Rule("adc.enob", ("adc.enob", "adc.bits", "adc.policy", "adc.noise"), _effective_bits),
    _Rule("adc.kind", ("adc.kind", "adc.inl", "adc.dnl"), _even_steps),
    _Rule("pe.adcs", ("pe.adcs", "pe.arrays"), _adcs_in_pe),
    _Rule("replication", ("replication", "chip.tiles"), _balance_needs_a_size),
)
