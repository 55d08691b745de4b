"""Networks of tokens at other lengths: which sizes and numbers follow the tokens, and how.

A node that depends on the number of tokens says so in its attribute ``lengths``::

    {"tokens": 128, "shape": ((1, 1, 0),), "attrs": {"operations": (0, 6, 2)}, "most": 512}

Axis 1 of its shape has ``1 * tokens + 0`` elements, and its ``operations`` are ``0 + 6 * tokens + 2
* tokens**2`` (an attribute of several numbers has a row of coefficients for each).  ``most``, on
inputs alone, is the longest sequence that the network takes, where that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from crossbar.errors import InputError
from crossbar.workload.graph import Node, Workload

__all__ = ["LENGTHS", "length_problems", "tag_lengths", "tokens_of", "with_tokens"]

LENGTHS = "lengths"
"""The attribute."""

_KEYS = ("tokens", "shape", "attrs", "most")
_FITTED = 3


def tag_lengths(
    workload: Workload, tokens: int, others: Mapping[int, Workload], most: int | None = None
) -> Workload:
    """Write down how the sizes and numbers of a network follow its tokens.

    Sizes are straight lines (``a * tokens + b``), numbers in the attributes parabolas.  Both are
    found from three of the lengths and must be right at all others.

    Parameters
    ----------
    workload : Workload
        At ``tokens``.
    tokens : int
    others : mapping of int to Workload
        The same network at three other lengths or more.
    most : int, optional
        Longest sequence that it takes.

    Returns
    -------
    Workload
        The same, with the attribute ``lengths`` at the nodes that depend on the tokens.

    Raises
    ------
    InputError
        Naming the node: another graph at another length, or a size that follows no such rule.
    """
    if len(others) < _FITTED or tokens in others:
        raise InputError(
            f"{workload.name}: lengths are found from {_FITTED} others or more, got"
            f" {sorted(others)} beside {tokens}"
        )
    at = {tokens: workload, **others}
    names = [node.name for node in workload]
    for length, other in at.items():
        if [node.name for node in other] != names or other.outputs != workload.outputs:
            raise InputError(f"{workload.name}: at {length} tokens it has other nodes")
    nodes = []
    for place, node in enumerate(workload.nodes):
        rule = _rule(workload.name, tokens, {n: w.nodes[place] for n, w in at.items()})
        if rule and node.kind == "input" and most is not None:
            rule["most"] = most
        nodes.append(replace(node, attrs={**node.attrs, LENGTHS: rule}) if rule else node)
    return replace(workload, nodes=tuple(nodes))


def tokens_of(workload: Workload) -> int | None:
    """Return the tokens of a network, or None where nothing is known to follow tokens."""
    found = (node.attrs[LENGTHS]["tokens"] for node in workload if LENGTHS in node.attrs)
    return next((int(tokens) for tokens in found), None)


def with_tokens(workload: Workload, tokens: int) -> Workload:
    """Return a network at another length.

    Parameters
    ----------
    workload : Workload
        With ``lengths`` (the transformers of the zoo, captured networks of tokens).
    tokens : int
        1 or more.

    Raises
    ------
    InputError
        A network whose length is fixed, a length that is no whole number or out of range, a node
        that has no size at this length.
    """
    now = tokens_of(workload)
    if now is None:
        raise InputError(
            f"{workload.name}: it has no tokens to choose a number of: its nodes give no 'lengths'"
        )
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 1:
        raise InputError(f"tokens: {tokens!r} is not a whole number of 1 or more")
    if tokens == now:
        return workload
    most = [n.attrs[LENGTHS]["most"] for n in workload if "most" in n.attrs.get(LENGTHS, {})]
    if most and tokens > min(most):
        raise InputError(f"tokens: {tokens}, but {workload.name} takes {min(most)} at most")
    return replace(workload, nodes=tuple(_at(workload.name, n, tokens) for n in workload))


def length_problems(node: Node) -> Iterator[str]:
    """Yield what is wrong with a node's ``lengths``, the sums against its sizes among it."""
    rule = node.attrs.get(LENGTHS)
    where = f"attrs.{LENGTHS}"
    if not isinstance(rule, Mapping):
        yield f"{where}: {rule!r} is not an object"
        return
    for key in rule:
        if key not in _KEYS:
            yield f"{where}.{key}: unknown key; allowed: {', '.join(_KEYS)}"
    tokens: Any = rule.get("tokens")
    if not _is_whole(tokens) or tokens < 1:
        yield f"{where}.tokens: {tokens!r} is not an integer >= 1"
        return
    sizes, numbers = rule.get("shape", ()), rule.get("attrs", {})
    for line in sizes if isinstance(sizes, Sequence) else [sizes]:
        if not _are_numbers(line, 3) or not 0 <= line[0] < len(node.shape):
            yield f"{where}.shape: {line!r} is not [axis, a, b] of an axis of the shape"
        elif line[1] * tokens + line[2] != node.shape[int(line[0])]:
            yield (
                f"{where}.shape: {line[1]} * {tokens} + {line[2]} is not"
                f" {node.shape[int(line[0])]}, the size of axis {line[0]}"
            )
    if not isinstance(numbers, Mapping):
        yield f"{where}.attrs: {numbers!r} is not an object"
        return
    for name, rows in numbers.items():
        value = node.attrs.get(name)
        pairs = _pairs(value, rows)
        if pairs is None:
            yield f"{where}.attrs.{name}: {rows!r} is not [c0, c1, c2] for each number of {value!r}"
        elif any(_number(row, tokens) != one for one, row in pairs):
            yield f"{where}.attrs.{name}: {rows!r} at {tokens} tokens is not {value!r}"


