"""The copies of a layer as they lie in arrays: cells, conductances, and how each is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.analog import make_analog
from crossbar.array.analog_reading import AnalogReading
from crossbar.array.columns import make_columns
from crossbar.array.conditions import Conditions
from crossbar.array.flicker import with_sums
from crossbar.array.path import has_dac_noise, has_own_cells, has_telegraph, why_conductances
from crossbar.array.physical import Physical, make_physical
from crossbar.array.program import Cells, program_cells, stick
from crossbar.array.ranges import column_ranges
from crossbar.array.reading import Reading, digital_reading, make_reading
from crossbar.circuit.adc import make_adc
from crossbar.circuit.dac import InputCoding
from crossbar.device.faults import breaks_cells
from crossbar.mapping.plan import LayerPlan

__all__ = ["Copies"]


@dataclass(frozen=True)
class Copies:
    """A layer's weights in cells, made when first asked for.

    Parameters
    ----------
    plan : LayerPlan
    arch : Arch
        As seen (`crossbar.array.conditions.seen`).
    weights : int32[outputs, inputs of a group]
    coding : InputCoding
    conditions : Conditions
    sample : int32[vectors, inputs of all groups] or None
    """

    plan: LayerPlan
    arch: Arch
    weights: NDArray[np.int32]
    coding: InputCoding
    conditions: Conditions
    sample: NDArray[np.int32] | None
    _epochs: dict[int, tuple[int, list[AnalogReading]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _steady: dict[int, list[AnalogReading]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _ranges: dict[int, list[NDArray[np.float64]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def matrices(self) -> list[tuple[NDArray[np.int32], NDArray[np.bool_]]]:
        """Weights ``[rows, outputs]`` and where they count, by bundle."""
        rows, cols = self.plan.matrix.rows, self.plan.matrix.cols
        out = []
        for bundle in self.plan.bundles:
            w = np.zeros((bundle.rows, bundle.outputs), dtype=np.int32)
            used = np.zeros((bundle.rows, bundle.outputs), dtype=np.bool_)
            for k in range(bundle.groups):
                first = (bundle.first_group + k) * cols
                place = np.s_[k * rows : (k + 1) * rows, k * cols : (k + 1) * cols]
                w[place] = self.weights[first : first + cols].T
                used[place] = True
            out.append((w, used))
        return out

    @property
    def faulty(self) -> bool:
        """Whether any cell can be stuck."""
        return self.conditions.has("faults") and breaks_cells(self.conditions.faults)

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """Why sums are not whole numbers (`crossbar.array.path`); empty where they are."""
        return why_conductances(self.arch, self.faulty)

    @property
    def path(self) -> str:
        """How it is computed.

        ``"integer"`` where no column can clip, ``"popcount"`` where some are read bit by bit,
        ``"tables"`` or ``"products"`` for arbitrary conductances.
        """
        if not self.reasons:
            return "integer" if self.collapsed == 1.0 else "popcount"
        return "products" if has_dac_noise(self.arch) else "tables"

    @property
    def count(self) -> int:
        """Copies whose cells differ: one unless something is drawn for each."""
        own = has_own_cells(self.arch, self.faulty)
        return self.plan.replicas if own and self.arch.faults.replicas == "own" else 1

    @cached_property
    def cells(self) -> list[list[Cells]]:
        """What cells store, by copy and bundle."""
        seed, faults = self.conditions.fault_seed, self.conditions.faults
        encoding = self.plan.encoding
        clean = [
            program_cells(w, used, bundle, encoding, self.arch)
            for bundle, (w, used) in zip(self.plan.bundles, self.matrices, strict=True)
        ]
        if not self.faulty or faults is None:
            return [clean] * self.count
        return [
            [
                stick(cells, bundle, encoding, self.arch, starts, faults, seed)
                for cells, bundle, starts in zip(
                    clean, self.plan.bundles, self.plan.bundle_blocks(copy), strict=True
                )
            ]
            for copy in range(self.count)
        ]

    @cached_property
    def readings(self) -> list[list[Reading]]:
        """How whole numbers are read, by copy and bundle."""
        adc = make_adc(self.arch)
        return [
            [
                make_reading(cells, w, bundle, self.plan.encoding, self.coding, self.arch, adc)
                for cells, bundle, (w, _) in zip(
                    copy, self.plan.bundles, self.matrices, strict=True
                )
            ]
            for copy in self.cells
        ]

    @cached_property
    def physical(self) -> list[list[Physical]]:
        """Conductances, by copy and bundle."""
        state = self.conditions
        return [
            [
                make_physical(cells, self.arch, starts, state.cell_seed, state.t_inference)
                for cells, starts in zip(copy, self.plan.bundle_blocks(k), strict=True)
            ]
            for k, copy in enumerate(self.cells)
        ]

    def analog(self, copy: int, epoch: int) -> list[AnalogReading]:
        """How conductances are read in an epoch of telegraph states, by bundle; one is kept."""
        if copy not in self._steady:
            self._steady[copy] = self._make(copy, _without_telegraph(self.arch), 0)
        if not has_telegraph(self.arch):
            return self._steady[copy]
        known = self._epochs.get(copy)
        if known is not None and known[0] == epoch:
            return known[1]
        if has_dac_noise(self.arch):
            made = self._make(copy, self.arch, epoch)
        else:
            seed = self.conditions.seed
            made = [
                with_sums(
                    reading,
                    make_columns(physical, self.arch, seed, epoch, noise=False),
                    self.plan.encoding,
                    self.arch,
                )
                for reading, physical in zip(self._steady[copy], self.physical[copy], strict=True)
            ]
        self._epochs[copy] = epoch, made
        return made

    def _make(self, copy: int, arch: Arch, epoch: int) -> list[AnalogReading]:
        """Make readings from the conductances of a copy, by bundle."""
        seed = self.conditions.seed
        driven = _with_ideal_levels(arch) if has_dac_noise(arch) else arch
        columns = [make_columns(p, driven, seed, epoch) for p in self.physical[copy]]
        ranges = None
        if arch.adc.policy == "calibrated":
            if copy not in self._ranges:  # calibrated once, before cells flicker
                self._ranges[copy] = column_ranges(
                    columns, self.plan, arch, self.coding, self.sample
                )
            ranges = self._ranges[copy]
        return [
            make_analog(
                cells, physical, column, w, bundle, self.plan.encoding, self.coding, self.arch,
                None if ranges is None else ranges[k], seed,
            )
            for k, (cells, physical, column, bundle, (w, _)) in enumerate(
                zip(
                    self.cells[copy], self.physical[copy], columns, self.plan.bundles,
                    self.matrices, strict=True,
                )
            )
        ]  # fmt: skip

    @cached_property
    def digital(self) -> list[Reading]:
        """The integer twin, by bundle."""
        return [
            digital_reading(w, bundle, self.coding)
            for bundle, (w, _) in zip(self.plan.bundles, self.matrices, strict=True)
        ]

    @property
    def collapsed(self) -> float:
        """Share of the columns of the first copy that provably cannot clip."""
        if self.reasons:
            return 0.0
        counts = [
            (b.columns, r.collapsed)
            for b, r in zip(self.plan.bundles, self.readings[0], strict=True)
        ]
        return sum(n * share for n, share in counts) / sum(n for n, _ in counts)


def _with_ideal_levels(arch: Arch) -> Arch:
    """Where drives are noisy their levels are not in the columns."""
    return arch.model_copy(update={"dac": arch.dac.model_copy(update={"inl": 0.0})})


def _without_telegraph(arch: Arch) -> Arch:
    if not has_telegraph(arch):
        return arch
    noise = arch.cell.read_noise.model_copy(update={"rtn_share": 0.0})
    return arch.model_copy(update={"cell": arch.cell.model_copy(update={"read_noise": noise})})
