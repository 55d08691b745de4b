"""Does a model that cannot be captured say why, in one line?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from crossbar.errors import CaptureError, CaptureWarning, DataError
from crossbar.nn.graph.captured import capture, capture_model
from tests.nn import networks


class Branching(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Filtering(nn.Module):
    def forward(self, x):
        return x[x > 0] + 1


class Mismatched(nn.Module):
    def forward(self, x):
        return nn.functional.linear(x, torch.zeros(9, 9))


class Remembering(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("state", torch.zeros(3))

    def forward(self, x):
        self.state.add_(1)
        return x + self.state


class Deaf(nn.Module):
    def forward(self, x):
        return torch.ones(3)


class Fixed(nn.Module):
    """Its code fixes the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x).view(4, 2)


def message(call, *args, error=CaptureError, **kwargs) -> str:
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    text = str(caught.value)
    assert "\n" not in text
    assert "/" not in text.replace("https://", "")  # no paths of this machine
    return text


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Branching(), ["Branching", "depends on the values of a tensor", "if x.sum() > 0:"]),
        (Filtering(), ["Filtering", "depends on the values"]),
        (Mismatched(), ["Mismatched", "test_capture_errors.py line", "linear"]),
        (Remembering(), ["Remembering", "'state'", "keeps no state"]),
        (Deaf(), ["Deaf", "no output depends on an input"]),
        (nn.Conv2d(4, 3, 1), ["Conv2d", "4"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_untraceable_model_names_the_cause(model, words, capfd):
    text = message(capture, model.eval(), torch.randn(4, 3), strict=True)
    for word in words:
        assert word in text
    assert capfd.readouterr() == ("", "")  # torch would print the graph


@pytest.mark.parametrize(
    ("model", "word"), [("resnet.pt", "str"), (None, "NoneType"), (nn.Linear, "class Linear")]
)
def test_something_that_is_no_module_is_named(model, word):
    text = message(capture, model, torch.randn(2, 3))
    assert word in text
    assert "torch.nn.Module" in text


def test_training_mode_is_refused_and_left_alone():
    model = networks.Perceptron().train()
    text = message(capture, model, torch.randn(2, 3, 4))
    assert "Perceptron" in text
    assert ".eval()" in text
    assert model.training


def test_normalisation_left_in_training_mode_is_named():
    model = networks.Perceptron().eval()
    model.norm.train()
    text = message(capture, model, torch.randn(2, 3, 4))
    assert "norm" in text
    assert ".eval()" in text


@pytest.mark.parametrize("layer", [nn.Dropout(), nn.BatchNorm1d(3)])
@pytest.mark.parametrize("decomposed", [False, True])
def test_program_exported_in_training_mode_is_refused(layer, decomposed):
    exported = torch.export.export(nn.Sequential(nn.Linear(3, 3), layer), (torch.randn(4, 3),))
    if decomposed and isinstance(layer, nn.BatchNorm1d):
        exported = exported.run_decompositions()
    assert ".eval()" in message(capture, exported)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        (None, "no tensor"),
        (np.zeros((2, 3)), "ndarray"),
        (torch.zeros(0, 3), "(0, 3)"),
        ((torch.zeros(2, 3), torch.zeros(2, 3)), "too many positional arguments"),
        ({"wrong": torch.zeros(2, 3)}, "input"),
    ],
)
def test_unusable_example_inputs_are_named(inputs, word):
    assert word in message(capture, nn.Linear(3, 3).eval(), inputs)


def test_image_without_a_batch_axis_is_named():
    text = message(capture, networks.Same().eval(), torch.randn(2, 8, 9))
    assert "even" in text
    assert "batch axis" in text


def test_fixed_batch_is_remembered():
    with pytest.warns(CaptureWarning, match="fixed at 4 by the network; it is taken for the"):
        result = capture_model(Fixed().eval(), (torch.randn(4, 3),))
    assert result.program.signature.batch == 4
    assert [n.shape for n in result.workload] == [(3,), (2,), (2,)]
    assert result.program.run((torch.randn(4, 3),)).shape == (4, 2)
    text = message(result.program.run, (torch.randn(5, 3),), error=DataError)
    assert "batch of 5" in text
    assert "batches of 4 only" in text


def test_model_for_single_samples_is_captured_with_a_batch_of_one():
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 2)

        def forward(self, x):
            return self.fc(x.view(1, 6))

    result = capture_model(Single().eval(), (torch.randn(1, 2, 3),))
    assert result.program.signature.batch == 1
    assert "batches of 1 only" in message(
        result.program.run, (torch.randn(2, 2, 3),), error=DataError
    )


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ((), {}, ["'ids'", "missing"]),
        ((1, 2, 3, 4, 5, 6), {}, ["6 positional", "ids, extra, scale"]),
        ((), {"idz": 1}, ["'idz'", "did you mean 'ids'"]),
        ((torch.zeros(2, 5),), {}, ["'ids'", "float32", "int64"]),
        ((torch.zeros(2, 4, 1).long(),), {}, ["'ids'", "(2, 4, 1)", "(batch, tokens)"]),
        (("text",), {}, ["'ids'", "str"]),
        ((None, {"bias": 1}), {"extra": {}}, ["'extra'", "twice"]),
        ((), {"extra": torch.zeros(2, 4)}, ["'extra'", "'bias'"]),
        ((), {"extra": {"bias": torch.zeros(3, 4)}}, ["batch of 3", "'ids' has 2"]),
        ((), {"double": True}, ["'double'", "captured with False", "True"]),
        ((), {"pair": (torch.zeros(2, 4),)}, ["'pair'", "captured with None"]),
    ],
)
def test_wrong_call_of_a_captured_network_is_named(args, kwargs, words):
    model = networks.ManyInputs().eval()
    good = {"extra": {"bias": torch.zeros(2, 4)}, "scale": torch.zeros(2, 1, 2)}
    ids = torch.zeros(2, 5, dtype=torch.int64)
    program = capture_model(model, (ids,), {**good, "double": False, "pair": None}).program
    if not args and kwargs:
        good["ids"] = ids
    if args and not kwargs or kwargs:
        kwargs = {**(good if len(args) < 2 else {}), **kwargs}
    text = message(program.run, args, kwargs, error=DataError)
    for word in words:
        assert word in text
