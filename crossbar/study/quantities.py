"""The numbers of a point that figures show: their words, their units, which way is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from crossbar import units
from crossbar.errors import InputError, UnknownNameError
from crossbar.report.drawing import scaled

__all__ = ["QUANTITIES", "Quantity", "find_quantity", "measured", "number_in", "quantity_text"]


@dataclass(frozen=True)
class Quantity:
    """A number that a point may have.

    Parameters
    ----------
    name : str
        Its column.
    words : str
        What a figure calls it.
    unit : str
        SI unit of the column; ``"%"``: a share 0..1 that is shown in per cent.
    less : bool
        Whether less of it is better.
    """

    name: str
    words: str
    unit: str
    less: bool = True

    def scale(self, largest: float) -> tuple[float, str]:
        """Choose what values are divided by on an axis, and the unit to write there."""
        if self.unit == "%":
            return 0.01, "%"
        if self.unit == "m^2":
            return (1e-6, "mm2") if largest >= 1e-8 else (1e-12, "um2")
        if self.unit == "1/s":
            factor, prefix = scaled(largest, "")
            words = {"k": "thousand inferences/s", "M": "million inferences/s"}
            return (factor, words[prefix]) if prefix in words else (1.0, "inferences/s")
        return scaled(largest, self.unit)


QUANTITIES: Mapping[str, Quantity] = {
    each.name: each
    for each in (
        Quantity("energy", "energy of one inference", "J"),
        Quantity("latency", "latency", "s"),
        Quantity("throughput", "throughput", "1/s", less=False),
        Quantity("area", "area of the chip", "m^2"),
        Quantity("accuracy", "accuracy", "%", less=False),
        Quantity("accuracy_std", "standard deviation of the accuracy", "%"),
        Quantity("accuracy_worst", "worst accuracy", "%", less=False),
        Quantity("digital_accuracy", "accuracy of the integer network", "%", less=False),
        Quantity("float_accuracy", "accuracy of the float network", "%", less=False),
        Quantity("power.average", "average power", "W"),
        Quantity("power.peak", "peak power", "W"),
    )
}


def number_in(row: Mapping[str, Any], name: str) -> float | None:
    """Return a number of a finished point; None where the point has none.

    Parameters
    ----------
    row : mapping
    name : str
        A name of `QUANTITIES`.
    """
    value = row.get(name)
    if row.get("status", "done") != "done" or isinstance(value, bool):
        return None
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def measured(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the quantities that at least one finished point has."""
    rows = list(rows)
    return tuple(
        name for name in QUANTITIES if any(number_in(row, name) is not None for row in rows)
    )


def find_quantity(rows: Iterable[Mapping[str, Any]], name: str) -> Quantity:
    """Return the quantity of a name.

    Raises
    ------
    UnknownNameError
        There is none of this name.
    InputError
        No finished point has it.
    """
    if name not in QUANTITIES:
        raise UnknownNameError("number", name, QUANTITIES)
    there = measured(rows)
    if name not in there:
        have = f"they have {', '.join(there)}" if there else "no point is finished"
        raise InputError(f"{name}: no finished point has it; {have}")
    return QUANTITIES[name]


def quantity_text(quantity: Quantity, value: float | None, digits: int = 3) -> str:
    """Write a value with its unit for people; ``"-"`` where there is none."""
    if value is None:
        return "-"
    if quantity.unit == "%":
        return f"{100 * value:.2f} %"
    if quantity.unit == "1/s":
        return f"{units.text(value, '', digits)} /s"
    return units.text(value, quantity.unit, digits)
