"""Which sizes of a recorded run grow with the batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import sympy  # type: ignore[import-untyped]
import torch
from torch import nn
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from crossbar.errors import CaptureError
from crossbar.nn.batch_axes import axis_options, doubled
from crossbar.nn.eager.facts import Seen, Trace
from crossbar.nn.eager.trace import trace
from crossbar.nn.eager.watch import Memory
from crossbar.nn.graph.draft import Lowered, Traced
from crossbar.nn.graph.lower import lower
from crossbar.nn.graph.signature import Signature

__all__ = ["free_batch", "lowered", "twice", "with_batch"]


def free_batch(signature: Signature, axes: Mapping[str, int]) -> Signature:
    """Return a signature that takes any number of samples.

    Parameters
    ----------
    signature : Signature
    axes : mapping of str to int
        Input -> the axis that counts them; absent where all samples share it.
    """
    shapes = {
        name: tuple("batch" if axes.get(name) == axis else n for axis, n in enumerate(shape))
        for name, shape in signature.shapes.items()
    }
    return replace(signature, shapes=shapes)


def twice(
    model: nn.Module, memory: Memory, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Trace, list[int | None]] | None:
    """Trace a run with every sample twice; None where the model's code fixes the batch size.

    Returns
    -------
    Trace
    list of int or None
        The axis of each tensor that was doubled.
    """
    options = axis_options([t for t in pytree.tree_leaves((args, dict(kwargs))) if _is_tensor(t)])
    for turn in range(max(map(len, options))):
        axes = [each[min(turn, len(each) - 1)] for each in options]
        try:
            return trace(model, memory, *doubled(args, dict(kwargs), axes)), axes
        except Exception:  # the user's code may raise anything
            continue
    return None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def with_batch(graph: Lowered, first: Trace, second: Trace, size: int) -> list[Seen]:
    """Find out which sizes grow with the batch, from a run with every sample twice.

    The graph is changed in place; where the second run took another path, its sizes stay those of
    the whole example.  Returns the calls that may be products, with the same sizes.
    """
    other = lowered(second, graph.model_name)
    pairs = list(zip(graph.drafts, other.drafts, strict=False))
    same_path = len(graph.drafts) == len(other.drafts) and [s.operator for s in first.seen] == [
        s.operator for s in second.seen
    ]
    if not same_path or any((a.name, a.op) != (b.name, b.op) for a, b in pairs):
        return first.seen
    batch = sympy.Symbol("batch", positive=True, integer=True)

    def grown(a: Any, b: Any) -> Any:
        if isinstance(a, Traced) and isinstance(b, Traced) and a.axes == b.axes:
            sizes = zip(a.shape, b.shape, strict=True)
            return replace(a, shape=tuple(_formula(m, n, size, batch) for m, n in sizes))
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
            return type(a)([grown(m, n) for m, n in zip(a, b, strict=True)])
        if isinstance(a, dict) and isinstance(b, dict):
            return {key: grown(value, b.get(key)) for key, value in a.items()}
        return a

    for a, b in pairs:
        a.value = grown(a.value, b.value)
    graph.inputs = {key: grown(v, other.inputs[key]) for key, v in graph.inputs.items()}
    graph.values = {key: grown(v, other.values.get(key)) for key, v in graph.values.items()}
    return [
        replace(one, call=grown(one.call, two.call), result=grown(one.result, two.result))
        for one, two in zip(first.seen, second.seen, strict=True)
    ]


def _formula(once: int, twice: int, size: int, batch: sympy.Symbol) -> Any:
    """Write a size as a function of the batch, from its values at ``size`` and twice as much."""
    if once == twice:
        return once
    step, rest = divmod(twice - once, size)
    if rest or step < 0:  # a choice among the samples: what comes to each, rounded up
        return max(1, step + 1) * batch
    return step * batch + (once - step * size)


def lowered(recorded: Trace, name: str) -> Lowered:
    """Lower a trace.

    Parameters
    ----------
    recorded : Trace
    name : str
        Class of the model.

    Raises
    ------
    CaptureError
        When the result holds no tensor, or the model keeps state from call to call.
    """
    graph = lower(cast(ExportedProgram, recorded), refuse_dropout=False)
    graph.model_name = name
    if not graph.output:
        raise CaptureError(f"{name}: its result holds no tensor; there is nothing to map")
    return graph
