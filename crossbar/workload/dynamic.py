"""Products of two activations as products with a matrix that is programmed while the network runs.

Attention is two such products, ``Q K^T`` and ``softmax(..) V``: on crossbars the keys, and then the
values, of every head are written into cells for each sample, and queries and probabilities drive
the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from crossbar.workload.graph import Node, Workload
from crossbar.workload.lengths import LENGTHS, tag_lengths, tokens_of, with_tokens
from crossbar.workload.operations import softmax_operations
from crossbar.workload.shapes import Shape, broadcast

__all__ = ["CONTEXT", "SCORES", "with_dynamic_products"]

SCORES, CONTEXT = ".scores", ".context"
"""What the two products of a fused attention are called, after its own name."""


_OPERANDS = {"matmul": 2, "bmm": 2, "mm": 2, "baddbmm": 3}


def with_dynamic_products(workload: Workload) -> Workload:
    """Return the network with its products of activations as nodes of kind ``dynamic``.

    A fused attention becomes scores, their scale and mask, softmax and context.  A product that
    does not say enough about itself (an attention without its sizes, operands that are broadcast)
    stays as it is, digital.

    Parameters
    ----------
    workload : Workload
    """
    expanded, tokens = _expanded(workload), tokens_of(workload)
    if expanded is workload or tokens is None:
        return expanded
    most = [rule["most"] for rule in _rules(workload) if "most" in rule]
    free = _without_most(workload)
    lengths = (tokens + 1, tokens + 2, 2 * tokens + 3)
    others = {n: _expanded(with_tokens(free, n)) for n in lengths}
    return tag_lengths(expanded, tokens, others, min(most, default=None))


def _rules(workload: Workload) -> list[Mapping[str, Any]]:
    return [node.attrs[LENGTHS] for node in workload if LENGTHS in node.attrs]


def _without_most(workload: Workload) -> Workload:
    """Return the network without the longest sequence that it takes."""
    nodes = []
    for node in workload:
        attrs = dict(node.attrs)
        if LENGTHS in attrs:
            attrs[LENGTHS] = {k: v for k, v in attrs[LENGTHS].items() if k != "most"}
        nodes.append(replace(node, attrs=attrs))
    return replace(workload, nodes=tuple(nodes))


def _expanded(workload: Workload) -> Workload:
    """Write every product of activations out, without rules of lengths."""
    shapes: dict[str, Shape] = {}
    renamed: dict[str, str] = {}
    nodes: list[Node] = []
    for node in workload:
        inputs = tuple(renamed.get(name, name) for name in node.inputs)
        parts = _parts(replace(node, inputs=inputs), shapes)
        shapes.update((part.name, part.shape) for part in parts)
        renamed[node.name] = parts[-1].name
        nodes += parts
    if not any(node.is_dynamic for node in nodes):
        return workload
    outputs = tuple(renamed[name] for name in workload.outputs)
    return Workload(workload.name, tuple(nodes), outputs)


def _parts(node: Node, shapes: Mapping[str, Shape]) -> list[Node]:
    """Write one node out; most stay what they are."""
    if node.kind == "attention" and "queries" in node.attrs and len(node.inputs) >= 3:
        return _attention(node, shapes)
    if node.kind == "matmul" and _is_plain(node):
        # a third operand, of baddbmm, is added to the product and comes first
        *added, left, right = node.inputs
        rows = shapes[left][-1] if shapes[left] else 0
        if _multiplies(shapes[left], shapes[right], node.shape):
            product = _dynamic(node.name, (left, right), node.shape, rows)
            if not added:
                return [product]
            sum_name = f"{node.name}.sum"
            return [product, Node(sum_name, "add", (product.name, *added), node.shape)]
    return [node]


def _is_plain(node: Node) -> bool:
    """Whether it multiplies two operands, or adds a third to that; not what einsum may do."""
    return _OPERANDS.get(node.attrs.get("operator", "matmul"), 0) >= len(node.inputs) >= 2


def _multiplies(left: Shape, right: Shape, shape: Shape) -> bool:
    """Whether ``(..., m, k) @ (..., k, n)`` is what it looks like, nothing stretched."""
    return (
        min(len(left), len(right), len(shape)) >= 2
        and left[:-2] == right[:-2] == shape[:-2]
        and left[-1] == right[-2]
        and (left[-2], right[-1]) == shape[-2:]
    )


def _attention(node: Node, shapes: Mapping[str, Shape]) -> list[Node]:
    heads, queries, keys, width = (
        int(node.attrs[key]) for key in ("heads", "queries", "keys", "width")
    )
    query, key, value, *mask = node.inputs
    shape = (*node.shape[:-2], queries, keys)
    sizes = {
        query: queries * width,
        key: keys * width,
        value: keys * int(node.attrs["value_width"]),
    }
    if prod(shape) != heads * queries * keys or any(
        prod(shapes[name]) != heads * size for name, size in sizes.items()
    ):
        return [node]
    scores, scale, masked, softmax, context = (
        node.name + end for end in (SCORES, ".scale", ".mask", ".softmax", CONTEXT)
    )
    found = [
        _dynamic(scores, (query, key), shape, width),
        Node(scale, "mul", (scores,), shape),
    ]
    if mask and broadcast([shape, *(shapes[name] for name in mask)]) == shape:
        found.append(Node(masked, "add", (scale, *mask), shape))
    attrs = {"operations": softmax_operations(shape)}
    return [
        *found,
        Node(softmax, "softmax", (found[-1].name,), shape, attrs),
        _dynamic(context, (softmax, value), node.shape, keys),
    ]


def _dynamic(name: str, inputs: tuple[str, str], shape: Shape, rows: int) -> Node:
    attrs = {"groups": prod(shape[:-2]), "rows": rows, "cols": shape[-1]}
    return Node(name, "dynamic", inputs, shape, attrs, name)
