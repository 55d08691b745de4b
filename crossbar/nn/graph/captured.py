"""From a PyTorch model to what the simulator works on: a program, its layers and its workload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from crossbar.errors import CaptureError, InputError, UntraceableError
from crossbar.nn.eager.batch import free_batch
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.eager.record import eager_program, failure, record
from crossbar.nn.graph.checks import check_arguments, check_model
from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.export import (
    Exported,
    export_model,
    free_sizes,
    has_tokens,
    parameter_names,
    tensors_of,
    write_out,
)
from crossbar.nn.graph.fold import fold_batch_norms
from crossbar.nn.graph.kinds import classify
from crossbar.nn.graph.lower import lower
from crossbar.nn.graph.naming import Naming, assign_names
from crossbar.nn.graph.nodes import build_workload
from crossbar.nn.graph.ops import PRODUCTS
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Program, Step
from crossbar.nn.graph.recognise import find_products
from crossbar.nn.graph.remarks import remarks, warn_of_samples
from crossbar.nn.graph.shapes import SampleShapes, input_shapes
from crossbar.nn.graph.signature import Shape, Signature
from crossbar.nn.graph.told import loop_notes, warn_recorded
from crossbar.nn.graph.values import Ref, fill
from crossbar.workload.graph import Workload
from crossbar.workload.lengths import LENGTHS, tag_lengths

__all__ = ["Captured", "capture", "capture_model"]


def capture(
    model: nn.Module | ExportedProgram, example_inputs: Any = None, *, strict: bool = False
) -> Workload:
    """Return the workload of a model.

    Parameters
    ----------
    model : nn.Module or torch.export.ExportedProgram
        In evaluation mode; it is not changed.
    example_inputs : Tensor, tuple, list or dict
        A batch (axis 0) of inputs: a tensor, the positional arguments, or keyword arguments by
        name. Not needed for an exported program.
    strict : bool
        Refuse a model that `torch.export` refuses.  Else what it does with the example is recorded,
        with a `CaptureWarning`: the workload is the path that the example took.

    Raises
    ------
    CaptureError
        When the model cannot be captured; the line says why and where.
    """
    if isinstance(example_inputs, Mapping):
        return capture_model(model, (), example_inputs, strict=strict).workload
    if isinstance(example_inputs, (tuple, list)):
        return capture_model(model, tuple(example_inputs), strict=strict).workload
    args = () if example_inputs is None else (example_inputs,)
    return capture_model(model, args, strict=strict).workload


def capture_model(
    model: nn.Module | ExportedProgram,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    strict: bool = False,
) -> Captured:
    """Capture a model with `torch.export`.

    Batch normalisations are folded into the layers before them, constants are computed, and weights
    are copied: neither the model nor what is done to it later matters to the result.

    Parameters
    ----------
    model : nn.Module or torch.export.ExportedProgram
        In evaluation mode; it is not changed.
    args, kwargs
        Example inputs as the model takes them. Axis 0 of the first tensor counts the samples; how
        the others do is told in `crossbar.nn.batch_axes`. Not needed for an exported program.
    strict : bool
        Refuse a model that `torch.export` refuses.  Else it is recorded while it runs, with a
        `CaptureWarning`.

    Raises
    ------
    CaptureError
        For something that is no module, a model in training mode, one that fails with these inputs,
        or, where ``strict``, one that branches on the values of a tensor.
    """
    found = _found(model, args, kwargs, strict)
    if not isinstance(model, ExportedProgram):  # who exports says what is free
        warn_of_samples(found.notes)
    return found


def _found(
    model: nn.Module | ExportedProgram,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
    strict: bool,
) -> Captured:
    if isinstance(model, ExportedProgram):
        return _finish(_lowered(model, None), None)
    check_model(model)
    tensors_of(type(model).__name__, args, kwargs or {})
    check_arguments(model, args, kwargs or {})
    names = parameter_names(model)
    free: Captured | None = None
    if has_tokens(args, kwargs or {}):
        try:
            exported = export_model(model, args, kwargs or {}, tokens=True)
            free = _finish(_lowered(exported, model), names)
        except Exception:  # whatever a free length breaks: what is wrong with the model comes below
            pass
    if free is not None and not _left(free):
        return free
    try:
        exported = export_model(model, args, kwargs or {})
        fixed = _finish(_lowered(exported, model), names)
        # some layers are products at one length only
        return free if free is not None and _left(free) <= _left(fixed) else fixed
    except UntraceableError as error:
        if free is not None:
            return free
        failed = failure(model, args, kwargs or {})
        if failed:
            raise CaptureError(f"{error}; it fails{failed}") from error
        if strict or failed is not None:
            raise
        return _recorded(model, args, kwargs or {}, names, error)


def _left(captured: Captured) -> int:
    """Count the weights that are in no product."""
    return sum(int(node.attrs.get("weights", 0)) for node in captured.workload)


def _recorded(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    positional: tuple[str, ...],
    refusal: UntraceableError,
) -> Captured:
    """Capture a model that `torch.export` refuses, by recording what it does with the example."""
    try:
        recording = record(model, args, kwargs)
    except InputError:
        raise
    except Exception as error:  # the user's code may do anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CaptureError(f"{refusal}, nor recorded while it runs: {reason}") from error
    graph, naming = recording.graph, recording.naming
    products = _products(graph, recording.found, naming)
    workload = build_workload(graph, recording.shapes, naming.names, recording.kinds, products)
    signature = _signature(graph, naming, positional)
    if recording.axes is not None:
        signature = free_batch(signature, recording.axes)
    program = eager_program(recording, signature, len(graph.positional), products)
    notes = (warn_recorded(type(model).__name__, refusal), *recording.notes, *graph.notes)
    return Captured(workload, program, products, notes)


def _lowered(exported: ExportedProgram | Exported, model: nn.Module | None) -> Lowered:
    own = exported if isinstance(exported, Exported) else Exported(exported, None, ())
    program = write_out(own.program)
    graph = lower(program, refuse_dropout=model is None)
    if model is not None:
        graph.model_name = type(model).__name__
    graph.examples, graph.most = free_sizes(program)
    graph.axes = own.axes
    graph.notes = remarks(graph, model)
    return graph


def _finish(graph: Lowered, positional: tuple[str, ...] | None) -> Captured:
    shapes = SampleShapes(graph.model_name, graph.inputs, graph.examples, graph.axes)
    found = find_products(graph, shapes)
    fold_batch_norms(graph, found)
    graph.drop_unused()
    kinds = {
        d.name: classify(d, graph, shapes)
        for d in graph.drafts
        if d.op not in PRODUCTS and d.is_data
    }
    naming = assign_names(graph, found, {name: kind for name, (kind, _) in kinds.items()})
    products = _products(graph, found, naming)
    workload = build_workload(graph, shapes, naming.names, kinds, products)

    def at(tokens: int) -> Workload:
        other = shapes.at(tokens)
        parts = {name: classify(draft_of[name], graph, other) for name in kinds}
        return build_workload(graph, other, naming.names, parts, products)

    draft_of = {draft.name: draft for draft in graph.drafts}
    return Captured(
        _with_lengths(workload, shapes.tokens, at, graph, required=positional is not None),
        _program(graph, naming, products, positional),
        products,
        (*graph.notes, *loop_notes(graph, found, shapes)),
    )


def _with_lengths(
    workload: Workload,
    tokens: int | None,
    at: Callable[[int], Workload],
    graph: Lowered,
    *,
    required: bool,
) -> Workload:
    """Write down how the network follows its tokens, from what it is at other lengths.

    Raises
    ------
    InputError
        When ``required`` and it follows them by no rule, or with none of its layers.
    """
    if tokens is None:
        return workload
    limits = _limits(graph, input_shapes(graph.inputs, graph.axes))
    try:
        lengths = {tokens + 1, tokens + 2, tokens + 3, max(2, tokens // 2)} - {tokens}
        others = {n: at(n) for n in sorted(lengths)}
        tagged = tag_lengths(workload, tokens, others, limits.get("tokens"))
        if not any(LENGTHS in node.attrs for node in tagged.products):
            raise InputError(f"{workload.name}: no layer follows the tokens")
    except InputError:
        if required:
            raise
        return workload
    return tagged


def _products(graph: Lowered, found: dict[str, Found], naming: Naming) -> dict[str, Product]:
    products = {}
    for draft in graph.drafts:
        if draft.op in PRODUCTS:
            product, layer = found[draft.name], naming.layers[draft.name]
            step = naming.names[draft.name]
            bias = None if product.bias is None else _copy(product.bias)
            products[step] = Product(
                step,
                layer.name,
                product.kind,
                layer.weight,
                bias,
                product.attrs,
                layer.weight_key,
            )
    return products


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format)


def _program(
    graph: Lowered,
    naming: Naming,
    products: dict[str, Product],
    positional: tuple[str, ...] | None,
) -> Program:
    def new(name: str) -> Ref:
        return Ref(naming.names[name])

    def step(draft: Draft) -> Step:
        return Step(
            naming.names[draft.name], draft.op, fill(draft.args, new), fill(draft.kwargs, new)
        )

    return Program(
        _signature(graph, naming, positional),
        tuple(step(d) for d in graph.drafts),
        {naming.names[name]: _copy(tensor) for name, tensor in graph.constants.items()},
        fill(graph.output, new),
        products,
    )


def _signature(graph: Lowered, naming: Naming, positional: tuple[str, ...] | None) -> Signature:
    def new(name: str) -> Ref:
        return Ref(naming.names[name])

    inputs = input_shapes(graph.inputs, graph.axes)
    return Signature(
        fill(graph.arguments(positional or ()), new),
        {naming.names[name]: shape for name, shape in inputs.items()},
        {naming.names[name]: tensor.dtype for name, tensor in graph.inputs.items()},
        _limits(graph, inputs),
    )


def _limits(graph: Lowered, shapes: Mapping[str, Shape]) -> dict[str, int]:
    """Name the axes that may not be of every size."""
    return {
        axis: graph.most[str(size)]
        for name, shape in shapes.items()
        for axis, size in zip(shape, graph.inputs[name].shape, strict=True)
        if isinstance(axis, str) and str(size) in graph.most
    }


@dataclass(frozen=True, eq=False)
class Captured:
    """A captured model.

    Parameters
    ----------
    workload : Workload
        Nodes, edges and shapes, for mapping and cost.
    program : Program
        The operations, to run it.
    products : dict
        Step name -> layer with constant weights; the program's ``products``.
    notes : tuple of str
        What the capture could not see.
    """

    workload: Workload
    program: Program | EagerProgram
    products: dict[str, Product]
    notes: tuple[str, ...] = ()
