"""Which axis of each input counts the samples.

The samples are axis 0 of the first tensor.  Another input counts them in its axis 0 too, or in
another axis of that size (the states of an LSTM: layers, samples, features), the first that the
network allows to have another size; an input without such an axis is the same for all samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils import _pytree as pytree

__all__ = ["Options", "axis_of_samples", "axis_options", "doubled", "number_of_samples"]

Options = tuple[int | None, ...]
"""Axes of an input that may count the samples, the likeliest first; None: the same for all."""


def number_of_samples(tensors: Sequence[torch.Tensor]) -> int:
    """Return the length of axis 0 of the first tensor that has axes; 0 without one."""
    return next((int(t.shape[0]) for t in tensors if t.dim()), 0)


def axis_of_samples(shape: Sequence[int], samples: int) -> int | None:
    """Return the likeliest axis of an input that counts the samples, by its sizes alone."""
    return next((axis for axis, size in enumerate(shape) if size == samples), None)


def axis_options(tensors: Sequence[torch.Tensor]) -> list[Options]:
    """Return what axes may count the samples, one entry a tensor."""
    samples = number_of_samples(tensors)
    first = next((k for k, t in enumerate(tensors) if t.dim()), -1)
    found: list[Options] = []
    for number, tensor in enumerate(tensors):
        axes = [axis for axis, size in enumerate(tensor.shape) if size == samples]
        if number == first:
            found.append((0,))
        elif samples == 1 and axes != [0]:  # every axis of one may be something else
            found.append((*axes, None))
        else:
            found.append(tuple(axes) or (None,))
    return found


def doubled(
    args: tuple[Any, ...], kwargs: dict[str, Any], axes: Sequence[int | None]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return inputs with every sample twice; ``axes`` has one entry a tensor."""
    left = iter(axes)

    def double(leaf: Any) -> Any:
        axis = next(left) if isinstance(leaf, torch.Tensor) else None
        return leaf if axis is None else torch.cat([leaf, leaf], axis)

    both: tuple[tuple[Any, ...], dict[str, Any]] = pytree.tree_map(double, (args, kwargs))
    return both
