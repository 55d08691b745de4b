"""Is the peak the largest mean over a window, as counted clock by clock?"""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossbar.energy import peak_power
from crossbar.energy.peak import window_energies
from crossbar.errors import InputError

Times = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
CLOCK = 1e9


def clock_by_clock(
    times: Times, energies: dict[str, float], window: int, images: int
) -> list[float]:
    """Energy of each window, every position laid out over its clocks."""
    end = max((max(map(int, done), default=0) for _, done in times.values()), default=0)
    clocks = [0.0] * (end + window)
    for layer, (read, done) in times.items():
        for first, last in zip(read.tolist(), done.tolist(), strict=True):
            length = max(1, last - first)
            for clock in range(first, first + length):
                clocks[clock] += energies[layer] * images / len(read) / length
    return [fsum(clocks[at : at + window]) for at in range(0, len(clocks), window)]


def layer(*positions: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    read, done = zip(*positions, strict=True)
    return np.array(read, np.int64), np.array(done, np.int64)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Times, dict[str, float]]:
    times: Times = {}
    energies = {}
    for i in range(draw(st.integers(0, 3))):
        positions = draw(
            st.lists(st.tuples(st.integers(0, 60), st.integers(0, 25)), min_size=0, max_size=8)
        )
        read = np.array([first for first, _ in positions], np.int64)
        times[f"layer{i}"] = (read, read + np.array([n for _, n in positions], np.int64))
        energies[f"layer{i}"] = draw(st.floats(0, 1e-3))
    return times, energies


@settings(max_examples=150, deadline=None)
@given(run=runs(), window=st.integers(1, 40), images=st.integers(1, 3))
def test_windows_hold_what_their_clocks_do(
    run: tuple[Times, dict[str, float]], window: int, images: int
) -> None:
    times, energies = run
    expected = clock_by_clock(times, energies, window, images)
    found = window_energies(times, energies, window, images)
    scale = 1e-9 * sum(energies.values()) + 1e-30
    padded = np.zeros(max(len(expected), len(found)))
    padded[: len(found)] = found
    assert padded[: len(expected)] == pytest.approx(expected, rel=1e-9, abs=scale)
    assert padded[len(expected) :] == pytest.approx(0, abs=scale)
    spent = fsum(e * images for name, e in energies.items() if times[name][0].size)
    assert found.sum() == pytest.approx(spent, rel=1e-9, abs=scale)
    peak = peak_power(times, energies, window / CLOCK, clock=CLOCK, leakage=0.5, images=images)
    assert peak == pytest.approx(0.5 + max(expected) / window * CLOCK, rel=1e-9, abs=scale * CLOCK)


def test_by_hand() -> None:
    times = {"a": layer((0, 10), (10, 20)), "b": layer((5, 15))}
    energies = {"a": 20e-12, "b": 30e-12}  # 1 pJ and 3 pJ a clock of 1 ns
    assert peak_power(times, energies, 5e-9, clock=CLOCK) == pytest.approx(4e-3)
    assert peak_power(times, energies, 10e-9, clock=CLOCK) == pytest.approx(2.5e-3)
    assert peak_power(times, energies, 20e-9, clock=CLOCK) == pytest.approx(2.5e-3)
    assert peak_power(times, energies, 100e-9, clock=CLOCK) == pytest.approx(0.5e-3)
    assert peak_power(times, energies, 5e-9, clock=CLOCK, leakage=1.0) == pytest.approx(1.004)


def test_a_longer_window_of_the_same_grid_never_shows_more() -> None:
    rng = np.random.default_rng(3)
    read = rng.integers(0, 4000, 500)
    times = {"a": (read, read + rng.integers(1, 300, 500))}
    peaks = [
        peak_power(times, {"a": 1e-6}, n / CLOCK, clock=CLOCK) for n in (1, 2, 4, 8, 16, 32, 64)
    ]
    assert peaks == sorted(peaks, reverse=True)


def test_a_steady_stream_peaks_at_its_mean() -> None:
    read = np.arange(0, 100 * 2048, 2048)
    times = {"a": (read, read + 2048)}
    found = peak_power(times, {"a": 100e-9}, 2048 / 1.28e9, clock=1.28e9)
    assert found == pytest.approx(1e-9 / 1.6e-6)


@settings(max_examples=60, deadline=None)
@given(run=runs(), window=st.integers(1, 40), interval=st.integers(1, 60))
def test_a_stream_never_peaks_below_its_mean(
    run: tuple[Times, dict[str, float]], window: int, interval: int
) -> None:
    times, energies = run
    peak = peak_power(times, energies, window / CLOCK, clock=CLOCK, interval=interval)
    spent = fsum(e for name, e in energies.items() if times[name][0].size)
    assert peak >= spent / interval * CLOCK * (1 - 1e-9)


def test_runs_that_overlap_add_up() -> None:
    times = {"a": layer((0, 30))}  # 1 pJ a clock, three runs at a time
    found = peak_power(times, {"a": 30e-12}, 5e-9, clock=CLOCK, interval=10)
    assert found == pytest.approx(3e-3)


def test_nothing_draws_only_leakage() -> None:
    assert peak_power({}, {}, 1e-6, clock=CLOCK, leakage=2.0) == 2.0
    empty = np.zeros(0, np.int64)
    assert peak_power({"a": (empty, empty)}, {"a": 1.0}, 1e-6, clock=CLOCK) == 0.0


@pytest.mark.parametrize("window", [0.0, -1e-9, 0.4e-9, 1.5e-9])
def test_a_window_that_is_no_number_of_clocks(window: float) -> None:
    with pytest.raises(InputError, match=r"window: .* clocks of 1e\+09 Hz; a whole number, 1 or"):
        peak_power({}, {}, window, clock=CLOCK)
