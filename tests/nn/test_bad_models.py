"""Is a model that cannot be mapped refused in one line that names the module, and left alone?"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import crossbar as xb
from crossbar.errors import CaptureError, DataError, InputError

ARCH = "ideal_8bit"


class Net(nn.Module):
    """An encoder with everything that differs in training, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.BatchNorm1d(4))
        self.head = nn.Linear(4, 2)

    def forward(self, x, mask=None):
        return self.head(self.encoder(x))


class Own(nn.Module):
    """Code of its own that asks for its mode."""

    def forward(self, x):
        return functional.dropout(x, 0.5, self.training)


X = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))


def net() -> nn.Module:
    return Net().eval()


def refusal(model, x=X, error=CaptureError) -> str:
    """Say why a model is refused, and that its modes are what they were."""
    modes = [m.training for m in model.modules()] if isinstance(model, nn.Module) else []
    with pytest.raises(error) as caught:
        xb.map_model(model, ARCH, calibration=x)
    if isinstance(model, nn.Module):
        assert [m.training for m in model.modules()] == modes
    text = str(caught.value)
    assert "\n" not in text
    return text


def changed(name: str, value: float) -> nn.Module:
    model = net()
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    with torch.no_grad():
        tensors[name].view(-1)[0] = value
    return model


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("head.weight", float("nan"), "Net: 'head.weight' of 'head' (Linear) holds NaN"),
        ("head.bias", float("inf"), "'head.bias' of 'head' (Linear) holds an infinite value"),
        ("encoder.2.weight", float("nan"), "'encoder.2' (BatchNorm1d) holds NaN"),
        ("encoder.2.running_var", float("nan"), "'encoder.2.running_var' of 'encoder.2'"),
    ],
)
def test_values_that_are_no_numbers_are_named(name, value, words):
    assert words in refusal(changed(name, value))


@pytest.mark.parametrize("path", ["encoder.1", "encoder.2"])
def test_a_part_in_training_mode_is_named_and_not_flipped(path):
    model = net()
    model.get_submodule(path).train()
    assert f"Net: {path!r} (" in (text := refusal(model))
    assert "is in training mode: call .eval() on the model" in text


def test_own_code_in_training_mode_counts_and_torchs_containers_do_not():
    model = nn.Sequential(nn.Linear(3, 2), Own()).eval()
    model[1].train()
    assert "'1' (Own) is in training mode" in refusal(model)
    model = net()
    model.encoder.training = True
    xb.map_model(model, ARCH, calibration=X)
    assert model.encoder.training


def test_a_model_in_training_mode_is_not_flipped():
    assert "Net is in training mode: call .eval() on it" in refusal(Net().train())


def test_weights_that_are_no_real_numbers_are_named():
    model = nn.Sequential(nn.Linear(3, 2, dtype=torch.complex64)).eval()
    assert "'0.weight' of '0' (Linear) is complex64" in refusal(model, X.to(torch.complex64))
    model = net()
    model.head.weight = nn.Parameter(torch.ones(2, 4, dtype=torch.int8), requires_grad=False)
    assert "'head.weight' of 'head' (Linear) is int8; weights of whole numbers" in refusal(model)
    small = net().to(torch.float8_e5m2)
    assert "'encoder.0.weight' of 'encoder.0' (Linear) is float8_e5m2" in refusal(small)


def test_a_quantised_model_is_told_that_quantising_is_done_here():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantised = torch.ao.quantization.quantize_dynamic(net(), {nn.Linear}, dtype=torch.qint8)
    assert "'encoder.0' (Linear) is quantised already; give the float model" in refusal(quantised)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_mapped_and_come_back_as_they_are(dtype):
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2)).eval()
    mapped = xb.map_model(model.to(dtype), ARCH, calibration=X.to(dtype))
    with torch.no_grad():
        want = model(X.to(dtype))
    assert mapped(X.to(dtype)).dtype == dtype
    torch.testing.assert_close(mapped(X.to(dtype)), want, atol=0.05, rtol=0.05)


def test_another_device_names_the_parameter():
    text = refusal(net().to("meta"))
    assert "'encoder.0.weight' of 'encoder.0' (Linear) is on the device 'meta'" in text
    assert "expected the CPU" in text


def test_a_lazy_module_has_to_be_run_first():
    text = refusal(nn.Sequential(nn.LazyLinear(2)).eval())
    assert "'0.weight' of '0' (LazyLinear) has no values yet; run the model once" in text


