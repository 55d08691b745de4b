"""From a PyTorch model to what the simulator works on: a program, its layers and its workload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from crossbar.errors import CaptureError
from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.export import export_model, parameter_names, write_out
from crossbar.nn.graph.fold import fold_batch_norms
from crossbar.nn.graph.kinds import classify
from crossbar.nn.graph.lower import lower
from crossbar.nn.graph.naming import Naming, assign_names
from crossbar.nn.graph.nodes import build_workload
from crossbar.nn.graph.ops import PRODUCT
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Program, Step
from crossbar.nn.graph.recognise import find_products
from crossbar.nn.graph.shapes import SampleShapes, input_shapes
from crossbar.nn.graph.signature import Signature
from crossbar.nn.graph.values import Ref, fill
from crossbar.workload.graph import Workload

__all__ = ["Captured", "capture", "capture_model"]


def capture(model: nn.Module | ExportedProgram, example_inputs: Any = None) -> Workload:
    """Return the workload of a model.

    Parameters
    ----------
    model : nn.Module or torch.export.ExportedProgram
        In evaluation mode; it is not changed.
    example_inputs : Tensor, tuple, list or dict
        A batch (axis 0) of inputs: a tensor, the positional arguments, or keyword arguments by
        name. Not needed for an exported program.

    Raises
    ------
    CaptureError
        When the model cannot be captured; the line says why and where.
    """
    if isinstance(example_inputs, Mapping):
        return capture_model(model, (), example_inputs).workload
    if isinstance(example_inputs, (tuple, list)):
        return capture_model(model, tuple(example_inputs)).workload
    return capture_model(model, () if example_inputs is None else (example_inputs,)).workload


def capture_model(
    model: nn.Module | ExportedProgram,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Captured:
    """Capture a model with `torch.export`.

    Batch normalisations are folded into the layers before them, constants are computed, and weights
    are copied: neither the model nor what is done to it later matters to the result.

    Parameters
    ----------
    model : nn.Module or torch.export.ExportedProgram
        In evaluation mode; it is not changed.
    args, kwargs
        Example inputs as the model takes them, axis 0 of every tensor being the batch. Not needed
        for an exported program.

    Raises
    ------
    CaptureError
        For something that is no module, a model in training mode, or one that cannot be traced (for
        example because it branches on the values of a tensor).
    """
    if isinstance(model, ExportedProgram):
        exported: ExportedProgram = model
        positional = None
    else:
        _check_module(model)
        exported = export_model(model, args, kwargs or {})
        positional = parameter_names(model)
    graph = lower(write_out(exported), refuse_dropout=positional is None)
    if positional is not None:
        graph.model_name = type(model).__name__
    return _finish(graph, positional)


def _check_module(model: object) -> None:
    expected = "expected a torch.nn.Module or a torch.export.ExportedProgram"
    if isinstance(model, type):
        raise CaptureError(f"model: the class {model.__name__} itself, {expected}: call it first")
    if not isinstance(model, nn.Module):
        raise CaptureError(f"model: a {type(model).__name__}, {expected}")
    if model.training:
        raise CaptureError(
            f"{type(model).__name__} is in training mode: call .eval() on it before it is captured"
        )


def _finish(graph: Lowered, positional: tuple[str, ...] | None) -> Captured:
    shapes = SampleShapes(graph.model_name, graph.inputs.values())
    found = find_products(graph, shapes)
    fold_batch_norms(graph, found)
    graph.drop_unused()
    kinds = {
        d.name: classify(d, graph, shapes) for d in graph.drafts if d.op != PRODUCT and d.is_data
    }
    naming = assign_names(graph, found, {name: kind for name, (kind, _) in kinds.items()})
    products = _products(graph, found, naming)
    return Captured(
        build_workload(graph, shapes, naming.names, kinds, products),
        _program(graph, naming, products, positional),
        products,
    )


def _products(graph: Lowered, found: dict[str, Found], naming: Naming) -> dict[str, Product]:
    products = {}
    for draft in graph.drafts:
        if draft.op == PRODUCT:
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

    arguments = fill(_arguments(graph, positional), new)
    inputs = input_shapes(graph.inputs)
    return Program(
        Signature(
            arguments,
            {naming.names[name]: shape for name, shape in inputs.items()},
            {naming.names[name]: tensor.dtype for name, tensor in graph.inputs.items()},
        ),
        tuple(step(d) for d in graph.drafts),
        {naming.names[name]: _copy(tensor) for name, tensor in graph.constants.items()},
        fill(graph.output, new),
        products,
    )


def _arguments(graph: Lowered, positional: tuple[str, ...] | None) -> dict[str, Any]:
    """Name the positional arguments, and put all in the order of the model's ``forward``."""
    arguments: dict[str, Any] = {}
    declared = positional or ()
    for i, value in enumerate(graph.positional):
        if i < len(declared):
            name = declared[i]
        elif isinstance(value, Ref):
            name = value.name
        else:
            name = f"input{i}"
        arguments[name] = value
    named = {n: graph.keywords[n] for n in declared if n in graph.keywords}
    return {**arguments, **named, **graph.keywords}


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
    """

    workload: Workload
    program: Program
    products: dict[str, Product]
