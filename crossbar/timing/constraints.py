"""The constraint rows: which event must follow which, on what, and how long it takes.

The one table of timing.  `crossbar.timing.machine` makes the schedule's tables from it, the closed
form of `crossbar.timing.bounds` adds its steps up, and nothing about the speed of a component is
written anywhere else.  docs/timing.md has it in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crossbar.arch import Arch
from crossbar.circuit.isaac import WORD
from crossbar.device.programming import mean_write_pulses
from crossbar.mapping.converters import clocks

__all__ = ["EVENTS", "Resource", "Row", "Rows", "constraint_rows"]

EVENTS = ("write", "fetch", "read", "convert", "shift_add", "merge", "activate", "store")
"""Events of a position, in order; a join has the last two, only dynamic layers the first."""

Resource = Literal["bus", "array", "adc", "vector", "matmul", "port", "register"]

_PIPELINE = "ISAAC, ISCA 2016, figure 4: a step of the pipeline takes one array read"


@dataclass(frozen=True)
class Row:
    """One constraint.

    Parameters
    ----------
    before, after : str
        ``after`` may begin when ``before`` has lasted.
    latency : int
        Least clocks between the two.
    resource : str or None
        What ``before`` occupies meanwhile, one request at a time.
    rate : float
        Units of work that the resource does in a clock; 0 without one.
    work : str
        The unit: ``"bit"``, ``"conversion"``, ``"operation"``, ``"MAC"``, ``"vector"``.
    source : str
    """

    before: str
    after: str
    latency: int
    resource: Resource | None
    rate: float
    work: str
    source: str

    def interval(self, amount: float) -> int:
        """Clocks that the resource needs for an amount of work, rounded up once."""
        return clocks(amount / self.rate) if amount else 0


@dataclass(frozen=True)
class Rows:
    """The rows of a hardware, by event.

    Parameters
    ----------
    rows : tuple of Row
    """

    rows: tuple[Row, ...]

    def __getitem__(self, key: tuple[str, str] | tuple[str, str, Resource]) -> Row:
        """Return the row from one event to another; the one of a resource, where there are two."""
        for row in self.rows:
            if (row.before, row.after, row.resource)[: len(key)] == key:
                return row
        raise KeyError(key)


def constraint_rows(arch: Arch) -> Rows:
    """Make the table from a hardware description.

    Parameters
    ----------
    arch : Arch
    """
    step = clocks(arch.array.cycle * arch.clock)
    width = float(arch.tile.bus_width)
    banked = arch.tile.buffer_banks > 1
    pulse = None if arch.cell.write_pulse is None else arch.cell.write_pulse + arch.array.cycle
    row_rate = 0.0 if pulse is None else 1 / (mean_write_pulses(arch) * pulse * arch.clock)
    return Rows(
        (
            Row("write", "fetch", 0, "array", row_rate, "row",
                "cell.write_pulse and a verifying read of array.cycle (longer where adc.rate is"
                " slower) for each of the mean pulses of a cell, row by row"),
            Row("fetch", "read", step, "bus", width, "bit",
                f"{_PIPELINE}; tile.bus_width bits a clock, digits lowest first"),
            Row("read", "read", step, "array", 1 / step, "vector", "array.cycle"),
            Row("read", "convert", step, None, 0.0, "", 
                "array.cycle; a sample-and-hold keeps the sums"),
            Row("convert", "shift_add", step, "adc", arch.adc.rate / arch.clock, "conversion",
                f"{_PIPELINE}; adc.rate, pe.adcs converters for pe.arrays arrays"),
            Row("convert", "read", -step, None, 0.0, "",
                "a read must not end before the sums of the one before are converted"),
            Row("shift_add", "merge", step, None, 0.0, "",
                f"{_PIPELINE}; the units keep up with the converters"),
            Row("merge", "activate", step, "bus", width, "bit",
                f"{_PIPELINE}; once for each tile that partial sums pass; {WORD} bits a sum"),
            Row("activate", "store", step, "vector", float(arch.tile.vector_lanes), "operation",
                f"{_PIPELINE}; tile.vector_lanes operations a clock"),
            Row("activate", "store", step, "matmul", float(arch.tile.matmul_macs), "MAC",
                f"{_PIPELINE}; tile.matmul_macs multiply-accumulates a clock, beside the vector"
                " unit"),
            Row("store", "stored", step, "port" if banked else "bus", width, "bit",
                f"{_PIPELINE}; one hop included, whatever the distance;"
                " one bank is read or written, not both"),
            Row("read", "fetch", 0, "register", 1.0, "vector",
                "pe.input_register: a vector's place is free when its last read begins"),
        )
    )  # fmt: skip
