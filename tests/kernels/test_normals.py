"""Are draws by counter normal, to the last tail, and independent whatever part of the key moves?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import kstest, norm, poisson

import crossbar.kernels.draw as draw_module
from crossbar.kernels.conversion import make_conversion
from crossbar.kernels.convert import convert_columns
from crossbar.kernels.draw import noise_key, normal_cells
from tests.kernels import naive, naive_tables

STEP = 2.0**-17  # of the normals below; the largest is 6.8


def noise(key, vectors, cols, *, group=0, read=0):
    """Read the normals of one read off the codes of sums that are 0."""
    zeros = np.zeros((group + 1, len(cols)))
    conversion = make_conversion(
        7,
        -(1 << 22),
        1 << 22,
        zeros,
        deviation=zeros + 1 / STEP,
        key=key,
        outputs=cols,
    )
    out = np.zeros((len(vectors), len(cols)), np.int64)
    sums = np.zeros(out.shape, np.float32)
    clipped = convert_columns(
        sums, zeros[0], conversion, out, group=group, read=read, vectors=vectors
    )
    assert clipped == 0
    return out * STEP


def cells(seed, stream, array, rows, cols, shape):
    out = np.empty(shape)
    normal_cells(seed, stream, array, rows, cols, out)
    return out


@pytest.mark.parametrize("key", [(0, 2, 0), (2**62 + 12345, 3, 100_000)])
def test_cells_are_the_normal_quantile_of_the_uniform_draw(key):
    got = cells(*key, 3, 60, (30, 40))
    for i, j in np.ndindex(got.shape):
        u = naive.uniform(*key, 3 + i, 60 + j) + 2.0**-54
        expected = ndtri(u) if u < 0.5 else -ndtri(1.0 - u)
        assert got[i, j] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert np.array_equal(got[7:, 9:], cells(*key, 10, 69, (23, 31)))


@pytest.mark.parametrize("bits", [0, 1, 12345, 1 << 18, 1 << 30, 1 << 40, (1 << 52) - 1, 1 << 50])
def test_cells_are_right_to_the_last_bits_of_the_tails(monkeypatch, bits):
    """Draws that no test would meet: down to 2**-54, on both sides."""
    values = []
    for k in (bits, (1 << 53) - 1 - bits):
        monkeypatch.setattr(draw_module, "_cell_bits", lambda *key, k=k: k)
        out = np.empty((1, 1))
        normal_cells.py_func(0, 0, 0, 0, 0, out)
        values.append(float(out[0, 0]))
    assert values[0] == pytest.approx(ndtri((bits + 0.5) / 2**53), rel=1e-11)
    assert values[1] == -values[0]


def check_moments(z):
    """Mean, variance, skewness and kurtosis within five standard errors, and the whole shape."""
    z, n = z.ravel(), z.size
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs((z**2).mean() - 1) < 5 * math.sqrt(2 / n)
    assert abs((z**3).mean()) < 5 * math.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)
    assert kstest(z, "norm").pvalue > 5.7e-7  # five standard errors


def test_cells_are_standard_normal():
    check_moments(cells(1, 2, 3, 0, 0, (1000, 1000)))


def test_the_noise_of_reads_is_standard_normal():
    check_moments(
        np.concatenate(
            [noise(noise_key(1, 7), np.arange(500), np.arange(1000), read=r) for r in (0, 1)]
        )
    )


def test_the_tails_of_the_noise_hold_what_they_should():
    counts = dict.fromkeys((3.0, 4.0, 5.0, 5.5), 0)
    n = 0
    for read in range(8):
        z = np.abs(noise(noise_key(2, 7), np.arange(2000), np.arange(1024), read=read))
        n += z.size
        for limit in counts:
            counts[limit] += int(np.count_nonzero(z > limit))
    for limit, count in counts.items():
        low, high = poisson.interval(1 - 5.7e-7, 2 * norm.sf(limit) * n)
        assert low <= count <= high


def test_a_draw_of_noise_is_the_hash_in_the_text():
    cols, vectors = np.array([0, 1, 5, 1 << 20]), np.array([0, 1, 1 << 40])
    for key, group, read in ((0, 0, 0), (noise_key(3, 7, 9), 2, 5), ((1 << 64) - 1, 1, 4)):
        got = noise(key, vectors, cols, group=group, read=read)
        for i, j in np.ndindex(got.shape):
            expected = naive_tables.normals(key, int(vectors[i]), group, read, int(cols[j]))
            assert got[i, j] == pytest.approx(expected, abs=STEP + 2e-6)


def correlations(a, b):
    """Of values, squares and magnitudes with values: in standard errors."""
    a, b = a.ravel(), b.ravel()
    pairs = [(a, b), (a**2 - 1, b**2 - 1), (a**2 - 1, b), (a, b**2 - 1)]
    return [float((x * y).mean() / (x.std() * y.std())) * math.sqrt(a.size) for x, y in pairs]


def test_neighbours_of_every_kind_are_uncorrelated():
    """Columns, reads (also those of one pair), positions, images, groups and keys side by side."""
    key, vectors, cols = noise_key(4, 7, 1), np.arange(1000), np.arange(600)
    base = noise(key, vectors, cols, read=2)
    others = {
        "column": (base[:, :-1], base[:, 1:]),
        "column 16 away": (base[:, :-16], base[:, 16:]),
        "position": (base[:-1], base[1:]),
        "pair": (base, noise(key, vectors, cols, read=3)),
        "read": (base, noise(key, vectors, cols, read=1)),
        "read after": (base, noise(key, vectors, cols, read=4)),
        "image": (base, noise(key, vectors + 784, cols, read=2)),
        "group": (base, noise(key, vectors, cols, read=2, group=1)),
        "key": (base, noise(key + 1, vectors, cols, read=2)),
        "seed": (base, noise(noise_key(5, 7, 1), vectors, cols, read=2)),
        "array": (base, noise(noise_key(4, 7, 2), vectors, cols, read=2)),
        "shifted": (base[:-1, :-1], base[1:, 1:]),
    }
    for name, (a, b) in others.items():
        for z in correlations(a, b):
            assert abs(z) < 5, name


def test_sums_over_rows_and_columns_are_normal_too():
    """A lattice in the hash would show in sums of many draws."""
    z = noise(noise_key(6, 7), np.arange(2000), np.arange(512))
    check_moments(z.sum(0) / math.sqrt(2000))
    check_moments(z.sum(1) / math.sqrt(512))


def test_neighbouring_cells_are_uncorrelated():
    z = cells(3, 2, 10, 0, 0, (300, 300))
    for other in (cells(3, 2, 11, 0, 0, z.shape), cells(4, 2, 10, 0, 0, z.shape)):
        assert max(map(abs, correlations(z, other))) < 5
    assert max(map(abs, correlations(z[1:], z[:-1]))) < 5
    assert max(map(abs, correlations(z[:, 1:], z[:, :-1]))) < 5


def test_a_key_depends_on_every_number_and_their_order():
    keys = [
        noise_key(*k) for k in ((0, 0), (0, 1), (1, 0), (0, 0, 0), (1, 2, 3), (1, 3, 2), (0,) * 4)
    ]
    assert len(set(keys)) == len(keys)
    assert all(0 <= k < 1 << 64 for k in keys)
