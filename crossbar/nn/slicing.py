"""Some samples of a batch: cut along the axis of each input that counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from crossbar.nn.batch_axes import axis_of_samples

__all__ = ["slice_batch"]

_BY_SIZE = object()
"""The axis is not known: it is found by its length."""


def slice_batch(
    batch: Any, start: int, stop: int, samples: int, axes: Mapping[str, Any] | None = None
) -> Any:
    """Return some samples of a batch, in the batch's own form.

    Parameters
    ----------
    batch
        As `crossbar.nn.data.split_batch` takes it.
    start, stop : int
    samples : int
        In the whole batch.
    axes : mapping of str to (nested) int or None, optional
        The axis of each input of the network (`crossbar.nn.graph.signature.Signature.axes`); where
        None, the one of as many entries as there are samples (`crossbar.nn.batch_axes`).
    """

    def cut(value: Any, axis: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if axis is _BY_SIZE:
                axis = axis_of_samples(value.shape, samples)
            if axis is None or value.dim() <= axis or value.shape[axis] != samples:
                return value
            return value[(slice(None),) * axis + (slice(start, stop),)]
        if isinstance(value, Mapping):
            return {key: cut(item, _at(axis, key)) for key, item in value.items()}
        if isinstance(value, (tuple, list)):
            items = [cut(item, _at(axis, place)) for place, item in enumerate(value)]
            return tuple(items) if isinstance(value, tuple) else items
        return value

    def inputs(value: Any) -> Any:
        if axes is None:
            return cut(value, _BY_SIZE)
        if isinstance(value, Mapping):
            return cut(value, dict(axes))
        several = isinstance(value, (tuple, list))
        given = cut(value if several else (value,), [*axes.values()])
        return given if several else given[0]

    if isinstance(batch, (tuple, list)):
        parts = [inputs(batch[0]), *(cut(each, 0) for each in batch[1:])]
        return tuple(parts) if isinstance(batch, tuple) else parts
    return inputs(batch)


def _at(axes: Any, key: Any) -> Any:
    """Return the axes of one part of a nested value; by size where nothing is known of it."""
    if isinstance(axes, Mapping):
        return axes.get(key, _BY_SIZE)
    if isinstance(axes, (tuple, list)):
        return axes[key] if isinstance(key, int) and key < len(axes) else _BY_SIZE
    return _BY_SIZE if axes is _BY_SIZE else axes
