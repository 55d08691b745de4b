"""Whether a graph makes sense: every problem at once, one line each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from crossbar.errors import WorkloadError, did_you_mean
from crossbar.workload.graph import CONVOLUTIONS, KINDS, Matrix, Node, Workload
from crossbar.workload.lengths import LENGTHS, length_problems
from crossbar.workload.shapes import Shape, infer_shape, shape_text
from crossbar.workload.work import CELL_WORK

__all__ = ["find_problems", "validate"]

WINDOW = ("kernel", "stride", "padding", "dilation")

REQUIRED_ATTRS = {
    **dict.fromkeys(CONVOLUTIONS, ("in_channels", "out_channels", *WINDOW, "groups", "bias")),
    "attention": ("heads", "queries", "keys", "width", "value_width"),
    "dynamic": ("groups", "rows", "cols"),
    "linear": ("in_features", "out_features", "bias"),
    "overlap_add": (*WINDOW, "output_padding"),
    **dict.fromkeys(("pool_avg", "pool_max"), WINDOW[:3]),
}

RECURRENT = ("forward", "backward")

OPTIONAL = ("attention", "overlap_add", "pool_avg", "pool_max")
"""Kinds that may go without what is required of them, but give all of it or nothing."""

MAY_HAVE_NO_INPUT = ("attention", "concat", "embedding", "input", "matmul", "other", "reshape")
"""Kinds that a captured graph may apply to constants alone."""


def validate(workload: Workload) -> None:
    """Check a graph.

    Parameters
    ----------
    workload : Workload

    Raises
    ------
    WorkloadError
        With a line for every problem: unknown kinds, missing or later producers, names used twice,
        missing or wrong attributes, shapes that do not follow from the inputs, shared weights of
        different size, unknown outputs.
    """
    problems = find_problems(workload.name, dict(enumerate(workload.nodes)), workload.outputs)
    if problems:
        raise WorkloadError(problems)


def find_problems(
    source: str,
    nodes: Mapping[int, Node],
    outputs: Sequence[Any],
    unreadable: Iterable[str] = (),
) -> list[str]:
    """Return a line for every problem of a graph.

    Parameters
    ----------
    source : str
        What the lines begin with: a file name, a workload's name.
    nodes : mapping of int to Node
        Position in the graph -> node; the fields may hold anything.
    outputs : sequence
        Names of the outputs; the items may be anything.
    unreadable : iterable of str
        Names of nodes that could not be read; they count as known.
    """
    problems: list[str] = []
    first: dict[str, int] = {}
    shapes: dict[str, Shape] = {}
    matrices: dict[str, tuple[str, Matrix]] = {}
    for position, node in nodes.items():
        if isinstance(node.name, str):
            first.setdefault(node.name, position)
    known = {*first, *unreadable}
    for position, node in nodes.items():
        found = list(_field_problems(node))
        if isinstance(node.name, str) and first[node.name] != position:
            found.append(f"name: {node.name!r} is also nodes.{first[node.name]}; names are unique")
        if not found:
            found += _edge_problems(position, node, first, known)
            found += _attr_problems(node)
            if not found:
                found += _shape_problems(node, shapes)
                found += _weight_problems(node, matrices)
                shapes.setdefault(node.name, node.shape)
        where = f"nodes.{position} ({node.name})" if node.name else f"nodes.{position}"
        problems += [f"{source}: {where}: {line}" for line in found]
    if not nodes and not known:
        problems.append(f"{source}: nodes: empty; a workload has at least one node")
    if not outputs:
        problems.append(f"{source}: outputs: empty; name the nodes whose values leave the network")
    for name in outputs:
        if not isinstance(name, str) or name not in known:
            problems.append(f"{source}: outputs: {_unknown_node(name, known)}")
    return problems


def _unknown_node(name: object, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known) if isinstance(name, str) else ""
    return f"no node is called {name!r}{hint}"


def _field_problems(node: Node) -> Iterator[str]:
    """Yield what makes the fields of a node unusable, whatever the other nodes are."""
    if not isinstance(node.name, str) or not node.name:
        yield f"name: {node.name!r} is not a non-empty text"
    if not isinstance(node.kind, str) or node.kind not in KINDS:
        hint = did_you_mean(str(node.kind), KINDS)
        yield f"kind: unknown kind {node.kind!r}{hint}; known: {', '.join(KINDS)}"
    if not isinstance(node.inputs, tuple) or not all(isinstance(n, str) for n in node.inputs):
        yield f"inputs: {_shown(node.inputs)} is not a list of node names"
    if not _are_counts(node.shape, 1):
        yield f"shape: {_shown(node.shape)} is not a list of integers >= 1"
    if node.weight is not None and not isinstance(node.weight, str):
        yield f"weight: {node.weight!r} is not a text"
    if not isinstance(node.attrs, Mapping):
        yield f"attrs: {node.attrs!r} is not an object"
    else:
        yield from _json_problems("attrs", node.attrs)


def _json_problems(where: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _json_problems(f"{where}.{key}", item)
            else:
                yield f"{where}: key {key!r} is not a text"
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _json_problems(f"{where}.{position}", item)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: {value} is not a finite number"
    elif value is not None and not isinstance(value, bool | int | float | str):
        yield f"{where}: {type(value).__name__} cannot be written as JSON"


def _edge_problems(
    position: int, node: Node, first: Mapping[str, int], known: Iterable[str]
) -> Iterator[str]:
    for name in node.inputs:
        if name not in known:
            yield f"inputs: {_unknown_node(name, known)}"
        elif first.get(name, -1) >= position:
            yield f"inputs: {name!r} does not stand before this node; producers come first"
    if node.kind == "input" and node.inputs:
        yield f"inputs: an input has none, got {len(node.inputs)}"
    elif node.is_dynamic and len(node.inputs) != 2:
        yield f"inputs: a dynamic has two, what drives and what is stored, got {len(node.inputs)}"
    elif node.is_product and not node.is_dynamic and len(node.inputs) != 1:
        yield f"inputs: a {node.kind} has exactly one, got {len(node.inputs)}"
    elif not node.inputs and node.kind not in MAY_HAVE_NO_INPUT:
        yield "inputs: empty; only an input or an operation on constants has no producer"


def _attr_problems(node: Node) -> Iterator[str]:
    attrs = node.attrs
    if LENGTHS in attrs:
        yield from length_problems(node)
    if not _is_count(attrs.get("operations", 0), 0):
        yield f"attrs.operations: {attrs['operations']!r} is not an integer >= 0"
    if node.is_product and not node.weight:
        yield f"weight: missing; a {node.kind} names its weight, e.g. '{node.name}.weight'"
    required = REQUIRED_ATTRS.get(node.kind, ())
    axes = max(len(node.shape) - 1, 1)
    if node.kind in CONVOLUTIONS:
        axes = 1 + CONVOLUTIONS.index(node.kind)
    elif node.kind in OPTIONAL and not any(key in attrs for key in required):
        required = ()
    for key in required:
        if key not in attrs:
            near = get_close_matches(key, [k for k in attrs if k not in required], n=1)
            found = f" (there is {near[0]!r})" if near else ""
            article = "an" if node.kind[0] in "aeiou" else "a"
            yield f"attrs.{key}: missing{found}; {article} {node.kind} has {', '.join(required)}"
    windows = {"kernel": 1, "stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
    for key in [k for k in attrs if k in {*required, *(windows if required else ())}]:
        value = attrs[key]
        if key in windows:
            least = windows[key]
            if not _are_counts(value, least) or len(value) != axes:
                some = "1 integer" if axes == 1 else f"{axes} integers"
                yield f"attrs.{key}: {_shown(value)} is not {some} >= {least}"
        elif key == "bias":
            if not isinstance(value, bool):
                yield f"attrs.bias: {value!r} is not true or false"
        elif not _is_count(value, 1):
            yield f"attrs.{key}: {value!r} is not an integer >= 1"
        elif key == "groups":
            for channels in ("in_channels", "out_channels"):
                count = attrs.get(channels)
                if _is_count(count, 1) and count % value:
                    yield f"attrs.groups: {value} does not divide {channels} = {count}"
    if node.kind == "linear" and attrs.get("recurrent", "forward") not in RECURRENT:
        yield f"attrs.recurrent: {attrs['recurrent']!r} is not one of {', '.join(RECURRENT)}"
    if node.kind == "cell" and attrs.get("operator") not in CELL_WORK:
        yield f"attrs.operator: {attrs.get('operator')!r} is not one of {', '.join(CELL_WORK)}"
    if node.kind == "concat" and not _is_count(attrs.get("axis", 0), 0):
        yield f"attrs.axis: {attrs['axis']!r} is not an integer >= 0"


def _shape_problems(node: Node, shapes: Mapping[str, Shape]) -> Iterator[str]:
    if not node.inputs or any(name not in shapes for name in node.inputs):
        return  # a producer that is itself wrong is reported once, there
    try:
        expected = infer_shape(node.kind, node.attrs, [shapes[name] for name in node.inputs])
    except ValueError as error:
        yield f"inputs: {error}"
        return
    if expected is not None and expected != node.shape:
        yield (
            f"shape: {shape_text(node.shape)} given, but {shape_text(expected)} follows from its"
            " inputs and attrs"
        )


def _weight_problems(node: Node, matrices: dict[str, tuple[str, Matrix]]) -> Iterator[str]:
    """Remember a product's matrix; nodes that share a weight must agree on it."""
    if not node.is_product or node.weight is None:
        return
    other, matrix = matrices.setdefault(node.weight, (node.name, node.matrix))
    if matrix != node.matrix:
        yield (
            f"weight: {node.weight!r} is {_matrix_text(node.matrix)} here and"
            f" {_matrix_text(matrix)} in {other!r}; a shared weight has one size"
        )


def _matrix_text(matrix: Matrix) -> str:
    groups = f"{matrix.groups} groups of " if matrix.groups > 1 else ""
    return f"{groups}{matrix.rows} x {matrix.cols}"


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_counts(value: object, least: int) -> bool:
    return isinstance(value, tuple) and all(_is_count(n, least) for n in value)


def _shown(value: object) -> str:
    """Show a value as JSON writes it: lists in square brackets."""
    return str(list(value)) if isinstance(value, tuple) else repr(value)
