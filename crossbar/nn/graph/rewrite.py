"""Layers that are more than one operation: written as products and what is done with them.

Every function takes the draft of a layer and returns the drafts it becomes, or None where it stays
what it is.  Multi-output layers are read through `_operator.getitem`; `rewrite_layers` redirects
those readers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from crossbar.nn.graph.draft import Draft, Lowered, Traced
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref, fill

__all__ = ["Expansion", "Rule", "is_constant", "rewrite_layers"]


def is_constant(value: Any, graph: Lowered, *axes: int) -> bool:
    """Whether a value is a constant floating-point tensor of so many axes."""
    if not isinstance(value, Ref) or value.name not in graph.constants:
        return False
    tensor = graph.constants[value.name]
    return tensor.dim() in axes and tensor.is_floating_point()


class Expansion:
    """The drafts that one draft becomes.

    Parameters
    ----------
    graph : Lowered
    origin : Draft
    made : dict
        The drafts before it, by name.
    """

    def __init__(self, graph: Lowered, origin: Draft, made: dict[str, Draft]) -> None:
        self.graph = graph
        self.origin = origin
        self.made = made
        self.drafts: list[Draft] = []

    def value(self, ref: Ref) -> Traced:
        """What is known of a value, or of the first of several."""
        value = self.graph.values[ref.name]
        while isinstance(value, list):
            value = value[0]
        traced: Traced = value
        return traced

    def add(self, op: str, args: tuple[Any, ...], value: Any, title: str = "") -> Ref:
        """Add a draft.

        Parameters
        ----------
        op : str
        args : tuple
        value
            Its shape, or a `Traced`, or a list of them.
        title : str
            As in `Draft`.
        """
        draft = replace(self.origin, name=self._name(), op=op, args=args, kwargs={}, title=title)
        draft.value = self._traced(value) if isinstance(value, tuple) else value
        self.drafts.append(draft)
        self.graph.values[draft.name] = draft.value
        return Ref(draft.name)

    def shaped(self, *shapes: Sequence[Any]) -> list[Traced]:
        """Several results of the origin's type."""
        return [self._traced(tuple(shape)) for shape in shapes]

    def constant(self, source: Ref, tensor: torch.Tensor) -> Ref:
        """Add a constant that is computed from another one."""
        name = f"{self._name()}.{source.name}"
        self.graph.constants[name] = tensor
        self.graph.origins[name] = self.graph.origins[source.name]
        self.graph.values[name] = Traced(tuple(tensor.shape), tensor.dtype, tensor.device)
        return Ref(name)

    def swapped(self, x: Ref, a: int, b: int) -> Ref:
        """Swap two axes."""
        shape = list(self.value(x).shape)
        shape[a], shape[b] = shape[b], shape[a]
        return self.add("aten.transpose.int", (x, a, b), tuple(shape))

    def permuted(self, x: Ref, order: list[int]) -> Ref:
        """Put the axes into another order; ``x`` itself where it is the same."""
        if order == sorted(order):
            return x
        shape = self.value(x).shape
        return self.add("aten.permute.default", (x, order), tuple(shape[n] for n in order))

    def item(self, several: Ref, index: int) -> Ref:
        """Take one of several results."""
        value = self.graph.values[several.name][index]
        return self.add("_operator.getitem", (several, index), value)

    def _name(self) -> str:
        return f"{self.origin.name}.{len(self.drafts)}"

    def _traced(self, shape: tuple[Any, ...]) -> Traced:
        return replace(self.origin.first, shape=shape)


Rule = Callable[[Expansion, dict[str, Any], SampleShapes], "Ref | list[Ref] | None"]
"""Fills an expansion for a layer with these arguments: what stands for its result or results."""


def rewrite_layers(
    graph: Lowered, shapes: SampleShapes, rules: Mapping[str, Sequence[Rule]]
) -> None:
    """Replace the layers of a graph for which there is a rule; the graph is changed in place.

    Parameters
    ----------
    graph : Lowered
    shapes : SampleShapes
    rules : mapping
        Bare name of an aten operator -> rules, of which the first that fits is taken.
    """
    several: dict[str, list[Ref]] = {}
    replaced: dict[str, Ref] = {}

    def new(name: str) -> Ref:
        return replaced.get(name, Ref(name))

    made: dict[str, Draft] = {}
    for draft in graph.drafts:
        draft.args, draft.kwargs = fill(draft.args, new), fill(draft.kwargs, new)
        if draft.op == "_operator.getitem" and draft.uses[0] in several:
            replaced[draft.name] = several[draft.uses[0]][draft.args[1]]
            continue
        result: Ref | list[Ref] | None = None
        for rule in rules.get(draft.base, ()) if draft.op.startswith("aten.") else ():
            expansion = Expansion(graph, draft, made)
            result = rule(expansion, draft.named, shapes)
            if result is not None:
                break
        if result is None:
            made[draft.name] = draft
            continue
        made.update({part.name: part for part in expansion.drafts})
        if isinstance(result, list):
            several[draft.name] = result
        else:
            replaced[draft.name] = result
    graph.drafts = list(made.values())
    graph.output = fill(graph.output, new)
