"""What a recorded run is written down as, and what is asked of the operators in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils import _pytree as pytree

from crossbar.nn.eager.watch import parts_of
from crossbar.nn.graph.export import parameter_names

__all__ = [
    "Seen",
    "Storage",
    "Trace",
    "changed_by",
    "has_memory",
    "input_names",
    "is_same",
    "operator_name",
    "told_of_modules",
    "type_name",
    "without_change",
]


@dataclass(frozen=True)
class Seen:
    """A call that may multiply by weights.

    Parameters
    ----------
    node : str
        Its node in the trace.
    call : Call
        With the tensors in the model's memory as they are and a `Traced` for every other.
    key : tuple
        By what it is known again.
    operator : str
        ``"aten.linear.default"``.
    result
        A `Traced`, or several.
    path, module_type : str
        Where it ran.
    """

    node: str
    call: tuple[Any, dict[str, Any]]
    key: tuple[Any, ...]
    operator: str
    result: Any
    path: str
    module_type: str


@dataclass
class Trace:
    """What a run did; the first six fields are those of an exported program that `lower` reads.

    Parameters
    ----------
    graph : fx.Graph
    graph_signature, call_spec : namespaces
    state_dict : dict
        Parameters and buffers.
    constants : dict
    graph_module : None
    seen : list of Seen
    touched : set of str
        Parameters that the run used.
    decisions : int
        How often values left torch: for a branch, a loop, another library.
    """

    graph: fx.Graph
    graph_signature: Any
    call_spec: Any
    state_dict: dict[str, torch.Tensor]
    constants: dict[str, torch.Tensor] = field(default_factory=dict)
    graph_module: Any = None
    seen: list[Seen] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    decisions: int = 0


@dataclass
class Storage:
    """What is known of a piece of memory: the node of its content, and how often it was changed."""

    node: fx.Node
    version: int
    alive: Any

    @classmethod
    def of(cls, tensor: torch.Tensor, node: fx.Node) -> Storage:
        """Note what a tensor's memory holds, without keeping it."""
        memory = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
        return cls(node, 0, memory)

    @property
    def is_gone(self) -> bool:
        """Whether no tensor uses the memory any more."""
        return bool(self.alive.expired())


@contextmanager
def told_of_modules(model: nn.Module, stack: list[tuple[str, type]]) -> Iterator[None]:
    """Keep path and class of the modules that are running on a stack, the innermost last."""

    def enter(path: str) -> Callable[..., None]:
        return lambda module, args: stack.append((path, type(module)))

    def leave(*_: Any) -> None:
        stack.pop()

    hooks = []
    for path, module in model.named_modules():
        if path:
            hooks.append(module.register_forward_pre_hook(enter(path), prepend=True))
            hooks.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def input_names(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[str]:
    """Name every leaf of the arguments."""
    declared, names = parameter_names(model), []
    tops = [(declared[i] if i < len(declared) else f"input{i}", v) for i, v in enumerate(args)]
    for name, value in (*tops, *kwargs.items()):
        leaves = len(pytree.tree_leaves(value))
        names += [name] if leaves == 1 else [f"{name}_{k}" for k in range(leaves)]
    return names


def type_name(module_type: type) -> str:
    """Return a class's name with its package."""
    return f"{module_type.__module__}.{module_type.__qualname__}"


def operator_name(target: torch._ops.OpOverload) -> str:
    """Return an operator's bare name."""
    return str(target).split(".")[1].strip("_")


def is_same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors in one memory are the same view of it."""
    return (a.shape, a.stride(), a.storage_offset()) == (b.shape, b.stride(), b.storage_offset())


def has_memory(tensor: torch.Tensor) -> bool:
    """Whether a tensor's values lie somewhere (they do not where it is sparse, or empty)."""
    return tensor.layout == torch.strided and tensor.untyped_storage().data_ptr() != 0


def changed_by(
    target: torch._ops.OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> list[torch.Tensor]:
    """Return the arguments that an operator writes to."""
    declared = target._schema.arguments
    given = {**dict(zip((a.name for a in declared), args, strict=False)), **kwargs}
    written = [a.name for a in declared if a.alias_info is not None and a.alias_info.is_write]
    return list(parts_of([given.get(name) for name in written]))


def without_change(target: torch._ops.OpOverload) -> tuple[torch._ops.OpOverload, bool]:
    """Return the operator that computes what an in-place one writes, and whether there is one."""
    if not target._schema.is_mutable:
        return target, True
    base = str(target).split(".")[1]
    packet = getattr(torch.ops.aten, base.removesuffix("_"), None)
    found = getattr(packet, target._overloadname, None)
    if base.endswith("_") and found is not None and not found._schema.is_mutable:
        same: torch._ops.OpOverload = found
        return same, True
    return target, False
