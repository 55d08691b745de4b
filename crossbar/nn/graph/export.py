"""The call of `torch.export`, and the traps around it.

Measured on torch 2.13: an example batch of one freezes the batch axis (samples are doubled first);
`nn.TransformerEncoderLayer` collapses into one operator unless its fast path is off; in-place
operations and autocast blocks have to be written out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram, ShapesCollection
from torch.nn.modules import transformer
from torch.utils import _pytree as pytree

from crossbar.errors import CaptureError, UntraceableError
from crossbar.nn.batch_axes import Options, axis_options, doubled, number_of_samples
from crossbar.nn.graph.ops import is_mutable
from crossbar.nn.graph.tracing import cause, first_line, quiet

__all__ = [
    "Exported",
    "export_model",
    "free_sizes",
    "has_tokens",
    "parameter_names",
    "tensors_of",
    "whole_layers",
    "write_out",
]


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Parameters
    ----------
    program : ExportedProgram
    axes : dict of str to int, or None
        Input -> the axis that counts the samples; those that all samples share are absent.  Not
        known of what was exported elsewhere.
    fixed : tuple of int
        Tensors of which the axis that was chosen cannot be free, by their number.
    """

    program: ExportedProgram
    axes: dict[str, int] | None
    fixed: tuple[int, ...]


def export_model(
    model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, tokens: bool = False
) -> Exported:
    """Export ``model`` with free axes of samples (`crossbar.nn.batch_axes`).

    Where two axes of an input may be that of the samples, the second is tried where the model
    allows no other size of the first.  Where the model's own code fixes the batch size, the
    exported axis is a number; and so with ``tokens``, which also frees axis 1 of what `has_tokens`
    speaks of.

    Raises
    ------
    CaptureError
        When the inputs are not tensors and plain values, or the model cannot be traced.
    """
    tensors = tensors_of(type(model).__name__, args, kwargs)
    options = axis_options(tensors)
    if number_of_samples(tensors) != 1:
        return _best(model, args, kwargs, tokens, options, twice=False)
    try:
        return _best(model, args, kwargs, tokens, options, twice=True)
    except CaptureError as error:
        # A model written for single samples: its batch axis stays fixed at one.
        try:
            return _export(model, args, kwargs, tokens, [o[0] for o in options])
        except CaptureError:
            raise error from None


def _best(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    tokens: bool,
    options: list[Options],
    *,
    twice: bool,
) -> Exported:
    """Export with the axes that stay free; ``twice``: with every sample doubled."""
    found: list[Exported] = []
    failure: CaptureError | None = None
    turns = [0] * len(options)
    while True:
        chosen = [of[turn] for of, turn in zip(options, turns, strict=True)]
        given, named = doubled(args, dict(kwargs), chosen) if twice else (args, kwargs)
        fixed: tuple[int, ...] = tuple(range(len(options)))
        try:
            found.append(_export(model, given, named, tokens, chosen))
            fixed = found[-1].fixed
        except CaptureError as error:
            failure = failure or error
        left = [k for k in fixed if turns[k] + 1 < len(options[k])]
        if not left:
            break
        for k in left:
            turns[k] += 1
    if not found:
        assert failure is not None
        raise failure
    return min(found, key=lambda one: (0 in one.fixed, len(one.fixed)))


