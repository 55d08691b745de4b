"""Do draws by counter depend on the cell alone, and do they look uniform?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossbar.kernels.draw import uniform_cells
from tests.kernels import naive


def draw(seed, stream, array, rows, cols, shape):
    out = np.empty(shape)
    uniform_cells(seed, stream, array, rows, cols, out)
    return out


@pytest.mark.parametrize("key", [(0, 1, 0), (1, 1, 7), (2**62 + 12345, 3, 100_000)])
def test_the_draw_is_the_hash_in_the_docstring(key):
    got = draw(*key, 3, 60, (2, 5))
    assert got.tolist() == [
        [naive.uniform(*key, row, col) for col in range(60, 65)] for row in (3, 4)
    ]


def test_a_cell_has_one_draw_wherever_the_block_begins():
    whole = draw(9, 1, 4, 0, 0, (40, 30))
    assert np.array_equal(whole[11:40, 7:9], draw(9, 1, 4, 11, 7, (29, 2)))
    assert np.array_equal(whole[39:, 29:], draw(9, 1, 4, 39, 29, (1, 1)))


def test_every_part_of_the_key_counts():
    base = draw(5, 1, 3, 0, 0, (20, 20))
    for key in ((6, 1, 3), (5, 2, 3), (5, 1, 4)):
        assert not np.any(base == draw(*key, 0, 0, (20, 20)))
    assert len(np.unique(base)) == base.size


def test_draws_are_uniform_within_five_standard_errors():
    u = np.concatenate([draw(seed, 1, 2, 0, 0, (200, 200)).ravel() for seed in range(5)])
    n = u.size
    assert u.min() >= 0.0
    assert u.max() < 1.0
    assert abs(u.mean() - 0.5) < 5 * math.sqrt(1 / 12 / n)
    assert abs(u.var() - 1 / 12) < 5 * math.sqrt(1 / 180 / n)
    counts = np.bincount((u * 50).astype(int), minlength=50)
    chi_squared = float(((counts - n / 50) ** 2 / (n / 50)).sum())
    assert abs(chi_squared - 49) < 5 * math.sqrt(2 * 49)


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_neighbours_are_uncorrelated(seed):
    """Rows, columns, arrays and seeds that differ by one: |r| below five standard errors."""
    u = draw(seed, 1, 10, 0, 0, (150, 150)) - 0.5
    limit = 5 / math.sqrt(149 * 149)
    neighbours = [
        u[1:, 1:],
        u[1:, :-1],
        u[:-1, 1:],
        (draw(seed, 1, 11, 0, 0, (150, 150)) - 0.5)[:-1, :-1],
        (draw(seed + 1, 1, 10, 0, 0, (150, 150)) - 0.5)[:-1, :-1],
    ]
    for other in neighbours:
        assert abs(float((u[:-1, :-1] * other).mean()) * 12) < limit
