"""Outputs of a network over many batches: joined, and how far two of them agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError

__all__ = ["agreement", "join", "join_tokens", "to_numpy"]


def agreement(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Share of equal choices, or for single outputs the correlation of the values."""
    if a.ndim > 1 and a.shape[-1] > 1:
        return float((a.argmax(-1) == b.argmax(-1)).mean())
    flat_a, flat_b = a.reshape(-1), b.reshape(-1)
    if flat_a.std() == 0 or flat_b.std() == 0:
        return float(np.array_equal(flat_a, flat_b))
    return float(np.corrcoef(flat_a, flat_b)[0, 1])


def to_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """Return a tensor as an array."""
    return np.asarray(tensor.detach().cpu().numpy())


def join(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join batches.

    Raises
    ------
    DataError
        If their samples differ in shape.
    """
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(f"batches give outputs of shapes {[p.shape for p in parts[:3]]} ...")
    return np.concatenate(parts)


def join_tokens(
    parts: Sequence[NDArray[Any]], kept: Sequence[NDArray[np.bool_] | None]
) -> NDArray[Any]:
    """Join batches; where each token has an output and not all are real, the real ones alone.

    Parameters
    ----------
    parts : sequence of array[samples, ...]
    kept : sequence of bool[samples, tokens] or None
        Real tokens of each batch.
    """
    masks = [mask for mask in kept if mask is not None]
    whole = all(mask.all() for mask in masks) and len({p.shape[1:] for p in parts}) == 1
    of_tokens = len(masks) == len(parts) and all(
        p.ndim > 2 and p.shape[:2] == mask.shape for p, mask in zip(parts, masks, strict=True)
    )
    if whole or not of_tokens:
        return join(parts)
    return np.concatenate([part[mask] for part, mask in zip(parts, masks, strict=True)])
