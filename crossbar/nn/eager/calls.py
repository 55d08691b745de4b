"""One call of a recorded model as a small graph and program of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from crossbar.nn.eager.facts import Seen
from crossbar.nn.eager.watch import Memory
from crossbar.nn.graph.draft import Draft, Lowered, Traced
from crossbar.nn.graph.ops import PRODUCTS
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Program, Step
from crossbar.nn.graph.signature import Signature
from crossbar.nn.graph.values import Ref, fill

__all__ = ["small_graph", "small_program"]


def small_graph(call: Seen, memory: Memory) -> Lowered:
    """Write one call down as a graph: its inputs are all tensors outside of the model's memory."""
    graph = Lowered("")

    def name(value: Any) -> Any:
        if isinstance(value, Traced):
            new = f"data{len(graph.inputs)}"
            graph.inputs[new] = graph.values[new] = value
        elif isinstance(value, torch.Tensor):
            new = f"weight{len(graph.constants)}"
            owner = memory.owner(value)
            graph.constants[new], graph.origins[new] = value.detach(), (owner or "",)
            graph.values[new] = Traced(tuple(value.shape), value.dtype, value.device)
        elif isinstance(value, (list, tuple)):
            return type(value)([name(v) for v in value])
        elif isinstance(value, dict):
            return {key: name(v) for key, v in value.items()}
        else:
            return value
        return Ref(new)

    args, kwargs = call.call
    result = call.result
    draft = Draft(
        call.node, call.operator, name(args), name(kwargs), result, call.path, call.module_type
    )
    graph.drafts.append(draft)
    graph.values[call.node] = result
    graph.output = Ref(call.node)
    if isinstance(result, list):
        for index, part in enumerate(result):
            item = f"{call.node}_item{index}"
            args = (Ref(call.node), index)
            graph.drafts.append(Draft(item, "_operator.getitem", args, {}, part))
            graph.values[item] = part
        graph.output = tuple(Ref(f"{call.node}_item{i}") for i in range(len(result)))
    return graph


def small_program(
    graph: Lowered, names: Mapping[str, str], products: dict[str, Product]
) -> Program:
    """Turn the graph of a call into a program that takes data of any size."""

    def new(name: str) -> Ref:
        return Ref(names.get(name, f"in this call: {name}"))

    graph.drop_unused()
    steps = tuple(
        Step(new(d.name).name, d.op, fill(d.args, new), fill(d.kwargs, new)) for d in graph.drafts
    )
    inputs = {new(name).name: value for name, value in graph.inputs.items()}
    signature = Signature(
        {name: Ref(name) for name in inputs},
        {n: tuple(f"{n}, axis {i}" for i in range(v.axes)) for n, v in inputs.items()},
        {name: value.dtype for name, value in inputs.items()},
    )
    constants = {new(name).name: tensor.clone() for name, tensor in graph.constants.items()}
    own = {step.name: products[step.name] for step in steps if step.op in PRODUCTS}
    return Program(signature, steps, constants, fill(graph.output, new), own)
