"""Products of two activations through crossbars: attention with keys and values in cells.

For every sample the second operand is quantised and programmed as weights are, and the first one
drives the rows.  Each programming draws its errors anew; stuck cells stay stuck, converters keep
their mismatch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from crossbar.arch import Arch
from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.circuit.dac import make_input_coding
from crossbar.errors import DataError
from crossbar.mapping.encode import weight_range
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.precision import LayerPrecision
from crossbar.nn.graph.ops import arguments, base_name
from crossbar.nn.graph.program import Step
from crossbar.nn.layers import Place, Recorder
from crossbar.nn.quantise import InputScale, quantise_weights
from crossbar.workload.dynamic import CONTEXT, SCORES
from crossbar.workload.graph import Workload

__all__ = [
    "DynamicLayer",
    "Multiply",
    "driven_operand",
    "dynamic_steps",
    "make_dynamic",
    "probability_scale",
    "through",
]

Multiply = Callable[[str, torch.Tensor, torch.Tensor], torch.Tensor]
"""``multiply(layer, driven[..., m, k], stored[..., k, n]) -> [..., m, n]``."""

_SOMEWHERE, _USUAL = Place(), Conditions()

_ROOM = 1 << 16
"""Numbers of input vectors kept for each sample, so that noise belongs to samples."""


@dataclass(frozen=True)
class DynamicLayer:
    """Arrays that are programmed for every sample.

    Parameters
    ----------
    programmed : ProgrammedLayer
        Its plan is of kind ``dynamic``, with as many groups as there are matrices (heads) in a
        sample; hardware, coding of the inputs and conditions.  What it holds is only the worst that
        there may be.
    input : InputScale
        Of the operand that drives the rows.
    weight_bits : int
    weight_levels : int or None
    """

    programmed: ProgrammedLayer
    input: InputScale
    weight_bits: int
    weight_levels: int | None = None

    @property
    def plan(self) -> LayerPlan:
        """Where it lies."""
        return self.programmed.plan

    def under(self, conditions: Conditions) -> DynamicLayer:
        """Return the layer under other conditions."""
        return replace(self, programmed=replace(self.programmed, conditions=conditions))

    def run(
        self,
        driven: torch.Tensor,
        stored: torch.Tensor,
        *,
        place: Place = _SOMEWHERE,
        digital: bool = False,
        recorder: Recorder | None = None,
        keep: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Multiply sample by sample: through cells, or ``digital``, with the same integers.

        Parameters
        ----------
        driven : Tensor[..., m, k]
            The samples of the batch one after the other, each with as many matrices as the layer
            has groups.
        stored : Tensor[..., k, n]
        place : Place
        digital : bool
        recorder : Recorder, optional
            Measure energy and saturations into it.
        keep : Tensor of bool[samples, tokens], optional
            Which tokens are real; the vectors of the others are not driven and give zeros.

        Raises
        ------
        DataError
            More tokens than the arrays were laid out for, or NaN.
        """
        x, w, shape = self._matrices(driven, stored)
        out = np.zeros((len(x), *shape[-3:]), np.float32)
        for number, (vectors, matrix) in enumerate(zip(x, w, strict=True)):
            rows = np.arange(vectors.shape[1])
            if keep is not None and keep.shape == (len(x), len(rows)):
                rows = np.flatnonzero(keep[number].numpy())
            image = place.first + number
            programmed, scale = self.program(matrix, image)
            images, window = self.integers(vectors[:, rows])
            found = self._compute(programmed, images, window, scale, image, digital, recorder)
            out[number][:, rows] = found[:, :, : shape[-1]]
        return torch.from_numpy(out).reshape(shape[:-3] + shape[-2:]).to(driven.dtype)

    def difference(
        self, driven: torch.Tensor, stored: torch.Tensor
    ) -> tuple[float, tuple[int, ...] | None]:
        """Find how far cells and integer twin are apart, in units of one integer product.

        Returns
        -------
        float, tuple of int or None
            The largest difference, and its (sample, output, position).
        """
        x, w, _ = self._matrices(driven, stored)
        worst, where = 0.0, None
        for number, (vectors, matrix) in enumerate(zip(x, w, strict=True)):
            programmed, scale = self.program(matrix, number)
            images, window = self.integers(vectors)
            read, twin = (
                self._compute(programmed, images, window, None, number, digital, None)
                for digital in (False, True)
            )
            apart = np.abs(read - twin)
            if float(apart.max(initial=0.0)) > worst:
                group, vector, column = np.unravel_index(int(apart.argmax()), apart.shape)
                worst = float(apart.max())
                output = int(group) * self.plan.matrix.cols + int(column)
                where = (number, output, int(vector))
        return worst, where

    def program(
        self, matrices: NDArray[np.float32], image: int
    ) -> tuple[ProgrammedLayer, NDArray[np.float64]]:
        """Write the matrices of a sample into cells: ``float32[groups, k, n]``, padded with zeros.

        Returns
        -------
        ProgrammedLayer, float64[outputs]
            The arrays, and the scale of each column.
        """
        size, (groups, k, n) = self.plan.matrix, matrices.shape
        padded = np.zeros((groups, size.cols, size.rows), np.float32)
        padded[:, :n, :k] = matrices.transpose(0, 2, 1)
        integers, scale = quantise_weights(
            padded.reshape(-1, size.rows), self.weight_bits, self.weight_levels
        )
        own = replace(self.programmed.conditions, programming=image + 1)
        return replace(self.programmed, weights=integers, conditions=own), scale

    def integers(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.int32], Window]:
        """Quantise what drives the rows, ``float32[groups, m, k]``, padded with zeros."""
        size, own, (groups, m, k) = self.plan.matrix, self.input, vectors.shape
        codes = np.clip(np.rint(vectors / np.float32(own.scale)), own.low, own.high)
        rows = np.zeros((1, m, 1, groups * size.rows), np.int32)
        rows.reshape(m, groups, size.rows)[:, :, :k] = codes.transpose(1, 0, 2)
        return rows.transpose(0, 3, 2, 1), Window(size=(1, m), tokens=True)

    def _compute(
        self,
        programmed: ProgrammedLayer,
        images: NDArray[np.int32],
        window: Window,
        scale: NDArray[np.float64] | None,
        image: int,
        digital: bool,
        recorder: Recorder | None,
    ) -> NDArray[np.floating]:
        """Read the arrays: ``[groups, m, cols]``; plain integers where ``scale`` is None."""
        size, m = self.plan.matrix, window.positions
        outputs = size.groups * size.cols
        factors = np.ones(outputs) if scale is None else scale * self.input.scale
        found = np.empty((1, m, outputs), np.float64 if scale is None else np.float32)
        saturated = programmed.compute(
            images,
            window,
            factors,
            np.zeros(outputs),
            found.transpose(0, 2, 1),
            digital=digital,
            first_image=image,
            room=_ROOM,
            count=recorder is not None,
        )
        if recorder is not None:
            energy = programmed.array_energy(images, window)
            recorder.add_energy(self.plan.name, energy, saturated)
        return found.reshape(m, size.groups, size.cols).transpose(1, 0, 2)

    def _matrices(
        self, driven: torch.Tensor, stored: torch.Tensor
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[int, ...]]:
        """Cut operands into samples: ``[samples, groups, m, k]``, ``[samples, groups, k, n]``.

        Returns
        -------
        float32, float32, tuple of int
            Both, and the leading axes of the result followed by groups, m, n.
        """
        size = self.plan.matrix
        lead = np.broadcast_shapes(driven.shape[:-2], stored.shape[:-2])
        (m, k), n = driven.shape[-2:], stored.shape[-1]
        matrices = int(np.prod(lead, dtype=np.int64))
        if matrices % size.groups or k > size.rows or n > size.cols:
            raise DataError(
                f"{self.plan.name}: {matrices} matrices of {k} x {n}; its arrays are laid out for"
                f" {size.groups} of {size.rows} x {size.cols} a sample: map the model with longer"
                " sequences"
            )
        found = []
        for operand in (driven.expand(*lead, m, k), stored.expand(*lead, k, n)):
            values = operand.detach().to(torch.float32).contiguous().numpy()
            if not np.isfinite(values).all():
                raise DataError(f"{self.plan.name}: its input holds NaN or inf")
            found.append(values.reshape(-1, size.groups, *values.shape[-2:]))
        return found[0], found[1], (*lead, size.groups, m, n)


