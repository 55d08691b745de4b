"""From floats to integers: weights by output channel, activations by tensor."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping.encode import weight_range

__all__ = ["OBSERVERS", "InputScale", "Range", "quantise_weights"]

OBSERVERS = ("minmax", "mse", "percentile")
"""How the range of an activation is chosen from calibration data."""

_KEPT = 1 << 18  # values of a layer kept for percentile and mse
_PERCENTILE = 99.9


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
    """How an activation becomes an integer: ``clip(rint(x / scale), low, high)``.

    Parameters
    ----------
    scale : float
        A float32 value.
    bits : int
    signed : bool
    """

    scale: float
    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """Smallest integer: symmetric, so the most negative code is not used."""
        return -self.high if self.signed else 0

    @property
    def high(self) -> int:
        """Largest integer."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1


@dataclass
class Range:
    """What calibration has seen of one layer's input.

    Parameters
    ----------
    observer : str
        One of `OBSERVERS`: the extremes; the 99.9th percentile of the magnitude; or the range with
        the least mean squared rounding error.
    """

    observer: str
    low: float = np.inf
    high: float = -np.inf
    kept: list[NDArray[np.float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.observer not in OBSERVERS:
            raise UnknownNameError("observer", self.observer, OBSERVERS)

    def observe(self, x: NDArray[np.float32]) -> None:
        """Take in one batch of values of any shape."""
        if not x.size:
            return
        self.low = float(np.minimum(self.low, x.min()))  # NaN stays, unlike with Python's min
        self.high = float(np.maximum(self.high, x.max()))
        if self.observer != "minmax":
            flat = x.reshape(-1)
            self.kept.append(flat[:: max(1, flat.size // _KEPT)].copy())

    def scale(self, bits: int, layer: str) -> InputScale:
        """Choose the scale; the type is signed where a negative value was seen.

        Raises
        ------
        InputError
            Nothing was observed, a value is not finite, or a signed input of one bit.
        """
        if not (np.isfinite(self.low) and np.isfinite(self.high)):
            raise InputError(
                f"{layer}: calibration gave no finite inputs (NaN or inf in the data?)"
            )
        signed = self.low < 0
        if signed and bits == 1:
            raise InputError(
                f"{layer}: its inputs are signed, precision.input_bits must be at least 2"
            )
        steps = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
        top = max(self.high, -self.low)
        if self.observer == "percentile":
            # an input with hardly any values but zeros keeps its extremes
            top = float(np.percentile(np.abs(np.concatenate(self.kept)), _PERCENTILE)) or top
        elif self.observer == "mse":
            top = self._least_error(top, steps, signed)
        scale = max(float(np.float32(top / steps)), float(np.finfo(np.float32).tiny))
        return InputScale(scale if top > 0 else 1.0, bits, signed)

    def _least_error(self, top: float, steps: int, signed: bool) -> float:
        values = np.concatenate(self.kept).astype(np.float64)
        best, least = top, np.inf
        for candidate in top * np.linspace(0.3, 1.0, 71):
            scale = candidate / steps
            if scale <= 0:
                continue
            rounded = np.clip(np.rint(values / scale), -steps if signed else 0, steps) * scale
            error = float(((values - rounded) ** 2).mean())
            if error < least:
                best, least = float(candidate), error
        return best
