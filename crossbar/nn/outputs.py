"""Outputs of a network over many batches: joined, and how far two of them agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError

__all__ = ["agreement", "join", "join_padded", "join_real", "to_numpy"]


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


def join_real(parts: Sequence[NDArray[Any]], kept: Sequence[NDArray[np.bool_]]) -> NDArray[Any]:
    """Join batches that have values for each token; where not all are real, the real ones alone.

    Parameters
    ----------
    parts : sequence of array[samples, tokens, ...]
    kept : sequence of bool[samples, tokens]
        Real tokens of each batch.
    """
    if all(mask.all() for mask in kept) and len({part.shape[1:] for part in parts}) == 1:
        return join(parts)
    return np.concatenate([part[mask] for part, mask in zip(parts, kept, strict=True)])


def join_padded(
    parts: Sequence[NDArray[Any]], kept: Sequence[NDArray[np.bool_]], fill: float = 0
) -> NDArray[Any]:
    """Join batches; values for each token are padded to the longest batch.

    Parameters
    ----------
    parts : sequence of array[samples, ...]
        Those of which axis 1 is the tokens are padded.
    kept : sequence of bool[samples, tokens]
        Real tokens of each batch.
    fill : float
        What stands at padding.
    """
    by_token = all(part.shape[:2] == mask.shape for part, mask in zip(parts, kept, strict=True))
    longest = max(mask.shape[1] for mask in kept)
    if not by_token or all(mask.shape[1] == longest for mask in kept):
        return join(parts)
    wide = []
    for part in parts:
        room = [(0, 0), (0, longest - part.shape[1]), *[(0, 0)] * (part.ndim - 2)]
        wide.append(np.pad(part, room, constant_values=fill))
    return join(wide)
