"""A layer on crossbars: its programmed copies, and how integer inputs go through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.analog_reading import AnalogReading
from crossbar.array.conditions import Conditions, seen
from crossbar.array.copies import Copies
from crossbar.array.energy import drive_moments, drive_squares, energy_of_moments
from crossbar.array.path import has_telegraph
from crossbar.array.physical import Physical, g_step
from crossbar.array.program import Cells
from crossbar.array.run import run_reading
from crossbar.array.run_analog import run_analog
from crossbar.array.window import Span, Window, map_parts, spans, thread_count
from crossbar.circuit.dac import InputCoding
from crossbar.kernels.outputs import rescale, rescale_rows, rescale_tokens
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.replication import stripes

__all__ = ["ProgrammedLayer"]

_Run: TypeAlias = Callable[[int, int, Span, int], tuple[Any, int]]
"""Results and saturations of (copy, bundle, span, first channel)."""

_ROWS_BYTES = 1 << 20  # inputs of a span: with its results they fit a second-level cache
_USE = 40  # bits of a vector's number below that of the layer's use in the network


@dataclass(frozen=True)
class ProgrammedLayer:
    """A layer whose weights are in cells.

    Parameters
    ----------
    plan : LayerPlan
    arch : Arch
    weights : int32[outputs, inputs of a group]
        Signed integers; outputs of all groups.
    coding : InputCoding
    conditions : Conditions
    sample : int32[vectors, inputs of all groups], optional
        Input vectors of calibration data, from which ``adc.policy: calibrated`` takes its ranges.
    """

    plan: LayerPlan
    arch: Arch
    weights: NDArray[np.int32]
    coding: InputCoding
    conditions: Conditions = Conditions()
    sample: NDArray[np.int32] | None = None

    @cached_property
    def _copies(self) -> Copies:
        arch = seen(self.arch, self.conditions)
        return Copies(self.plan, arch, self.weights, self.coding, self.conditions, self.sample)

    @property
    def copies(self) -> int:
        """Copies whose cells differ: one unless something is drawn for each."""
        return self._copies.count

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why sums are not whole numbers (`crossbar.array.path`); empty where they are."""
        return self._copies.reasons

    @property
    def path(self) -> str:
        """How it is computed: see `LayerPlan.path`."""
        return self._copies.path

    @property
    def collapsed(self) -> float:
        """Share of the columns of the first copy that provably cannot clip."""
        return self._copies.collapsed

    def cells(self, copy: int = 0) -> list[Cells]:
        """What the cells of a copy store, by bundle."""
        return self._copies.cells[copy]

    def conductances(self, copy: int = 0) -> list[Physical]:
        """Conductances of the arrays of a copy, by bundle."""
        return self._copies.physical[copy]

    def compute(
        self,
        x: NDArray[np.integer],
        window: Window,
        scale: NDArray[np.float64],
        bias: NDArray[np.float64],
        out: NDArray[np.floating],
        *,
        digital: bool = False,
        first_image: int = 0,
        use: int = 0,
        room: int = 0,
        rows: NDArray[np.float32] | None = None,
        count: bool = True,
    ) -> int:
        """Multiply integer inputs through the arrays (or, ``digital``, through the integer twin).

        Parameters
        ----------
        x : int16 or int32[batch, channels, height, width]
            Zero-padded as ``window`` says; for tokens a view of ``[batch, tokens, 1, inputs]``.
        window : Window
        scale, bias : float64[outputs]
            ``out = result * scale + bias``.
        out : float32 or float64[batch, outputs, positions]
            Filled; for tokens a view of ``[batch, positions, outputs]``.
        digital : bool
        first_image : int
            Number of the first image in the run; noise belongs to images, not to batches.
        use : int
            Which of the network's uses of the layer this is.
        room : int
            Numbers of input vectors that an image has, for its noise; its positions where 0 (images
            of one size).  With it there is one image a call.
        rows : float32[batch, positions], optional
            A factor of ``scale`` for each input vector; for tokens only.
        count : bool
            Count saturations; whole numbers (no `reasons`) are read faster without.

        Returns
        -------
        int
            Conversions that saturated (less, if not ``count``).
        """
        affine = (scale, bias) if rows is None else (scale, bias, rows)
        if digital or not self.reasons:
            readings = [self._copies.digital] if digital else self._copies.readings

            def integer(copy: int, k: int, span: Span, channel: int) -> tuple[Any, int]:
                reading = readings[copy][k]
                return run_reading(reading, self.coding, x, window, channel, span, count=count)

            copies = 1 if digital else self.copies
            return self._stripes(x, window, affine, out, integer, copies, (0, len(x)))
        total = 0
        vector = (use << _USE) + first_image * (room or window.positions)
        for images, known in self._in_turn(self._eras(len(x), first_image)):

            def analog(
                copy: int,
                k: int,
                span: Span,
                channel: int,
                known: list[list[AnalogReading]] = known,
            ) -> tuple[Any, int]:
                reading = known[copy][k]
                return run_analog(reading, self.coding, x, window, channel, span, vector)

            total += self._stripes(x, window, affine, out, analog, self.copies, images)
        return total

    def _in_turn(
        self, eras: list[tuple[tuple[int, int], int]]
    ) -> Iterator[tuple[tuple[int, int], list[list[AnalogReading]]]]:
        """Yield the images of each era and its readings; the next is made while one is used."""

        def made(epoch: int) -> list[list[AnalogReading]]:
            return [self._copies.analog(copy, epoch) for copy in range(self.copies)]

        if len(eras) == 1 or thread_count() == 1:
            for images, epoch in eras:
                yield images, made(epoch)
            return
        now = made(eras[0][1])
        with ThreadPoolExecutor(1) as ahead:
            for (images, _), (_, later) in zip(eras, [*eras[1:], eras[-1]], strict=True):
                coming = ahead.submit(made, later)
                yield images, now
                now = coming.result()

    def _eras(self, batch: int, first: int) -> list[tuple[tuple[int, int], int]]:
        """Cut a batch where telegraph states are drawn anew: ((image, images), epoch)."""
        if not has_telegraph(self._copies.arch):
            return [((0, batch), 0)]
        dwell = int(self._copies.arch.cell.read_noise.rtn_dwell)
        out = []
        at = 0
        while at < batch:
            epoch = (first + at) // dwell
            end = min(batch, (epoch + 1) * dwell - first)
            out.append(((at, end - at), epoch))
            at = end
        return out

    def _stripes(
        self,
        x: NDArray[np.integer],
        window: Window,
        affine: tuple[NDArray[np.floating], ...],
        out: NDArray[Any],
        run: _Run,
        copies: int,
        images: tuple[int, int],
    ) -> int:
        """Compute some images, each copy its stripe of the positions."""
        total = 0
        channels = self._channels(window)
        for copy, (first, count) in enumerate(stripes(window.positions, copies)):
            if not count:
                continue
            for k, bundle in enumerate(self.plan.bundles):
                first_output = bundle.first_group * self.plan.matrix.cols
                first_channel = bundle.first_group * channels

                def work(
                    span: Span,
                    copy: int = copy,
                    k: int = k,
                    first_channel: int = first_channel,
                    first_output: int = first_output,
                ) -> int:
                    values, saturated = run(copy, k, span, first_channel)
                    if window.tokens:
                        tokens = out.transpose(0, 2, 1)
                        write = rescale_tokens if len(affine) == 2 else rescale_rows
                        write(values, *affine, span.numbers(), first_output, tokens)
                    else:
                        rescale(values, *affine, span.numbers(), first_output, out)
                    return saturated

                target = max(64, _ROWS_BYTES // (4 * bundle.rows))
                # a part for every thread, also of a single image
                target = max(64, min(target, -(-images[1] * count // thread_count())))
                cut = [
                    Span(images[0] + s.image, s.images, s.position, s.positions)
                    for s in spans(images[1], first, count, target)
                ]
                total += sum(map_parts(work, cut))
        return total

    def _channels(self, window: Window) -> int:
        """Input channels of a group."""
        return self.plan.matrix.rows // (window.kernel[0] * window.kernel[1])

    def drives(self, x: NDArray[np.integer], window: Window) -> NDArray[np.float64]:
        """What a batch drives on the rows, over all reads and positions.

        Whole numbers, so that sums over batches are exact in any order.

        Parameters
        ----------
        x, window
            As in `compute`.

        Returns
        -------
        float64[copies, n]
            `crossbar.array.energy.drive_squares`, or through wires `drive_moments`.
        """
        parts = stripes(window.positions, self.copies)
        if self.reasons and self._through_wires:
            channels = self._channels(window)
            return drive_moments(x, window, self.coding, parts, self.plan.bundles, channels)
        return drive_squares(x, window, self.coding, parts)

    @property
    def _through_wires(self) -> bool:
        return self._copies.physical[0][0].admittance is not None

    def energy_of(self, drives: NDArray[np.float64]) -> float:
        """Energy [J] of the cells for what `drives` has summed.

        read_pulse times the sum of v**2 * g over all cells on driven rows and all reads.  Every
        physical column counts, used or not (design: the cost contract).  Through wires it is
        ``v^T Y v`` of the same solve.  Cells are taken as linear and drives as exact.
        """
        cell = self.arch.cell
        step = cell.read_voltage / self.coding.full_scale
        total = 0.0
        for copy, driven in enumerate(drives):
            total += self._copy_energy(copy, driven)
        return total * step**2 * cell.read_pulse

    def _copy_energy(self, copy: int, driven: NDArray[np.float64]) -> float:
        """Sum of digit**2 times conductance [S] of a copy."""
        bundles = self.plan.bundles
        if not self.reasons:
            unit, total = g_step(self.arch), 0.0
            for bundle, cells in zip(bundles, self._copies.cells[copy], strict=True):
                first = bundle.first_group * self.plan.matrix.rows
                g = cells.cells_per_row * self.arch.cell.g_off + unit * cells.level_sums
                total += float(driven[first : first + bundle.rows] @ g)
            return total
        physical = self._copies.physical[copy]
        if self._through_wires:
            found = [p.admittance for p in physical]
            return energy_of_moments(driven, [y for y in found if y is not None], bundles)
        total = 0.0
        for bundle, arrays in zip(bundles, physical, strict=True):
            first = bundle.first_group * self.plan.matrix.rows
            g = arrays.g.sum((1, 3)).reshape(-1)[: bundle.rows]
            total += float(driven[first : first + bundle.rows] @ g)
        return total

    def array_energy(self, x: NDArray[np.integer], window: Window) -> float:
        """Energy [J] of the cells for a batch: `energy_of` its `drives`."""
        return self.energy_of(self.drives(x, window))