def test_layers_of_nothing_are_named():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about initialising nothing
        model = nn.Sequential(nn.Linear(3, 0), nn.Linear(0, 2)).eval()
    assert "'0.weight' of '0' (Linear) has shape (0, 3): it holds nothing" in refusal(model)


def test_a_model_without_weights_has_nothing_to_map():
    text = refusal(nn.Sequential(nn.ReLU()).eval(), error=InputError)
    assert "no layer has constant weights" in text


def test_wrappers_say_what_to_give_instead():
    assert "give its .module" in refusal(nn.DataParallel(net()).eval())
    assert "give the model that was compiled" in refusal(torch.compile(net()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is on its way out
        script, traced = torch.jit.script(net()), torch.jit.trace(net(), X)
    for model in (script, traced, nn.Sequential(nn.Linear(3, 3), script).eval()):
        assert "give the model before torch.jit.script" in refusal(model)
    inner = nn.Sequential(nn.Linear(3, 3), torch.compile(net())).eval()
    assert "'1' is the result of torch.compile" in refusal(inner)


def test_what_is_no_model_is_named():
    class Pipeline:
        model = net()

    class Tokenizer:
        def convert_tokens_to_ids(self, tokens): ...

    assert "the class Net itself" in refusal(Net)
    assert "a Pipeline, expected a torch.nn.Module" in (text := refusal(Pipeline()))
    assert "give its .model" in text
    assert "a Tokenizer is a tokenizer" in refusal(Tokenizer())
    assert "a str, expected" in refusal("resnet18")


@pytest.mark.parametrize("result", [None, "text", 3.0, [1, 2]])
def test_a_model_that_returns_no_tensor_is_named(result):
    class Mute(nn.Module):
        def forward(self, x):
            return result

    text = refusal(Mute().eval())
    assert text == "Mute: no output depends on an input; there is nothing to map"


def test_a_layer_that_does_not_fit_its_input_is_named():
    text = refusal(net(), torch.randn(6, 5))
    assert "it fails at 'encoder.0' (Linear), given float32 (6, 5)" in text


def test_hooks_run_and_stay():
    model = net()
    hook = model.head.register_forward_hook(lambda module, args, output: output + 1)
    mapped = xb.map_model(model, ARCH, calibration=X)
    with torch.no_grad():
        assert (mapped(X) - model(X)).abs().max() < 0.1
    assert len(model.head._forward_hooks) == 1
    hook.remove()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"y": X}, ["unknown input 'y'", "Net.forward takes x, mask"]),
        ({"x": X, "masc": X}, ["unknown input 'masc'", "(did you mean 'mask'?)"]),
        ({"mask": X}, ["missing a required argument: 'x'", "takes x, mask"]),
        ((X, X, X), ["too many positional arguments", "takes x, mask"]),
    ],
)
def test_example_inputs_of_another_name_are_told_the_right_one(given, words):
    with pytest.raises(CaptureError) as caught:
        xb.map_model(net(), ARCH, calibration=X, example_inputs=given)
    assert all(word in str(caught.value) for word in words)


def test_calibration_keywords_are_those_of_the_model():
    with pytest.raises(DataError, match=r"unknown input 'masks' \(did you mean 'mask'\?\)"):
        xb.map_model(net(), ARCH, calibration={"x": X, "masks": X})
    with pytest.raises(DataError, match="holds input_ids, of which the model takes none"):
        xb.map_model(net(), ARCH, calibration={"input_ids": X})
    with pytest.raises(CaptureError, match="missing a required argument: 'x'"):
        xb.map_model(net(), ARCH, calibration={"mask": X, "idx": X})
    batches = [{"x": X, "mask": X}, {"x": X}]
    with pytest.raises(DataError, match="input 'mask' is missing; the network takes x, mask"):
        xb.map_model(net(), ARCH, calibration=batches)
    xb.map_model(net(), ARCH, calibration=[{"x": X, "idx": X[:, 0], "labels": X[:, 0]}])


def test_arrays_of_a_wrong_sort_are_named():
    with pytest.raises(DataError, match="holds text; tokenise it first"):
        xb.map_model(net(), ARCH, calibration=[(["a", "b"], torch.ones(2))])
    with pytest.raises(DataError, match="holds text"):
        xb.map_model(net(), ARCH, calibration=["a film", "a play"])
    with pytest.raises(CaptureError, match="'encoder.0'"):
        xb.map_model(net(), ARCH, calibration=np.zeros((6, 5), np.float32))
