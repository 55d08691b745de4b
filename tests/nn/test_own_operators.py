"""Operators that torch does not have, masks with -inf, transformers, and what a warning tells."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.cli import main as command
from crossbar.errors import CaptureError, CaptureWarning, DataError
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.graph.captured import capture_model
from crossbar.nn.graph.export import whole_layers
from crossbar.nn.graph.ops import resolve


@torch.library.custom_op("crossbar_tests::linear", mutates_args=())
def own_linear(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Bear the name of one of torch's operators, and take its weights otherwise."""
    return x @ w


@own_linear.register_fake
def _(x, w):
    return x.new_empty(*x.shape[:-1], w.shape[-1])


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.w = nn.Parameter(torch.randn(8, 3))

    def forward(self, x):
        return own_linear(self.first(x), self.w)


class Branching(Own):
    def forward(self, x):
        y = super().forward(x)
        return y * 2 if y.sum() > 1e9 else y


def own(model, x):
    """Map a model with an operator of its own, and compare it in float."""
    torch.manual_seed(0)
    mapped = xb.map_model(model, "ideal_8bit", calibration=x)
    assert [row.name for row in mapped.plan.layers] == ["first"]
    (left,) = (u for u in mapped.plan.unmapped if u.kind == "other")
    assert (left.kind, left.operator, left.weights) == ("other", "crossbar_tests.linear", 24)
    assert left.why == "holds weights of a kind not mapped"
    with torch.no_grad():
        assert torch.allclose(mapped.execute((x,), mode="float"), model(x), atol=1e-6)
    assert xb.verify(mapped, x).max_difference == 0.0
    return mapped


def test_an_operator_of_the_models_own_runs_in_float(tmp_path):
    mapped = own(Own().eval(), torch.randn(4, 8))
    with pytest.raises(CaptureError, match=r"'crossbar_tests\.linear\.default' is none of torch's"):
        xb.save_mapped(mapped, tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(CaptureError, match="cannot be mapped"):
        xb.map_model(Own().eval(), "ideal_8bit", calibration=torch.randn(4, 8), strict=True)


def test_a_file_may_not_name_such_an_operator():
    with pytest.raises(CaptureError, match="a captured program may hold aten operators"):
        resolve("crossbar_tests.linear.default")


def test_an_own_operator_of_a_recorded_model_is_listed():
    with pytest.warns(CaptureWarning):
        own(Branching().eval(), torch.randn(4, 8))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)

    def forward(self, x, mask):
        x = self.first(x)
        return torch.softmax(x @ x.transpose(1, 2) + mask, -1) @ x


def batch():
    mask = torch.zeros(5, 5).masked_fill(torch.ones(5, 5).triu(1).bool(), float("-inf"))
    return {"x": torch.randn(4, 5, 8), "mask": mask.expand(4, 5, 5).clone()}


def test_a_mask_may_hold_minus_infinity():
    torch.manual_seed(0)
    model, data = Masked().eval(), batch()
    mapped = xb.map_model(model, "ideal_8bit", calibration=data)
    assert xb.verify(mapped, data).max_difference == 0.0
    with torch.no_grad():
        assert torch.allclose(mapped.execute((), data, mode="float"), model(**data), atol=1e-6)
    assert xb.simulate(mapped, data).energy > 0


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("mask", float("inf"), "'mask' of sample 2 holds an infinite value"),
        ("mask", float("nan"), "'mask' of sample 2 holds NaN"),
        ("x", float("nan"), "'x' of sample 2 holds NaN"),
    ],
)
def test_the_input_that_is_not_finite_is_named(key, value, told):
    data = batch()
    data[key][2, 0, 0] = value
    with pytest.raises(DataError, match=f"^calibration: {told}$"):
        xb.map_model(Masked().eval(), "ideal_8bit", calibration=data)


