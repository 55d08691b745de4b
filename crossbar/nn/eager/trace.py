"""The trace of one run of a model: what it did with an example, as a graph that can be lowered.

For models that `torch.export` refuses.  Calls of layers are recorded whole, everything else as the
operators that torch runs, in-place operations as the results that they leave.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import fx, nn
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, TensorArgument
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from crossbar.nn.eager.facts import (
    Seen,
    Storage,
    Trace,
    changed_by,
    has_memory,
    input_names,
    is_same,
    operator_name,
    told_of_modules,
    type_name,
    without_change,
)
from crossbar.nn.eager.watch import WEIGHTED, Call, Memory, Watch, parts_of
from crossbar.nn.graph.draft import Traced, traced

__all__ = ["OUTSIDE", "trace"]

OUTSIDE = "outside_torch"
"""What the nodes of data that was computed outside of torch are called."""


def trace(
    model: nn.Module, memory: Memory, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Trace:
    """Run a model in float and write down what it does.

    Parameters
    ----------
    model : nn.Module
        Its hooks come and go; nothing else of it is changed.
    memory : Memory
        Of the model.
    args, kwargs
        What it takes.
    """
    recorder = _Recorder(model, memory)
    recorder.inputs(args, kwargs)
    watch = Watch(recorder.whole, recorder.leave)
    with torch.no_grad(), told_of_modules(model, recorder.stack), watch, _Dispatch(recorder):
        output = model(*args, **kwargs)
    recorder.output(output)
    return recorder.trace


class _Recorder:
    """Writes a run down.

    ``values`` maps a tensor to its node and the version of its memory that the node stands for;
    ``constant`` holds the nodes that no input leads to.
    """

    def __init__(self, model: nn.Module, memory: Memory) -> None:
        self.model = model
        self.memory = memory
        signature = SimpleNamespace(input_specs=[], output_specs=[])
        spec = SimpleNamespace(in_spec=None, out_spec=None)
        self.trace = Trace(fx.Graph(), signature, spec, memory.tensors)
        self.values: Any = WeakIdKeyDictionary()
        self.storages: dict[int, Storage] = {}
        self.constant: set[fx.Node] = set()
        self.placeholders: dict[str, fx.Node] = {}
        self.stack: list[tuple[str, type]] = [("", type(model))]
        self.exits: dict[fx.Node, None] = {}
        self.left: dict[fx.Node, None] = {}
        self.count = 0
        self.paused = False

    def inputs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        leaves, self.trace.call_spec.in_spec = pytree.tree_flatten((args, dict(kwargs)))
        names = input_names(self.model, args, kwargs)
        for name, leaf in zip(names, leaves, strict=True):
            node = self._placeholder(name, InputKind.USER_INPUT, leaf)
            if isinstance(leaf, torch.Tensor):
                self._remember(leaf, node)

    def output(self, output: Any) -> None:
        nodes = [self.node_of(tensor) for tensor in parts_of(output)]
        nodes += [node for node in self.exits if node not in nodes]
        _, self.trace.call_spec.out_spec = pytree.tree_flatten([0] * len(nodes))
        user = SimpleNamespace(kind=OutputKind.USER_OUTPUT, target=None)
        specs = self.trace.graph_signature.output_specs
        specs[:0] = [user] * len(nodes)
        # `lower` pairs specifications with values: buffers that changed come last, without a value
        changed = len(specs) - len(nodes)
        self.trace.graph.output([*nodes, *[None] * changed])

    def whole(self, call: Call) -> Any:
        """Run a call that is one node."""
        found = None if self.paused else call.operator()
        if found is None:
            return call.run()
        prepared = self.prepare(call.args, call.kwargs)
        self.paused = True
        try:
            result = call.run()
        finally:
            self.paused = False
        node = self.record(found, prepared, call.args, call.kwargs, result)
        if node is not None and call.name in WEIGHTED:
            memory = self.memory

            def known(value: Any) -> Any:
                is_weight = not isinstance(value, torch.Tensor) or memory.mark(value)
                return value if is_weight else traced(value)

            arguments = pytree.tree_map(known, (call.args, call.kwargs))
            self.trace.seen.append(
                Seen(
                    node.name,
                    arguments,
                    call.key(memory),
                    str(found),
                    traced(result),
                    self.stack[-1][0],
                    type_name(self.stack[-1][1]),
                )
            )
        return result

    def leave(self, tensor: torch.Tensor, node: fx.Node | None = None) -> None:
        """Note that values leave torch: for a decision, or to come back from elsewhere."""
        found = self.node_of(tensor) if node is None else node
        if found not in self.constant:
            self.exits[found] = None
            self.trace.decisions += 1
            if node is None:
                self.left[found] = None

    def prepare(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[int, fx.Node]:
        """Return the nodes of the tensors among some arguments, before anything changes them."""
        return {id(t): self.node_of(t) for t in parts_of((args, dict(kwargs)))}

    def record(
        self,
        target: torch._ops.OpOverload,
        nodes: Mapping[int, fx.Node],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        result: Any,
    ) -> fx.Node | None:
        """Add an operation; returns its node, None where it leads from constants to constants."""
        given = list(parts_of((args, dict(kwargs))))
        for tensor in given:
            owner = self.memory.owner(tensor)
            if owner is not None:
                self.trace.touched.add(owner)
        changed = changed_by(target, args, kwargs)
        used = [nodes[id(tensor)] for tensor in given]
        if not any(True for _ in parts_of(result)) and not changed:
            for node in used if "assert" not in target.__name__ else ():
                self.leave(given[0], node)
            return None
        is_random = torch.Tag.nondeterministic_seeded in target.tags
        constant = not is_random and all(node in self.constant for node in used)
        if constant and (changed or not any(self.memory.owner(t) for t in given)):
            self._changed_constants(changed)
            return None
        target, functional = without_change(target)

        def with_nodes(value: Any) -> Any:
            return nodes[id(value)] if isinstance(value, torch.Tensor) else value

        if functional or not changed:
            arguments = pytree.tree_map(with_nodes, (tuple(args), dict(kwargs)))
            places, names = arguments
            node = self._add(operator_name(target), target, places, names, traced(result))
        else:
            node = self._outside(used, traced(result))
        if constant:
            self.constant.add(node)
        if changed:
            for tensor in changed:
                self._change(tensor, node)
        else:
            self._results(node, result, given)
        return node

    def node_of(self, tensor: torch.Tensor) -> fx.Node:
        """Return the node that stands for a tensor as it is now."""
        known, storage = self.values.get(tensor), self._storage(tensor)
        if known is not None and (storage is None or storage.version == known[1]):
            node: fx.Node = known[0]
            return node
        if storage is not None:
            # another view of what was written before
            arguments = (list(tensor.shape), list(tensor.stride()), tensor.storage_offset())
            target = torch.ops.aten.as_strided.default
            node = self._add("as_strided", target, (storage.node, *arguments), {}, traced(tensor))
            self.values[tensor] = (node, storage.version)
            return node
        owner = self.memory.owner(tensor)
        stored = None if owner is None else self.memory.tensors[owner]
        if owner is not None and stored is not None and is_same(stored, tensor):
            if owner not in self.placeholders:
                kind = InputKind.PARAMETER
                self.placeholders[owner] = self._constant(kind, owner, tensor)
            return self.placeholders[owner]
        if self.left and owner is None:
            node = self._outside(list(self.left), traced(tensor))
        else:
            name = self._unique("constant")
            with torch.no_grad():
                self.trace.constants[name] = tensor.detach().clone()
            node = self._constant(InputKind.CONSTANT_TENSOR, name, tensor)
        self._remember(tensor, node)
        return node

    def _constant(self, kind: InputKind, target: str, tensor: torch.Tensor) -> fx.Node:
        node = self._placeholder(self._unique("weight"), kind, tensor, target)
        self.constant.add(node)
        return node

    def _placeholder(
        self, name: str, kind: InputKind, value: Any, target: str | None = None
    ) -> fx.Node:
        node = self._create("placeholder", name, name, (), {}, traced(value))
        is_tensor = isinstance(value, torch.Tensor)
        argument = TensorArgument(node.name) if is_tensor else ConstantArgument(node.name, value)
        spec = SimpleNamespace(kind=kind, arg=argument, target=target)
        self.trace.graph_signature.input_specs.append(spec)
        return node

    def _outside(self, used: list[fx.Node], value: Any) -> fx.Node:
        return self._add(OUTSIDE, torch.ops.aten.block_diag.default, (used,), {}, value)

    def _add(
        self, name: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any
    ) -> fx.Node:
        return self._create("call_function", self._unique(name), target, args, kwargs, value)

    def _create(
        self, op: str, name: str, target: Any, args: Any, kwargs: Any, value: Any
    ) -> fx.Node:
        node = self.trace.graph.create_node(op, target, args, kwargs, name)
        node.meta["val"] = value
        root, here = self.stack[0], self.stack[-1]
        node.meta["nn_module_stack"] = {"root": root, "here": here}
        return node

    def _unique(self, name: str) -> str:
        self.count += 1
        return f"{name}_{self.count}"

    def _results(self, node: fx.Node, result: Any, given: list[torch.Tensor]) -> None:
        if isinstance(result, torch.Tensor):
            self._remember(result, node, given)
            return
        for index, item in enumerate(result):
            if isinstance(item, torch.Tensor):
                part = self._add("item", operator.getitem, (node, index), {}, traced(item))
                if node in self.constant:
                    self.constant.add(part)
                self._remember(item, part, given)

    def _remember(
        self, tensor: torch.Tensor, node: fx.Node, given: list[torch.Tensor] | None = None
    ) -> None:
        """Let a node stand for a tensor, which is new or a view of one of ``given``."""
        storage = self._storage(tensor)
        if has_memory(tensor):
            place = tensor.untyped_storage().data_ptr()
            others = [g.untyped_storage().data_ptr() for g in given or () if has_memory(g)]
            shared = place in others
            if (storage is None or not shared) and self.memory.owner(tensor) is None:
                storage = Storage.of(tensor, node)
                self.storages[place] = storage
        self.values[tensor] = (node, 0 if storage is None else storage.version)

    def _change(self, tensor: torch.Tensor, node: fx.Node) -> None:
        """Let a node stand for what was written into a tensor, and into what it is a view of."""
        owner, storage = self.memory.owner(tensor), self._storage(tensor)
        self._keeps_state(owner)
        if storage is None:
            self._remember(tensor, node)
            return
        whole = storage.node.meta["val"]
        if isinstance(whole, Traced) and whole.shape != tuple(tensor.shape):
            target = torch.ops.aten.copy.default
            storage.node = self._add("written", target, (storage.node, node), {}, whole)
        else:
            storage.node = node
        storage.version += 1
        self.values[tensor] = (node, storage.version)

    def _changed_constants(self, changed: list[torch.Tensor]) -> None:
        """Forget constants that were changed: they are read anew when they are used."""
        for tensor in filter(has_memory, changed):
            place = tensor.untyped_storage().data_ptr()
            self._keeps_state(self.memory.owner(tensor))
            self.storages.pop(place, None)
            for other in list(self.values):
                if has_memory(other) and other.untyped_storage().data_ptr() == place:
                    del self.values[other]

    def _keeps_state(self, owner: str | None) -> None:
        if owner is not None:
            kept = SimpleNamespace(kind=OutputKind.BUFFER_MUTATION, target=owner)
            self.trace.graph_signature.output_specs.append(kept)

    def _storage(self, tensor: torch.Tensor) -> Storage | None:
        if not has_memory(tensor):
            return None
        storage = self.storages.get(tensor.untyped_storage().data_ptr())
        return None if storage is None or storage.is_gone else storage


class _Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells a recorder of the operators that no whole call stands for."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder = recorder

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs, recorder = kwargs or {}, self.recorder
        if recorder.paused:
            return func(*args, **kwargs)
        nodes = recorder.prepare(args, kwargs)
        result = func(*args, **kwargs)
        if func is torch.ops.aten.native_batch_norm.default and not args[5]:
            # the same under the name that `lower` knows
            func = torch.ops.aten._native_batch_norm_legit_no_training.default
            args = (*args[:5], *args[6:])
        recorder.record(func, nodes, args, kwargs, result)
        return result
