"""The way for models that `torch.export` refuses: they are recorded while they run.

What stands in the workload, and so in the plan, the time and the energy, is the path that the
example took.  Values follow the model's own path for each input (`EagerProgram`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from crossbar.errors import CaptureError
from crossbar.nn.eager.batch import lowered, twice, with_batch
from crossbar.nn.eager.calls import small_graph, small_program
from crossbar.nn.eager.facts import Seen, Trace
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.eager.trace import OUTSIDE, trace
from crossbar.nn.eager.watch import WEIGHTED, Memory, parts_of
from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.export import whole_layers
from crossbar.nn.graph.kinds import classify
from crossbar.nn.graph.naming import Naming, assign_names
from crossbar.nn.graph.ops import PRODUCTS
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Program
from crossbar.nn.graph.recognise import find_products
from crossbar.nn.graph.remarks import remarks
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.signature import Signature
from crossbar.nn.graph.values import Ref, fill

__all__ = ["Recording", "copy_of", "eager_program", "failure", "record"]

Kinds = dict[str, tuple[str, dict[str, Any]]]

_MADE = "eager.constant"


@dataclass
class Recording:
    """A recorded model.

    Parameters
    ----------
    model : nn.Module
        The copy that was recorded.
    graph : Lowered
        What the example did, products found.
    shapes : SampleShapes
    found : dict
        Draft name -> product.
    kinds : dict
        Draft name -> workload kind and attributes.
    naming : Naming
    calls : list of (Seen, Lowered, dict)
        Calls that are products, each with its own small graph and the names of its products.
    notes : tuple of str
        What the workload says and does not say.
    axes : dict or None
        Input -> the axis that counts its samples, where the model takes any number of them.
    """

    model: nn.Module
    graph: Lowered
    shapes: SampleShapes
    found: dict[str, Found]
    kinds: Kinds
    naming: Naming
    calls: list[tuple[Seen, Lowered, dict[str, str]]]
    notes: tuple[str, ...]
    axes: dict[str, int] | None


def copy_of(model: nn.Module) -> nn.Module:
    """Copy a model, with its parametrisations computed.

    Raises
    ------
    CaptureError
        When Python cannot copy it.
    """
    try:
        twin = copy.deepcopy(model)
    except Exception as error:  # a model may hold anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CaptureError(
            f"{type(model).__name__}: it cannot be exported, nor copied to be recorded ({reason})"
        ) from error
    for module in twin.modules():
        for name in list(getattr(module, "parametrizations", ())):
            parametrize.remove_parametrizations(module, name)
    return twin


def failure(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Say in which module a model fails with some inputs, as ordinary Python.

    Parameters
    ----------
    model : nn.Module
        Not changed.
    args, kwargs
        Of the call.

    Returns
    -------
    str or None
        ``" at 'fc' (Linear), given float32 (2, 4)"``; empty where it fails in no module of its own,
        None where it runs.
    """
    twin = copy_of(model)
    running: list[tuple[str, nn.Module, tuple[Any, ...]]] = []

    def enter(path: str) -> Any:
        return lambda module, given: running.append((path, module, given))

    for path, module in twin.named_modules():
        if path:
            module.register_forward_pre_hook(enter(path), prepend=True)
            module.register_forward_hook(lambda *_: running.pop() and None)
    try:
        with torch.no_grad(), whole_layers():
            twin(*args, **kwargs)
    except Exception:  # the user's code may raise anything; what torch.export said of it stands
        if not running:
            return ""
        path, module, given = running[-1]
        shapes = [f"{str(t.dtype)[6:]} {tuple(t.shape)}" for t in parts_of(given)]
        what = f", given {', '.join(shapes)}" if shapes else ""
        return f" at {path!r} ({type(module).__name__}){what}"
    return None


