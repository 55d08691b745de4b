"""Do matrix tiles read the same codes as popcounts and as a triple loop?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.array import tile_reading
from crossbar.array.reading import SlicePlanes, pack_codes
from crossbar.array.run import pack, read_columns
from crossbar.array.tile_reading import make_tiled, pack_bytes, read_tiled, tiled
from crossbar.array.window import Span, Window
from crossbar.circuit.adc import Adc
from crossbar.circuit.dac import InputCoding
from crossbar.errors import InputError
from crossbar.kernels.tiles import tiles_refused
from tests.array import test_layer_values as layers
from tests.kernels import naive

REFUSED = tiles_refused()
AMX = pytest.mark.skipif(bool(REFUSED), reason=REFUSED or "tiles")
SETTINGS = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Hardware:
    """What compiled variants depend on; sizes are drawn."""

    coding: InputCoding
    cell: int = 2
    words: int = 2
    paired: bool = False
    full: bool = False


HARDWARE = [
    Hardware(InputCoding(8, 1, True, 0)),  # ISAAC's, signed inputs
    Hardware(InputCoding(8, 1, False, 0), paired=True),
    Hardware(InputCoding(8, 1, False, 0), words=1, full=True),
    Hardware(InputCoding(5, 2, True, 0), cell=4, words=3),
    Hardware(InputCoding(8, 3, False, 128), cell=1, words=1),  # digits over a byte's edge
    Hardware(InputCoding(8, 1, False, 0, True), cell=3),
    Hardware(InputCoding(6, 2, False, 0, True), words=1, paired=True, full=True),
    Hardware(InputCoding(14, 4, True, 0), cell=4, words=2, full=True),  # 64-bit quotients, results
]
NAMES = [f"{k}" for k in range(len(HARDWARE))]


@dataclass(frozen=True)
class Sizes:
    """Of a bundle and its inputs."""

    rows: int
    per_read: int
    outputs: int
    positions: int
    slices: int
    narrower: int
    seed: int


@st.composite
def sizes(draw, hardware):
    per_read = draw(st.integers(64 * (hardware.words - 1) + 1, 64 * hardware.words))
    return Sizes(
        draw(st.integers(1, 3 * per_read)) if hardware.words == 1 else per_read + 5,
        per_read,
        draw(st.integers(1, 37)),
        draw(st.integers(1, 35)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 6)),
        draw(st.integers(0, 2**31)),
    )


def build(hardware, size):
    """A bundle with random codes and flips, its converter, its inputs."""
    rng = np.random.default_rng(size.seed)
    coding, top = hardware.coding, (1 << hardware.cell) - 1
    starts = range(0, size.rows, size.per_read)
    groups = [SimpleNamespace(start=s, rows=min(size.per_read, size.rows - s)) for s in starts]
    bundle = SimpleNamespace(rows=size.rows, row_groups=groups, outputs=size.outputs)
    words = max(-(-g.rows // 64) for g in groups)
    parts, cells = [], []
    for j in range(size.slices):
        chosen = np.arange(size.outputs)
        if j == 1:
            chosen = np.sort(rng.choice(size.outputs, -(-size.outputs // 2), replace=False))
        codes = rng.integers(0, top + 1, (2, size.rows, chosen.size)).astype(np.uint8)
        codes[:, 0] = top  # both have all planes
        plus, minus = (pack_codes(c, bundle, words) for c in codes)
        flip = -rng.integers(0, 2, (len(groups), chosen.size))
        step = 3 if j == 2 else 1
        shift = j * hardware.cell
        minus = minus if hardware.paired else plus
        parts.append(SlicePlanes(chosen, plus, minus, flip, shift, step, hardware.paired))
        cells.append(codes)
    s_max = size.per_read * top * coding.full_scale
    signed = hardware.paired or coding.bipolar
    adc = Adc(max(2, s_max.bit_length() - size.narrower), s_max, hardware.full, signed)
    x = rng.integers(coding.low, coding.high + 1, (size.positions, size.rows, 1, 1))
    return bundle, parts, cells, adc, x.astype(np.int32)


def through_tiles(bundle, parts, adc, coding, x, tokens=True, count=True):
    window, segments = Window(tokens=tokens), np.array([[0, bundle.rows]])
    span = Span(0, len(x), 0, 1)
    inputs, sums = pack_bytes(bundle, segments, coding, x, window, 0, span)
    assert np.array_equal(sums[:, 0], (x[:, :, 0, 0] + coding.offset).sum(1))
    columns = make_tiled(parts, bundle.outputs)
    totals, saturated = read_tiled(inputs, columns, adc, coding, count=count)
    assert all(not total[len(x) :].any() for total in totals)
    assert all(not total[:, bundle.outputs :].any() for total in totals)
    found = {
        step: total[: len(x), : bundle.outputs]
        for step, total in zip(columns.steps, totals, strict=True)
    }
    return found, saturated


def through_popcounts(bundle, parts, adc, coding, x):
    geometry = Window().geometry(0, bundle.rows)
    planes, _ = pack(bundle, np.array([[0, 1]]), coding, x, geometry, Span(0, len(x), 0, 1))
    totals, saturated = {}, 0
    for part in parts:
        some = np.zeros((len(x), part.outputs.size), dtype=np.int64)
        saturated += read_columns(planes, part, adc, coding, some)
        total = totals.setdefault(part.step, np.zeros((len(x), bundle.outputs), dtype=np.int64))
        total[:, part.outputs] += some
    return totals, saturated


def same(got, expected):
    return got.keys() == expected.keys() and all(np.array_equal(got[k], expected[k]) for k in got)


@AMX
@pytest.mark.parametrize("hardware", HARDWARE, ids=NAMES)
def test_tiles_read_what_popcounts_read_saturations_included(hardware):
    @SETTINGS
    @given(sizes(hardware), st.booleans())
    def check(size, tokens):
        bundle, parts, _, adc, x = build(hardware, size)
        expected, clipped = through_popcounts(bundle, parts, adc, hardware.coding, x)
        got, saturated = through_tiles(bundle, parts, adc, hardware.coding, x, tokens)
        assert same(got, expected)
        assert saturated == clipped

    check()


@AMX
@pytest.mark.parametrize("hardware", HARDWARE, ids=NAMES)
def test_tiles_read_what_a_triple_loop_reads(hardware):
    per_read = 64 * hardware.words - 23
    coding = hardware.coding
    narrower = 6 if hardware.paired or coding.bipolar else 3
    size = Sizes(per_read + 9, per_read, 5, 3, 2, narrower, 1)
    bundle, parts, cells, adc, x = build(hardware, size)
    policy = "full" if hardware.full else "clip"
    convert, _, saturates = naive.adc(policy, adc.bits, adc.s_max, adc.signed)
    digits = coding.digits(x[:, :, 0, 0]).transpose(1, 0, 2)  # [positions, reads, rows]
    total, clipped = np.zeros((3, 5), dtype=np.int64), 0
    for part, codes in zip(parts, cells, strict=True):
        for g, group in enumerate(bundle.row_groups):
            rows = slice(group.start, group.start + group.rows)
            minus = codes[1] if hardware.paired else np.zeros_like(codes[1])
            some, more = naive.read_slice(
                digits[:, None, :, rows],
                codes[0][None, rows],
                minus[None, rows],
                part.flip[g : g + 1],
                lambda s: (convert(s), bool(saturates(s))),
                coding.weights,
            )
            total[:, part.outputs] += some << part.shift
            clipped += more
    got, saturated = through_tiles(bundle, parts, adc, coding, x)
    assert np.array_equal(got[1], total)
    assert saturated == clipped
    assert hardware.full or clipped > 0  # the case is worth something


@AMX
def test_uncounted_reads_have_the_same_codes():
    hardware = HARDWARE[0]
    bundle, parts, _, adc, x = build(hardware, Sizes(200, 100, 20, 17, 2, 3, 5))
    counted, saturated = through_tiles(bundle, parts, adc, hardware.coding, x)
    got, none = through_tiles(bundle, parts, adc, hardware.coding, x, count=False)
    assert same(got, counted)
    assert saturated > 0
    assert none == 0


@AMX
def test_many_threads_have_tiles_of_their_own():
    hardware = HARDWARE[0]
    cases = [build(hardware, Sizes(130, 128, 40, 33, 1, 2, seed)) for seed in range(12)]

    def read(case):
        bundle, parts, _, adc, x = case
        return through_tiles(bundle, parts, adc, hardware.coding, x)

    alone = [read(case) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        for (got, saturated), (expected, clipped) in zip(pool.map(read, cases), alone, strict=True):
            assert same(got, expected)
            assert saturated == clipped


LAYERS = [
    {"array.encoding": "offset", "array.flip_columns": True, "dac.signed": "twos_complement"},
    {"array.encoding": "differential", "array.subtract": "analog", "dac.signed": "sign_magnitude"},
    {"array.encoding": "twos_complement", "array.input_sum": "column", "dac.signed": "offset"},
]


@pytest.mark.parametrize("kernel", ["popcount", pytest.param("amx", marks=AMX)])
@pytest.mark.parametrize("keys", LAYERS, ids=[keys["array.encoding"] for keys in LAYERS])
def test_a_layer_read_by_either_kernel_is_the_naive_one(monkeypatch, keys, kernel):
    monkeypatch.setenv("CROSSBAR_KERNEL", kernel)
    keys = {"array.rows": 12, "cell.bits": 2, "dac.bits": 1, "chip.tiles": "auto"} | keys

    @SETTINGS
    @given(st.integers(2, 4), st.integers(1, 45), st.integers(1, 6), st.integers(0, 2**31))
    def check(adc_bits, rows, outputs, seed):
        overrides = {**keys, "adc.policy": "clip", "adc.bits": adc_bits}
        case = overrides, 8, 8, True, rows, outputs, seed
        arch, w, x, layer = layers.build(case)
        got, saturated = layers.compute(layer, x)
        expected = [naive.layer(v, w, arch, 8, 8, True) for v in x]
        assert np.array_equal(got, [e[0] for e in expected])
        assert saturated == sum(e[1] for e in expected)

    check()


@pytest.mark.parametrize("kernel", ["popcount", pytest.param("amx", marks=AMX)])
def test_rows_driven_either_way_through_pairs_may_add_and_clip(monkeypatch, kernel):
    """Once taken as impossible: -1 through a plus cell and +1 through a minus cell."""
    monkeypatch.setenv("CROSSBAR_KERNEL", kernel)
    keys = {**LAYERS[1], "array.rows": 12, "cell.bits": 2, "dac.bits": 1, "chip.tiles": "auto"}
    case = {**keys, "adc.policy": "clip", "adc.bits": 3}, 8, 8, True, 2, 1, 3
    arch, w, x, layer = layers.build(case)
    got, saturated = layers.compute(layer, x)
    assert layer.collapsed < 1.0
    assert got[:, 0].tolist() == [naive.layer(v, w, arch, 8, 8, True)[0][0] for v in x]
    assert saturated == 4


@pytest.mark.parametrize("chosen", [None, "", "auto"])
def test_tiles_are_chosen_where_there_are_any_and_positions_enough(monkeypatch, chosen):
    if chosen is None:
        monkeypatch.delenv("CROSSBAR_KERNEL", raising=False)
    else:
        monkeypatch.setenv("CROSSBAR_KERNEL", chosen)
    monkeypatch.setattr(tile_reading, "tiles_refused", lambda: "")
    assert tiled(16)
    assert not tiled(1)
    monkeypatch.setattr(tile_reading, "tiles_refused", lambda: "none here")
    assert not tiled(16)


def test_a_kernel_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("CROSSBAR_KERNEL", "popcount")
    monkeypatch.setattr(tile_reading, "tiles_refused", lambda: "")
    assert not tiled(16)
    monkeypatch.setenv("CROSSBAR_KERNEL", "amx")
    assert tiled(1)
    monkeypatch.setattr(tile_reading, "tiles_refused", lambda: "none here")
    with pytest.raises(InputError, match="CROSSBAR_KERNEL: amx is not possible: none here"):
        tiled(16)
    monkeypatch.setenv("CROSSBAR_KERNEL", "avx")
    with pytest.raises(InputError, match="'avx' is no kernel .auto, popcount, amx."):
        tiled(16)
