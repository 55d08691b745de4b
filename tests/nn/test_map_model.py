"""Does a mapped model compute the quantised network, and leave everything else alone?"""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.errors import CaptureError, DataError, InputError, UnknownNameError
from tests.nn import networks
from tests.nn.small import Cnn, Mlp, inputs, seeded

NETWORKS = (Mlp, Cnn)
CLIP = xb.load_arch("tiny_reram", {"adc.bits": 3})
ARCHES = {
    "tiny_reram": "tiny_reram",
    "ideal_8bit": "ideal_8bit",
    "isaac_8bit": "isaac_8bit",
    "isaac_isca_2016": "isaac_isca_2016",
    "unit columns": xb.load_arch("ideal_8bit", {"array.input_sum": "column", "array.rows": 20}),
    "analog": xb.load_arch(
        "tiny_reram",
        {"array.encoding": "differential", "array.subtract": "analog", "adc.bits": 7},
    ),
}


def digital(mapped, x):
    return mapped.execute((x,), mode="digital")


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize("network", NETWORKS)
def test_lossless_hardware_is_the_digital_network_bit_for_bit(network, arch):
    x = inputs(network)
    mapped = xb.map_model(seeded(network), ARCHES[arch], calibration=x)
    assert torch.equal(mapped(x), digital(mapped, x))
    assert xb.verify(mapped, x).max_difference == 0
    assert {layer.collapsed for layer in mapped.plan.layers} == {1.0}


@pytest.mark.parametrize("arch", ["ideal_8bit", CLIP])
@pytest.mark.parametrize("network", NETWORKS)
def test_any_batch_size_and_each_sample_by_itself(network, arch, monkeypatch):
    x = inputs(network, 9)
    mapped = xb.map_model(seeded(network), arch, calibration=x)
    whole = mapped(x)
    for sizes in ((1,) * 9, (4, 5), (2, 7)):
        assert torch.equal(torch.cat([mapped(part) for part in x.split(sizes)]), whole)
    assert mapped(x[:0]).shape == (0, *whole.shape[1:])
    assert torch.equal(mapped(x.flip(0)), whole.flip(0))
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    assert torch.equal(mapped(x), whole)


def test_the_digital_twin_is_the_quantised_network_computed_by_hand():
    x, model = inputs(Mlp), seeded(Mlp)
    mapped = xb.map_model(model, "isaac_8bit", calibration=x)
    value = seen = x  # ranges are taken from the float network
    for layer, module in zip(mapped.body.layers.values(), (model.first, model.second), strict=True):
        w = module.weight.detach().double()
        w_scale = w.abs().amax(1) / 127
        w_int = torch.round(w / w_scale[:, None])
        signed = bool((seen < 0).any())
        levels = 127 if signed else 255
        x_scale = torch.tensor(seen.abs().max().item() / levels, dtype=torch.float32)
        x_int = torch.clamp(torch.round(value / x_scale), -levels if signed else 0, levels).double()
        bias = module.bias.detach().double()
        out = x_int @ w_int.T * (w_scale * x_scale.double()) + bias
        assert layer.input.signed == signed
        np.testing.assert_allclose(layer.weight_scale, w_scale.numpy(), rtol=1e-15)
        value = torch.relu(out.float())
        seen = torch.relu(module(seen)).detach()
    assert torch.equal(torch.relu(digital(mapped, x)), value)


