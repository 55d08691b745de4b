"""From an exported graph to a plain list of operations, with everything constant computed away."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, TensorArgument

from crossbar.errors import CaptureError
from crossbar.nn.graph.draft import Draft, Lowered, nest, traced
from crossbar.nn.graph.ops import is_random, op_name
from crossbar.nn.graph.values import Named, Ref, fill

__all__ = ["lower"]

_ALIASES = ("alias", "detach", "detach_", "lift", "lift_fresh", "lift_fresh_copy")
_COPIES = ("clone", "to", "_to_copy", "type_as")
_DROPOUTS = ("alpha_dropout", "dropout", "feature_alpha_dropout", "feature_dropout")
_END = 2**63 - 1  # what torch writes for x[a:]
_TRAINING_NORMS = (
    *("_native_batch_norm_legit", "_native_batch_norm_legit_functional"),
    *("_batch_norm_with_update", "_batch_norm_with_update_functional"),
)


def lower(program: ExportedProgram, *, refuse_dropout: bool) -> Lowered:
    """Turn an exported program (`crossbar.nn.graph.export.write_out`) into drafts.

    Operations on constants alone are computed now, unless random; operations that change nothing
    and those that no output needs are dropped.

    Parameters
    ----------
    program : ExportedProgram
    refuse_dropout : bool
        Whether an active dropout is a mistake (the program was exported in training mode) or meant
        (the model was in evaluation mode and drops all the same).

    Raises
    ------
    CaptureError
        For a model exported in training mode, one that keeps state from call to call, an operator
        outside the allowed families, or inputs that are neither tensors nor plain values.
    """
    return _Lowering(program, refuse_dropout).result()


def _output_container(kind: Any, context: Any, parts: list[Any]) -> Any:
    """Return a dataclass as a `Named`, anything else as a tuple."""
    if hasattr(kind, "__dataclass_fields__") and isinstance(context, list):
        return Named(zip(context[0], parts, strict=True))
    return tuple(parts)


def _module(node: fx.Node) -> tuple[str, str]:
    """Return path and class of the module in which a node runs."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    path, module_type = stack[-1] if stack else ("", "")
    if path.startswith("_empty_nn_module_stack"):
        return "", ""
    return path.partition("@")[0], _type_name(module_type)


def _type_name(module_type: Any) -> str:
    if isinstance(module_type, type):
        return f"{module_type.__module__}.{module_type.__qualname__}"
    return str(module_type)