def test_minus_infinity_that_comes_to_a_layer_is_refused():
    data = batch()
    mapped = xb.map_model(Masked().eval(), "ideal_8bit", calibration=data)
    data["x"][2, 0, 0] = float("-inf")
    with pytest.raises(DataError, match="first: its input holds -inf"):
        xb.simulate(mapped, data)


class Translating(nn.Module):
    """A whole transformer, with the mask that torch makes for it."""

    def __init__(self):
        super().__init__()
        self.both = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)
        self.out = nn.Linear(16, 3)

    def forward(self, one, two):
        mask = nn.Transformer.generate_square_subsequent_mask(two.shape[1])
        return self.out(self.both(one, two, tgt_mask=mask))


class Crossing(nn.Module):
    """Attends to a part of its input, and branches on values."""

    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x):
        y = self.attend(x, x[:, :3], x[:, :3])[0]
        return y * 2 if y.sum() > 1e9 else y


def test_a_transformer_with_a_mask_of_its_own_is_exported():
    torch.manual_seed(0)
    model = Translating().eval()
    data = {"one": torch.randn(4, 6, 16), "two": torch.randn(4, 5, 16)}
    look = torch.nn.modules.transformer._detect_is_causal_mask
    mapped = xb.map_model(model, "ideal_8bit", calibration=data, strict=True)
    assert torch.nn.modules.transformer._detect_is_causal_mask is look
    assert not isinstance(mapped.body.program, EagerProgram)
    assert xb.verify(mapped, data).max_difference == 0.0
    with torch.no_grad():
        expected = model(**data)
    assert torch.allclose(mapped.execute((), data, mode="float"), expected, atol=1e-5)


def test_a_recorded_cross_attention_runs_with_its_products_taken_out():
    torch.manual_seed(0)
    model, x = Crossing().eval(), torch.randn(4, 5, 16)
    with pytest.warns(CaptureWarning):
        mapped = xb.map_model(model, "ideal_8bit", calibration=x)
    assert xb.verify(mapped, x).max_difference == 0.0
    with torch.no_grad(), whole_layers():
        assert torch.allclose(mapped.execute((x,), mode="float"), model(x), atol=1e-6)


def test_what_fails_while_it_is_recorded_is_an_error_of_the_capture(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr("crossbar.nn.graph.captured.record", fail)
    with pytest.raises(CaptureError, match="nor recorded while it runs: no such thing"):
        capture_model(Branching().eval(), (torch.randn(4, 8),))


def test_what_fails_without_its_products_is_an_error_of_the_capture(monkeypatch):
    with pytest.warns(CaptureWarning):
        program = capture_model(Branching().eval(), (torch.randn(4, 8),)).program

    def fail(*_):
        raise RuntimeError("view size\nis not compatible")

    with pytest.raises(CaptureError, match="does not run with its products taken out: view size$"):
        program.run((torch.randn(4, 8),), override=fail)


def test_the_warning_is_short_and_points_at_the_call():
    x = torch.randn(4, 8)
    with pytest.warns(CaptureWarning) as told:
        mapped = xb.map_model(Branching().eval(), "ideal_8bit", calibration=x)
    (warning,) = told
    assert len(str(warning.message)) <= 200
    assert warning.filename == __file__
    assert "test_own_operators.py line" in mapped.plan.notes[0]


def test_the_command_line_shows_the_warning_without_a_place(capsys):
    others = []
    show = command._telling(lambda *given: others.append(given))
    show(CaptureWarning("Net: recorded"), CaptureWarning, "captured.py", 7)
    show(UserWarning("other"), UserWarning, "torch.py", 8)
    assert capsys.readouterr().err == "warning: Net: recorded\n"
    assert [given[2:] for given in others] == [("torch.py", 8)]


def test_the_command_line_leaves_warnings_as_they_were():
    before = warnings.showwarning
    with pytest.raises(SystemExit):
        command.main(["--version"])
    assert warnings.showwarning is before
