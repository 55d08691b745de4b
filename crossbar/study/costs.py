"""The cost of one network on many chips: those that differ in prices alone share one schedule."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from crossbar.arch import Arch
from crossbar.device.check import check_cell
from crossbar.estimator import INPUT_DENSITY, estimate_plan
from crossbar.mapping import build_plan
from crossbar.mapping.plan import Plan
from crossbar.report import Report
from crossbar.report.build import port_clocks
from crossbar.timing import Timing, count, measure
from crossbar.workload import find_workload
from crossbar.workload.graph import Workload

__all__ = ["UNTIMED", "CostBench"]

UNTIMED = (
    "name",
    "description",
    "source",
    "node",
    "cell.g_on",
    "cell.g_off",
    "cell.read_voltage",
    "cell.read_pulse",
    "cell.write_voltage",
    "cell.write_pulse",
    "cell.write_pulses",
    "cell.narrow_slice",
    "cell.tmr",
    "cell.tmr_half_voltage",
    "cell.variation",
    "cell.drift",
    "cell.read_noise",
    "cell.nonlinearity",
    "cell.table",
    "array.read_energy",
    "array.wire_resistance_row",
    "array.wire_resistance_col",
    "array.driver_resistance",
    "array.sense_resistance",
    "array.drive",
    "array.row_density",
    "dac.inl",
    "dac.noise",
    "adc.bits",
    "adc.policy",
    "adc.model",
    "adc.calibrate",
    "adc.calibration_share",
    "adc.offset",
    "adc.gain_error",
    "adc.inl",
    "adc.dnl",
    "adc.noise",
    "adc.enob",
    "chip.offchip_power",
    "chip.programming",
    "energy",
    "faults",
)
"""Keys of the hardware that change neither where a network sits nor when anything happens."""

_KEPT = 64
"""Schedules that are kept; points come in an order in which those alike are neighbours."""


@dataclass
class CostBench:
    """Networks to be estimated on one chip after the other.

    Parameters
    ----------
    find : callable
        From a workload's name or file to the workload.
    input_density, code_density : float
        As for `crossbar.estimate`.
    """

    find: Callable[[str], Workload]
    input_density: float = INPUT_DENSITY
    code_density: float | None = None
    _workloads: dict[tuple[str, int | None], Workload] = field(default_factory=dict)
    _schedules: dict[str, tuple[Plan, Timing]] = field(default_factory=dict)

    def report(self, arch: Arch, workload: str, tokens: int | None = None) -> Report:
        """Estimate a workload on a chip; see `crossbar.estimate`.

        Parameters
        ----------
        arch : Arch
        workload : str
        tokens : int, optional
            Length of its sequences; else its own.
        """
        key = workload, tokens
        if key not in self._workloads:
            self._workloads[key] = find_workload(self.find(workload), tokens)
        plan, timing = self._scheduled(arch, key)
        return estimate_plan(
            plan,
            input_density=self.input_density,
            code_density=self.code_density,
            timing=timing,
        )

    def _scheduled(self, arch: Arch, workload: tuple[str, int | None]) -> tuple[Plan, Timing]:
        key = json.dumps([*workload, timed_part(arch)], sort_keys=True)
        if key in self._schedules:
            check_cell(arch)  # as `build_plan` does
            plan, timing = self._schedules[key]
            return replace(plan, arch=arch), timing
        plan = build_plan(self._workloads[workload], arch)
        timing = measure(plan, port_clocks(plan, count(plan)))
        if len(self._schedules) >= _KEPT:
            self._schedules.pop(next(iter(self._schedules)))
        self._schedules[key] = plan, timing
        return plan, timing


def timed_part(arch: Arch) -> dict[str, Any]:
    """Return the keys of the hardware on which place and time depend.

    Parameters
    ----------
    arch : Arch
    """
    content = arch.to_dict()
    for path in UNTIMED:
        *sections, last = path.split(".")
        found = content
        for section in sections:
            found = found[section]
        found.pop(last, None)
    return content