def _rule(name: str, tokens: int, at: Mapping[int, Node]) -> dict[str, Any]:
    """Find the rule of a node; empty where nothing depends on the tokens."""
    node = at[tokens]
    for length, other in at.items():
        same = (other.kind, other.inputs, other.weight, len(other.shape), set(other.attrs))
        if same != (node.kind, node.inputs, node.weight, len(node.shape), set(node.attrs)):
            raise InputError(f"{name}: {node.name}: at {length} tokens it is another operation")
    sizes = []
    for axis in range(len(node.shape)):
        c0, c1, c2 = _fitted(name, node, {n: x.shape[axis] for n, x in at.items()})
        if c2:
            raise InputError(f"{name}: {node.name}: axis {axis} does not grow with the tokens")
        if c1:
            sizes.append((axis, c1, c0))
    numbers: dict[str, Any] = {}
    for key, value in node.attrs.items():
        values = {n: x.attrs[key] for n, x in at.items()}
        if key == LENGTHS or all(other == value for other in values.values()):
            continue
        if all(_is_whole(x) for x in values.values()):
            numbers[key] = _fitted(name, node, values)
        elif all(isinstance(x, tuple) and len(x) == len(value) for x in values.values()):
            columns = [{n: x[i] for n, x in values.items()} for i in range(len(value))]
            numbers[key] = tuple(_fitted(name, node, column) for column in columns)
        else:
            raise InputError(f"{name}: {node.name}: {key} follows the tokens by no rule")
    if not sizes and not numbers:
        return {}
    return {"tokens": tokens, "shape": tuple(sizes), "attrs": numbers}


def _fitted(name: str, node: Node, values: Mapping[int, Any]) -> tuple[int | float, ...]:
    """Put a parabola through three values; the others must lie on it."""
    if not all(_is_whole(value) for value in values.values()):
        raise InputError(f"{name}: {node.name}: {values!r} follows the tokens by no rule")
    points = list(values.items())
    (x0, y0), (x1, y1), (x2, y2) = points[:_FITTED]
    first, second = Fraction(y1 - y0, x1 - x0), Fraction(y2 - y1, x2 - x1)
    c2 = (second - first) / (x2 - x0)
    c1 = first - c2 * (x0 + x1)
    c0 = y0 - c1 * x0 - c2 * x0 * x0
    for x, y in points:
        if c0 + c1 * x + c2 * x * x != y:
            raise InputError(f"{name}: {node.name}: {y} at {x} tokens follows no parabola")
    return tuple(_plain(c) for c in (c0, c1, c2))


def _plain(value: Fraction) -> int | float:
    """Halves and quarters are exact floats; anything else would not give whole numbers."""
    return value.numerator if value.denominator == 1 else float(value)


def _at(name: str, node: Node, tokens: int) -> Node:
    rule = node.attrs.get(LENGTHS)
    if rule is None:
        return node
    shape = list(node.shape)
    for axis, a, b in rule.get("shape", ()):
        shape[axis] = int(a * tokens + b)
    attrs = dict(node.attrs)
    for key, rows in rule.get("attrs", {}).items():
        value = attrs[key]
        if isinstance(value, tuple):
            attrs[key] = tuple(int(_number(row, tokens)) for row in rows)
        else:
            attrs[key] = int(_number(rows, tokens))
    if min(shape, default=1) < 1:
        raise InputError(f"{name}: {node.name}: of {tokens} tokens nothing is left ({shape})")
    attrs[LENGTHS] = {**rule, "tokens": tokens}
    return replace(node, shape=tuple(shape), attrs=attrs)


def _number(row: Sequence[float], tokens: int) -> float:
    return row[0] + row[1] * tokens + row[2] * tokens * tokens


def _pairs(value: object, rows: object) -> list[tuple[Any, Any]] | None:
    """Pair each number with its coefficients; None where they are not that."""
    listed = [(value, rows)] if not isinstance(value, tuple) else None
    if listed is None:
        if not isinstance(rows, tuple) or not isinstance(value, tuple) or len(rows) != len(value):
            return None
        listed = list(zip(value, rows, strict=True))
    fine = all(_is_whole(one) and _are_numbers(row, 3) for one, row in listed)
    return listed if fine else None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_numbers(value: object, count: int) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == count
        and all(isinstance(x, int | float) and not isinstance(x, bool) for x in value)
    )
