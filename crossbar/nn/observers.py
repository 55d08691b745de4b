"""The range of a layer's inputs, from what calibration data shows of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError
from crossbar.mapping.precision import LayerPrecision, check_observer
from crossbar.nn.quantise import InputScale

__all__ = ["Range"]

_KEPT = 1 << 19
"""Values of a layer that are kept for percentile and mse, at most; then every other one goes."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 over the golden ratio: multiples of it fill a circle evenly, in any arithmetic series of
places, so that no channel (feature) of an input is missed."""

_LEAST = float(np.finfo(np.float32).tiny)
_FACTORS = np.linspace(0.3, 1.0, 71)


@dataclass
class Range:
    """What calibration has seen of one layer's input.

    Parameters
    ----------
    observer : str
        One of `crossbar.mapping.precision.OBSERVERS`: the extremes; a percentile of the magnitude
        (99.9 unless named); or the range with the least mean squared rounding error.
    """

    observer: str
    low: float = np.inf
    high: float = -np.inf
    _kept: list[NDArray[np.float32]] = field(default_factory=list)
    _places: list[NDArray[np.uint64]] = field(default_factory=list)
    _seen: int = 0
    _limit: int = 1 << 64

    def __post_init__(self) -> None:
        check_observer(self.observer)

    def observe(self, x: NDArray[np.float32]) -> None:
        """Take in one batch of values of any shape."""
        if not x.size:
            return
        self.low = float(np.minimum(self.low, x.min()))  # NaN stays, unlike with Python's min
        self.high = float(np.maximum(self.high, x.max()))
        if self.observer != "minmax":
            flat = x.reshape(-1)
            for first in range(0, flat.size, _KEPT):
                self._keep(flat[first : first + _KEPT])

    def _keep(self, flat: NDArray[np.float32]) -> None:
        """Keep some values, spread evenly over all that came, however that was cut."""
        places = np.arange(self._seen, self._seen + flat.size, dtype=np.uint64) * _GOLDEN
        self._seen += flat.size
        chosen = places < self._limit if self._limit < 1 << 64 else slice(None)
        self._kept.append(flat[chosen].copy())
        self._places.append(places[chosen])
        while sum(part.size for part in self._kept) > _KEPT:
            self._limit >>= 1
            below = [part < np.uint64(self._limit) for part in self._places]
            self._kept = [part[keep] for part, keep in zip(self._kept, below, strict=True)]
            self._places = [part[keep] for part, keep in zip(self._places, below, strict=True)]

    @property
    def kept(self) -> NDArray[np.float64]:
        """The values that were kept."""
        return np.concatenate(self._kept).astype(np.float64)

    def scale(self, precision: LayerPrecision | int, layer: str) -> InputScale:
        """Choose the scale; the type is signed where a negative value was seen.

        With a zero point a signed range becomes an unsigned one that need not be symmetric.

        Parameters
        ----------
        precision : LayerPrecision or int
            Of the layer; or the bits of its inputs.
        layer : str
            What errors call it.

        Raises
        ------
        InputError
            Nothing was observed, a value is not finite, or a signed input of one bit.
        """
        if isinstance(precision, int):
            precision = LayerPrecision(8, None, precision)
        bits = precision.input_bits
        if not (np.isfinite(self.low) and np.isfinite(self.high)):
            raise InputError(
                f"{layer}: calibration gave no finite inputs (NaN or inf in the data?)"
            )
        if precision.zero_point and self.low < 0:
            return self._with_zero_point(bits)
        signed = self.low < 0 or precision.by_token
        if signed and bits == 1:
            raise InputError(
                f"{layer}: its inputs are signed, precision.input_bits must be at least 2"
            )
        steps = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
        top = max(self.high, -self.low)
        name, share = check_observer(self.observer)
        if name == "percentile":
            # an input with hardly any values but zeros keeps its extremes
            top = float(np.percentile(np.abs(self.kept), share)) or top
        elif name == "mse":
            top = _least_error(self.kept, top, steps, signed)
        scale = max(float(np.float32(top / steps)), _LEAST)
        return InputScale(scale if top > 0 else 1.0, bits, signed, by_token=precision.by_token)

    def _with_zero_point(self, bits: int) -> InputScale:
        """Fit an unsigned range, with 0 in it, around values of which some are negative."""
        steps = (1 << bits) - 1
        low, high = self.low, max(self.high, 0.0)
        name, share = check_observer(self.observer)
        if name == "percentile":
            tail = (100.0 - share) / 2  # as many in all as of the magnitude
            ends = np.percentile(self.kept, [tail, 100.0 - tail])
            inner = min(float(ends[0]), 0.0), max(float(ends[1]), 0.0)
            low, high = inner if inner[0] < inner[1] else (low, high)
        elif name == "mse":
            low, high = _least_error_between(self.kept, low, high, steps)
        return _between(low, high, bits)


def _between(low: float, high: float, bits: int) -> InputScale:
    """Return the unsigned integers that span ``low`` to ``high``, 0 among them."""
    steps = (1 << bits) - 1
    scale = max(float(np.float32((high - low) / steps)), _LEAST)
    zero = min(max(int(np.rint(-low / scale)), 0), steps)
    return InputScale(scale, bits, False, zero)


def _least_error(values: NDArray[np.float64], top: float, steps: int, signed: bool) -> float:
    best, least = top, np.inf
    for candidate in top * _FACTORS:
        scale = candidate / steps
        if scale <= 0:
            continue
        rounded = np.clip(np.rint(values / scale), -steps if signed else 0, steps) * scale
        error = float(((values - rounded) ** 2).mean())
        if error < least:
            best, least = float(candidate), error
    return best


def _least_error_between(
    values: NDArray[np.float64], low: float, high: float, steps: int
) -> tuple[float, float]:
    """Shrink one end after the other as long as rounding errs less."""

    def error(low: float, high: float) -> float:
        scale = (high - low) / steps
        if scale <= 0:
            return np.inf
        zero = min(max(float(np.rint(-low / scale)), 0.0), float(steps))
        codes = np.clip(np.rint(values / scale) + zero, 0, steps)
        return float((((codes - zero) * scale - values) ** 2).mean())

    factors = _FACTORS[::-2]
    for _ in range(2):
        high = min((float(high * f) for f in factors), key=lambda end: error(low, end))
        low = min((float(low * f) for f in factors), key=lambda end: error(end, high))
    return low, high
