"""Contractions with a constant weight, however they are written: as a linear layer.

``einsum``, ``tensordot`` and products with the weight on the left become a permutation of the
input, a linear layer, and a permutation of its result.  Stacks of matrices that are multiplied
each with its own part of the input become grouped convolutions (`crossbar.nn.graph.grouped`).
"""

from __future__ import annotations

from math import prod
from string import ascii_letters
from typing import Any

from crossbar.nn.graph.grouped import grouped
from crossbar.nn.graph.rewrite import Expansion, Rule, is_constant
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["RULES"]


def _einsum(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    left, arrow, out = str(named["equation"]).replace(" ", "").partition("->")
    terms, operands = left.split(","), list(named["tensors"])
    if len(operands) != 2 or not all(isinstance(operand, Ref) for operand in operands):
        return None
    # three dots stand for axes without a letter
    axes = [expansion.value(operand).axes for operand in operands]
    lost = {n - len(t.replace("...", "")) for t, n in zip(terms, axes, strict=True) if "..." in t}
    if len(lost) > 1:
        return None
    free = [letter for letter in ascii_letters if letter not in left]
    dots = "".join(free[: max(lost, default=0)])
    if not arrow:
        used = "".join(terms).replace(".", "")
        out = "..." + "".join(sorted(letter for letter in set(used) if used.count(letter) == 1))
    terms, out = [term.replace("...", dots) for term in terms], out.replace("...", dots)
    return _contract(expansion, operands, terms, out, shapes)


def _tensordot(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    operands = [named["self"], named["other"]]
    if not all(isinstance(operand, Ref) for operand in operands):
        return None
    axes = [expansion.value(operand).axes for operand in operands]
    letters = list(ascii_letters[: sum(axes)])
    first, second = letters[: axes[0]], letters[axes[0] :]
    for a, b in zip(named["dims_self"], named["dims_other"], strict=True):
        second[b] = first[a]
    out = [letter for letter in first if letter not in second]
    out += [letter for letter in second if letter not in first]
    return _contract(expansion, operands, ["".join(first), "".join(second)], "".join(out), shapes)


def _matmul(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    """Multiply as `torch.matmul` does: vectors have no axis of their own in the result."""
    other = next(key for key in ("other", "mat2", "vec", "tensor") if key in named)
    return _stacked(expansion, [named["self"], named[other]], shapes)


def _baddbmm(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    """Write the sum of a batched product and a tensor as the two."""
    operands = [named["batch1"], named["batch2"]]
    y = _stacked(expansion, operands, shapes)
    if y is None or named["alpha"] != 1 or named["beta"] != 1:
        return None
    return expansion.add("aten.add.Tensor", (y, named["self"]), expansion.origin.first)


def _stacked(expansion: Expansion, operands: list[Any], shapes: SampleShapes) -> Ref | None:
    """Multiply matrices, or stacks of them that are stretched to each other."""
    if not all(isinstance(operand, Ref) for operand in operands):
        return None
    constants, axes = expansion.graph.constants, [expansion.value(n).axes for n in operands]
    constant = [operand.name in constants for operand in operands]
    place = 0 if constant[0] else 1
    is_layer = place == 1 and axes[1] == 2
    if constant[0] == constant[1] or is_layer or min(axes) < 1 or axes[1 - place] < 2:
        return None
    ends = ["ab"[-min(axes[0], 2) :], "bc"[: min(axes[1], 2)]]
    stack = ascii_letters[3 : 1 + max(axes)]
    terms = [stack[len(stack) - max(0, n - 2) :] + end for n, end in zip(axes, ends, strict=True)]
    out = stack + "".join(ends).replace("b", "")
    # what is stretched to the other has an axis of one, which is left out
    for k in (place, 1 - place):
        sizes = expansion.value(operands[k]).shape
        ones = [
            i
            for i, letter in enumerate(terms[k])
            if letter in stack and sizes[i] == 1 and letter in terms[1 - k]
        ]
        if not ones:
            continue
        left = tuple(size for i, size in enumerate(sizes) if i not in ones)
        terms[k] = "".join(letter for i, letter in enumerate(terms[k]) if i not in ones)
        if k == place:
            tensor = constants[operands[k].name].reshape(left)
            operands[k] = expansion.constant(operands[k], tensor)
        else:
            operands[k] = expansion.add("aten.squeeze.dims", (operands[k], ones), left)
    return _contract(expansion, operands, terms, out, shapes)


def _contract(
    expansion: Expansion, operands: list[Ref], terms: list[str], out: str, shapes: SampleShapes
) -> Ref | None:
    """Write a sum of products over shared letters as a linear layer, or several side by side."""
    graph = expansion.graph
    constant = [operand.name in graph.constants for operand in operands]
    if constant[0] == constant[1]:
        return None
    place = 0 if constant[0] else 1
    weight, x, of_weight, of_x = (
        operands[place],
        operands[1 - place],
        terms[place],
        terms[1 - place],
    )
    summed = [letter for letter in of_weight if letter not in out]
    kept = [letter for letter in of_x if letter in out]
    new = [letter for letter in of_weight if letter in out]
    sound = (
        is_constant(weight, graph, *range(1, 9))
        and all(len(set(term)) == len(term) for term in (of_weight, of_x, out))
        and set(of_x) == {*summed, *kept}
        and set(out) == {*kept, *new}
        and not set(kept) & set(new)
        and bool(summed)
        and bool(kept)
    )
    if not sound or len(expansion.value(x).shape) != len(of_x):
        return grouped(expansion, (x, weight), (of_x, of_weight), out, shapes)
    stored = graph.constants[weight.name]
    sizes = dict(zip(of_weight, stored.shape, strict=True))
    inputs, outputs = (prod(sizes[letter] for letter in part) for part in (summed, new))
    matrix = stored.permute([of_weight.index(n) for n in (*new, *summed)]).reshape(outputs, inputs)
    x = expansion.permuted(x, [of_x.index(letter) for letter in (*kept, *summed)])
    maps = expansion.value(x).shape[: len(kept)]
    if len(summed) > 1:
        x = expansion.add("aten.flatten.using_ints", (x, len(kept), -1), (*maps, inputs))
    weight = expansion.constant(weight, matrix)
    y = expansion.add("aten.linear.default", (x, weight, None), (*maps, outputs))
    found = [sizes[letter] for letter in new]
    if not new:
        y = expansion.add("aten.squeeze.dim", (y, -1), tuple(maps))
    elif len(new) > 1:
        y = expansion.add("aten.unflatten.int", (y, -1, found), (*maps, *found))
    order = [*kept, *new]
    return expansion.permuted(y, [order.index(letter) for letter in out])


RULES: dict[str, Rule] = {
    "einsum": _einsum,
    "tensordot": _tensordot,
    "baddbmm": _baddbmm,
    **dict.fromkeys(("bmm", "matmul", "mm", "mv"), _matmul),
}
