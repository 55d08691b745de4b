"""From floats to integers: weights by output channel, activations by tensor or by token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.mapping.encode import weight_range

__all__ = ["InputScale", "quantise_weights", "token_scales"]

_LEAST = np.finfo(np.float32).tiny
"""The smallest scale."""


def quantise_weights(
    weights: NDArray[np.floating], bits: int, levels: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Round each output channel's weights to signed integers.

    Parameters
    ----------
    weights : float[outputs, inputs]
    bits : int
        ``scale = max|w| / (2**(bits - 1) - 1)``, integers rounded half to even.  1 bit: -1 and +1
        with ``scale = mean|w|``.
    levels : int, optional
        3 for ternary weights: those below 0.7 mean|w| become 0 and the scale is the mean of the
        others (Li et al., "Ternary weight networks", 2016, equations 5 and 6).

    Returns
    -------
    int32[outputs, inputs], float64[outputs]
        Integers and scales; a channel of zeros has scale 1, or 0 where its weights are -1 and +1.
    """
    w = np.asarray(weights, dtype=np.float64)
    magnitude = np.abs(w)
    if levels == 3:
        keep = magnitude > 0.7 * magnitude.mean(1, keepdims=True)
        count = np.maximum(keep.sum(1), 1)
        scale = (magnitude * keep).sum(1) / count
        integers = np.sign(w) * keep
    elif bits == 1:
        scale = magnitude.mean(1)
        integers = np.where(w < 0, -1.0, 1.0)
    else:
        top = weight_range(bits, None)[1]
        scale = magnitude.max(1, initial=0.0) / top
        safe = np.where(scale > 0, scale, 1.0)
        integers = np.rint(w / safe[:, None])
    empty = 0.0 if bits == 1 and levels is None else 1.0
    return integers.astype(np.int32), np.where(scale > 0, scale, empty)


@dataclass(frozen=True, slots=True)
class InputScale:
    """How an activation becomes an integer: ``clip(rint(x / scale) + zero, low, high)``.

    Parameters
    ----------
    scale : float
        A float32 value.
    bits : int
    signed : bool
    zero : int
        The code of 0; other than 0 only where the integers are unsigned.
    by_token : bool
        Each input vector has a scale of its own (`token_scales`); ``scale`` is then only what
        calibration found for all of them.
    """

    scale: float
    bits: int
    signed: bool
    zero: int = 0
    by_token: bool = False

    @property
    def low(self) -> int:
        """Smallest integer: symmetric, so the most negative code is not used."""
        return -self.high if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1


def token_scales(x: torch.Tensor, chosen: InputScale) -> NDArray[np.float32]:
    """Choose the scale of each input vector: ``max|x| / (2**(bits - 1) - 1)``, 1 for zeros.

    Parameters
    ----------
    x : Tensor[..., inputs]
    chosen : InputScale
        Of the layer: the width of its integers.

    Returns
    -------
    float32[...]
        NaN where a vector holds NaN.
    """
    top = x.detach().abs().amax(-1).double().numpy()
    scale = np.maximum((top / chosen.high).astype(np.float32), _LEAST)
    return np.asarray(np.where(top == 0, np.float32(1.0), scale))
