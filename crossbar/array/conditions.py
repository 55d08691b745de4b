"""What decides the state of the cells beside plan and weights: faults, time, seeds, which effects.

Nothing here is hardware: the same chip is looked at under other conditions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crossbar.arch import Arch
from crossbar.arch.cell import IdealCell
from crossbar.arch.cell_effects import NoDrift, NoVariation, ReadNoise
from crossbar.device.faults import Faults
from crossbar.errors import InputError, UnknownNameError

__all__ = ["EFFECTS", "MOST_SEED", "Conditions", "seen"]

EFFECTS = ("converters", "faults", "variation", "drift", "wires", "noise")
"""What may keep a layer from computing its integers exactly, in the order of `xb.explain`."""

MOST_SEED = (1 << 63) - 1

_MIX = 0x9E3779B97F4A7C15  # odd, its bits are spread: neighbouring numbers get unrelated seeds


@dataclass(frozen=True)
class Conditions:
    """The state in which arrays are read.

    Parameters
    ----------
    faults : StuckAt, ClusteredFaults, LineFaults, FaultMap or a tuple of them, optional
    fault_seed : int
        Of the faults that are drawn.
    seed : int
        Of everything else that is drawn: programming error, spread of the drift, telegraph states,
        mismatch of converters, read noise.
    t_inference : float, optional
        Time since programming [s]; None is the time at which cells are as programmed.
    effects : tuple of str
        Those of `EFFECTS` that take part; without ``"converters"`` every ADC is ideal and lossless
        and every DAC ideal.
    programming : int
        How often the cells have been programmed before: each time draws its errors anew.

    Raises
    ------
    InputError
        A seed out of range, a time that is no positive number.
    UnknownNameError
        An effect that is none.
    """

    faults: Faults | None = None
    fault_seed: int = 0
    seed: int = 0
    t_inference: float | None = None
    effects: tuple[str, ...] = EFFECTS
    programming: int = 0

    def __post_init__(self) -> None:
        for name, seed in (("seed", self.seed), ("fault_seed", self.fault_seed)):
            if not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
                raise InputError(f"{name} {seed!r} is not a whole number in 0..2**63 - 1")
        t = self.t_inference
        if t is not None and not (math.isfinite(t) and t > 0):
            raise InputError(f"t_inference {t!r} is not a time in seconds, more than 0")
        for effect in self.effects:
            if effect not in EFFECTS:
                raise UnknownNameError("effect", effect, EFFECTS)

    @property
    def cell_seed(self) -> int:
        """Seed of what programming draws: errors of cells, the spread of their drift."""
        return (self.seed + self.programming * _MIX) % MOST_SEED if self.programming else self.seed

    def has(self, effect: str) -> bool:
        """Whether an effect takes part."""
        return effect in self.effects

    def only(self, effects: Iterable[str]) -> dict[str, Any]:
        """Return the change that keeps these effects, in the order of `EFFECTS`."""
        chosen = set(effects)
        return {"effects": tuple(effect for effect in EFFECTS if effect in chosen)}


_IDEAL_ADC = {
    "kind": "ideal",
    "policy": "lossless",
    "bits": None,
    "offset": 0.0,
    "gain_error": 0.0,
    "inl": 0.0,
    "dnl": 0.0,
    "noise": 0.0,
    "enob": None,
}
_IDEAL_DAC = {"inl": 0.0, "noise": 0.0}
_IDEAL_WIRES = {
    "wire_resistance_row": 0.0,
    "wire_resistance_col": 0.0,
    "driver_resistance": 0.0,
    "sense_resistance": 0.0,
}


def seen(arch: Arch, conditions: Conditions) -> Arch:
    """Return the hardware with what does not take part made ideal: how its arrays compute.

    What it costs stays that of ``arch``.
    """
    changes: dict[str, Any] = {}
    if not conditions.has("converters"):
        changes["adc"] = arch.adc.model_copy(update=_IDEAL_ADC)
        changes["dac"] = arch.dac.model_copy(update=_IDEAL_DAC)
    if not conditions.has("wires"):
        changes["array"] = arch.array.model_copy(update=_IDEAL_WIRES)
    cell: dict[str, Any] = {}
    if not conditions.has("variation"):
        cell["variation"] = NoVariation(kind="none")
    if not conditions.has("drift") or conditions.t_inference is None:
        cell["drift"] = NoDrift(kind="none")
    if not conditions.has("noise"):
        cell["read_noise"] = ReadNoise()
    if cell and not isinstance(arch.cell, IdealCell):
        changes["cell"] = arch.cell.model_copy(update=cell)
    return arch.model_copy(update=changes) if changes else arch
