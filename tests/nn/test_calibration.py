"""Do all forms of calibration data mean the same, and are bad ones refused?"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import crossbar as xb
from crossbar.errors import DataError, InputError
from tests.nn.small import Mlp, inputs, seeded

X = inputs(Mlp)
Y = torch.zeros(len(X), dtype=torch.long)

FORMS = {
    "tensor": lambda: X,
    "tuple": lambda: (X,),
    "dict": lambda: {"x": X},
    "list of tensors": lambda: list(X.split(5)),
    "pairs": lambda: list(zip(X.split(5), Y.split(5), strict=True)),
    "generator of pairs": lambda: zip(X.split(5), Y.split(5), strict=True),
    "generator of one batch": lambda: iter([X]),
    "data loader": lambda: DataLoader(TensorDataset(X, Y), batch_size=5),
    "shuffled": lambda: DataLoader(TensorDataset(X, Y), batch_size=5, shuffle=True),
    "dicts with labels": lambda: [
        {"x": x, "labels": y} for x, y in zip(X.split(5), Y.split(5), strict=True)
    ],
}


def scales(mapped):
    return {key: layer.input for key, layer in mapped.body.layers.items()}


@pytest.fixture(scope="module")
def expected():
    return scales(xb.map_model(seeded(Mlp), "tiny_reram", calibration=X))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_scales(form, expected):
    mapped = xb.map_model(seeded(Mlp), "tiny_reram", calibration=FORMS[form]())
    assert scales(mapped) == expected
    assert mapped(X).shape == (len(X), 5)


@pytest.mark.parametrize("example", [(X[:3],), {"x": X[:3]}, (X[:1],)])
def test_example_inputs_decide_the_capture_and_calibration_the_scales(example, expected):
    mapped = xb.map_model(seeded(Mlp), "tiny_reram", calibration=X, example_inputs=example)
    assert scales(mapped) == expected


def test_keys_that_the_network_does_not_take_are_left_out(expected):
    loader = [{"x": X, "labels": Y, "index": torch.arange(len(X))}]
    mapped = xb.map_model(
        seeded(Mlp), "tiny_reram", calibration=loader, example_inputs={"x": X[:4]}
    )
    assert scales(mapped) == expected
    assert xb.verify(mapped, loader).max_difference == 0
    assert xb.simulate(mapped, loader).images == len(X)


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, a, b=None, twice=False):
        out = self.left(a) + self.right(b)
        return 2 * out if twice else out


def test_several_inputs_by_position_or_by_name():
    torch.manual_seed(0)
    model, a, b = TwoInputs().eval(), torch.rand(5, 3), torch.rand(5, 2)
    forms = [(a, b), {"a": a, "b": b}, [((a, b), Y[:5])], [{"b": b, "a": a, "target": Y[:5]}]]
    made = [xb.map_model(model, "ideal_8bit", calibration=form) for form in forms]
    for mapped in made:
        assert scales(mapped) == scales(made[0])
        assert torch.equal(mapped(a, b=b), made[0](a, b))
    twice = xb.map_model(model, "ideal_8bit", calibration={"a": a, "b": b, "twice": True})
    assert torch.equal(twice(a, b, twice=True), 2 * made[0](a, b))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([], "holds no batches"),
        (X[:0], "empty"),
        ("images", "str is not data"),
        (7, "int is not data"),
        (X.double(), "first gets float64 inputs, its weights are float32"),
        ([X, X * float("inf")], "holds"),
        (torch.cat([X, torch.full((1, 20), float("nan"))]), "sample 12 holds NaN"),
        ([X, X[:, :7]], r"shape \(12, 7\), expected \(batch, 20\)"),
    ],
)
def test_data_that_cannot_be_used_is_refused(data, text):
    with pytest.raises(DataError, match=text) as caught:
        xb.map_model(seeded(Mlp), "tiny_reram", calibration=data)
    assert "\n" not in str(caught.value)


class Logarithm(nn.Module):
    """The second layer sees NaN where the first gives a negative value."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        with torch.no_grad():
            self.first.weight.copy_(torch.eye(2))
            self.first.bias.zero_()

    def forward(self, x):
        return self.second(torch.log(self.first(x)))


def test_nan_inside_the_network_is_refused_also_after_good_batches():
    good, bad = torch.full((3, 2), 2.0), torch.full((3, 2), -2.0)
    for data in ([good, bad], [bad, good], [bad]):
        with pytest.raises(InputError, match="second: calibration gave no finite inputs"):
            xb.map_model(Logarithm().eval(), "tiny_reram", calibration=data)