def make_dynamic(
    plan: LayerPlan,
    arch: Arch,
    precision: LayerPrecision,
    scale: InputScale,
    conditions: Conditions = _USUAL,
) -> DynamicLayer:
    """Make the layer of a plan.

    Parameters
    ----------
    plan : LayerPlan
        Of kind ``dynamic``.
    arch : Arch
    precision : LayerPrecision
    scale : InputScale
        Of the operand that drives the rows.
    conditions : Conditions
    """
    bits, levels = precision.weight_bits, precision.weight_levels
    rows, top = plan.matrix.rows, weight_range(bits, levels)[1]
    worst = np.full((plan.matrix.groups * plan.matrix.cols, rows), top, np.int32)
    if arch.array.flip_columns:  # fuller columns are stored the other way round
        worst[:, rows // 2 :] = -top
    coding = make_input_coding(arch, scale.bits, scale.signed)
    programmed = ProgrammedLayer(plan, arch, worst, coding, conditions)
    return DynamicLayer(programmed, scale, bits, levels)


def probability_scale(bits: int) -> InputScale:
    """Scale of probabilities, which are never more than 1."""
    return InputScale(float(np.float32(1.0 / ((1 << bits) - 1))), bits, signed=False)


def dynamic_steps(workload: Workload, layers: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Find the dynamic layers of each step that has some: scores and context, or one product.

    Parameters
    ----------
    workload : Workload
        As captured: attention is one node.
    layers : collection of str
        Names of the dynamic layers.
    """
    found = {}
    for node in workload:
        ends = {"attention": (SCORES, CONTEXT), "matmul": ("",)}.get(node.kind, ())
        names = tuple(node.name + end for end in ends)
        if names and all(name in layers for name in names):
            found[node.name] = names
    return found


def driven_operand(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """Return what drives the rows of a step's first product: queries, or the left operand."""
    named = arguments(step.op, args, kwargs)
    first = next(k for k in ("query", "batch1", "self", "input") if k in named)
    operand: torch.Tensor = named[first]
    return operand


def through(
    step: Step,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    names: tuple[str, ...],
    multiply: Multiply,
) -> torch.Tensor:
    """Compute a step with its products done by others: attention (two), or a plain product.

    Parameters
    ----------
    step : Step
        ``scaled_dot_product_attention``, ``matmul``, ``bmm`` or ``baddbmm``.
    args, kwargs
        Its arguments.
    names : tuple of str
        Its layers, of `dynamic_steps`.
    multiply : callable
        Asked for each product.
    """
    if len(names) == 2:
        scores, context = (partial(multiply, name) for name in names)
        return _attention(arguments(step.op, args, kwargs), scores, context)
    named = arguments(step.op, args, kwargs)
    if base_name(step.op) == "baddbmm":
        product = multiply(names[0], named["batch1"], named["batch2"])
        added: torch.Tensor = named["beta"] * named["self"] + named["alpha"] * product
        return added
    return multiply(names[0], named["self"], named["mat2" if "mat2" in named else "other"])


def _attention(
    named: Mapping[str, Any],
    scores_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    context_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    query, key, value = named["query"], named["key"], named["value"]
    given = named["scale"]
    scale = query.shape[-1] ** -0.5 if given is None else float(given)
    scores = scores_of(query, key.transpose(-2, -1)) * scale
    mask = named["attn_mask"]
    if named["is_causal"]:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        masked = mask.dtype == torch.bool
        scores = scores.masked_fill(~mask, -torch.inf) if masked else scores + mask
    nothing = scores.isneginf().all(-1, keepdim=True)  # all masked: no value is taken
    return context_of(functional.softmax(scores, -1).masked_fill(nothing, 0.0), value)
