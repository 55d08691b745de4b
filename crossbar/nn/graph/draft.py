"""A captured network in the making: operations, constants and what is known of shapes."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from crossbar.nn.graph.ops import arguments, base_name
from crossbar.nn.graph.product import ProductKind
from crossbar.nn.graph.values import Named, Ref, refs

__all__ = ["PLAIN", "Container", "Draft", "Found", "Lowered", "Traced", "nest", "traced"]


PLAIN = (dict, OrderedDict, defaultdict)
"""Mappings without attributes."""

Container = Callable[[Any, Any, list[Any]], Any]
"""Makes a value of another container (no list, tuple, mapping) from its type, context, items."""


def nest(spec: Any, leaves: Iterator[Any], other: Container) -> Any:
    """Put flat values into the tuples, lists and dicts that a torch tree specification asks for.

    Dictionaries become a dict, mappings of any other class (a Hugging Face output) a `Named`, named
    tuples a tuple; ``other`` decides about the rest.
    """
    if spec.is_leaf():
        return next(leaves)
    children = [nest(child, leaves, other) for child in spec.children()]
    kind, context = spec.type, spec.context
    if kind is list:
        return children
    if isinstance(kind, type) and issubclass(kind, Mapping):
        # A defaultdict remembers its factory, too.
        keys = context[1] if context and isinstance(context[-1], list) else context
        named = dict(zip(keys, children, strict=True))
        return named if kind in PLAIN else Named(named)
    if kind is tuple or isinstance(context, type):
        return tuple(children)
    return other(kind, context, children)


def traced(value: Any) -> Any:
    """Return what a node's result is: a `Traced`, a list of them, or a size as it is."""
    if isinstance(value, torch.Tensor):
        return Traced(tuple(map(_size, value.shape)), value.dtype, value.device)
    if isinstance(value, (list, tuple)):
        return [traced(v) for v in value]
    return value


def _size(size: int | torch.SymInt) -> Any:
    """Return a number, or the formula of a size that depends on the batch."""
    if isinstance(size, int):
        return size
    formula = size.node.expr
    return int(formula) if formula.is_number else formula


@dataclass(frozen=True)
class Traced:
    """A tensor without data.

    Torch's own stand-ins are not kept: computing with them may fix the free batch axis.

    Parameters
    ----------
    shape : tuple of int or sympy.Expr
    dtype : torch.dtype
    device : torch.device
    """

    shape: tuple[Any, ...]
    dtype: torch.dtype
    device: torch.device

    @property
    def axes(self) -> int:
        """How many axes it has."""
        return len(self.shape)


@dataclass
class Draft:
    """One operation that depends on the input.

    Parameters
    ----------
    name : str
        Unique among drafts, inputs and constants; not yet the user's name for it.
    op : str
        As in `crossbar.nn.graph.program.Step`.
    args, kwargs
        Nested values with a `Ref` for every tensor and size.
    value : Any
        The result: a `Traced`, a list of them, or a size.
    path : str
        The module in which it runs (``"layer1.0"``), ``""`` for the model itself.
    module_type : str
        The class of that module, with its package.
    title : str
        What it is called inside of its module, in place of its operator.
    """

    name: str
    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any
    path: str = ""
    module_type: str = ""
    title: str = ""

    @property
    def base(self) -> str:
        """The operator's bare name: ``"conv2d"``."""
        return base_name(self.op)

    @property
    def first(self) -> Traced:
        """The result, or the first of several."""
        value = self.value
        while isinstance(value, list):
            value = value[0]
        result: Traced = value
        return result

    @property
    def is_data(self) -> bool:
        """Whether the result is a tensor or several, not a size."""
        value = self.value
        while isinstance(value, list) and value:
            value = value[0]
        return isinstance(value, Traced)

    @property
    def uses(self) -> list[str]:
        """Names of the values it takes, in order."""
        return list(refs((self.args, self.kwargs)))

    @property
    def named(self) -> dict[str, Any]:
        """Arguments by name, defaults included (aten operators only)."""
        return arguments(self.op, self.args, self.kwargs)


@dataclass
class Found:
    """What a draft is that multiplies by constant weights.

    Parameters
    ----------
    kind : {"conv1d", "conv2d", "conv3d", "linear"}
    weight : Tensor[N, channels / groups, *kernel] or Tensor[N, K]
    weight_name : str
        The constant it was taken from.
    bias : Tensor[N] or None
    geometry : dict
        ``stride``, ``padding``, ``dilation`` and ``groups`` of a convolution; ``recurrent`` of the
        weights that multiply a state.
    """

    kind: ProductKind
    weight: torch.Tensor
    weight_name: str
    bias: torch.Tensor | None
    geometry: dict[str, Any]

    @property
    def attrs(self) -> dict[str, Any]:
        """Facts of the workload node."""
        n, k, *kernel = self.weight.shape
        if self.kind == "linear":
            facts = {"in_features": k, "out_features": n, "bias": self.bias is not None}
            return {**facts, **self.geometry}
        return {
            "in_channels": k * self.geometry["groups"],
            "out_channels": n,
            "kernel": tuple(kernel),
            **self.geometry,
            "bias": self.bias is not None,
        }


@dataclass
class Lowered:
    """A graph of drafts.

    Parameters
    ----------
    model_name : str
        Class of the model.
    inputs : dict
        Input name -> the tensor it was traced with.
    positional : list
        The positional arguments: nested values with a `Ref` for every tensor.
    keywords : dict
        The same for keyword arguments.
    constants : dict
        Tensors by name: parameters, buffers and what was computed from them.
    origins : dict
        Constant -> the parameters and buffers (as in the model's ``state_dict``) it comes from.
    drafts : list of Draft
        In order.
    output
        Nested values.
    values : dict
        Name -> what an input, constant or draft is: a `Traced`, a list of them, or a size.
    examples : dict
        Name of a free size -> what it was in the example inputs.
    most : dict
        Name of a free size -> the largest that the model allows, where it allows not every.
    axes : dict or None
        Input name -> the axis that counts its samples, absent where all samples share it; axis 0 of
        every input where None.
    notes : tuple of str
        What may surprise in it.
    """

    model_name: str
    inputs: dict[str, Traced] = field(default_factory=dict)
    positional: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, torch.Tensor] = field(default_factory=dict)
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    output: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    axes: dict[str, int] | None = None
    notes: tuple[str, ...] = ()

    def arguments(self, declared: Sequence[str]) -> dict[str, Any]:
        """Name the positional arguments, and put all in the order of the model's ``forward``.

        Parameters
        ----------
        declared : sequence of str
            Names of its parameters; empty where they are not known.
        """
        found: dict[str, Any] = {}
        for i, value in enumerate(self.positional):
            unnamed = value.name if isinstance(value, Ref) else f"input{i}"
            found[declared[i] if i < len(declared) else unnamed] = value
        named = {n: self.keywords[n] for n in declared if n in self.keywords}
        return {**found, **named, **self.keywords}

    def drop_unused(self) -> None:
        """Drop the operations and constants that no output needs."""
        needed = set(refs(self.output))
        kept = []
        for draft in reversed(self.drafts):
            if draft.name in needed:
                needed.update(draft.uses)
                kept.append(draft)
        self.drafts = kept[::-1]
        self.constants = {n: t for n, t in self.constants.items() if n in needed}
