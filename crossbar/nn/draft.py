"""A captured network while it is being worked on: operations, constants and what is known of shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from crossbar.nn.ops import arguments, base_name
from crossbar.nn.values import refs

__all__ = ["Container", "Draft", "Lowered", "nest"]


Container = Callable[[Any, Any, list[Any]], Any]
"""Makes a value of a container that is neither list, tuple nor mapping, from its type and context."""


def nest(spec: Any, leaves: Iterator[Any], other: Container) -> Any:
    """Put flat values into the tuples, lists and dicts that a torch tree specification asks for.

    Mappings of any class (an ordered dict, a Hugging Face output) become a dict, named tuples a tuple;
    ``other`` decides about the rest.
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
        return dict(zip(keys, children, strict=True))
    if kind is tuple or isinstance(context, type):
        return tuple(children)
    return other(kind, context, children)


@dataclass
class Draft:
    """One operation that depends on the input.

    Parameters
    ----------
    name : str
        Unique among drafts, inputs and constants; not yet the user's name for it.
    op : str
        As in `crossbar.nn.program.Step`.
    args, kwargs
        Nested values with a `Ref` for every tensor and size.
    value : Any
        What torch knows of the result: a tensor without data, a list of them, or a size.
    path : str
        The module in which it runs (``"layer1.0"``), ``""`` for the model itself.
    module_type : str
        The class of that module, with its package.
    """

    name: str
    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any
    path: str = ""
    module_type: str = ""

    @property
    def base(self) -> str:
        """The operator's bare name: ``"conv2d"``."""
        return base_name(self.op)

    @property
    def uses(self) -> list[str]:
        """Names of the values it takes, in order."""
        return list(refs((self.args, self.kwargs)))

    @property
    def named(self) -> dict[str, Any]:
        """Arguments by name, defaults included (aten operators only)."""
        return arguments(self.op, self.args, self.kwargs)


@dataclass
class Lowered:
    """A graph of drafts.

    Parameters
    ----------
    model_name : str
        Class of the model.
    inputs : dict
        Input name -> the tensor without data that was traced.
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
        Name -> the tensor or size that an input, constant or draft is.
    """

    model_name: str
    inputs: dict[str, torch.Tensor] = field(default_factory=dict)
    positional: list[Any] = field(default_factory=list)
    keywords: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, torch.Tensor] = field(default_factory=dict)
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    output: Any = None
    values: dict[str, Any] = field(default_factory=dict)

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
