"""Which operations are products with constant weights: what goes to the crossbars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from crossbar.errors import CaptureError
from crossbar.nn.graph import bags, contracted, layouts, recurrent, transposed
from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.families import KINDS
from crossbar.nn.graph.ops import PRODUCT, RECURRENCE
from crossbar.nn.graph.product import ProductKind
from crossbar.nn.graph.rewrite import is_constant, rewrite_layers
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["MAY_BE_PRODUCTS", "find_products"]


def find_products(graph: Lowered, shapes: SampleShapes) -> dict[str, Found]:
    """Find the products of a graph and rewrite their drafts in place to ``crossbar.product(x)``.

    A convolution that pads more on one side than on the other gets a padding operation before it.
    Transposed convolutions and recurrent layers become products and what is done with them first;
    the recurrent products of the latter are ``crossbar.recurrence``.

    Returns
    -------
    dict
        Draft name -> product.

    Raises
    ------
    CaptureError
        For a convolution whose input has no batch axis, or weights of whole numbers.
    """
    _refuse_whole_numbers(graph)
    rewrite_layers(graph, shapes, _REWRITES)
    graph.drop_unused()
    found: dict[str, Found] = {}
    drafts: list[Draft] = []
    for draft in graph.drafts:
        if draft.op == RECURRENCE:
            found[draft.name] = _recurrence(draft, graph)
        recognise = _RECOGNISERS.get(draft.base) if draft.op.startswith("aten.") else None
        match = recognise(draft, draft.named, graph, shapes) if recognise else None
        if match is not None:
            x, product, padding = match
            if any(padding):
                pad = _pad_draft(draft, graph, x, padding)
                drafts.append(pad)
                x = Ref(pad.name)
            draft.op, draft.args, draft.kwargs = PRODUCT, (x,), {}
            found[draft.name] = product
        drafts.append(draft)
    graph.drafts = drafts
    return found


def _refuse_whole_numbers(graph: Lowered) -> None:
    """Refuse products whose weights are integers: they are no weights of a float model."""
    for draft in graph.drafts:
        if not draft.op.startswith("aten.") or KINDS.get(draft.base) != "matmul":
            continue
        for name in draft.uses:
            tensor, origins = graph.constants.get(name), graph.origins.get(name)
            if tensor is None or not origins or tensor.dim() < 2 or tensor.is_floating_point():
                continue
            owner = f"{draft.path!r} " if draft.path else ""
            raise CaptureError(
                f"{graph.model_name}: {origins[0]!r}, which {owner}multiplies by ({draft.base}), is"
                f" {str(tensor.dtype)[6:]}; weights of whole numbers: give the float model"
            )


Match = tuple[Ref, Found, tuple[int, ...]]
"""Input of a product, the product, and zeros to put before it, as `torch.nn.functional.pad` counts
them: (left, right, top, bottom ...)."""

_PARTS = (bags.RULES, contracted.RULES, layouts.RULES, recurrent.RULES, transposed.RULES)
_REWRITES = {
    name: tuple(rules[name] for rules in _PARTS if name in rules)
    for name in sorted({name for rules in _PARTS for name in rules})
}

_KINDS: dict[int, ProductKind] = {1: "conv1d", 2: "conv2d", 3: "conv3d"}


def _each(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """Write one number, or a list, out for every axis."""
    sizes = (value,) if isinstance(value, int) else tuple(value)
    return sizes * axes if len(sizes) == 1 else sizes


def _has_usable_bias(bias: Any, graph: Lowered) -> bool:
    return bias is None or is_constant(bias, graph, 1)


def _convolution(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not is_constant(weight, graph, 3, 4, 5) or not _has_usable_bias(bias, graph):
        return None
    if not isinstance(x, Ref) or named.get("transposed", False):
        return None
    traced = graph.values[x.name]
    kernel = tuple(graph.constants[weight.name].shape[2:])
    axes = len(kernel)
    if traced.axes != axes + 2:
        raise CaptureError(
            f"{draft.path or draft.base}: a convolution of {traced.axes} axes; give the example"
            " inputs a batch axis"
        )
    if len(shapes.shape(draft.name, traced)) != axes + 1:
        # Several images a sample (frames of a clip): one node of a workload stands for one image.
        return None
    dilation = _each(named["dilation"], axes)
    padding, extra = _padding(named["padding"], kernel, dilation)
    found = Found(
        _KINDS[axes],
        graph.constants[weight.name],
        weight.name,
        None if bias is None else graph.constants[bias.name],
        {
            "stride": _each(named["stride"], axes),
            "padding": padding,
            "dilation": dilation,
            "groups": named["groups"],
        },
    )
    return x, found, extra


def _padding(
    padding: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return symmetric padding, and the zeros that ``"same"`` adds on the right and bottom."""
    if padding == "valid":
        return (0,) * len(kernel), ()
    if padding == "same":
        spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        extra = tuple(n for span in reversed(spans) for n in (0, span % 2))
        return tuple(span // 2 for span in spans), extra
    return _each(padding, len(kernel)), ()


def _pad_draft(draft: Draft, graph: Lowered, x: Ref, padding: tuple[int, ...]) -> Draft:
    before = graph.values[x.name]
    sizes = list(before.shape)
    for axis in range(len(padding) // 2):
        sizes[-1 - axis] += padding[2 * axis] + padding[2 * axis + 1]
    value = replace(before, shape=tuple(sizes))
    name = f"{draft.name}.pad"
    graph.values[name] = value
    args = (x, list(padding), 0.0)
    return Draft(name, "aten.constant_pad_nd.default", args, {}, value, draft.path)


def _recurrence(draft: Draft, graph: Lowered) -> Found:
    """Take the weights of a recurrent step out of its arguments."""
    *kept, weight, bias = draft.args
    draft.args = tuple(kept)
    constants, direction = graph.constants, kept[-1]
    bias = None if bias is None else constants[bias.name]
    return Found("linear", constants[weight.name], weight.name, bias, {"recurrent": direction})


def _linear(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not is_constant(weight, graph, 2) or not _has_usable_bias(bias, graph):
        return None
    stored = graph.constants[weight.name]
    return _matrix(x, weight, stored, None if bias is None else graph.constants[bias.name], graph)


def _matmul(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    weight = named["other"] if "other" in named else named["mat2"]
    if not is_constant(weight, graph, 2):
        return None
    return _matrix(named["self"], weight, graph.constants[weight.name].t(), None, graph)


def _addmm(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    weight, added = named["mat2"], named["self"]
    if not is_constant(weight, graph, 2) or not isinstance(added, Ref):
        return None
    matrix = graph.constants[weight.name].t()
    bias = graph.constants.get(added.name)
    if bias is None or bias.numel() not in (1, matrix.shape[0]) or bias.shape[:-1].numel() != 1:
        return None
    if named["alpha"] != 1:
        matrix = matrix * named["alpha"]
    bias = (bias.reshape(-1) * named["beta"]).expand(matrix.shape[0])
    return _matrix(named["mat1"], weight, matrix, bias, graph)


def _matrix(
    x: Any, weight: Ref, matrix: torch.Tensor, bias: torch.Tensor | None, graph: Lowered
) -> Match | None:
    # A single axis would be the batch itself: nothing for a layer to work on.
    if not isinstance(x, Ref) or x.name in graph.constants or graph.values[x.name].axes < 2:
        return None
    return x, Found("linear", matrix, weight.name, bias, {}), ()


_RECOGNISERS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolution),
    "linear": _linear,
    "addmm": _addmm,
    "mm": _matmul,
    "matmul": _matmul,
}

MAY_BE_PRODUCTS = frozenset((*_RECOGNISERS, *_REWRITES))
"""Bare names of the operators that can be, or hold, products with constant weights."""
