"""Does every column go through the ADC of its array, and is a slot as long as the busiest takes?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.mapping import build_plan
from crossbar.mapping.converters import adc_loads, layer_slot
from tests.mapping.nets import conv_net, linear_net


def naive_loads(plan, layer, copy):
    """Column by column."""
    arch, slices = plan.arch, layer.encoding.columns
    paired = layer.encoding.subtract == "analog"
    width = arch.array.cols - layer.unit_columns
    width -= width % 2 if paired else 0
    served = -(-arch.pe.arrays // arch.pe.adcs)
    loads = Counter()
    for bundle, starts in zip(layer.bundles, layer.bundle_blocks(copy), strict=True):
        for start in starts.tolist():
            for across in range(bundle.col_blocks):
                pe, place = divmod(start + across, arch.pe.arrays)
                adc = pe * arch.pe.adcs + place // served
                loads[adc] += layer.unit_columns
                for column in range(across * width, (across + 1) * width):
                    in_use = column < bundle.outputs * slices
                    loads[adc] += in_use and not (paired and column % 2)
    return dict(loads)


@st.composite
def plans(draw):
    keys = {
        "array.rows": draw(st.integers(3, 16)),
        "array.cols": draw(st.integers(5, 16)),
        "array.input_sum": draw(st.sampled_from(["digital", "column"])),
        "pe.arrays": draw(st.integers(1, 7)),
        "replication": draw(st.sampled_from(["none", [3, 2, 4, 1]])),
    }
    keys["pe.adcs"] = draw(st.integers(1, keys["pe.arrays"]))
    if draw(st.booleans()):
        keys |= {"array.encoding": "differential", "array.subtract": "analog"}
    return build_plan(conv_net(), load_arch("tiny_reram", keys))


@settings(max_examples=60, deadline=None)
@given(plans())
def test_each_column_is_converted_by_the_adc_of_its_array(plan):
    clock = plan.arch.clock
    for layer in plan.layers:
        copies = [adc_loads(plan, layer, copy) for copy in range(layer.replicas)]
        assert copies == [naive_loads(plan, layer, copy) for copy in range(layer.replicas)]
        assert all(list(loads) == sorted(loads) for loads in copies)
        busiest = max(max(loads.values()) for loads in copies)  # 1 GHz: a conversion takes a clock
        assert round(layer.slot * clock) == max(16, busiest)


@pytest.mark.parametrize(
    ("outputs", "keys", "clocks"),
    [
        (5, {}, 128),  # 20 columns in one array: no other array of the PE is the layer's
        (6, {"array.input_sum": "column"}, 128),
        (60, {}, 128 + 112),
        (500, {}, 8 * 128),  # 15 arrays and a part: one PE is full
        (60, {"array.input_sum": "column"}, 128 + 114),  # 127 and 113, a unit column in each
        (60, {"array.encoding": "differential", "array.flip_columns": False}, 480),
        (
            60,
            {
                "array.encoding": "differential",
                "array.flip_columns": False,
                "array.subtract": "analog",
            },
            240,
        ),
        (60, {"pe.adcs": 8}, 128),
        (60, {"pe.adcs": 4}, 128 + 112),
    ],
)
def test_an_adc_has_to_convert_what_the_arrays_under_it_hold(outputs, keys, clocks):
    arch = load_arch("isaac_8bit", {"pe.adcs": 1, **keys})
    (layer,) = build_plan(linear_net(5, outputs), arch).layers
    assert round(layer.slot * 1.28e9) == clocks


def test_the_slowest_copy_sets_the_slot():
    arch = load_arch("tiny_reram", {"pe.adcs": 2})  # arrays 0 1 | 2 3, 4 5 | 6 7
    plan = build_plan(linear_net(5, 20), arch)
    layer = plan.layers[0]
    assert layer.arrays_per_copy == 3
    assert adc_loads(plan, layer, 0) == {0: 16 + 16, 1: 8}
    apart = replace(layer, first_array=3)
    assert adc_loads(plan, apart, 0) == {1: 16, 2: 16 + 8}
    both = replace(apart, replicas=2)
    assert adc_loads(plan, both, 1) == {3: 16 + 16, 4: 8}
    slots = [layer_slot(arch, each) for each in (layer, apart, both)]
    assert slots == pytest.approx([32e-9, 24e-9, 32e-9])
