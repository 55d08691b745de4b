"""Which precision each layer gets, which range an observer chooses, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping.precision import LayerPrecision, layer_precisions
from crossbar.nn.observers import Range
from tests.nn.small import Cnn, Mlp, inputs, seeded
from tests.nn.tokens import Tokens, mapped_of, tokens


def resolved(given, arch="isaac_8bit", net=Cnn):
    work = xb.capture(seeded(net), inputs(net))
    own = layer_precisions(work, xb.load_arch(arch), given)
    return {key.removesuffix(".weight"): each for key, each in own.items()}


# layer by layer


def test_later_patterns_win_and_first_and_last_win_over_them():
    found = resolved(
        {
            "input_bits": 7,
            "layers": {
                "*": {"weight_bits": 6},
                "w?de": {"weight_bits": 5, "input_bits": 9},
                "[sd]*": {"weight_levels": 3},
            },
            "first": {"weight_bits": 8},
            "last": {"input_bits": 10, "zero_point": True},
        }
    )
    assert found == {
        "stem": LayerPrecision(8, None, 7),
        "depth": LayerPrecision(6, 3, 7),
        "wide": LayerPrecision(5, None, 9),
        "fc": LayerPrecision(6, None, 10, True),
    }


def test_without_anything_it_is_the_archs_own():
    assert set(resolved({}).values()) == {LayerPrecision(8, None, 8)}
    ternary = xb.load_arch("isaac_8bit", {"precision.weight_levels": 3})
    assert set(resolved({"input_bits": 4}, ternary).values()) == {LayerPrecision(8, 3, 4)}
    # bits in place of levels, and the other way round
    assert set(resolved({"weight_bits": 4}, ternary).values()) == {LayerPrecision(4, None, 8)}


def test_each_layer_has_its_columns_its_reads_and_its_integers():
    x = inputs(Cnn)
    precision = {"layers": {"wide": {"weight_bits": 4, "input_bits": 5}}, "last": {"input_bits": 9}}
    mapped = mapped_of(seeded(Cnn), x, precision=precision)
    rows = {row.name: row for row in mapped.plan.layers}
    assert {n: (r.encoding.bits, r.encoding.columns, r.input_bits) for n, r in rows.items()} == {
        "stem": (8, 4, 8),
        "depth": (8, 4, 8),
        "wide": (4, 2, 5),
        "fc": (8, 4, 9),
    }
    assert (rows["wide"].reads, rows["fc"].reads) == (5, 9)
    assert np.abs(mapped.body.layers["wide.weight"].programmed.weights).max() == 7
    assert mapped.body.layers["fc.weight"].input.high == 511
    assert xb.verify(mapped, x).max_difference == 0
    text = str(mapped.plan)
    assert "2 to 4 columns a weight" in text
    assert "4 x 5" in text


def test_bits_that_move_are_those_of_the_layer_they_go_to():
    arch = xb.load_arch("isaac_8bit")
    work = xb.capture(seeded(Mlp), inputs(Mlp))
    plans = {
        bits: xb.build_plan(work, arch, precision={"last": {"input_bits": bits}}) for bits in (8, 4)
    }
    assert plans[4].widths == {"x": 8, "first": 4, "relu": 4, "second": 4}
    wide, narrow = (xb.estimate(arch, work, precision={"last": {"input_bits": b}}) for b in (8, 4))
    for action, second in (("input_register_bits", 12), ("buffer_read_bits", 12)):
        assert wide.counts[action] == 8 * (20 + second)
        assert narrow.counts[action] == 8 * 20 + 4 * second
    assert wide.counts["buffer_write_bits"] == 8 * (20 + 12)
    assert narrow.counts["buffer_write_bits"] == 8 * 20 + 4 * 12
    assert wide.counts["offchip_bits"] == 8 * (20 + 5)
    assert narrow.counts["offchip_bits"] == 8 * 20 + 4 * 5
    assert narrow.latency < wide.latency
    assert [row["input_bits"] for row in narrow.layers] == [8, 4]


def test_header_and_scenario_say_it():
    precision = {
        "zero_point": True,
        "first": {"input_bits": 10},
        "layers": {"sec*": {"weight_bits": 4, "zero_point": False}},
    }
    x = inputs(Mlp)
    mapped = mapped_of(seeded(Mlp), x, precision=precision, observer="percentile:99.99")
    report = xb.simulate(mapped, x)
    assert report.scenario["precision"] == {
        "weight_bits": 8,
        "weight_levels": None,
        "input_bits": 8,
        **precision,
    }
    text = " ".join(str(report).split())
    words = "precision 8-bit but where said otherwise (the hardware's own: 8-bit); zero points;"
    words += " first: 10-bit inputs; sec*: 4-bit weights, no zero points"
    assert words in text
    assert "ranges of inputs by percentile:99.99" in text
    assert {"agreement", "digital_agreement"} == set(report.metrics)
    assert "digital:" in text


def test_what_is_saved_is_what_comes_back(tmp_path):
    x = tokens()
    precision = {
        "layers": {"query": {"activation_scale": "token", "weight_bits": 6}},
        "last": {"zero_point": True},
    }
    mapped = mapped_of(Tokens().eval(), x, precision=precision)
    xb.save_mapped(mapped, tmp_path / "m.safetensors")
    again = xb.load_mapped(tmp_path / "m.safetensors")
    assert torch.equal(mapped(x), again(x))
    assert xb.simulate(again, x).to_dict() == xb.simulate(mapped, x).to_dict()
    assert [layer.input for layer in again.body.layers.values()] == [
        layer.input for layer in mapped.body.layers.values()
    ]


# observers


def test_a_percentile_can_be_named():
    values = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    for share in (90.0, 99.99, 100.0):
        seen = Range(f"percentile:{share}")
        seen.observe(values)
        assert seen.scale(8, "x").scale == pytest.approx(
            float(np.percentile(np.abs(values), share)) / 127, rel=1e-6
        )


def test_what_is_kept_misses_no_channel_and_does_not_grow():
    seen, parts = Range("percentile:99.9"), Range("percentile:99.9")
    values = np.zeros((6000, 384), np.float32)
    values[:, 100] = 7.0  # a channel of outliers: 0.26 % of the values
    seen.observe(values)
    for first in range(0, 6000, 700):
        parts.observe(values[first : first + 700])
    assert seen.kept.size < 600_000
    assert np.array_equal(seen.kept, parts.kept)
    assert (seen.kept == 7.0).mean() == pytest.approx(1 / 384, rel=0.05)
    assert seen.scale(8, "x").scale == pytest.approx(7 / 255)


@pytest.mark.parametrize(
    ("observer", "words"),
    [
        ("percentile:", "'' is not a percentile"),
        ("percentile:101", "'101' is not a percentile above 50"),
        ("percentile:much", "'much' is not a percentile"),
        ("percentile:nan", "'nan' is not a percentile"),
        ("minmax:3", "minmax takes no number"),
        ("percntile:99", "unknown observer 'percntile:99'"),
    ],
)
def test_a_wrong_observer_is_refused(observer, words):
    with pytest.raises(InputError, match=words):
        mapped_of(seeded(Mlp), inputs(Mlp), observer=observer)


# what is wrong


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        ({"weight_bits": 17}, r"precision.weight_bits: 17 is not in 1..16"),
        ({"input_bits": True}, r"precision.input_bits: True is not in 1..16"),
        ({"zero_point": 1}, r"precision.zero_point: 1 is not true or false"),
        ({"activation_scale": "row"}, r"precision.activation_scale: 'row' is not one of tensor"),
        ({"weight_bit": 4}, r"unknown precision key 'weight_bit' \(did you mean 'weight_bits'"),
        ({"first": 8}, r"precision.first: 8 is no mapping"),
        ({"last": {"layers": {}}}, r"unknown key in precision.last: 'layers'"),
        ({"layers": ["fc"]}, r"precision.layers: \['fc'\] is no mapping of name patterns"),
        ({"layers": {3: {}}}, r"precision.layers: 3 is no name pattern"),
        ({"layers": {"fc": {"bits": 8}}}, r"unknown key in precision.layers\['fc'\]: 'bits'"),
        ({"layers": {"fc": {"input_bits": 0}}}, r"layers\['fc'\].input_bits: 0 is not in 1..16"),
        (
            {"layers": {"wdie": {}}},
            r"'wdie' matches no layer \(did you mean 'wide'\?\); layers: st",
        ),
        (
            {"layers": {"wide": {"activation_scale": "token"}}},
            r"wide: precision.activation_scale: 'token' is for linear layers, it is a conv2d",
        ),
        (
            {"last": {"activation_scale": "token", "zero_point": True}},
            r"fc: precision.activation_scale: 'token' excludes zero_point",
        ),
        (
            {"last": {"activation_scale": "token", "input_bits": 1}},
            r"fc: precision.activation_scale: 'token' is signed, .* at least 2",
        ),
    ],
)
def test_a_wrong_precision_is_one_line(precision, words):
    with pytest.raises(InputError, match=words) as error:
        mapped_of(seeded(Cnn), inputs(Cnn), precision=precision)
    assert "\n" not in str(error.value)


def test_the_nearest_pattern_of_deep_names_is_named():
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), nn.Linear(4, 2)).eval()
    with pytest.raises(InputError, match=r"'0' matches no layer \(did you mean '0\.\*'\?\)"):
        mapped_of(net, torch.randn(4, 4), precision={"layers": {"0": {"input_bits": 4}}})


def test_unknown_keys_are_their_own_sort_of_error():
    with pytest.raises(UnknownNameError):
        mapped_of(seeded(Mlp), inputs(Mlp), precision={"bits": 8})


def test_an_estimate_takes_the_same_words():
    work = xb.capture(Tokens().eval(), tokens())
    plain = xb.estimate("isaac_8bit", work)
    token = xb.estimate("isaac_8bit", work, precision={"activation_scale": "token"})
    assert token.counts["multiplies"] > plain.counts["multiplies"]
    assert token.scenario["activity"]["signed_inputs"] == ["key", "out", "query"]
    with pytest.raises(InputError, match="'nope' matches no layer"):
        xb.estimate("isaac_8bit", work, precision={"layers": {"nope": {}}})
