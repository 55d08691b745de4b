"""Do clustered faults have their mean rates exactly, and are neighbours broken together?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.device.clusters import at_least, cluster_offsets, germ_rate
from crossbar.device.draws import CLUSTERS, uniforms
from crossbar.device.faults import STUCK_OFF, STUCK_ON, ClusteredFaults, StuckAt, stuck_states


def maps(faults, arrays, shape=(48, 40), seed=0):
    return np.stack([stuck_states(faults, a, shape, seed) for a in range(arrays)])


@given(st.floats(1, 300))
def test_clusters_have_the_mean_size_asked(size):
    q = at_least(size)
    assert q[0] == pytest.approx(1.0, rel=1e-12)
    assert (np.diff(q) <= 0).all()
    assert (q > 0).all()
    assert q.sum() == pytest.approx(size, rel=1e-12)


@given(st.integers(1, 400))
def test_a_cluster_is_the_cells_nearest_to_its_middle(count):
    offsets = cluster_offsets(count)
    assert len(set(map(tuple, offsets.tolist()))) == count
    distance = (offsets**2).sum(1)
    around = np.arange(-30, 31) ** 2
    nearest = np.sort((around[:, None] + around).ravel())[:count]
    assert np.array_equal(distance, nearest)


@given(st.floats(0, 1), st.floats(1, 60))
def test_the_rate_of_germs_gives_the_rate_of_cells(rate, size):
    """1 - rate is the product over the germs that reach a cell, here in plain loops."""
    p = germ_rate(rate, size)
    escapes = 1.0
    for q in at_least(size):
        escapes *= 1.0 - p * q
    assert 1.0 - escapes == pytest.approx(rate, abs=1e-12 * size)


def naive_clusters(faults, array, shape, seed):
    """Germ by germ, cell by cell, in raster order of the germs."""
    on, rate, size = faults.on / (faults.on + faults.off), faults.on + faults.off, faults.size
    offsets = cluster_offsets(len(at_least(size)))
    reach = max(abs(v) for pair in offsets.tolist() for v in pair)
    wide = (shape[0] + 2 * reach, shape[1] + 2 * reach)
    germ, kind, part, place = (uniforms(seed, CLUSTERS, array, wide, t) for t in range(4))
    out = np.zeros(shape, np.int8)
    for r in range(wide[0]):
        for c in range(wide[1]):
            if germ[r, c] < germ_rate(rate, size):
                whole = math.floor(size) + (part[r, c] < size - math.floor(size))
                count = 1 + int(place[r, c] * (2 * whole - 1))
                state = STUCK_ON if kind[r, c] < on else STUCK_OFF
                for down, right in offsets[:count].tolist():
                    i, j = r + down - reach, c + right - reach
                    if 0 <= i < shape[0] and 0 <= j < shape[1]:
                        out[i, j] = state
    return out


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.001, 0.4),
    st.floats(0, 0.4),
    st.floats(1, 12),
    st.integers(1, 14),
    st.integers(1, 14),
    st.integers(0, 2**62),
)
def test_clusters_are_those_of_the_loop(on, off, size, rows, cols, seed):
    faults = ClusteredFaults(on, off, size)
    got = stuck_states(faults, 3, (rows, cols), seed)
    assert np.array_equal(got, naive_clusters(faults, 3, (rows, cols), seed))


@pytest.mark.parametrize(
    ("on", "off", "size"), [(0.0175, 0.0904, 8), (0.1, 0.0, 2.5), (0, 0.4, 30)]
)
def test_the_share_of_broken_cells_is_the_rate(on, off, size):
    """400 arrays, which are independent: each share within five of their standard errors."""
    states = maps(ClusteredFaults(on, off, size), 400)
    for state, rate in ((STUCK_ON, on), (STUCK_OFF, off)):
        shares = (states == state).mean((1, 2))
        assert abs(shares.mean() - rate) <= 5 * shares.std(ddof=1) / math.sqrt(len(shares))


def test_cells_at_the_edge_are_as_likely_to_be_broken():
    """1500 arrays of 20 x 20: corners, edges and middle, five standard errors over arrays."""
    states = maps(ClusteredFaults(0.1, 0.1, 9), 1500, (20, 20)) > 0
    corners = states[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(1)
    edges = np.concatenate((states[:, 0], states[:, -1], states[:, :, 0], states[:, :, -1]), 1)
    for shares in (corners, edges.mean(1), states[:, 5:15, 5:15].mean((1, 2))):
        assert abs(shares.mean() - 0.2) <= 5 * shares.std(ddof=1) / math.sqrt(len(shares))


def both_broken(rate, size, step):
    """Probability that a cell and the one ``step`` away are broken, germ by germ.

    P(both) = 2 rate - 1 + P(neither); a germ hits at least one of the two when its cluster has as
    many cells as the nearer of the two needs.
    """
    q, p = at_least(size), germ_rate(rate, size)
    rank = {pair: k for k, pair in enumerate(map(tuple, cluster_offsets(len(q)).tolist()))}
    neither = 1.0
    germs = {(-r, -c) for r, c in rank} | {(step[0] - r, step[1] - c) for r, c in rank}
    for r, c in germs:
        ranks = [rank.get((-r, -c)), rank.get((step[0] - r, step[1] - c))]
        neither *= 1.0 - p * q[min(k for k in ranks if k is not None)]
    return 2 * rate - 1 + neither


@pytest.mark.parametrize("step", [(0, 1), (1, 0), (1, 1), (0, 6)])
def test_neighbours_are_broken_together_as_often_as_the_model_says(step):
    """400 arrays; independent faults at the same rate for comparison."""
    rate, size = 0.15, 10
    expected = both_broken(rate, size, step)

    def pairs(faults):
        broken = maps(faults, 400) > 0
        rows, cols = broken.shape[1] - step[0], broken.shape[2] - step[1]
        shares = (broken[:, :rows, :cols] & broken[:, step[0] :, step[1] :]).mean((1, 2))
        return shares.mean(), shares.std(ddof=1) / math.sqrt(len(shares))

    share, error = pairs(ClusteredFaults(on=rate, size=size))
    assert abs(share - expected) <= 5 * error
    alone, alone_error = pairs(StuckAt(on=rate))
    assert abs(alone - rate**2) <= 5 * alone_error
    if step != (0, 6):
        assert share > 2 * alone  # neighbours: clearly more often than by chance


def test_clusters_of_one_cell_are_independent_faults():
    rate = 0.2
    assert germ_rate(rate, 1.0) == pytest.approx(rate)
    assert both_broken(rate, 1.0, (0, 1)) == pytest.approx(rate**2)


def test_more_faults_contain_the_fewer():
    few, many = (maps(ClusteredFaults(on=r, off=r, size=6), 20) for r in (0.02, 0.05))
    assert (many[few > 0] > 0).all()
    assert (many > 0).sum() > 2 * (few > 0).sum()


def test_rate_one_breaks_every_cell():
    assert (stuck_states(ClusteredFaults(on=1.0, size=7), 0, (9, 9), 0) == STUCK_ON).all()
    states = stuck_states(ClusteredFaults(on=0.5, off=0.5, size=7), 0, (9, 9), 0)
    assert (states > 0).all()
