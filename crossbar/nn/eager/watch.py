"""Watching a model while it runs: which calls multiply by weights, and by which.

Torch tells a function mode of every call of its API from Python. The calls that may multiply by
constant weights are named here; a call is known again, in another run and on other data, by its
function, its plain arguments, and where in the model's memory its weights lie.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from crossbar.nn.graph.recognise import MAY_BE_PRODUCTS

__all__ = ["EXITS", "WEIGHTED", "Call", "Mark", "Memory", "Watch", "parts_of"]

WEIGHTED = MAY_BE_PRODUCTS
"""Calls, by their names in ``torch.ops.aten``, that may multiply by constant weights."""

WHOLE = frozenset(("scaled_dot_product_attention",))
"""Further calls that are one operation of a workload, not what torch makes of them."""

EXITS = frozenset(("numpy", "tolist", "__array__", "__dlpack__"))
"""Methods of tensors that hand their values to something outside of torch."""

_TENSOR_METHODS = {"__matmul__": "matmul", "__rmatmul__": "matmul"}

Handler = Callable[["Call"], Any]
"""Computes a watched call."""


class Call:
    """One call of torch's API.

    Parameters
    ----------
    name : str
        In ``torch.ops.aten``.
    function : callable
        As it was called, with ``given`` and ``keywords``.
    given, keywords
        Its arguments.

    Attributes
    ----------
    args, kwargs
        The same in the order of the operator of ``torch.ops.aten``.
    """

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        given: tuple[Any, ...],
        keywords: Mapping[str, Any],
    ) -> None:
        self.name = name
        self.function = function
        self.given = given
        self.keywords = keywords
        self.args: tuple[Any, ...] = given
        self.kwargs = dict(keywords)
        if getattr(function, "__name__", "") == "__rmatmul__":
            self.args = given[::-1]
        elif name == "einsum":
            operands = given[1:]
            if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
                operands = tuple(operands[0])
            self.args = (given[0], list(operands))

    def run(self) -> Any:
        """Compute it as torch does."""
        return self.function(*self.given, **self.keywords)

    def operator(self) -> torch._ops.OpOverload | None:
        """The operator it is, or None where torch cannot tell."""
        packet = getattr(torch.ops.aten, self.name)
        try:
            overload = torch._C._jit_resolve_packet(f"aten::{self.name}", *self.args, **self.kwargs)
        except RuntimeError:
            return None
        found: torch._ops.OpOverload = getattr(packet, overload)
        return found

    def key(self, memory: Memory) -> tuple[Any, ...]:
        """By what the call is known again: everything but the tensors that no weights are."""

        def write(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return memory.mark(value) or ("data",)
            if isinstance(value, (list, tuple)):
                return tuple(write(v) for v in value)
            return value if isinstance(value, (bool, int, float, str)) else repr(value)

        return (self.name, write(self.args), write(sorted(self.kwargs.items())))


Mark = tuple[str, int, tuple[int, ...], tuple[int, ...]]
"""A tensor in a model's memory: parameter or buffer, offset, shape and strides."""


class Memory:
    """Where the parameters and buffers of a model lie.

    Parameters
    ----------
    model : nn.Module
    """

    def __init__(self, model: nn.Module) -> None:
        self.tensors: dict[str, torch.Tensor] = {}
        self._names: dict[int, str] = {}
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            self.tensors[name] = tensor
            if tensor.numel():
                self._names.setdefault(tensor.untyped_storage().data_ptr(), name)

    def owner(self, tensor: torch.Tensor) -> str | None:
        """Return the first parameter or buffer in whose memory a tensor lies."""
        if tensor.layout != torch.strided or not tensor.numel():
            return None
        return self._names.get(tensor.untyped_storage().data_ptr())

    def mark(self, tensor: torch.Tensor) -> Mark | None:
        """Return by what a tensor in the model's memory is known, None for any other."""
        name = self.owner(tensor)
        if name is None:
            return None
        return name, int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride())


def parts_of(values: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in lists, tuples, mappings and dataclasses, in order."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from parts_of(value)
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from parts_of(value)
    elif hasattr(values, "__dataclass_fields__"):
        yield from parts_of([getattr(values, name) for name in values.__dataclass_fields__])


def _never(*_: Any) -> bool:
    return False


def _opened(function: Any) -> Any:
    """Return a function of torch that runs its body even while a mode is told of its call."""
    names = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
    scope = {**function.__globals__, **dict.fromkeys(names, _never)}
    twin = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


_OPENED = {"multi_head_attention_forward": _opened(functional.multi_head_attention_forward)}
"""Python functions of torch with layers in them."""


class Watch(TorchFunctionMode):  # type: ignore[misc, unused-ignore]
    """Tells of the watched calls while it is entered.

    Parameters
    ----------
    handler : callable
        Computes the calls that may multiply by weights, and those of `WHOLE`.
    leaving : callable, optional
        Told of a tensor whose values leave torch (`EXITS`).
    """

    def __init__(
        self, handler: Handler, leaving: Callable[[torch.Tensor], None] | None = None
    ) -> None:
        super().__init__()
        self._handler = handler
        self._leaving = leaving

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """See `torch.overrides.TorchFunctionMode`."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _OPENED:
            with self:
                return _OPENED[name](*args, **kwargs)
        if name in EXITS and self._leaving is not None:
            self._leaving(args[0])
        name = _TENSOR_METHODS.get(name, name)
        if name in WEIGHTED or name in WHOLE:
            return self._handler(Call(name, func, args, kwargs))
        return func(*args, **kwargs)
