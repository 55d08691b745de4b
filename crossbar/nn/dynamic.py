"""Products of two activations through crossbars: attention with keys and values in cells.

For every sample the second operand is quantised and programmed as weights are, and the first one
drives the rows.  Each programming draws its errors anew; stuck cells stay stuck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from crossbar.array.conditions import MOST_SEED, Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.errors import DataError
from crossbar.mapping.plan import LayerPlan
from crossbar.nn.graph.ops import arguments, base_name
from crossbar.nn.graph.program import Step
from crossbar.nn.layers import Place, Recorder
from crossbar.nn.quantise import InputScale, quantise_weights
from crossbar.workload.dynamic import CONTEXT, SCORES

__all__ = ["DynamicLayer", "Multiply", "attend", "driven_operand", "dynamic_step"]

Multiply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""``multiply(driven[batch, ..., m, k], stored[batch, ..., k, n]) -> [batch, ..., m, n]``."""

_MIX = 0x9E3779B97F4A7C15  # odd, its bits are spread: neighbouring numbers get unrelated seeds


@dataclass(frozen=True)
class DynamicLayer:
    """Arrays that are programmed for every sample.

    Parameters
    ----------
    plan : LayerPlan
        Of kind ``dynamic``: as many groups as there are matrices (heads) in a sample.
    template : ProgrammedLayer
        Hardware, coding of the inputs and conditions; its weights are not used.
    input : InputScale
        Of the operand that drives the rows.
    weight_bits : int
    weight_levels : int or None
    """

    plan: LayerPlan
    template: ProgrammedLayer
    input: InputScale
    weight_bits: int
    weight_levels: int | None = None

    def under(self, conditions: Conditions) -> DynamicLayer:
        """Return the layer under other conditions."""
        return replace(self, template=replace(self.template, conditions=conditions))

    def run(
        self,
        driven: torch.Tensor,
        stored: torch.Tensor,
        *,
        place: Place,
        digital: bool = False,
        recorder: Recorder | None = None,
    ) -> torch.Tensor:
        """Multiply sample by sample: through cells, or ``digital``, with the same integers.

        Parameters
        ----------
        driven : Tensor[batch, ..., m, k]
        stored : Tensor[batch, ..., k, n]
        place : Place
        digital : bool
        recorder : Recorder, optional
            Measure energy and saturations into it.

        Raises
        ------
        DataError
            More tokens than the arrays were laid out for, or NaN.
        """
        matrix = self.plan.matrix
        lead, (m, k), n = driven.shape[:-2], driven.shape[-2:], stored.shape[-1]
        if prod(lead[1:]) != matrix.groups or k > matrix.rows or n > matrix.cols:
            raise DataError(
                f"{self.plan.name}: {prod(lead[1:])} products of {k} x {n}; its arrays were laid"
                f" out for {matrix.groups} of {matrix.rows} x {matrix.cols}"
            )
        out = torch.empty((*lead, m, n), dtype=driven.dtype)
        for number in range(lead[0]):
            x = driven[number].reshape(matrix.groups, m, k).to(torch.float32).numpy()
            w = stored[number].reshape(matrix.groups, k, n).to(torch.float32).numpy()
            if not (np.isfinite(x).all() and np.isfinite(w).all()):
                raise DataError(f"{self.plan.name}: its input holds NaN or inf")
            result = self._one(x, w, digital, recorder, place, place.first + number)
            out[number] = torch.from_numpy(result).reshape(*lead[1:], m, n)
        return out

    def _one(
        self,
        x: NDArray[np.float32],
        w: NDArray[np.float32],
        digital: bool,
        recorder: Recorder | None,
        place: Place,
        image: int,
    ) -> NDArray[np.float32]:
        """Program one sample's matrices and read them: ``float32[groups, m, n]``."""
        matrix, (groups, m, k), n = self.plan.matrix, x.shape, w.shape[2]
        padded = np.zeros((groups, matrix.cols, matrix.rows), np.float32)
        padded[:, :n, :k] = w.transpose(0, 2, 1)
        integers, scale = quantise_weights(
            padded.reshape(-1, matrix.rows), self.weight_bits, self.weight_levels
        )
        own = self.input
        codes = np.clip(np.rint(x / np.float32(own.scale)), own.low, own.high)
        rows = np.zeros((1, m, 1, groups * matrix.rows), np.int32)
        rows.reshape(m, groups, matrix.rows)[:, :, :k] = codes.transpose(1, 0, 2)
        images, window = rows.transpose(0, 3, 2, 1), Window(size=(1, m), tokens=True)
        programmed = replace(
            self.template,
            weights=integers,
            conditions=_anew(self.template.conditions, image, place.use),
        )
        found = np.empty((1, m, groups * matrix.cols), np.float32)
        saturated = programmed.compute(
            images,
            window,
            scale * own.scale,
            np.zeros(len(scale)),
            found.transpose(0, 2, 1),
            digital=digital,
            first_image=image,
            use=place.use,
        )
        if recorder is not None:
            energy = programmed.array_energy(images, window)
            recorder.add_energy(self.plan.name, energy, saturated)
        return found.reshape(m, groups, matrix.cols).transpose(1, 0, 2)[:, :, :n]


def _anew(conditions: Conditions, image: int, use: int) -> Conditions:
    """Give a programming draws of its own; which cells are stuck stays."""
    number = (image << 20) + use + 1
    return replace(conditions, seed=(conditions.seed + number * _MIX) % MOST_SEED)


def dynamic_step(step: Step, rows: Mapping[str, LayerPlan]) -> tuple[str, ...]:
    """Return the names of the dynamic layers of a step; none where it is digital."""
    if step.name + SCORES in rows:
        return (step.name + SCORES, step.name + CONTEXT)
    return (step.name,) if step.name in rows else ()


def driven_operand(step: Step, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    """Return what drives the rows of a step's first product: queries, or the left operand."""
    named = arguments(step.op, args, kwargs)
    first = next(k for k in ("query", "batch1", "self", "input") if k in named)
    operand: torch.Tensor = named[first]
    return operand


def attend(
    step: Step,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    first: Multiply,
    second: Multiply | None = None,
) -> torch.Tensor:
    """Compute a step with its products done by others: attention (two), or a plain product.

    Parameters
    ----------
    step : Step
        ``scaled_dot_product_attention``, ``matmul``, ``bmm`` or ``baddbmm``.
    args, kwargs
        Its arguments.
    first, second : callable
        Scores and context of an attention; the product.
    """
    named = arguments(step.op, args, kwargs)
    if base_name(step.op) == "baddbmm":
        product = first(named["batch1"], named["batch2"])
        added: torch.Tensor = named["beta"] * named["self"] + named["alpha"] * product
        return added
    if second is None:
        return first(driven_operand(step, args, kwargs), named.get("mat2", named.get("other")))
    query, key, value = named["query"], named["key"], named["value"]
    given = named["scale"]
    scale = query.shape[-1] ** -0.5 if given is None else float(given)
    scores = first(query, key.transpose(-2, -1)) * scale
    mask = named["attn_mask"]
    if named["is_causal"]:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        masked = mask.dtype == torch.bool
        scores = scores.masked_fill(~mask, -torch.inf) if masked else scores + mask
    return second(functional.softmax(scores, -1), value)