def record(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Recording:
    """Record what a model does with an example.

    Parameters
    ----------
    model : nn.Module
        In evaluation mode; it is not changed.
    args, kwargs
        The example: axis 0 of every tensor is the batch.

    Raises
    ------
    CaptureError
        When the model cannot be copied, keeps state from call to call or returns no tensor.
    """
    twin, name = copy_of(model), type(model).__name__
    memory = Memory(twin)
    with whole_layers():
        first = trace(twin, memory, args, kwargs)
        graph = lowered(first, name)
        size = next(t.shape[0] for t in parts_of((args, dict(kwargs))) if t.dim())
        second = twice(twin, memory, args, kwargs)
        seen, axes = first.seen, None
        if second is not None:
            axes = {n: a for n, a in zip(graph.inputs, second[1], strict=True) if a is not None}
            seen = with_batch(graph, first, second[0], size)
    graph.axes = axes
    graph.notes = remarks(graph, twin)
    shapes = SampleShapes(name, graph.inputs, axes=axes)
    small = {call.node: small_graph(call, memory) for call in seen}
    own = {node: list(find_products(one, shapes)) for node, one in small.items()}
    kinds: Kinds = _without_products(graph, shapes, {node for node, names in own.items() if names})
    found = find_products(graph, shapes)
    graph.drop_unused()
    kinds = {
        d.name: kinds[d.name] if d.name in kinds else classify(d, graph, shapes)
        for d in graph.drafts
        if d.op not in PRODUCTS and d.is_data
    }
    naming = assign_names(graph, found, {key: kind for key, (kind, _) in kinds.items()})
    calls = []
    for call in seen:
        of_whole = [n for n in found if n == call.node or n.startswith(f"{call.node}.")]
        if own[call.node] and len(of_whole) == len(own[call.node]):
            steps = [naming.names[name] for name in of_whole]
            calls.append((call, small[call.node], dict(zip(own[call.node], steps, strict=True))))
    notes = tuple(_notes(twin, first, memory))
    own_names = None if axes is None else {naming.names[name]: axis for name, axis in axes.items()}
    return Recording(twin, graph, shapes, found, kinds, naming, calls, notes, own_names)


def eager_program(
    recording: Recording, signature: Signature, positional: int, products: dict[str, Product]
) -> EagerProgram:
    """Return the program of a recorded model.

    Parameters
    ----------
    recording : Recording
    signature : Signature
    positional : int
        How many of its arguments are given by position.
    products : dict
        Step name -> layer.
    """
    calls: dict[tuple[Any, ...], tuple[Program, ...]] = {}
    for call, small, names in recording.calls:
        one = small_program(small, names, products)
        calls[call.key] = (*calls.get(call.key, ()), one)
    return EagerProgram(recording.model, signature, positional, products, calls)


def _without_products(graph: Lowered, shapes: SampleShapes, products: set[str]) -> Kinds:
    """Mark in place what is no product, or none that can be told from others while it runs.

    Parameters
    ----------
    graph : Lowered
    shapes : SampleShapes
    products : set of str
        Drafts that are products.

    Returns
    -------
    dict
        Draft name -> kind and attributes, of those that were marked.
    """
    kinds: Kinds = {}
    drafts: list[Draft] = []
    for draft in graph.drafts:
        if draft.name.startswith(OUTSIDE):
            kinds[draft.name] = ("other", {"operator": "outside torch"})
            draft.op = f"eager.{OUTSIDE}"
        elif draft.name in products:
            drafts += _made(draft, graph)
        elif draft.base in WEIGHTED and any(use in graph.constants for use in draft.uses):
            # computed weights
            kinds[draft.name] = classify(draft, graph, shapes)
            draft.op = f"eager.{draft.base}"
        drafts.append(draft)
    graph.drafts = drafts
    made = {d.name: ("reshape", {"operator": "constant"}) for d in drafts if d.op == _MADE}
    return {**kinds, **made}


def _made(draft: Draft, graph: Lowered) -> list[Draft]:
    """Turn the constants of a product that are no weights, such as a first state, into drafts."""
    names = [u for u in draft.uses if u in graph.constants and not graph.origins[u]]
    found = {n: Draft(f"{draft.name}_{n}", _MADE, (), {}, graph.values[n]) for n in names}
    graph.values.update({d.name: d.value for d in found.values()})

    def new(name: str) -> Ref:
        return Ref(found[name].name if name in found else name)

    draft.args, draft.kwargs = fill(draft.args, new), fill(draft.kwargs, new)
    return list(found.values())


def _notes(model: nn.Module, recorded: Trace, memory: Memory) -> list[str]:
    notes = [
        "torch.export refuses this model, so it was recorded while it ran: plan, time and energy"
        " are those of the path that the example took; values follow each input's own path."
    ]
    shared = {memory.owner(memory.tensors[name]) for name in recorded.touched}
    missed: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if memory.owner(parameter) not in shared and parameter.dim() > 1:
            path = name.rpartition(".")[0] or name
            missed[path] = missed.get(path, 0) + prod(parameter.shape)
    if missed:
        listed = ", ".join(f"{path} ({weights:,} weights)" for path, weights in missed.items())
        notes.append(f"Not run by the example, so in float where another input takes it: {listed}.")
    if recorded.decisions:
        notes.append(
            f"Values left torch {recorded.decisions:,} times in that run, for a branch, a loop or"
            " another library; what was computed there is not in time and energy."
        )
    return notes