@pytest.mark.parametrize("network", NETWORKS)
def test_sixteen_bits_are_all_but_the_float_network(network):
    x, model = inputs(network), seeded(network)
    mapped = xb.map_model(model, "isaac_isca_2016", calibration=x)
    with torch.no_grad():
        expected = model(x)
    torch.testing.assert_close(mapped(x), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(mapped.execute((x,), mode="float"), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_users_model_is_left_as_it_is_and_can_change_afterwards(network):
    x, model = inputs(network), seeded(network)
    before = copy.deepcopy(model.state_dict())
    mapped = xb.map_model(model, "tiny_reram", calibration=x)
    first = mapped(x)
    after = model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(mapped(x), first)
    assert not first.requires_grad


@pytest.mark.parametrize(
    ("precision", "values"),
    [
        ({"weight_bits": 1}, {-1, 1}),
        ({"weight_levels": 3}, {-1, 0, 1}),
        ({"weight_bits": 2}, {-1, 0, 1}),
        ({"weight_bits": 16, "input_bits": 16}, None),
        ({"input_bits": 2}, None),
    ],
)
@pytest.mark.parametrize("arch", ["ideal_8bit", "isaac_8bit"])
@pytest.mark.parametrize("network", NETWORKS)
def test_precision_overrides_are_lossless_too(network, arch, precision, values):
    x = inputs(network)
    mapped = xb.map_model(seeded(network), arch, calibration=x, precision=precision)
    assert torch.equal(mapped(x), digital(mapped, x))
    for layer in mapped.body.layers.values():
        integers = layer.programmed.weights
        if values is not None:
            assert set(np.unique(integers)) <= values
        elif precision.get("weight_bits") == 16:
            assert np.abs(integers).max() == 32767
        assert layer.input.bits == precision.get("input_bits", 8)


def test_binary_weights_keep_a_pruned_output_at_its_bias():
    model, x = seeded(Mlp), inputs(Mlp)
    with torch.no_grad():
        model.second.weight[2] = 0
    mapped = xb.map_model(model, "ideal_8bit", calibration=x, precision={"weight_bits": 1})
    assert torch.equal(mapped(x)[:, 2], model.second.bias[2].detach().expand(len(x)))


def test_weight_bits_alone_end_ternary_weights_of_the_arch():
    ternary = xb.load_arch("ideal_8bit", {"precision.weight_levels": 3})
    x, model = inputs(Mlp), seeded(Mlp)
    assert set(np.unique(mapped_weights(model, ternary, x))) == {-1, 0, 1}
    assert np.abs(mapped_weights(model, ternary, x, {"weight_bits": 5})).max() == 15


def mapped_weights(model, arch, x, precision=None):
    mapped = xb.map_model(model, arch, calibration=x, precision=precision)
    return mapped.body.layers["first.weight"].programmed.weights


@pytest.mark.parametrize("observer", ["minmax", "percentile", "mse"])
def test_every_observer_maps_and_stays_lossless(observer):
    x = inputs(Cnn)
    mapped = xb.map_model(seeded(Cnn), "isaac_8bit", calibration=x, observer=observer)
    assert mapped.body.observer == observer
    assert torch.equal(mapped(x), digital(mapped, x))


def test_tied_weights_share_arrays_and_compute_both_uses():
    torch.manual_seed(0)
    model, x = networks.Tied().eval(), torch.randn(6, 4)
    mapped = xb.map_model(model, "ideal_8bit", calibration=x)
    steps = [p.step for p in mapped.body.program.products.values()]
    assert len(mapped.plan.layers) < len(steps)
    assert torch.equal(mapped(x), digital(mapped, x))
    with torch.no_grad():
        torch.testing.assert_close(mapped(x), model(x), rtol=0.05, atol=0.05)
    assert [row.layer for row in xb.verify(mapped, x)] == steps


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(x)


def test_axes_between_batch_and_features_are_positions():
    torch.manual_seed(0)
    model, x = Tokens().eval(), torch.randn(3, 2, 4, 6)
    mapped = xb.map_model(model, CLIP, calibration=x)
    assert mapped.plan.layers[0].positions == 8
    flat = xb.map_model(model, CLIP, calibration=x.reshape(24, 6))
    assert torch.equal(mapped(x).reshape(24, 3), flat(x.reshape(24, 6)))


def test_double_precision_models_get_double_results():
    model = seeded(Mlp).double()
    x = inputs(Mlp).double()
    mapped = xb.map_model(model, "ideal_8bit", calibration=x)
    assert mapped(x).dtype == torch.float64
    with pytest.raises(DataError, match="type float32, expected float64"):
        mapped(x.float())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(bad):
    x = inputs(Mlp)
    for tensor in ("first.weight", "second.bias"):
        model = seeded(Mlp)
        with torch.no_grad():
            model.get_parameter(tensor).view(-1)[0] = bad
        layer = tensor.partition(".")[0]
        with pytest.raises(InputError, match=rf"^Mlp: '{tensor}' of '{layer}' \(Linear\) holds"):
            xb.map_model(model, "tiny_reram", calibration=x)


@pytest.mark.parametrize(
    ("layer", "text"),
    [("pair", "^pair: bilinear cannot be mapped"), ("rnn", "^rnn: lstm cannot be mapped")],
)
def test_strict_refuses_what_is_neither_mapped_nor_known_and_names_it(layer, text):
    model, x = Leftover({layer}).eval(), torch.randn(4, 3, 5)
    mapped = xb.map_model(model, "tiny_reram", calibration=x)
    assert [u.kind for u in mapped.plan.unmapped if u.weights] == ["other"]
    assert "NOT mapped" in str(mapped.plan)
    assert mapped(x).shape == (4, 2)
    with pytest.raises(CaptureError, match=text):
        xb.map_model(model, "tiny_reram", calibration=x, strict=True)


def test_strict_names_every_such_layer_on_a_line_of_its_own():
    x, model = torch.randn(4, 3, 5), Leftover({"pair", "rnn"}).eval()
    mapped = xb.map_model(model, "tiny_reram", calibration=x)
    names = [u.name for u in mapped.plan.unmapped if u.kind == "other"]
    assert set(names) == {"pair", "rnn"}
    with pytest.raises(CaptureError) as caught:
        xb.map_model(model, "tiny_reram", calibration=x, strict=True)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == names


class Leftover(nn.Module):
    """Layers that no crossbar takes: a bilinear form, an LSTM with a projection."""

    def __init__(self, layers: set[str]):
        super().__init__()
        self.pair = nn.Bilinear(5, 5, 5) if "pair" in layers else None
        self.rnn = nn.LSTM(5, 6, proj_size=5, batch_first=True) if "rnn" in layers else None
        self.fc = nn.Linear(5, 2)

    def forward(self, x):
        if self.rnn is not None:
            x = self.rnn(x)[0]
        if self.pair is not None:
            x = self.pair(x, x)
        return self.fc(x[:, -1])


def test_strict_accepts_a_network_of_known_layers():
    xb.map_model(seeded(Cnn), "tiny_reram", calibration=inputs(Cnn), strict=True)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"precision": {"weight_bit": 4}}, UnknownNameError, "did you mean 'weight_bits'"),
        ({"precision": {"weight_bits": 0}}, InputError, r"weight_bits: 0 is not in 1\.\.16"),
        ({"precision": {"input_bits": 17}}, InputError, r"input_bits: 17 is not in 1\.\.16"),
        ({"precision": {"weight_bits": 2.5}}, InputError, r"2\.5 is not in 1\.\.16"),
        ({"precision": {"weight_levels": 5}}, InputError, "weight_levels: 5 is not 3"),
        ({"precision": {"input_bits": 1}}, InputError, "first: its inputs are signed"),
        ({"observer": "min_max"}, UnknownNameError, "did you mean 'minmax'"),
        ({"calibration": None}, InputError, "calibration= is missing"),
        ({"arch": "isac_8bit"}, InputError, "did you mean 'isaac_8bit'"),
    ],
)
def test_wrong_options_are_one_clear_line(options, error, text):
    arguments = {"arch": "tiny_reram", "calibration": inputs(Mlp), **options}
    with pytest.raises(error, match=text) as caught:
        xb.map_model(seeded(Mlp), arguments.pop("arch"), **arguments)
    assert "\n" not in str(caught.value)


def test_a_mode_that_does_not_exist_is_refused():
    mapped = xb.map_model(seeded(Mlp), "tiny_reram", calibration=inputs(Mlp))
    with pytest.raises(UnknownNameError, match="did you mean 'digital'"):
        mapped.execute((inputs(Mlp),), mode="digtal")
