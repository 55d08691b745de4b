"""Does a layer on crossbars compute what the numerics contract says, cell by cell?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.circuit.dac import make_input_coding
from crossbar.device.faults import StuckAt, stuck_codes
from crossbar.errors import InputError
from crossbar.mapping import build_plan
from crossbar.mapping.encode import weight_range
from crossbar.workload.graph import Node, Workload
from tests.kernels import naive

SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def one_layer(rows, outputs):
    attrs = {"in_features": rows, "out_features": outputs, "bias": False}
    nodes = (
        Node("x", "input", (), (rows,)),
        Node("fc", "linear", ("x",), (outputs,), attrs, "fc.weight"),
    )
    return Workload("one", nodes, ("fc",))


@st.composite
def cases(draw, policies=("clip", "full", "lossless")):
    rows_array = draw(st.integers(1, 20))
    encoding = draw(st.sampled_from(["offset", "differential", "twos_complement"]))
    analog = encoding == "differential" and draw(st.booleans())
    flip = not analog and draw(st.booleans())
    unit = draw(st.booleans())
    policy = draw(st.sampled_from(policies))
    overrides = {
        "array.rows": rows_array,
        "array.cols": draw(st.integers(3 if analog else 2, 9)),
        "array.rows_per_read": draw(st.integers(1, rows_array)),
        "array.encoding": encoding,
        "array.subtract": "analog" if analog else "digital",
        "array.flip_columns": flip,
        "array.input_sum": "column" if unit else "digital",
        "cell.bits": draw(st.sampled_from([1, 2, 3, 4])),
        "cell.narrow_slice": draw(st.sampled_from(["low_levels", "full_swing"])),
        "dac.bits": draw(st.sampled_from([1, 1, 2, 3, 4])),
        "dac.signed": draw(st.sampled_from(["twos_complement", "offset"])),
        "adc.policy": policy,
        "adc.bits": None if policy == "lossless" else draw(st.integers(2 if analog else 1, 10)),
        "chip.tiles": "auto",
    }
    bits = draw(st.integers(1, 9))
    input_bits = draw(st.sampled_from([1, 3, 4, 8, 9]))
    signed = draw(st.booleans()) and input_bits > 1
    rows, outputs = draw(st.integers(1, 45)), draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**31))
    return overrides, bits, input_bits, signed, rows, outputs, seed


def build(case, faults=None, fault_seed=0):
    overrides, bits, input_bits, signed, rows, outputs, seed = case
    arch = load_arch("tiny_reram", overrides)
    rng = np.random.default_rng(seed)
    top = weight_range(bits, None)[1]
    if bits == 1:
        w = rng.choice([-1, 1], size=(rows, outputs))
    else:
        w = rng.integers(-top, top + 1, size=(rows, outputs))
    plan = build_plan(
        one_layer(rows, outputs),
        arch,
        weight_bits=bits,
        input_bits=input_bits,
        signed_inputs={"fc": signed},
    )
    coding = make_input_coding(arch, input_bits, signed)
    x = rng.integers(coding.low, coding.high + 1, size=(3, rows))
    layer = ProgrammedLayer(
        plan.layers[0], arch, w.T.astype(np.int32), coding, Conditions(faults, fault_seed)
    )
    return arch, w, x, layer


def compute(layer, x, digital=False):
    out = np.empty((len(x), layer.plan.shape[1], 1))
    ones, zeros = np.ones(out.shape[1]), np.zeros(out.shape[1])
    image = np.ascontiguousarray(x[:, :, None, None].astype(np.int32))
    saturated = layer.compute(image, Window(), ones, zeros, out, digital=digital)
    return out[:, :, 0], saturated


@SETTINGS
@given(cases(policies=("lossless",)))
def test_ideal_cells_and_a_lossless_adc_are_the_integer_matmul_bit_for_bit(case):
    _, w, x, layer = build(case)
    got, saturated = compute(layer, x)
    assert np.array_equal(got, x @ w)
    assert saturated == 0
    assert layer.collapsed == 1.0


@SETTINGS
@given(cases())
def test_every_policy_and_encoding_equals_the_naive_twin(case):
    arch, w, x, layer = build(case)
    got, saturated = compute(layer, x)
    expected = [naive.layer(v, w, arch, case[1], case[2], case[3]) for v in x]
    np.testing.assert_allclose(got, [e[0] for e in expected], rtol=1e-12, atol=1e-9)
    assert saturated == sum(e[1] for e in expected)
    if arch.adc.policy != "full" and arch.cell.narrow_slice == "low_levels":
        assert np.array_equal(got, np.round(got))


@SETTINGS
@given(cases(), st.floats(0, 0.6), st.floats(0, 0.4), st.integers(0, 2**40))
def test_stuck_cells_are_the_physical_ones(case, on, off, fault_seed):
    arch, w, x, layer = build(case, StuckAt(on=on, off=off), fault_seed)
    top = (1 << arch.cell.bits) - 1
    across_count = layer.plan.bundles[0].col_blocks
    marker = np.full((arch.array.rows, arch.array.cols), 99, dtype=np.uint8)
    maps = {}

    def fault(down, across, row, col):
        array = layer.plan.first_array + down * across_count + across
        if array not in maps:
            maps[array] = stuck_codes(marker, array, StuckAt(on=on, off=off), fault_seed, top)
        code = int(maps[array][row, col])
        return None if code == 99 else code

    got, saturated = compute(layer, x)
    expected = [naive.layer(v, w, arch, case[1], case[2], case[3], fault) for v in x]
    np.testing.assert_allclose(got, [e[0] for e in expected], rtol=1e-12, atol=1e-9)
    assert saturated == sum(e[1] for e in expected)


@SETTINGS
@given(cases())
def test_the_digital_twin_ignores_the_hardware(case):
    _, w, x, layer = build(case, StuckAt(on=0.3, off=0.3), 5)
    assert np.array_equal(compute(layer, x, digital=True)[0], x @ w)


def test_zero_rate_changes_nothing_and_rates_are_checked():
    case = ({"array.rows": 8, "adc.bits": 2, "chip.tiles": "auto"}, 4, 4, False, 20, 3, 7)
    _, _, x, clean = build(case)
    _, _, _, zero = build(case, StuckAt(0.0, 0.0), 3)
    assert np.array_equal(compute(clean, x)[0], compute(zero, x)[0])
    with pytest.raises(InputError, match="on = 1.5 is not a rate"):
        StuckAt(on=1.5)
    with pytest.raises(InputError, match="more than 1"):
        StuckAt(on=0.6, off=0.6)
