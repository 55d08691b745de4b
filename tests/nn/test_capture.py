"""Does a captured network compute what the model computes, for any batch?"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from crossbar.errors import CaptureWarning
from crossbar.nn.graph.captured import Captured, capture, capture_model
from crossbar.nn.graph.product import product_from_dict, product_tensors, product_to_dict
from crossbar.nn.graph.program import Program
from crossbar.nn.resnet import resnet20
from crossbar.workload import from_json, to_json, validate
from tests.nn import networks

Inputs = Callable[[int], tuple[tuple[Any, ...], dict[str, Any]]]


def images(*shape: int) -> Inputs:
    return lambda batch: ((torch.randn(batch, *shape),), {})


def many_inputs(batch: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    ids = torch.randint(0, 9, (batch, 5))
    pair = (torch.randn(batch, 4), torch.randn(batch, 1))
    keywords = {"scale": torch.randn(batch, 1, 2), "double": True, "pair": pair}
    return (ids, {"bias": torch.randn(batch, 4)}), keywords


def leftovers(batch: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (torch.randn(batch, 3, 9), torch.randn(batch, 3, 2, 6, 6)), {}


CASES: dict[str, tuple[Callable[[], nn.Module], Inputs]] = {
    "perceptron": (networks.Perceptron, images(3, 4)),
    "lenet": (networks.LeNet, images(1, 16, 16)),
    "resnet20": (lambda: resnet20(1), images(1, 28, 28)),
    "grouped": (networks.Grouped, images(4, 8, 9)),
    "same": (networks.Same, images(2, 8, 7)),
    "functional": (networks.Functional, images(5)),
    "tied": (networks.Tied, images(4)),
    "encoder": (lambda: nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), images(5, 16)),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16), images(4, 8)),
    "many inputs": (networks.ManyInputs, many_inputs),
    "leftovers": (networks.Leftovers, leftovers),
    "bare layer": (lambda: nn.Linear(3, 4), images(3)),
    "double": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double(),
        lambda batch: ((torch.randn(batch, 3, dtype=torch.float64),), {}),
    ),
}


@pytest.fixture(scope="module")
def captured() -> Callable[[str], tuple[nn.Module, Inputs, Captured]]:
    known: dict[str, tuple[nn.Module, Inputs, Captured]] = {}

    def get(name: str) -> tuple[nn.Module, Inputs, Captured]:
        if name not in known:
            torch.manual_seed(0)
            factory, inputs = CASES[name]
            model = networks.randomise(factory())
            with warnings.catch_warnings():  # "attention" takes the sequence first
                warnings.simplefilter("ignore", CaptureWarning)
                known[name] = (model, inputs, capture_model(model, *inputs(2)))
        return known[name]

    return get


def assert_same(got: Any, expected: Any) -> None:
    if isinstance(expected, torch.Tensor):
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    elif isinstance(expected, dict):
        assert list(got) == list(expected)
        for key, value in expected.items():
            assert_same(got[key], value)
    elif isinstance(expected, (list, tuple)):
        assert type(got) is type(expected)
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            assert_same(a, b)
    else:
        assert got == expected


@pytest.mark.parametrize("name", CASES)
def test_program_computes_what_the_model_does_for_any_batch(name, captured):
    model, inputs, result = captured(name)
    for batch in (1, 2, 5):
        args, kwargs = inputs(batch)
        with torch.no_grad():
            expected = model(*args, **kwargs)
        assert_same(result.program.run(args, kwargs), expected)


@pytest.mark.parametrize("name", CASES)
def test_program_is_the_same_after_a_round_trip(name, captured):
    _, inputs, result = captured(name)
    tensors = product_tensors(result.products.values())
    facts = [product_to_dict(p) for p in result.products.values()]
    products = {f["step"]: product_from_dict(f, tensors) for f in facts}
    again = Program.from_json(result.program.to_json(), result.program.constants, products)
    args, kwargs = inputs(3)
    with torch.no_grad():
        assert_same(again.run(args, kwargs), result.program.run(args, kwargs))
    assert again.to_json() == result.program.to_json()


@pytest.mark.parametrize("name", CASES)
def test_workload_is_sound_and_names_the_products(name, captured):
    _, _, result = captured(name)
    validate(result.workload)
    assert from_json(to_json(result.workload)) == result.workload
    assert {n.name for n in result.workload.products} == set(result.products)
    for node in result.workload.products:
        product = result.products[node.name]
        assert node.weight == product.weight_key
        assert {k: v for k, v in node.attrs.items() if k != "lengths"} == product.attrs
        assert node.weights == product.weight.numel()


@pytest.mark.parametrize("name", ["perceptron", "encoder", "leftovers", "functional"])
def test_the_model_is_left_as_it_was(name):
    torch.manual_seed(0)
    factory, inputs = CASES[name]
    model = networks.randomise(factory())
    before = copy.deepcopy(model.state_dict())
    attributes = {n: set(vars(m)) for n, m in model.named_modules()}
    fast_path = torch.backends.mha.get_fastpath_enabled()
    result = capture_model(model, *inputs(2))
    assert_same(dict(model.state_dict()), dict(before))
    assert {n: set(vars(m)) for n, m in model.named_modules()} == attributes
    assert not any(m.training or m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())
    assert torch.backends.mha.get_fastpath_enabled() == fast_path

    args, kwargs = inputs(2)
    expected = result.program.run(args, kwargs)
    for parameter in model.parameters():
        parameter.data.zero_()
    assert_same(result.program.run(args, kwargs), expected)


def test_single_sample_does_not_freeze_the_batch():
    model = networks.LeNet().eval()
    result = capture_model(model, (torch.randn(1, 1, 16, 16),))
    x = torch.randn(7, 1, 16, 16)
    assert result.program.signature.batch is None
    assert_same(result.program.run((x,)), model(x).detach())


def test_override_computes_the_products_and_nothing_else():
    model = networks.Tied().eval()
    result = capture_model(model, (torch.randn(2, 4),))
    asked = []

    def override(step, args, kwargs):
        asked.append(step.name)
        return 2 * result.products[step.name].compute(*args, **kwargs)

    x = torch.randn(3, 4)
    got = result.program.run((x,), override=override)
    w, b = model.fc.weight, model.fc.bias

    def doubled(v):
        return torch.relu(2 * (v @ w.t() + b))

    assert asked == list(result.products)
    assert_same(got, (2 * (2 * (doubled(doubled(x)) @ w.t())) @ w).detach())


def test_keywords_may_be_given_by_position_and_the_other_way_round():
    model = networks.ManyInputs().eval()
    args, kwargs = many_inputs(2)
    result = capture_model(model, args, kwargs)
    (ids, extra), keywords = many_inputs(3)
    expected = result.program.run((ids, extra), keywords)
    scale = keywords.pop("scale")
    assert_same(
        result.program.run((), {"extra": extra, "ids": ids, "scale": scale, **keywords}), expected
    )
    assert_same(result.program.run((ids, extra, scale), keywords), expected)


def test_public_capture_takes_a_tensor_a_tuple_or_a_dict():
    model = nn.Linear(3, 4).eval()
    x = torch.randn(2, 3)
    first = capture(model, x)
    assert first == capture(model, (x,)) == capture(model, [x]) == capture(model, {"input": x})
    assert [n.kind for n in first] == ["input", "linear"]


@pytest.mark.parametrize("decomposed", [False, True])
def test_exported_program_is_taken_as_it_is(decomposed):
    model = networks.randomise(networks.Grouped())
    x = torch.randn(3, 4, 8, 9)
    exported = torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    if decomposed:
        exported = exported.run_decompositions()
    result = capture_model(exported)
    assert result.workload.name == "Grouped"
    assert [n.name for n in result.workload.products] == ["depth", "group", "point"]
    assert not [n for n in result.workload if n.kind in ("batchnorm", "other")]
    x = torch.randn(2, 4, 8, 9)
    assert_same(result.program.run((x,)), model(x).detach())


def test_no_grad_and_autocast_blocks_are_unrolled():
    class Blocks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            with torch.autocast("cpu", enabled=False):
                x = self.a(x)
            with torch.no_grad():
                return self.b(x)

    model = Blocks().eval()
    x = torch.randn(2, 3)
    exported = torch.export.export(model, (x,))
    for result in (capture_model(model, (x,)), capture_model(exported)):
        assert [n.name for n in result.workload.products] == ["a", "b"]
        assert_same(result.program.run((x,)), model(x).detach())


def test_random_operations_stay_random():
    class Noisy(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x, 0.5, training=True) + torch.rand(64)

    result = capture_model(Noisy().eval(), (torch.ones(2, 64),))
    x = torch.ones(2, 64)
    assert not torch.equal(result.program.run((x,)), result.program.run((x,)))


def test_state_that_no_result_needs_is_dropped():
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 3)
            self.register_buffer("calls", torch.zeros(1))

        def forward(self, x):
            self.calls.add_(1)
            return self.fc(x)

    model = Counting().eval()
    result = capture_model(model, (torch.randn(2, 3),))
    assert [n.name for n in result.workload] == ["x", "fc"]
    assert not result.program.constants
    assert model.calls == 0
