"""A layer on crossbars: its programmed copies, and how integer inputs go through them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.program import Cells, program_cells
from crossbar.array.reading import Reading, digital_reading, make_reading
from crossbar.array.run import run_reading
from crossbar.array.window import Span, Window, map_spans, spans
from crossbar.circuit.dac import InputCoding
from crossbar.device.faults import StuckAt
from crossbar.kernels.inputs import drive_map
from crossbar.kernels.outputs import rescale, rescale_tokens
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.replication import stripes
from crossbar.mapping.tiling import Bundle, usable_columns

__all__ = ["ProgrammedLayer"]

_ROWS_BYTES = 1 << 20  # inputs of a span: with its results they fit a second-level cache


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
    faults : StuckAt, optional
    seed : int
        Of the fault map.
    """

    plan: LayerPlan
    arch: Arch
    weights: NDArray[np.int32]
    coding: InputCoding
    faults: StuckAt | None = None
    seed: int = 0

    @cached_property
    def _matrices(self) -> list[tuple[NDArray[np.int32], NDArray[np.bool_]]]:
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
    def copies(self) -> int:
        """Copies whose cells differ: one unless faults are drawn for each."""
        faulty = self.faults is not None and (self.faults.on > 0 or self.faults.off > 0)
        return self.plan.replicas if faulty and self.arch.faults.replicas == "own" else 1

    @cached_property
    def _programmed(self) -> list[list[tuple[Cells, Reading]]]:
        """Cells and reading, by copy and bundle."""
        out = []
        width = usable_columns(self.arch)
        for copy in range(self.copies):
            bundles = []
            for bundle, starts, (w, used) in zip(
                self.plan.bundles, self.plan.bundle_blocks(copy), self._matrices, strict=True
            ):
                cells = program_cells(
                    w, used, bundle, self.plan.encoding, self.arch, starts, self.faults, self.seed
                )
                reading = make_reading(cells, w, bundle, self.plan.encoding, self.coding, width)
                bundles.append((cells, reading))
            out.append(bundles)
        return out

    @cached_property
    def _digital(self) -> list[Reading]:
        """The integer twin, by bundle."""
        return [
            digital_reading(w, bundle, self.coding)
            for bundle, (w, _) in zip(self.plan.bundles, self._matrices, strict=True)
        ]

    def cells(self, copy: int = 0) -> list[Cells]:
        """What the cells of a copy store, by bundle."""
        return [cells for cells, _ in self._programmed[copy]]

    @property
    def collapsed(self) -> float:
        """Share of the columns of the first copy that provably cannot clip."""
        counts = [
            (b.columns, r.collapsed)
            for b, (_, r) in zip(self.plan.bundles, self._programmed[0], strict=True)
        ]
        return sum(n * share for n, share in counts) / sum(n for n, _ in counts)

    def compute(
        self,
        x: NDArray[np.integer],
        window: Window,
        scale: NDArray[np.float64],
        bias: NDArray[np.float64],
        out: NDArray[np.floating],
        *,
        digital: bool = False,
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

        Returns
        -------
        int
            Conversions that saturated.
        """
        total = 0
        whole = self.plan.matrix.rows
        channels_per_group = whole // (window.kernel[0] * window.kernel[1])
        copies = 1 if digital else self.copies
        for copy, (first, count) in enumerate(stripes(window.positions, copies)):
            if not count:
                continue
            for k, bundle in enumerate(self.plan.bundles):
                reading = self._digital[k] if digital else self._programmed[copy][k][1]
                total += self._bundle(
                    x,
                    window,
                    (first, count),
                    bundle,
                    reading,
                    channels_per_group,
                    (scale, bias),
                    out,
                )
        return total

    def _bundle(
        self,
        x: NDArray[np.integer],
        window: Window,
        stripe: tuple[int, int],
        bundle: Bundle,
        reading: Reading,
        channels: int,
        affine: tuple[NDArray[np.float64], NDArray[np.float64]],
        out: NDArray[Any],
    ) -> int:
        first_channel = bundle.first_group * channels
        first_output = bundle.first_group * self.plan.matrix.cols

        def work(span: Span) -> int:
            values, saturated = run_reading(reading, self.coding, x, window, first_channel, span)
            if window.tokens:
                rescale_tokens(
                    values, *affine, span.numbers(), first_output, out.transpose(0, 2, 1)
                )
            else:
                rescale(values, *affine, span.numbers(), first_output, out)
            return saturated

        target = max(64, _ROWS_BYTES // (4 * bundle.rows))
        return sum(map_spans(work, list(spans(x.shape[0], *stripe, target))))

    def drives(self, x: NDArray[np.integer], window: Window) -> NDArray[np.float64]:
        """Sum of digit**2 that a batch drives on each row, over all reads and positions.

        Whole numbers, so that sums over batches are exact in any order.

        Parameters
        ----------
        x, window
            As in `compute`.

        Returns
        -------
        float64[copies, inputs of all groups]
        """
        squares = np.zeros(x.shape[1:], dtype=np.float64)
        drive_map(x, self.coding.drive_squares(), (1 << self.coding.bits) - 1, squares)
        parts = stripes(window.positions, self.copies)
        return np.stack([_window_sums(squares, window, *part).reshape(-1) for part in parts])

    def energy_of(self, drives: NDArray[np.float64]) -> float:
        """Energy [J] of the cells for what `drives` has summed.

        read_pulse times the sum of v**2 * g over all cells on driven rows and all reads.  Every
        physical column counts, used or not (design: the cost contract); exact without wires.
        """
        cell = self.arch.cell
        g_step = (cell.g_on - cell.g_off) / ((1 << cell.bits) - 1)
        total = 0.0
        for driven, bundles in zip(drives, self._programmed, strict=True):
            for bundle, (cells, _) in zip(self.plan.bundles, bundles, strict=True):
                first = bundle.first_group * self.plan.matrix.rows
                g = cells.cells_per_row * cell.g_off + g_step * cells.level_sums
                total += float(driven[first : first + bundle.rows] @ g)
        step = cell.read_voltage / self.coding.full_scale
        return total * step**2 * cell.read_pulse

    def array_energy(self, x: NDArray[np.integer], window: Window) -> float:
        """Energy [J] of the cells for a batch: `energy_of` its `drives`."""
        return self.energy_of(self.drives(x, window))


def _window_sums(
    image: NDArray[np.float64], window: Window, first: int, count: int
) -> NDArray[np.float64]:
    """Sum what each kernel tap sees over some positions: ``float64[channels, kernel taps]``."""
    height, width = window.size
    chosen = np.zeros(height * width, dtype=np.float64)
    chosen[first : first + count] = 1.0
    mask = chosen.reshape(height, width)
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    out = np.empty((image.shape[0], kh * kw), dtype=np.float64)
    for ky in range(kh):
        for kx in range(kw):
            tap = image[
                :,
                ky * dh : ky * dh + sh * (height - 1) + 1 : sh,
                kx * dw : kx * dw + sw * (width - 1) + 1 : sw,
            ]
            out[:, ky * kw + kx] = np.einsum("cyx,yx->c", tap, mask)
    return out
