"""The memory cell: an ideal one, ReRAM, SOT-MRAM."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from crossbar.arch.cell_effects import (
    FITS,
    Drift,
    LinearCurrent,
    NoDrift,
    Nonlinearity,
    NoVariation,
    ReadNoise,
    Variation,
)
from crossbar.arch.cell_table import CellTable, TableFile
from crossbar.arch.fields import Measured, Plain, Whole
from crossbar.arch.section import (
    MOST_SECONDS,
    MOST_SIEMENS,
    MOST_VOLTS,
    Section,
    Shorthand,
)

__all__ = ["Cell", "IdealCell", "ReramCell", "SotMramCell"]


class _Levels(Section):
    kind: str
    bits: Annotated[int, Whole(1, 4, "bit")]
    """Bits a cell stores [bit]; it has 2^bits levels. ISAAC: 2. A magnetic cell has two states:
    1."""
    g_on: Annotated[float, Measured("S", most=MOST_SIEMENS)]
    """Conductance of the top level (low resistance state; parallel state of a magnetic cell) [S].
    Not in the ISAAC paper: its presets assume the value that makes the worst read cost the
    table's 30 pJ."""


class _OffState(_Levels):
    g_off: Annotated[float, Measured("S", zero=True, most=MOST_SIEMENS)]
    """Conductance of level 0 (high resistance state) [S], below g_on; levels lie evenly between.
    The isaac presets assume g_on / 15."""


class _MagneticState(_Levels):
    tmr: Annotated[float, Plain(0.0, 100.0)]
    """Tunnel magnetoresistance at low bias: (R_antiparallel - R_parallel) / R_parallel, 1.712 for
    171.2 %. It takes the place of g_off."""
    tmr_half_voltage: Annotated[float | None, Measured("V", most=MOST_VOLTS)] = None
    """Voltage at which the magnetoresistance has fallen to half [V]:
    TMR(v) = tmr / (1 + (v / v_half)^2); left out, it does not fall."""


class _Pulses(Section):
    read_voltage: Annotated[float, Measured("V", most=MOST_VOLTS)]
    """Voltage of a driven row at the top DAC code [V]. The isaac presets assume 0.2 V."""
    read_pulse: Annotated[float, Measured("s", most=MOST_SECONDS)]
    """How long current flows in one read [s], at most array.cycle."""
    narrow_slice: Literal["low_levels", "full_swing"] = "low_levels"
    """What a slice of fewer bits than the cell stores (the sign bit, or the top slice when bits do
    not divide): the lowest levels, or levels spread over the whole range, whose read is divided by
    their distance. Spread where they fall on whole levels (1 bit in any cell: 0 and top)."""
    write_voltage: Annotated[float | None, Measured("V", most=MOST_VOLTS)] = None
    """Voltage across a cell that is programmed [V]; left out, programming is not priced. The isaac
    presets take 2 V."""
    write_pulse: Annotated[float | None, Measured("s", most=MOST_SECONDS)] = None
    """Length of one programming pulse [s], given together with write_voltage. The isaac presets
    take 40 ns."""
    write_pulses: Annotated[float, Plain(1, 10_000, "pulse")] = 1.0
    """Pulses that a cell takes on average, each followed by a read that verifies it [pulse]."""
    endurance: Annotated[float | None, Plain(1, 1e18, "pulse")] = None
    """Programming pulses after which a cell fails [pulse]: with attention crossbar, how long a chip
    lives follows from it. Left out, no lifetime is stated."""


class _Effects(Section):
    pedestal: Literal["reference", "digital", "none"] = "reference"
    """What takes away the current of g_off that every driven cell draws: one physical column of
    level 0 in each array, subtracted before the ADC (`reference`; it costs a column), arithmetic
    after the ADC (`digital`), or nothing (`none`). Pairs with array.subtract: analog need none."""
    variation: Annotated[
        Variation,
        Field(discriminator="kind"),
        Shorthand(number=("proportional", "sigma"), word=("fit", "name"), words=FITS),
    ] = NoVariation()
    """Programming error: what a cell holds when a level is written to it, drawn once a cell. A
    number is a proportional sigma, a fit's name that fit."""
    drift: Annotated[Drift, Field(discriminator="kind"), Shorthand()] = NoDrift()
    """How conductances fall after programming."""
    read_noise: Annotated[ReadNoise, Shorthand(number=("", "sigma"))] = ReadNoise()
    """Noise of every read. A number is its sigma."""
    nonlinearity: Annotated[Nonlinearity, Field(discriminator="kind"), Shorthand()] = (
        LinearCurrent()
    )
    """The current against the voltage, which matters when a DAC has several steps."""
    table: Annotated[CellTable | None, TableFile()] = None
    """Own measurements, a CSV file beside the YAML file; by itself it makes variation `table`.
    Columns `target [uS],mean [uS],sigma [uS]`, or `target [uS],measured [uS]` with several rows a
    target; any unit of conductance."""


class IdealCell(_Pulses, _OffState):
    """A memory cell that holds its level exactly."""

    kind: Literal["ideal"]
    """stores and reads every level without error"""
    pedestal: ClassVar[Literal["ideal"]] = "ideal"
    variation: ClassVar[Variation] = NoVariation()
    drift: ClassVar[Drift] = NoDrift()
    read_noise: ClassVar[ReadNoise] = ReadNoise()
    nonlinearity: ClassVar[Nonlinearity] = LinearCurrent()
    table: ClassVar[CellTable | None] = None


class ReramCell(_Effects, _Pulses, _OffState):
    """A resistive memory cell, of ReRAM or phase-change material."""

    kind: Literal["reram"]
    """a resistor of several levels with the errors of real devices"""


class SotMramCell(_Effects, _Pulses, _MagneticState):
    """A magnetic tunnel junction: two states that differ by the tunnel magnetoresistance."""

    kind: Literal["sot_mram"]
    """a magnetic tunnel junction: two states, 1 bit"""

    @property
    def magnetoresistance(self) -> float:
        """Return TMR at the read voltage."""
        if self.tmr_half_voltage is None:
            return self.tmr
        return self.tmr / (1.0 + (self.read_voltage / self.tmr_half_voltage) ** 2)

    @property
    def g_off(self) -> float:
        """Conductance of the antiparallel state at the read voltage [S]."""
        return self.g_on / (1.0 + self.magnetoresistance)


Cell = IdealCell | ReramCell | SotMramCell
