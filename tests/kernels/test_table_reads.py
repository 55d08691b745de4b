"""Do reads through tables give the codes of sums over cells, whatever is switched on?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.kernels.conversion import make_conversion
from crossbar.kernels.draw import noise_key
from crossbar.kernels.table_reads import read_tables
from crossbar.kernels.tables import make_tables, table_numbers
from tests.kernels import naive, naive_tables


def planes_of(digits, dac, groups, words, sign_read, bipolar):
    """Bit planes, as `pack_planes` makes them, of ``digits[positions, reads, rows]``."""
    parts = [np.maximum(digits, 0), np.maximum(-digits, 0)] if bipolar else [digits]
    out = []
    for part in parts:
        main = part[:, :-1] if sign_read else part
        values = sum(main[:, t] << (t * dac) for t in range(main.shape[1]))
        n = main.shape[1] * dac
        out.append(naive.packed(values, groups, n, n, None, words))
    if sign_read:
        out.append(naive.packed(digits[:, -1], groups, 1, 1, None, words))
    return np.ascontiguousarray(np.concatenate(out, axis=2))


def draw_case(rng, dac, rows, cols, positions, reads, per_group, *, sign_read=False, bipolar=False):
    """Random cells of a nonlinear cell: contributions are no multiples of the digit."""
    top = 1 << dac
    contributions = rng.uniform(0, 1.5, (1, rows, cols)) * np.arange(top)[:, None, None]
    contributions += rng.uniform(-0.1, 0.1, contributions.shape)
    contributions[0] = 0.0
    groups = np.array([(s, min(per_group, rows - s)) for s in range(0, rows, per_group)])
    digits = rng.integers(1 - top if bipolar else 0, top, (positions, reads, rows))
    if sign_read:
        digits[:, -1] = rng.integers(0, 2, (positions, rows))
    planes = planes_of(digits, dac, groups, -(-per_group // 64), sign_read, bipolar)
    scale = rng.uniform(0.5, 2.0, (len(groups), cols)) * (8.0 / per_group / top)
    if bipolar:  # rows cancel
        scale *= per_group**0.5
    flip = -rng.integers(0, 2, (len(groups), cols))
    return contributions, groups, digits, planes, scale, flip


def compare(rng, dac, case, low, high, options, *, sign_read=False, bipolar=False, shift=0):
    """Read by the kernel and by the twin; equal wherever no sum lies on an edge of its code."""
    contributions, groups, digits, planes, scale, flip = case
    cols, reads = contributions.shape[2], digits.shape[1]
    spread = 0.0
    if "constant" in options:
        most = options["constant"].max()
        if "variance" in options:
            most += (options["variance"].max(0).sum(0) * scale.max(0) ** 2).max()
        spread = most**0.5
    frac = table_numbers(contributions, groups, scale, 4.0, spread)
    noise = {}
    if "constant" in options:
        noise = {k: options[k] for k in ("key", "outputs")}
        if "variance" in options:
            noise["constant_variance"] = options["constant"]
        else:
            noise["deviation"] = np.sqrt(options["constant"])
    conversion = make_conversion(
        frac,
        low,
        high,
        flip,
        **{k: options[k] for k in ("offset", "thresholds", "which") if k in options},
        **noise,
    )
    tables = make_tables(contributions, groups, scale, frac, options.get("variance"))
    out = np.full((len(digits), cols), 5, dtype=np.int64)
    main = reads - int(sign_read)
    clipped = read_tables(
        planes,
        tables,
        conversion,
        out,
        main_reads=main,
        sign_shift=main * dac if sign_read else None,
        bipolar=bipolar,
        shift=shift,
        vectors=options.get("vectors"),
    )
    weights = [1 << (t * dac) for t in range(main)] + [-(1 << (main * dac))] * int(sign_read)
    codes, _, distance, deviations = naive_tables.read(
        digits, groups, contributions, scale, low, high, options
    )
    expected, want = naive_tables.joined(codes, low, high, weights, flip)
    # half a unit an entry, a unit of offset and of noise, and float32 in the noise
    edge = (contributions.shape[1] + 3) * 2.0**-frac + 1e-5 * deviations
    sure = distance > edge
    fine = sure.all(axis=(1, 2))
    assert np.array_equal(out[fine], 5 + (expected[fine] << shift))
    assert abs(clipped - want) <= (~sure).sum()
    assert sure.mean() > 0.99
    assert fine.any()
    return codes, clipped


@pytest.mark.parametrize("dac", [1, 2, 3, 4])
@pytest.mark.parametrize(("sign_read", "bipolar"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("size", [(1, 1, 1, 1), (70, 18, 33, 70), (100, 5, 2, 40)])
def test_codes_are_those_of_the_sums_over_cells(dac, sign_read, bipolar, size):
    rows, cols, positions, per_group = size
    rng = np.random.default_rng(dac + rows)
    reads = 3
    case = draw_case(
        rng, dac, rows, cols, positions, reads, per_group, sign_read=sign_read, bipolar=bipolar
    )
    low, high = (-3, 2) if bipolar else (0, 2)  # narrow enough to saturate
    offset = rng.uniform(-1, 1, case[4].shape)
    _, clipped = compare(
        rng, dac, case, low, high, {"offset": offset}, sign_read=sign_read, bipolar=bipolar, shift=2
    )
    if rows > 1:
        assert clipped > 0


def noise_options(rng, case, variance):
    contributions, groups, digits = case[:3]
    cols = contributions.shape[2]
    options = {
        "constant": rng.uniform(0.01, 0.3, (len(groups), cols)),
        "key": noise_key(7, 7, 3),
        "outputs": rng.permutation(1000)[:cols],
        "vectors": rng.integers(0, 1 << 40, len(digits)),
    }
    if variance:
        options["variance"] = rng.uniform(0, 0.02, contributions.shape)
        options["variance"][0] = 0.0
    return options


@pytest.mark.parametrize(
    ("dac", "sign_read", "bipolar", "variance"),
    [(1, False, False, False), (2, True, False, True)],
)
def test_noise_is_one_normal_a_conversion(dac, sign_read, bipolar, variance):
    rng = np.random.default_rng(3)
    case = draw_case(rng, dac, 40, 19, 3, 4, 30, sign_read=sign_read, bipolar=bipolar)
    options = noise_options(rng, case, variance)
    compare(rng, dac, case, -3 if bipolar else 0, 3, options, sign_read=sign_read, bipolar=bipolar)


def wild_thresholds(rng, adcs, bits):
    """Thresholds near their places, some far off, out of order, equal or infinite."""
    thresholds = np.tile(np.arange(1 << bits) - 0.5, (adcs, 1))
    thresholds += rng.normal(0, 0.4, thresholds.shape)
    thresholds[:, 0] = -np.inf
    if adcs > 1 and bits > 2:
        thresholds[1, 3] = thresholds[1, 1]
        thresholds[1, 5] -= 3.0
        thresholds[1, -2] = np.inf
        thresholds[1, 2] = -np.inf
    return thresholds


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("low", [0, -4])
def test_thresholds_decide_by_binary_search(bits, low):
    rng = np.random.default_rng(bits)
    case = draw_case(rng, 1, 33, 21, 4, 3, 20)
    options = {
        "thresholds": wild_thresholds(rng, 3, bits),
        "which": rng.integers(0, 3, case[4].shape),
    }
    case[4][:] *= 3.0 if bits > 1 else 1.0
    compare(rng, 1, case, low, low + (1 << bits) - 1, options)


def test_everything_at_once():
    rng = np.random.default_rng(8)
    case = draw_case(rng, 2, 37, 18, 3, 3, 25, bipolar=True)
    options = noise_options(rng, case, True)
    options["thresholds"] = wild_thresholds(rng, 3, 3) - 4.0
    options["which"] = rng.integers(0, 3, case[4].shape)
    compare(rng, 2, case, -4, 3, options, bipolar=True)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_codes_of_odd_sizes(data):
    dac = data.draw(st.integers(1, 4))
    rows, cols = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 35))
    positions, reads = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    case = draw_case(rng, dac, rows, cols, positions, reads, data.draw(st.integers(1, rows)))
    compare(rng, dac, case, 0, data.draw(st.integers(1, 5)), {})


def test_one_code_in_a_thousand_may_differ_and_by_one_only():
    """A large layer as in ISAAC: the share that fixed point changes, stated in the report."""
    rng = np.random.default_rng(0)
    positions, rows, cols = 400, 128, 256
    cells = rng.integers(0, 4, (rows, cols)) * rng.normal(1, 0.1, (rows, cols))
    contributions = np.stack([np.zeros_like(cells), cells])
    groups, scale = np.array([[0, rows]]), np.full((1, cols), 255 / 384)
    frac = table_numbers(contributions, groups, scale)
    tables = make_tables(contributions, groups, scale, frac)
    conversion = make_conversion(frac, 0, 255, np.zeros((1, cols), np.int64))
    bits = rng.integers(0, 2, (positions, 8, rows))
    planes = planes_of(bits, 1, groups, 2, False, False)
    wrong = 0
    for t in range(8):
        out = np.zeros((positions, cols), np.int64)
        read = np.ascontiguousarray(planes[:, :, t : t + 1])
        read_tables(read, tables, conversion, out, main_reads=1)
        expected = np.clip(np.floor(bits[:, t] @ cells * (255 / 384) + 0.5), 0, 255)
        assert np.abs(out - expected).max() <= 1
        wrong += np.count_nonzero(out != expected)
    assert wrong / (8 * positions * cols) < 1e-3


def test_results_depend_on_neither_span_order_columns_nor_thread():
    rng = np.random.default_rng(5)
    case = draw_case(rng, 1, 90, 40, 70, 8, 64)
    contributions, groups, _, planes, scale, flip = case
    frac = table_numbers(contributions, groups, scale, spread=1.0)
    deviation = rng.uniform(0.1, 0.5, scale.shape)
    vectors = rng.permutation(10_000)[:70]

    def run(positions, cols):
        """Every read of some positions and columns."""
        some = np.ascontiguousarray
        tables = make_tables(contributions[:, :, cols], groups, some(scale[:, cols]), frac)
        conversion = make_conversion(
            frac,
            0,
            3,
            flip[:, cols],
            deviation=deviation[:, cols],
            key=noise_key(1, 7),
            outputs=cols,
        )
        out = np.zeros((len(positions), len(cols)), np.int64)
        read_tables(
            some(planes[positions]),
            tables,
            conversion,
            out,
            main_reads=8,
            vectors=vectors[positions],
        )
        return out

    every = np.arange(40)
    whole = run(np.arange(70), every)
    order = rng.permutation(70)
    assert np.array_equal(run(order, every), whole[order])
    few = np.array([3, 17, 39, 4])
    assert np.array_equal(run(np.arange(10, 31), few), whole[10:31][:, few])
    with ThreadPoolExecutor(2) as pool:
        halves = list(pool.map(lambda part: run(part, every), np.array_split(np.arange(70), 2)))
    assert np.array_equal(np.concatenate(halves), whole)


def test_wide_codes_over_many_reads_do_not_overflow():
    rng = np.random.default_rng(2)
    case = draw_case(rng, 1, 5, 17, 2, 16, 5)
    case[4][:] = 60_000 / 5
    compare(rng, 1, case, 0, (1 << 16) - 1, {}, shift=6)


def test_a_sum_of_more_lsb_than_fixed_point_holds_is_an_error():
    contributions, groups, scale = np.ones((2, 4, 1)), np.array([[0, 4]]), np.full((1, 1), 1e9)
    with pytest.raises(OverflowError, match="4e\\+09 lsb"):
        table_numbers(contributions, groups, scale)
    with pytest.raises(ValueError, match="3 a converter"):
        make_conversion(4, 0, 2, np.zeros((1, 1)), thresholds=np.zeros((1, 3)))


def test_tables_that_went_through_a_pickle_are_read_alike():
    """Workers get copies, which begin anywhere."""
    rng = np.random.default_rng(6)
    contributions, groups, _, planes, scale, flip = draw_case(rng, 1, 33, 20, 3, 8, 33)
    frac = table_numbers(contributions, groups, scale, spread=1.0)
    variance = contributions * 0.01
    tables = make_tables(contributions, groups, scale, frac, variance)
    conversion = make_conversion(frac, 0, 3, flip, constant_variance=np.ones(scale.shape))

    def moved(array):
        raw = np.zeros(array.nbytes + 8, np.uint8)[4 : 4 + array.nbytes]
        copy = raw.view(array.dtype).reshape(array.shape)
        copy[...] = array
        return copy

    def shifted(record):
        arrays = (np.int32, np.float32)
        return record._replace(
            **{
                name: moved(value)
                for name, value in record._asdict().items()
                if isinstance(value, np.ndarray) and value.dtype in arrays
            }
        )

    results = []
    for some, how in ((tables, conversion), (shifted(tables), shifted(conversion))):
        out = np.zeros((3, 20), np.int64)
        read_tables(planes, some, how, out, main_reads=8, vectors=np.arange(3))
        results.append(out)
    assert np.array_equal(*results)
