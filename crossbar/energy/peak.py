"""Peak power: the largest mean over a stated window of a run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError

__all__ = ["peak_power", "window_energies"]


def peak_power(
    times: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]],
    energies: Mapping[str, float],
    window: float,
    *,
    clock: float,
    leakage: float = 0.0,
    images: int = 1,
    interval: int | None = None,
) -> float:
    """Find the largest mean power over any of the windows into which a run is cut [W].

    The windows lie end to end from the start of the run.  A layer's dynamic energy is spread evenly
    over its positions, and that of a position evenly from its first read to when it is stored, so a
    window much shorter than a position shows nothing new.

    Parameters
    ----------
    times : mapping of str to (int64[positions], int64[positions])
        Layer -> clocks at which each of its positions, of all copies and images, is first read and
        is done.
    energies : mapping of str to float
        Layer -> dynamic energy of one inference [J].
    window : float
        [s], a whole number of clocks.
    clock : float
        [Hz]
    leakage : float
        Leakage of the chip [W], drawn all the time.
    images : int
        Inferences that ``times`` holds.
    interval : int, optional
        Clocks after which the next such run follows, and the next: the windows are then those of
        the endless stream.  Without it the run stands alone.

    Raises
    ------
    InputError
        When the window is not a whole number of clocks, 1 or more.
    """
    clocks = round(window * clock)
    if clocks < 1 or abs(window * clock - clocks) > 1e-6 * clocks:
        raise InputError(
            f"window: {window!r} s are {window * clock:g} clocks of {clock:g} Hz; a whole number, 1"
            " or more, is needed"
        )
    if interval is None:
        largest = window_energies(times, energies, clocks, images).max(initial=0.0)
    else:
        largest = _in_a_stream(times, energies, clocks, images, interval)
    return float(largest) * clock / clocks + leakage


def _in_a_stream(
    times: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]],
    energies: Mapping[str, float],
    window: int,
    images: int,
    interval: int,
) -> float:
    """Largest energy of a window of runs that follow one another, once all that overlap are there.

    So many runs are laid out that for one interval and two windows none is missing.  Some window,
    wherever it begins, draws the mean of the stream; those of the grid may all miss it.
    """
    end = max((int(done.max(initial=0)) for _, done in times.values()), default=0)
    overlap = -(-end // interval)
    runs = overlap + 2 + -(-2 * window // interval)
    shifts = np.arange(runs)[:, None] * interval
    stream = {
        layer: ((read + shifts).ravel(), (done + shifts).ravel())
        for layer, (read, done) in times.items()
    }
    found = window_energies(stream, energies, window, images * runs)
    first, last = -(-(overlap * interval) // window), runs * interval // window
    spent = sum(energies[layer] for layer, (read, _) in times.items() if read.size)
    return max(float(found[first:last].max()), spent * images / interval * window)


def window_energies(
    times: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]],
    energies: Mapping[str, float],
    window: int,
    images: int = 1,
) -> NDArray[np.float64]:
    """Dynamic energy in each window of ``window`` clocks [J]; they add up to that of the run.

    Parameters
    ----------
    times, energies, images
        As for `peak_power`.  A position that is done in the clock in which it is read is given that
        clock.
    window : int
        Clocks.

    Returns
    -------
    float64[windows]
        The last one ends after the run.
    """
    ends = {layer: np.maximum(done, read + 1) for layer, (read, done) in times.items()}
    bins = max((int(end.max(initial=0)) for end in ends.values()), default=0) // window + 1
    level = np.zeros(bins + 1)  # change of the energy a clock, counted for the windows after it
    part = np.zeros(bins + 1)  # what the change does to the window in which it falls
    for layer, (read, _) in times.items():
        if not read.size:
            continue
        until = ends[layer]
        rate = energies[layer] * images / read.size / (until - read)
        for at, change in ((read, rate), (until, -rate)):
            place, within = np.divmod(at, window)
            level += np.bincount(place + 1, change, bins + 1)
            part += np.bincount(place, change * (window - within), bins + 1)
    return (np.cumsum(level) * window + part)[:bins]
