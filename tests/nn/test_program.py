"""Can a captured program be written down and read again, and nothing harmful with it?"""

from __future__ import annotations

import copy
import json
import math
import pickle
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import nn

from crossbar.errors import CaptureError, SchemaVersionError
from crossbar.nn.graph.captured import capture_model
from crossbar.nn.graph.product import product_from_dict, product_tensors, product_to_dict
from crossbar.nn.graph.program import Program, Ref, Step
from crossbar.nn.graph.signature import Signature
from crossbar.nn.graph.values import decode, encode
from tests.nn import networks

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(max_size=5),
    st.builds(Ref, st.text(min_size=1, max_size=5)),
    st.sampled_from([torch.float32, torch.int64, torch.device("cpu"), torch.device("cuda:1")]),
    st.sampled_from([torch.strided, torch.contiguous_format, torch.preserve_format]),
    st.builds(slice, st.none() | st.integers(), st.integers(), st.none() | st.integers()),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


def one_input() -> Signature:
    return Signature({"x": Ref("x")}, {"x": ("batch", 3)}, {"x": torch.float32})


def program(*steps: Step, output: str = "x") -> Program:
    return Program(one_input(), steps, {}, Ref(output), {})


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_every_argument_survives_json(value):
    again = decode(json.loads(json.dumps(encode(value), allow_nan=False)))
    assert again == value
    assert type(again) is type(value)


def test_nan_survives_json_and_other_objects_are_refused():
    assert math.isnan(decode(json.loads(json.dumps(encode(float("nan"))))))
    with pytest.raises(CaptureError, match="Generator"):
        encode([torch.Generator()])


@pytest.mark.parametrize(
    "data", [{}, {"a": 1}, {"ref": 3}, {"dtype": "nn"}, {"device": "toaster"}, {"slice": [1]},
             {"dict": [1]}, {"float": "1"}, {"memory_format": "float32"}, {"ref": "a", "b": 1}]
)  # fmt: skip
def test_broken_value_is_refused(data):
    with pytest.raises(CaptureError, match="captured program"):
        decode(data)


@pytest.mark.parametrize(
    "op",
    [
        *("os.system", "_operator.methodcaller", "_operator.setitem", "builtins.eval"),
        *(
            "aten.from_file.default",
            "aten.conv2d.__class__",
            "aten.__class__.mro",
            "aten.nope.default",
        ),
        *("torchvision.nms.default", "torch.load", "aten", "", "math.__loader__", "crossbar.other"),
    ],
)
def test_operator_outside_the_families_is_refused(op):
    text = program(Step("y", "aten.relu.default", (Ref("x"),)), output="y").to_json()
    with pytest.raises(CaptureError, match="operator"):
        Program.from_json(text.replace("aten.relu.default", op), {}, {})


def test_near_names_of_functions_are_offered():
    text = program(Step("y", "_operator.mul", (2, 3)), output="x").to_json()
    with pytest.raises(CaptureError, match="did you mean 'mul'"):
        Program.from_json(text.replace("_operator.mul", "_operator.mull"), {}, {})


def test_newer_version_is_refused():
    data = json.loads(program().to_json())
    with pytest.raises(SchemaVersionError, match="version 99"):
        Program.from_json(json.dumps({**data, "version": 99}), {}, {})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"version": 1}', '{"version": 1, "steps": 3}']
)
def test_something_else_is_refused(text):
    with pytest.raises(CaptureError, match="captured program"):
        Program.from_json(text, {}, {})


@pytest.mark.parametrize("broken", [{"op": 3}, {"name": []}, {"args": None}, {"kwargs": []}])
def test_broken_step_is_refused(broken):
    data = json.loads(program(Step("y", "aten.relu.default", (Ref("x"),))).to_json())
    data["steps"][0].update(broken)
    with pytest.raises(CaptureError, match="unreadable step"):
        Program.from_json(json.dumps(data), {}, {})


def test_missing_values_double_names_and_products_without_weights_are_refused():
    relu = Step("y", "aten.relu.default", (Ref("x"),))
    with pytest.raises(CaptureError, match="uses 'z'"):
        program(Step("y", "aten.relu.default", ([Ref("z")],)))
    with pytest.raises(CaptureError, match="'output' uses 'y'"):
        program(output="y")
    with pytest.raises(CaptureError, match="'y' stands twice"):
        program(relu, relu)
    with pytest.raises(CaptureError, match="'y' has no weights"):
        program(Step("y", "crossbar.product", (Ref("x"),)))


def test_values_are_freed_after_their_last_use():
    result = capture_model(
        nn.Sequential(*[nn.Linear(3, 3) for _ in range(4)]).eval(), (torch.ones(2, 3),)
    )
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def override(step, args, kwargs):
        nonlocal most
        most = max(most, sum(r() is not None for r in alive))
        out = result.products[step.name].compute(*args)
        alive.append(weakref.ref(out))
        return out

    result.program.run((torch.ones(2, 3),), override=override)
    assert most == 1


def test_program_can_be_copied_and_pickled_after_a_run():
    result = capture_model(networks.LeNet().eval(), (torch.randn(2, 1, 16, 16),))
    x = torch.randn(3, 1, 16, 16)
    expected = result.program.run((x,))
    for again in (copy.deepcopy(result.program), pickle.loads(pickle.dumps(result.program))):
        assert torch.equal(again.run((x,)), expected)


def test_weights_travel_through_safetensors():
    result = capture_model(networks.Tied().eval(), (torch.randn(2, 4),))
    tensors = product_tensors(result.products.values())
    assert sorted(tensors) == ["bias/fc", "bias/fc@2", "weight/fc.weight", "weight/fc.weight@2"]
    facts = json.loads(json.dumps([product_to_dict(p) for p in result.products.values()]))
    tensors = load(save(tensors))
    products = {f["step"]: product_from_dict(f, tensors) for f in facts}
    for name, product in result.products.items():
        again = products[name]
        assert (again.layer, again.kind, again.weight_key) == (
            product.layer,
            product.kind,
            product.weight_key,
        )
        assert again.attrs == product.attrs
        assert torch.equal(again.weight, product.weight)
    assert products["fc"].weight is products["twin"].weight


def test_weights_that_do_not_fit_are_refused():
    model = nn.Conv2d(4, 6, 3, groups=2).eval()
    (product,) = capture_model(model, (torch.randn(2, 4, 5, 5),)).products.values()
    facts, tensors = product_to_dict(product), product_tensors([product])
    with pytest.raises(CaptureError, match=r"\(6, 2, 3, 2\), expected \(6, 2, 3, 3\)"):
        product_from_dict(facts, {**tensors, facts["weight"]: product.weight[..., :2]})
    with pytest.raises(CaptureError, match="missing"):
        product_from_dict(facts, {})
    del facts["attrs"]["groups"]
    with pytest.raises(CaptureError, match="'conv2d'.*'groups'"):
        product_from_dict(facts, tensors)
