"""Which operations are products with constant weights: what goes to the crossbars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from crossbar.errors import CaptureError
from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.ops import PRODUCT
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["find_products"]


def find_products(graph: Lowered, shapes: SampleShapes) -> dict[str, Found]:
    """Find the products of a graph and rewrite their drafts in place to ``crossbar.product(x)``.

    A convolution that pads more on one side than on the other gets a padding operation before it.

    Returns
    -------
    dict
        Draft name -> product.

    Raises
    ------
    CaptureError
        For a convolution whose input has no batch axis.
    """
    found: dict[str, Found] = {}
    drafts: list[Draft] = []
    for draft in graph.drafts:
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


Match = tuple[Ref, Found, tuple[int, ...]]
"""Input of a product, the product, and extra zeros (left, right, top, bottom) before it."""

_NO_PADDING = (0, 0, 0, 0)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    sizes = (value,) if isinstance(value, int) else tuple(value)
    return (sizes[0], sizes[-1])


def _is_constant(value: Any, graph: Lowered, dims: int) -> bool:
    if not isinstance(value, Ref) or value.name not in graph.constants:
        return False
    tensor = graph.constants[value.name]
    return tensor.dim() == dims and tensor.is_floating_point()


def _has_usable_bias(bias: Any, graph: Lowered) -> bool:
    return bias is None or _is_constant(bias, graph, 1)


def _conv2d(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not _is_constant(weight, graph, 4) or not _has_usable_bias(bias, graph):
        return None
    if not isinstance(x, Ref) or named.get("transposed", False):
        return None
    traced = graph.values[x.name]
    if traced.axes != 4:
        raise CaptureError(
            f"{draft.path or draft.base}: a convolution of {traced.axes} axes; give the example"
            " inputs a batch axis"
        )
    if len(shapes.shape(draft.name, traced)) != 3:
        # Several images a sample (frames of a clip): one node of a workload stands for one image.
        return None
    kernel, dilation = tuple(graph.constants[weight.name].shape[2:]), _pair(named["dilation"])
    padding, extra = _padding(named["padding"], kernel, dilation)
    found = Found(
        "conv2d",
        graph.constants[weight.name],
        weight.name,
        None if bias is None else graph.constants[bias.name],
        {
            "stride": _pair(named["stride"]),
            "padding": padding,
            "dilation": dilation,
            "groups": named["groups"],
        },
    )
    return x, found, extra


def _padding(
    padding: Any, kernel: tuple[int, ...], dilation: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return symmetric padding, and the zeros that ``"same"`` adds on the right and bottom."""
    if padding == "valid":
        return (0, 0), _NO_PADDING
    if padding == "same":
        height, width = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
        return (height // 2, width // 2), (0, width % 2, 0, height % 2)
    return _pair(padding), _NO_PADDING


def _pad_draft(draft: Draft, graph: Lowered, x: Ref, padding: tuple[int, ...]) -> Draft:
    before = graph.values[x.name]
    batch, channels, height, width = before.shape
    left, right, top, bottom = padding
    shape = (batch, channels, height + top + bottom, width + left + right)
    value = replace(before, shape=shape)
    name = f"{draft.name}.pad"
    graph.values[name] = value
    args = (x, list(padding), 0.0)
    return Draft(name, "aten.constant_pad_nd.default", args, {}, value, draft.path)


def _linear(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not _is_constant(weight, graph, 2) or not _has_usable_bias(bias, graph):
        return None
    stored = graph.constants[weight.name]
    return _matrix(x, weight, stored, None if bias is None else graph.constants[bias.name], graph)


def _matmul(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    weight = named["other"] if "other" in named else named["mat2"]
    if not _is_constant(weight, graph, 2):
        return None
    return _matrix(named["self"], weight, graph.constants[weight.name].t(), None, graph)


def _addmm(
    draft: Draft, named: Mapping[str, Any], graph: Lowered, shapes: SampleShapes
) -> Match | None:
    weight, added = named["mat2"], named["self"]
    if not _is_constant(weight, graph, 2) or not isinstance(added, Ref):
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
    return x, Found("linear", matrix, weight.name, bias, {}), _NO_PADDING


_RECOGNISERS = {
    "conv2d": _conv2d,
    "convolution": _conv2d,
    "linear": _linear,
    "addmm": _addmm,
    "mm": _matmul,
    "matmul": _matmul,
}