class _Lowering:
    """One pass over the graph; ``env`` maps a node to the value that replaces it."""

    def __init__(self, program: ExportedProgram, refuse_dropout: bool) -> None:
        self.program = program
        self.refuse_dropout = refuse_dropout
        self.env: dict[fx.Node, Any] = {}
        self.first_names: dict[Any, str] = {}
        self.out = Lowered(model_name=self._model_name())

    def result(self) -> Lowered:
        specs = {s.arg.name: s for s in self.program.graph_signature.input_specs}
        user: list[Any] = []
        with torch.no_grad():
            for node in self.program.graph.nodes:
                if node.op == "placeholder":
                    self._placeholder(node, specs[node.name], user)
                elif node.op == "get_attr":
                    tensor = getattr(self.program.graph_module, str(node.target))
                    self.env[node] = self._constant(node.name, tensor, ())
                elif node.op == "call_function":
                    self._call(node)
                elif node.op == "output":
                    self._output(node)
        self._inputs(user)
        self.out.drop_unused()
        self._check_state()
        return self.out

    def _model_name(self) -> str:
        for node in self.program.graph.nodes:
            stack: Mapping[str, Any] = node.meta.get("nn_module_stack") or {}
            for path, module_type in stack.values():
                if path == "":
                    return _type_name(module_type).rpartition(".")[2]
        return "exported"

    def _placeholder(self, node: fx.Node, spec: Any, user: list[Any]) -> None:
        program, out = self.program, self.out
        if spec.kind == InputKind.USER_INPUT:
            if isinstance(spec.arg, TensorArgument):
                out.inputs[node.name] = out.values[node.name] = traced(node.meta["val"])
                self.env[node] = Ref(node.name)
            elif isinstance(spec.arg, ConstantArgument):
                self.env[node] = spec.arg.value
            else:
                raise CaptureError(
                    f"{out.model_name}: input {node.name!r} is a {type(spec.arg).__name__},"
                    " expected a tensor or a plain value"
                )
            user.append(self.env[node])
        elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
            stored = program.state_dict if spec.target in program.state_dict else program.constants
            tensor = stored[spec.target]
            # A tied parameter has several names, and torch takes the last one it meets.
            memory = (tensor.data_ptr(), tensor.shape, tensor.stride())
            origin = self.first_names.setdefault(memory, spec.target)
            self.env[node] = self._constant(node.name, tensor, (origin,))
        elif spec.kind == InputKind.CONSTANT_TENSOR:
            self.env[node] = self._constant(node.name, program.constants[spec.target], ())
        else:
            raise CaptureError(
                f"{out.model_name}: the model uses a {spec.kind.name.lower()}, which cannot be"
                " captured"
            )

    def _constant(self, name: str, tensor: torch.Tensor, origins: tuple[str, ...]) -> Ref:
        self.out.constants[name] = tensor.detach()
        self.out.values[name] = traced(tensor)
        self.out.origins[name] = origins
        return Ref(name)

    def _call(self, node: fx.Node) -> None:
        if "_assert" in str(node.target) or "sym_constrain" in str(node.target):
            return
        args, kwargs = self._plain(tuple(node.args)), self._plain(node.kwargs)
        name = op_name(node.target)
        if node.target is operator.getitem and not isinstance(args[0], Ref):
            self.env[node] = args[0][args[1]]
            return
        value = traced(node.meta.get("val"))
        draft = Draft(node.name, name, args, kwargs, value, *_module(node))
        if name.startswith("aten."):
            self._check_mode(draft)
            if self._passes_through(draft):
                self.env[node] = args[0]
                return
        if not is_random(name) and all(u in self.out.constants for u in draft.uses):
            self.env[node] = self._fold(draft, node.target)
            return
        self.env[node] = Ref(node.name)
        if draft.base == "_native_batch_norm_legit_no_training":
            # The same operation under the name that it has in a graph torch has not decomposed.
            x, weight, bias, mean, variance, momentum, eps = args
            draft.op = "aten.batch_norm.default"
            draft.args = (x, weight, bias, mean, variance, False, momentum, eps, False)
            draft.value = draft.value[0]
            self.env[node] = (Ref(node.name), None, None)
        elif name in ("aten.view.default", "aten._unsafe_view.default"):
            # Which strides a product's result has is not known here; reshape takes any.
            draft.op = "aten.reshape.default"
        self.out.drafts.append(draft)
        self.out.values[draft.name] = draft.value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return self.env[value]
        if isinstance(value, tuple):
            return tuple(self._plain(v) for v in value)
        if isinstance(value, list):
            return [self._plain(v) for v in value]
        if isinstance(value, Mapping):
            return {k: self._plain(v) for k, v in value.items()}
        if isinstance(value, slice):
            return slice(*(self._plain(v) for v in (value.start, value.stop, value.step)))
        return value

    def _check_mode(self, draft: Draft) -> None:
        """Refuse what only a model in training mode does."""
        where = f"{self.out.model_name}: {draft.path or draft.base}"
        advice = "is in training mode: call .eval() on the model before it is exported"
        updates = draft.base in _TRAINING_NORMS
        if draft.base == "batch_norm":
            named = draft.named
            updates = named["training"] and named["running_mean"] is not None
        if updates:
            raise CaptureError(f"{where}: the batch normalisation {advice}")
        if draft.base in _DROPOUTS and draft.named["train"] and self.refuse_dropout:
            raise CaptureError(f"{where}: the dropout {advice}")

    def _passes_through(self, draft: Draft) -> bool:
        """Whether the result is the first argument as it is (nothing is changed in place)."""
        if draft.base in _ALIASES:
            return True
        if draft.base in _DROPOUTS:
            return not draft.named["train"]
        if draft.base == "slice":
            named = draft.named
            whole = named["start"] in (None, 0) and named["end"] in (None, _END)
            return whole and named["step"] == 1
        if draft.base in _COPIES and isinstance(draft.args[0], Ref):
            order = draft.named.get("memory_format")
            before, after = self.out.values[draft.args[0].name], draft.value
            return (
                order in (None, torch.preserve_format)
                and before.dtype == after.dtype
                and before.device == after.device
            )
        return False

    def _fold(self, draft: Draft, function: Any) -> Any:
        """Compute an operation on constants."""
        constants = self.out.constants
        args = fill(draft.args, constants.__getitem__)
        kwargs = fill(draft.kwargs, constants.__getitem__)
        origins = tuple(dict.fromkeys(o for u in draft.uses for o in self.out.origins[u]))
        result = function(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            return self._constant(draft.name, result, origins)
        if isinstance(result, (list, tuple)):
            return tuple(
                self._constant(f"{draft.name}.{i}", item, origins)
                if isinstance(item, torch.Tensor)
                else item
                for i, item in enumerate(result)
            )
        return result

    def _output(self, node: fx.Node) -> None:
        specs = self.program.graph_signature.output_specs
        pairs = zip(specs, self._plain(node.args[0]), strict=True)
        leaves = [value for spec, value in pairs if spec.kind == OutputKind.USER_OUTPUT]
        self.out.output = nest(self.program.call_spec.out_spec, iter(leaves), _output_container)

    def _inputs(self, user: list[Any]) -> None:
        def refuse(kind: Any, context: Any, parts: list[Any]) -> Any:
            name = getattr(kind, "__name__", kind)
            raise CaptureError(
                f"{self.out.model_name}: an input of type {name} cannot be captured; expected"
                " tensors, or lists, tuples and dicts of tensors"
            )

        structure = self.program.call_spec.in_spec
        positional, self.out.keywords = nest(structure, iter(user), refuse)
        self.out.positional = list(positional)

    def _check_state(self) -> None:
        """Refuse a model whose result depends on the calls before."""
        changed = {
            spec.target
            for spec in self.program.graph_signature.output_specs
            if spec.kind == OutputKind.BUFFER_MUTATION
        }
        for name in self.out.constants:
            for origin in self.out.origins[name]:
                if origin in changed:
                    raise CaptureError(
                        f"{self.out.model_name}: buffer {origin!r} changes while the model runs and"
                        " its result uses it; a captured network keeps no state"
                    )
