"""Products of several matrices, each with its own part of the input: as a grouped convolution.

``einsum("bthd,hde->bthe")``, ``bmm`` and ``matmul`` with a stack of constant matrices are a
convolution with a kernel of one, a group for each matrix, over the axes that are left.
"""

from __future__ import annotations

from math import prod

from crossbar.nn.graph.rewrite import Expansion, is_constant
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["grouped"]

_MOST = 3  # axes of a convolution


def grouped(
    expansion: Expansion,
    operands: tuple[Ref, Ref],
    terms: tuple[str, str],
    out: str,
    shapes: SampleShapes,
) -> Ref | None:
    """Write a contraction whose matrices are told apart by shared letters as a convolution.

    Parameters
    ----------
    expansion : Expansion
    operands : (Ref, Ref)
        Data and weight.
    terms : (str, str)
        A letter for each of their axes.
    out : str
        Letters of the result.
    shapes : SampleShapes

    Returns
    -------
    Ref or None
        None where it is no such product, or where none of its axes counts samples.
    """
    (x, weight), (of_x, of_weight), graph = operands, terms, expansion.graph
    groups = [letter for letter in of_weight if letter in of_x and letter in out]
    summed = [letter for letter in of_weight if letter in of_x and letter not in out]
    new = [letter for letter in of_weight if letter not in of_x]
    kept = [letter for letter in of_x if letter not in of_weight]
    sound = (
        is_constant(weight, graph, *range(2, 9))
        and all(len(set(term)) == len(term) for term in (of_weight, of_x, out))
        and set(out) == {*groups, *new, *kept}
        and len(expansion.value(x).shape) == len(of_x)
        and bool(groups)
        and bool(summed)
    )
    if not sound:
        return None
    stored = graph.constants[weight.name]
    sizes = dict(zip(of_weight, stored.shape, strict=True))
    given = dict(zip(of_x, expansion.value(x).shape, strict=True))
    if any(given[letter] != sizes[letter] for letter in (*groups, *summed)):
        return None
    batch, parts = _batch(expansion, x, of_x, shapes)
    if batch not in kept or len(kept) - 1 + (parts > 1) > _MOST:
        return None
    others = [letter for letter in kept if letter != batch]
    each, rows, cols = (prod(sizes[n] for n in part) for part in (groups, summed, new))
    # (batch, groups * rows, *others)
    x = expansion.permuted(x, [of_x.index(n) for n in (batch, *groups, *summed, *others)])
    maps = [given[letter] for letter in others]
    if len(groups) + len(summed) > 1:
        shape = (given[batch], each * rows, *maps)
        x = expansion.add("aten.flatten.using_ints", (x, 1, len(groups) + len(summed)), shape)
    samples = given[batch]
    if parts > 1:
        # the samples' own part of the axis becomes one more place of the map
        samples = samples // parts if isinstance(samples, int) else samples / parts
        maps = [*maps, parts]
        shape = (samples, parts, each * rows, *maps[:-1])
        x = expansion.add("aten.unflatten.int", (x, 0, [-1, parts]), shape)
        order = [0, *range(2, len(shape)), 1]
        x = expansion.permuted(x, order)
    axes = max(1, len(maps))
    if not maps:
        x = expansion.add("aten.unsqueeze.default", (x, -1), (samples, each * rows, 1))
    matrix = stored.permute([of_weight.index(n) for n in (*groups, *new, *summed)])
    kernel = expansion.constant(weight, matrix.reshape(each * cols, rows, *[1] * axes))
    geometry = ([1] * axes, [0] * axes, [1] * axes, each)
    shape = (samples, each * cols, *(maps or [1]))
    y = expansion.add(f"aten.conv{axes}d.default", (x, kernel, None, *geometry), shape)
    if not maps:
        y = expansion.add("aten.squeeze.dim", (y, -1), shape[:-1])
    if parts > 1:
        y = expansion.permuted(y, [0, len(shape) - 1, *range(1, len(shape) - 1)])
        maps = maps[:-1]
        y = expansion.add("aten.flatten.using_ints", (y, 0, 1), (given[batch], each * cols, *maps))
    found = [sizes[letter] for letter in (*groups, *new)]
    if len(found) > 1:
        y = expansion.add("aten.unflatten.int", (y, 1, found), (given[batch], *found, *maps))
    letters = [batch, *groups, *new, *others]
    return expansion.permuted(y, [letters.index(letter) for letter in out])


def _batch(expansion: Expansion, x: Ref, letters: str, shapes: SampleShapes) -> tuple[str, int]:
    """Return the letter of the axis that counts samples, and how many of it belong to each."""
    value = expansion.value(x)
    axis = shapes.batch_axis(value)
    if axis is not None:
        return letters[axis], 1
    for letter, size in zip(letters, value.shape, strict=True):
        parts = shapes.parts(expansion.origin.name, size)
        if parts is not None:
            return letter, parts
    return "", 1