def has_tokens(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether the inputs of whole numbers are sequences: of two axes or more, of one length > 1.

    An axis of length 1 is never freed: torch takes it for one that is stretched.
    """
    return bool(_sequences(pytree.tree_leaves((args, dict(kwargs)))))


def free_sizes(program: ExportedProgram) -> tuple[dict[str, int], dict[str, int]]:
    """Return what the free sizes of the inputs were in the example, and the largest allowed ones.

    Returns
    -------
    examples, most : dict of str to int
        By the symbol's name; sizes of unknown example or without a limit are absent.
    """
    examples: dict[str, int] = {}
    for node in program.graph.nodes:
        value = node.meta.get("val") if node.op == "placeholder" else None
        for size in value.shape if isinstance(value, torch.Tensor) else ():
            if isinstance(size, torch.SymInt) and size.node.hint is not None:
                examples[str(size.node.expr)] = int(size.node.hint)
    upper = {str(symbol): limits.upper for symbol, limits in program.range_constraints.items()}
    # what is not a limit of the model is infinite, or as large as torch can count
    return examples, {name: int(n) for name, n in upper.items() if n.is_Integer and n < 1 << 31}


def _sequences(leaves: list[Any]) -> list[torch.Tensor]:
    found = [
        x
        for x in leaves
        if isinstance(x, torch.Tensor)
        and x.dim() >= 2
        and not (x.is_floating_point() or x.is_complex())
    ]
    lengths = {x.shape[1] for x in found}
    return found if len(lengths) == 1 and lengths.pop() > 1 else []


def write_out(program: ExportedProgram) -> ExportedProgram:
    """Return the program without in-place operations and nested graphs (no_grad, autocast blocks).

    Layers stay whole operators.

    Raises
    ------
    CaptureError
        When torch cannot rewrite it, or it branches on the values of a tensor.
    """
    targets = [node.target for node in program.graph.nodes if node.op == "call_function"]
    if not any(_is_nested(t) or _changes_data(t) for t in targets):
        return program
    try:
        with quiet():
            program = program.run_decompositions({})
    except Exception as error:  # torch raises whatever the operator raised
        raise UntraceableError(
            f"the exported model cannot be rewritten: {first_line(error)}"
        ) from error
    for node in program.graph.nodes:
        if node.op == "call_function" and (_is_nested(node.target) or _changes_data(node.target)):
            raise UntraceableError(
                f"operator {str(node.target)!r} cannot be captured: it branches, loops or changes a"
                " tensor in place"
            )
    return program


def parameter_names(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the parameters of ``forward``, without ``*args`` and ``**kwargs``."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):  # a forward written in C has no signature
        return ()
    return tuple(p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))


def _export(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    tokens: bool,
    chosen: Sequence[int | None],
) -> Exported:
    where = type(model).__name__
    free = ShapesCollection()  # type: ignore[no-untyped-call]
    tensors = tensors_of(where, args, kwargs)
    sequences = {id(x) for x in _sequences(tensors)} if tokens else set()
    for tensor, axis in zip(tensors, chosen, strict=True):
        axes = {axis} if axis is not None else set()
        if id(tensor) in sequences:
            axes |= {1}
        if axes:
            free[tensor] = dict.fromkeys(sorted(axes), Dim.AUTO)
    try:
        with quiet(), whole_layers(), torch.no_grad():
            shapes = free.dynamic_shapes(model, args, dict(kwargs))  # type: ignore[no-untyped-call]
            program = torch.export.export(model, args, dict(kwargs), dynamic_shapes=shapes)
    except Exception as error:  # tracing runs the user's code, which may raise anything
        raise UntraceableError(f"{where} cannot be captured: {cause(error)}") from error
    return _named(program, tensors, chosen)


def _named(
    program: ExportedProgram, tensors: list[torch.Tensor], chosen: Sequence[int | None]
) -> Exported:
    """Find out which of the chosen axes are free, by the names of the inputs."""
    first = next(k for k, axis in enumerate(chosen) if axis is not None)
    place = {id(tensor): k for k, tensor in reversed(list(enumerate(tensors)))}
    shapes = {node.name: node.meta.get("val") for node in program.graph.nodes}
    axes: dict[str, int] = {}
    fixed = []
    # torch may have put the keywords into another order
    leaves = pytree.tree_leaves(program.example_inputs)
    for name, leaf in zip(program.graph_signature.user_inputs, leaves, strict=True):
        number = place.get(id(leaf), -1)
        axis = chosen[number] if number >= 0 else None
        if axis is None:
            continue
        size = shapes[name].shape[axis]
        is_free = isinstance(size, torch.SymInt) and not size.node.expr.is_number
        if not is_free:
            fixed.append(number)
        if is_free or number == first:
            axes[name] = axis
    return Exported(program, axes, tuple(fixed))


def tensors_of(where: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
    """Return the tensors of example inputs.

    Raises
    ------
    CaptureError
        For inputs that are neither tensors nor plain values, no tensor, or no sample.
    """
    tensors = []
    for leaf in pytree.tree_leaves((args, dict(kwargs))):
        if isinstance(leaf, torch.Tensor):
            tensors.append(leaf)
        elif leaf is not None and not isinstance(leaf, (bool, int, float, str)):
            raise CaptureError(
                f"{where}: an example input is a {type(leaf).__name__}, expected tensors and plain"
                " values"
            )
    if not tensors:
        raise CaptureError(f"{where}: the example inputs hold no tensor")
    for tensor in tensors:
        if tensor.dim() and not tensor.shape[0]:
            raise CaptureError(
                f"{where}: an example input has shape {tuple(tensor.shape)}: at least one sample is"
                " needed"
            )
    return tensors


def _is_nested(target: Any) -> bool:
    return isinstance(target, torch._ops.HigherOrderOperator)


def _changes_data(target: Any) -> bool:
    # detach_ changes no data, only the book-keeping of gradients.
    return is_mutable(target) and target is not torch.ops.aten.detach_.default


@contextmanager
def whole_layers() -> Iterator[None]:
    """Keep `nn.TransformerEncoderLayer` and `nn.MultiheadAttention` from becoming one operator.

    Nor do transformers look at the values of their masks, to find out that one is causal: it is
    applied as it is.
    """
    was_on: bool = torch.backends.mha.get_fastpath_enabled()
    look = transformer._detect_is_causal_mask
    _set_fastpath(False)
    transformer._detect_is_causal_mask = _is_said_to_be_causal
    try:
        yield
    finally:
        transformer._detect_is_causal_mask = look
        _set_fastpath(was_on)


def _is_said_to_be_causal(mask: Any, is_causal: bool | None = None, size: Any = None) -> bool:
    """Answer without a look at the mask: it is applied in any case, the answer saves time only."""
    return bool(is_causal)


_set_fastpath: Callable[[bool], None] = torch.backends.mha.set_fastpath_enabled
