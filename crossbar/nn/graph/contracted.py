"""Contractions with a constant weight, however they are written: as a linear layer.

``einsum``, ``tensordot`` and products with the weight on the left become a permutation of the
input, a linear layer, and a permutation of its result.
"""

from __future__ import annotations

from math import prod
from string import ascii_letters
from typing import Any

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
    return _contract(expansion, operands, terms, out)


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
    return _contract(expansion, operands, ["".join(first), "".join(second)], "".join(out))


def _left_matmul(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    operands = [named["self"], named["other"] if "other" in named else named["mat2"]]
    if not isinstance(operands[1], Ref) or not is_constant(operands[0], expansion.graph, 2):
        return None
    axes = expansion.value(operands[1]).axes
    if axes < 2:
        return None
    more = ascii_letters[3 : axes + 1]
    return _contract(expansion, operands, ["ab", f"{more}bc"], f"{more}ac")


def _contract(expansion: Expansion, operands: list[Ref], terms: list[str], out: str) -> Ref | None:
    """Write a sum of products over shared letters as a linear layer, where it is one."""
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
        return None
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
    "matmul": _left_matmul,
    "mm": _left_matmul,
}
