"""Is a matrix of sums converted like the sums of tables, and driven like its digits?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.kernels.conversion import make_conversion
from crossbar.kernels.convert import convert_columns, digit_matrix
from crossbar.kernels.draw import noise_key
from crossbar.kernels.table_reads import read_tables
from crossbar.kernels.tables import make_tables, table_numbers
from tests.kernels import naive_tables
from tests.kernels.test_table_reads import draw_case, noise_options, planes_of, wild_thresholds


def gemm(case, conversion, main_reads, dac, options, shift, dtype):
    """The whole of `read_tables` as matrix products."""
    contributions, groups, digits, _, scale, _ = case
    out = np.zeros((len(digits), contributions.shape[2]), np.int64)
    clipped = 0
    for g, (start, rows) in enumerate(groups):
        for t in range(digits.shape[1]):
            some = digits[:, t, start : start + rows]
            sums, variance = np.zeros((2, *out.shape))
            for d in range(1, len(contributions)):
                part = contributions[d, start : start + rows]
                sums += ((some == d).astype(float) - (some == -d)) @ part
                if "variance" in options:
                    spread = options["variance"][d, start : start + rows]
                    variance += (np.abs(some) == d) @ spread
            sign_read = t == main_reads
            clipped += convert_columns(
                sums.astype(dtype),
                scale[g],
                conversion,
                out,
                group=g,
                read=t,
                left=t * dac + shift,
                negate=sign_read,
                variance=variance.astype(dtype) if "variance" in options else None,
                vectors=options.get("vectors"),
            )
    return out, clipped


@pytest.mark.parametrize("cols", [5, 32, 35])
@pytest.mark.parametrize("kind", ["plain", "deviation", "variance", "thresholds", "all"])
def test_sums_are_converted_as_those_of_tables(kind, cols):
    rng = np.random.default_rng(cols)
    bipolar, sign_read = kind == "all", kind == "deviation"
    case = draw_case(rng, 2, 30, cols, 6, 4, 20, sign_read=sign_read, bipolar=bipolar)
    contributions, groups, _, planes, scale, flip = case
    scale *= 2.5  # to saturate now and then
    options, keys = {}, {}
    if kind in ("deviation", "variance", "all"):
        options = noise_options(rng, case, kind != "deviation")
        constant = options["constant"]
        name = "deviation" if kind == "deviation" else "constant_variance"
        keys = {name: constant, "key": options["key"], "outputs": options["outputs"]}
    low, high = (-4, 3) if bipolar else (0, 7)
    if kind in ("thresholds", "all"):
        keys["thresholds"] = wild_thresholds(rng, 3, 3) + low
        keys["which"] = rng.integers(0, 3, scale.shape)
    else:
        keys["offset"] = rng.uniform(-1, 1, scale.shape)
    frac = table_numbers(contributions, groups, scale, 4.0, 2.0)
    conversion = make_conversion(frac, low, high, flip, **keys)
    tables = make_tables(contributions, groups, scale, frac, options.get("variance"))
    out = np.zeros((6, cols), np.int64)
    main = 4 - int(sign_read)
    clipped = read_tables(
        planes,
        tables,
        conversion,
        out,
        main_reads=main,
        sign_shift=2 * main if sign_read else None,
        bipolar=bipolar,
        shift=1,
        vectors=options.get("vectors"),
    )
    assert clipped > 0
    for dtype in (np.float64, np.float32):
        got, got_clipped = gemm(case, conversion, main, 2, options, 1, dtype)
        # the same sums but for their last bits: no code of so few may lie on its edge
        assert np.count_nonzero(got != out) <= (0 if dtype == np.float64 else 1)
        assert abs(got_clipped - clipped) <= (0 if dtype == np.float64 else 1)


def test_a_conversion_is_that_of_the_twin():
    rng = np.random.default_rng(9)
    sums = rng.uniform(-20, 300, (50, 21))
    scale = rng.uniform(0.5, 1.5, 21)
    flip = -rng.integers(0, 2, (1, 21))
    offset = rng.normal(0, 2, (1, 21))
    conversion = make_conversion(20, 0, 255, flip, offset=offset)
    out = np.full(sums.shape, 3, np.int64)
    clipped = convert_columns(sums, scale, conversion, out, group=0, read=0, left=4, negate=True)
    code = np.floor(sums * scale + offset + 0.5)
    assert clipped == np.count_nonzero((code < 0) | (code > 255))
    assert np.array_equal(out, 3 - (np.clip(code, 0, 255).astype(int) * (1 + 2 * flip) << 4))


@pytest.mark.parametrize("dac", [1, 3, 8])
@pytest.mark.parametrize("bipolar", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_are_driven_as_levels_with_their_sign_and_noise(dac, bipolar, dtype):
    rng = np.random.default_rng(dac)
    rows, groups = 75, np.array([(0, 3), (3, 70), (73, 2)])
    top = 1 << dac
    digits = rng.integers(1 - top if bipolar else 0, top, (4, 2, rows))
    planes = planes_of(digits, dac, groups, 2, False, bipolar)
    levels = np.arange(top) + rng.normal(0, 0.3, (70, top))
    levels[:, 0] = 0.0
    vectors, key = np.array([5, 0, 1 << 33, 6]), noise_key(1, 10, 4)
    negative = 3 * dac if bipolar else None  # second read; two reads' planes lie between
    for read in (1,):
        place = {"first_plane": dac, "dac_planes": dac, "negative_plane": negative, "read": read}
        part = digits[:, read, 3:73]
        plain = digit_matrix(planes, 1, out=np.empty((4, 70), dtype), **place)
        assert np.array_equal(plain, part)
        driven = digit_matrix(
            planes,
            1,
            out=np.empty((4, 70), dtype),
            levels=levels,
            noise=0.25,
            key=key,
            vectors=vectors,
            **place,
        )
        for p, r in np.ndindex(part.shape):
            digit = int(part[p, r])
            expected = 0.0
            if digit:
                expected = np.sign(digit) * levels[r, abs(digit)]
                expected += 0.25 * naive_tables.normals(key, int(vectors[p]), 1, read, r)
            assert driven[p, r] == pytest.approx(expected, rel=1e-6, abs=2e-5)


def test_what_cannot_be_meant_is_an_error():
    conversion = make_conversion(10, 0, 3, np.zeros((1, 2)), deviation=np.ones((1, 2)))
    out = np.zeros((4, 2), np.int64)
    place = {"group": 0, "read": 0}
    with pytest.raises(ValueError, match="noise needs vectors"):
        convert_columns(np.zeros((4, 2)), np.ones(2), conversion, out, **place)
    with pytest.raises(ValueError, match="not C-contiguous"):
        convert_columns(np.zeros((2, 4)), np.ones(2), conversion, out.T, **place)
    with pytest.raises(ValueError, match="constant_variance"):
        convert_columns(
            np.zeros((4, 2)),
            np.ones(2),
            conversion,
            out,
            variance=np.ones((4, 2)),
            vectors=np.arange(4),
            **place,
        )
    with pytest.raises(ValueError, match="noise needs vectors"):
        digit_matrix(np.zeros((1, 1, 1, 1), np.uint64), 0, 0, 1, np.zeros((1, 1)), noise=0.1)
