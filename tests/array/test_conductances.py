"""Does a layer of real cells compute what its currents say, cell by cell?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.circuit.adc import make_adc, make_unit_adc
from crossbar.circuit.dac import make_input_coding
from crossbar.device.faults import StuckAt, stuck_states
from crossbar.mapping import build_plan
from crossbar.mapping.encode import weight_range
from tests.array import slow_arrays
from tests.array.test_layer_values import one_layer

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RERAM = {
    "cell.kind": "reram",
    "chip.tiles": "auto",
    "pe.input_register": "64 KiB",
    "pe.output_register": "64 KiB",
}


def build(keys, *, bits=4, input_bits=4, signed=False, rows=20, outputs=3, seed=0, state=None):
    """A linear layer with its weights and three input vectors."""
    arch = load_arch("tiny_reram", {**RERAM, **keys})
    rng = np.random.default_rng(seed)
    top = weight_range(bits, None)[1]
    w = rng.integers(-top, top + 1, size=(rows, outputs))
    if bits == 1:
        w = np.where(w > 0, 1, -1)
    work = one_layer(rows, outputs)
    plan = build_plan(
        work, arch, weight_bits=bits, input_bits=input_bits, signed_inputs={"fc": signed}
    )
    coding = make_input_coding(arch, input_bits, signed)
    x = rng.integers(coding.low, coding.high + 1, size=(3, rows))
    sample = rng.integers(coding.low, coding.high + 1, size=(40, rows)).astype(np.int32)
    layer = ProgrammedLayer(
        plan.layers[0], arch, w.T.astype(np.int32), coding, state or Conditions(), sample
    )
    return arch, w, x, layer


def compute(layer, x, first=0):
    out = np.empty((len(x), layer.plan.shape[1], 1))
    image = np.ascontiguousarray(x[:, :, None, None].astype(np.int32))
    n = out.shape[1]
    saturated = layer.compute(image, Window(), np.ones(n), np.zeros(n), out, first_image=first)
    return out[:, :, 0], saturated


def slow(arch, w, x, layer, converter=None, near=None, epoch=0):
    """The same by `slow_arrays`, with ideal converters unless told otherwise.

    ``near`` collects sums that lie on the edge of a code: of stuck cells alone, say.
    """
    state, plan = layer.conditions, layer.plan
    adc, unit = make_adc(arch), make_unit_adc(arch)

    def array_of(down, across, codes):
        number = plan.first_array + down * plan.bundles[0].col_blocks + across
        states = None
        if state.faults is not None:
            states = stuck_states(state.faults, number, codes.shape, state.fault_seed)
        return slow_arrays.currents(
            arch, codes, states, number, state.seed, state.t_inference, epoch
        )

    def convert(s, down, across, j, n):
        one = unit if j is None else adc
        code = math.floor(s / one.lsb + 0.5)
        if near is not None and abs(s / one.lsb + 0.5 - round(s / one.lsb + 0.5)) < 1e-4:
            near.append(s)
        return min(max(code, one.low), one.high) * one.lsb

    return np.array(
        [
            slow_arrays.layer(
                v, w, arch, plan.encoding.bits, plan.input_bits, layer.coding.low < 0, array_of,
                converter or convert,
            )
            for v in x
        ]
    )  # fmt: skip


def assert_alike(got, expected):
    """Equal: no sum is so near to the edge of a code that fixed point could miss it."""
    assert np.abs(got - expected).max() <= 1e-6 * (1 + np.abs(expected).max()), (got, expected)


@st.composite
def keys(draw):
    encoding = draw(st.sampled_from(["offset", "differential", "twos_complement"]))
    analog = encoding == "differential" and draw(st.booleans())
    rows = draw(st.integers(1, 18))
    policy = draw(st.sampled_from(["clip", "full", "lossless"]))
    signed = draw(st.sampled_from(["twos_complement", "offset", "sign_magnitude"]))
    found = {
        "array.rows": rows,
        "array.cols": draw(st.integers(4, 9)),
        "array.rows_per_read": draw(st.integers(1, rows)),
        "array.encoding": encoding,
        "array.subtract": "analog" if analog else "digital",
        "array.flip_columns": not analog and draw(st.booleans()),
        "array.input_sum": draw(st.sampled_from(["digital", "column"])),
        "cell.bits": draw(st.sampled_from([1, 2, 3])),
        "cell.narrow_slice": draw(st.sampled_from(["low_levels", "full_swing"])),
        "cell.pedestal": draw(st.sampled_from(["reference", "digital", "none"])),
        "cell.variation": draw(st.sampled_from([0.05, 0.3])),
        "dac.bits": draw(st.sampled_from([1, 1, 2, 3, 4])),
        "dac.signed": signed,
        "adc.policy": policy,
        "adc.bits": None if policy == "lossless" else draw(st.integers(2, 10)),
    }
    if draw(st.booleans()):
        for wire in ("wire_resistance_row", "wire_resistance_col"):
            found[f"array.{wire}"] = f"{draw(st.sampled_from([1, 50, 900]))} ohm"
        found["array.driver_resistance"] = "40 ohm"
        found["array.sense_resistance"] = "70 ohm"
    if draw(st.booleans()):
        found["cell.nonlinearity"] = {"kind": "sinh", "alpha": 1.3}
    if found.get("array.wire_resistance_row"):
        found.pop("cell.nonlinearity", None)  # the wires are solved for small signals
    faults = draw(st.sampled_from([None, StuckAt(0.1, 0.05)]))
    return found, faults


@SETTINGS
@given(
    keys(), st.integers(1, 6), st.sampled_from([2, 4, 5]), st.booleans(), st.integers(1, 40),
    st.integers(1, 5), st.integers(0, 2**31),
)  # fmt: skip
def test_a_layer_is_its_currents_read_one_by_one(
    case, bits, input_bits, signed, rows, outputs, seed
):
    found, faults = case
    state = Conditions(faults, fault_seed=3, seed=seed)
    arch, w, x, layer = build(
        found, bits=bits, input_bits=input_bits, signed=signed, rows=rows, outputs=outputs,
        seed=seed, state=state,
    )  # fmt: skip
    assert layer.path == "tables"
    got, _ = compute(layer, x)
    near = []
    expected = slow(arch, w, x, layer, near=near)
    assume(not near)
    assert_alike(got, expected)


@pytest.mark.parametrize("pedestal", ["reference", "digital"])
@pytest.mark.parametrize("encoding", ["offset", "differential", "twos_complement"])
def test_exact_cells_and_a_lossless_converter_give_the_integer_product(pedestal, encoding):
    keys = {
        "adc.policy": "lossless", "adc.bits": None, "array.encoding": encoding,
        "cell.pedestal": pedestal, "array.wire_resistance_row": "1e-9 ohm",
        # the pedestal of 16 rows is 5 1/3 levels: a reference or a digital one is exact for
        # differential sums only when it is a whole number of levels
        "cell.g_off": "10 uS", "cell.g_on": "40 uS",
    }  # fmt: skip
    _, w, x, layer = build(keys, signed=True)
    assert layer.path == "tables"
    assert np.allclose(compute(layer, x)[0], x @ w)


def test_results_depend_on_neither_batch_nor_threads(monkeypatch):
    keys = {
        "cell.variation": 0.1, "cell.read_noise": {"sigma": 0.2, "thermal": True},
        "adc.noise": 0.4, "array.rows_per_read": 7,
    }  # fmt: skip
    _, _, x, layer = build(keys, rows=40, outputs=6)
    whole, _ = compute(layer, x)
    again, _ = compute(layer, x)
    assert np.array_equal(whole, again)
    parts = [compute(layer, x[i : i + 1], first=i)[0] for i in range(3)]
    assert np.array_equal(whole, np.concatenate(parts))
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    assert np.array_equal(whole, compute(layer, x)[0])
    other, _ = compute(layer, x, first=5)
    assert not np.array_equal(whole, other)


def test_read_noise_has_the_variance_of_the_driven_cells():
    """Lossless wide converter, one slice: the spread over many images against the closed form."""
    keys = {
        "cell.bits": 1, "cell.read_noise": {"sigma": 0.3}, "adc.policy": "full", "adc.bits": 16,
        "dac.bits": 1, "array.encoding": "twos_complement", "cell.pedestal": "digital",
        "cell.g_on": "40 uS", "cell.g_off": "10 uS",
    }  # fmt: skip
    arch, w, x, layer = build(keys, bits=1, input_bits=1, rows=16, outputs=2)
    v = np.repeat(x[:1], 20000, axis=0)
    got, _ = compute(layer, v)
    step = arch.cell.g_on - arch.cell.g_off
    for n in range(2):
        g = np.where(w[:, n] < 0, arch.cell.g_on, arch.cell.g_off)  # -1 is stored as 1
        sigma = 2 * 0.3 * math.sqrt(float((x[0] * g**2).sum())) / step
        assert got[:, n].std() == pytest.approx(sigma, rel=5 / math.sqrt(2 * len(v)))
        error = sigma / math.sqrt(len(v))
        assert abs(got[:, n].mean() - float(x[0] @ w[:, n])) < 5 * error + 0.01


def test_telegraph_states_last_for_their_dwell():
    keys = {
        "cell.read_noise": {"rtn_share": 1.0, "rtn_amplitude": 0.4, "rtn_dwell": 3},
        "adc.policy": "full", "adc.bits": 12,
    }  # fmt: skip
    _, _, x, layer = build(keys)
    v = np.repeat(x[:1], 9, axis=0)
    got, _ = compute(layer, v)
    eras = got.reshape(3, 3, -1)
    assert (eras == eras[:, :1]).all()
    assert len({era[0].tobytes() for era in eras}) == 3
    shifted, _ = compute(layer, v[:4], first=2)
    assert np.array_equal(shifted, got[2:6])


def test_calibrated_ranges_hold_what_the_data_drive():
    for grain in ("layer", "slice", "column"):
        keys = {
            "adc.policy": "calibrated", "adc.bits": 10, "adc.calibrate": grain,
            "cell.variation": 0.05,
            "cell.pedestal": "digital",  # with a reference sums can be negative
        }  # fmt: skip
        _, w, x, layer = build(keys, rows=40, outputs=4)
        image = layer.sample[:, :, None, None]
        out = np.empty((len(image), 4, 1))
        n = layer.compute(np.ascontiguousarray(image), Window(), np.ones(4), np.zeros(4), out)
        assert n == 0, grain  # nothing that was seen in calibration clips
        full = build({**keys, "adc.policy": "full"}, rows=40, outputs=4)[3]
        error = np.abs(compute(layer, x)[0] - x @ w).mean()
        assert error <= np.abs(compute(full, x)[0] - x @ w).mean()


def test_energy_through_wires_is_that_of_the_network():
    keys = {
        "array.wire_resistance_row": "300 ohm", "array.wire_resistance_col": "200 ohm",
        "array.driver_resistance": "100 ohm", "cell.variation": 0.1, "dac.bits": 2,
    }  # fmt: skip
    arch, _, x, layer = build(keys, rows=20, outputs=3, input_bits=4)
    image = np.ascontiguousarray(x[:, :, None, None].astype(np.int32))
    from crossbar.circuit.wires import input_admittance

    a, step = arch.array, arch.cell.read_voltage / 3
    expected = 0.0
    for physical in layer.conductances():
        for down, across in np.ndindex(*physical.numbers.shape):
            y = input_admittance(
                physical.g[down, across], a.wire_resistance_row, a.wire_resistance_col,
                a.driver_resistance, a.sense_resistance,
            )  # fmt: skip
            for vector in x:
                for digits in layer.coding.digits(vector):
                    v = np.zeros(a.rows)
                    mine = digits[down * a.rows : (down + 1) * a.rows]
                    v[: len(mine)] = mine * step
                    expected += arch.cell.read_pulse * float(v @ y @ v)
    assert layer.array_energy(image, Window()) == pytest.approx(expected, rel=1e-9)


def test_effects_that_take_no_part_leave_no_trace():
    keys = {
        "cell.variation": 0.2, "cell.read_noise": 0.1, "adc.offset": 1.0, "dac.inl": 0.1,
        "array.wire_resistance_row": "100 ohm", "cell.pedestal": "reference", "adc.bits": 3,
        "dac.bits": 2,
    }  # fmt: skip
    state = Conditions(StuckAt(0.2, 0.2), effects=())
    _, w, x, layer = build(keys, state=state)
    assert layer.path == "integer"
    assert np.array_equal(compute(layer, x)[0], x @ w)


@pytest.mark.parametrize("encoding", ["offset", "differential"])
def test_each_epoch_has_the_currents_of_its_states(encoding):
    keys = {
        "cell.read_noise": {"rtn_share": 0.5, "rtn_amplitude": 0.4, "rtn_dwell": 1},
        "cell.variation": 0.1, "adc.bits": 6, "array.rows_per_read": 7,
        "array.input_sum": "column", "array.encoding": encoding,
        "array.subtract": "analog" if encoding == "differential" else "digital",
    }  # fmt: skip
    arch, w, x, layer = build(keys, rows=40, signed=True)
    got, _ = compute(layer, x, first=5)
    for k in range(3):
        expected = slow(arch, w, x[k : k + 1], layer, epoch=5 + k)
        assert_alike(got[k : k + 1], expected)
