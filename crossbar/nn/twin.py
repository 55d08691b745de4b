"""Check a mapped model layer by layer against its integer twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from crossbar.nn.data import first_batch
from crossbar.nn.dynamic import through
from crossbar.nn.graph.program import Step
from crossbar.nn.mapped import MappedModel, check_mapped
from crossbar.tables import table

__all__ = ["LayerDifference", "Verification", "verify"]


@dataclass(frozen=True, slots=True)
class LayerDifference:
    """One layer's largest difference.

    Parameters
    ----------
    layer : str
    max_difference : float
        Of the integer results, in units of one integer product; 0 when the reads are lossless.
    where : tuple of int or None
        (sample, output, position) of the largest difference; None when there is none.
    """

    layer: str
    max_difference: float
    where: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Verification:
    """Differences by layer; iterate for the rows, print for a table."""

    rows: tuple[LayerDifference, ...]

    @property
    def max_difference(self) -> float:
        """Largest of all layers, in integer units."""
        return max((row.max_difference for row in self.rows), default=0.0)

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __str__(self) -> str:
        cells = [
            [r.layer, f"{r.max_difference:g}", "-" if r.where is None else str(r.where)]
            for r in self.rows
        ]
        return table(["<layer", "difference", "<sample, output, position"], cells)


def verify(mapped: MappedModel, x: Any) -> Verification:
    """Compare each mapped layer with its integer twin on the same integer inputs.

    Parameters
    ----------
    mapped : MappedModel
    x
        A batch: a tensor, a tuple or dict of inputs, or a loader (its first batch is used).

    Returns
    -------
    Verification
    """
    check_mapped("verify", mapped)
    body, program, layers = mapped.body, mapped.body.program, mapped.body.layers
    args, kwargs = first_batch(x, program.signature.arguments, "verify")
    rows: dict[str, LayerDifference] = {}

    def multiply(name: str, driven: torch.Tensor, stored: torch.Tensor) -> torch.Tensor:
        worst, where = body.dynamic[name].difference(driven, stored)
        rows[name] = LayerDifference(name, worst, where)
        return body.dynamic[name].run(driven, stored)

    def compare(step: Step, step_args: tuple[Any, ...], call: dict[str, Any]) -> torch.Tensor:
        if step.name in body.dynamic_steps:
            return through(step, step_args, call, body.dynamic_steps[step.name], multiply)
        product = program.products[step.name]
        layer = layers[product.weight_key]
        integers, window = layer.integers(step_args[0], product)
        outputs = len(layer.weight_scale)
        plain = (np.ones(outputs), np.zeros(outputs))
        read, twin = (layer.empty_result(len(integers), window, np.float64) for _ in range(2))
        layer.programmed.compute(integers, window, *plain, read)
        layer.programmed.compute(integers, window, *plain, twin, digital=True)
        difference = np.abs(read - twin)
        worst = float(difference.max(initial=0.0))
        where = np.unravel_index(int(difference.argmax()), difference.shape) if worst else None
        place = None if where is None else tuple(int(i) for i in where)
        if place and "time" in call:  # each time step is a position
            place = (*place[:-1], call["time"])
        if step.name not in rows or worst > rows[step.name].max_difference:
            rows[step.name] = LayerDifference(step.name, worst, place)
        return layer.run(step_args[0], product)

    with torch.no_grad():
        program.run(args, kwargs, compare, body.dynamic_steps)
    return Verification(tuple(rows.values()))
