"""Does a model that torch.export refuses run on crossbars all the same, and say what is missing?"""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional

import crossbar as xb
from crossbar.errors import CaptureError, CaptureWarning, DataError
from crossbar.nn.graph.captured import Captured, capture_model
from crossbar.nn.mapped import Body, MappedModel
from crossbar.workload.checks import validate


def images(samples: int = 6, *shape: int) -> torch.Tensor:
    return torch.randn(samples, *shape, generator=torch.Generator().manual_seed(5))


class Branching(nn.Module):
    """Takes one of two layers by the values of its input."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.warm, self.cold = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.head = nn.Linear(8, 3, bias=False)

    def forward(self, x):
        large = x.sum() > 100
        x = functional.relu(self.stem(x))
        if large:
            return self.head(self.cold(x))
        return self.head(self.warm(x))


class Settling(nn.Module):
    """Loops until it settles; the same layer every time."""

    def __init__(self) -> None:
        super().__init__()
        self.step, self.head = nn.Linear(4, 4, bias=False), nn.Linear(4, 2)

    def forward(self, x):
        turns = 0
        while x.abs().max().item() > 0.2 and turns < 20:
            x, turns = 1.4 * torch.tanh(self.step(x)), turns + 1
        return self.head(x)


class Experts(nn.Module):
    """A mixture of experts: every sample goes to one of three."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(6, 3)
        self.experts = nn.ModuleList(nn.Linear(6, 5) for _ in range(3))

    def forward(self, x):
        choice = self.gate(x).argmax(-1)
        out = x.new_zeros(len(x), 5)
        for k, expert in enumerate(self.experts):
            rows = (choice == k).nonzero()[:, 0]
            if len(rows):
                out[rows] = expert(x[rows])
        return out


class Zoo(nn.Module):
    """Layers of every sort behind a decision."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding="same")
        self.norm = nn.BatchNorm2d(4)
        self.up = nn.ConvTranspose2d(4, 3, 2, stride=2)
        self.lstm = nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True, dropout=0.0)
        self.w = nn.Parameter(torch.randn(12, 5))
        self.tied = nn.Linear(5, 12, bias=False)
        self.tied.weight = self.w
        self.cell = nn.GRUCell(5, 4)

    def forward(self, x):
        x = self.up(functional.relu(self.norm(self.conv(x))))
        x = self.lstm(x.flatten(1, 2))[0]
        x = self.attention(x, x, x, need_weights=False)[0]
        if float(x.mean()) > 1e6:
            return x
        x = self.tied(self.encoder(x) @ self.w) @ self.w
        return {"state": self.cell(x[:, 0]), "tokens": x}


class Foreign(nn.Module):
    """Leaves torch for numpy, and writes into a buffer of its own making piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        out = torch.zeros(len(x), 3, 4)
        for k in range(3):
            out[:, k] = self.first(x + k)
        return self.second(torch.from_numpy(2 * out.numpy()))


def captured(model: nn.Module, *args: torch.Tensor) -> Captured:
    with pytest.warns(CaptureWarning):
        return capture_model(model.eval(), args)


def ask(result: Captured | Body, called: list[str]):
    def override(step, args, kwargs):
        called.append(step.name)
        return result.program.products[step.name].compute(args[0])

    return override


@torch.no_grad()
@pytest.mark.parametrize(
    ("network", "shape"),
    [(Branching, (6,)), (Settling, (4,)), (Experts, (6,)), (Foreign, (4,))],
)
def test_it_computes_what_the_model_does_on_any_batch(network, shape):
    torch.manual_seed(1)
    model = network().eval()
    result = captured(model, images(6, *shape))
    for samples in (1, 3, 9):
        compare(model, result, images(12, *shape)[-samples:])


def compare(model: nn.Module, result: Captured | Body, x: torch.Tensor) -> None:
    called: list[str] = []
    want, got = model(x), result.program.run((x,), {}, ask(result, called))
    assert called
    torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(result.program.run((x,)), want, atol=1e-4, rtol=1e-5)


@pytest.fixture(scope="module")
def zoo() -> tuple[nn.Module, MappedModel, dict[str, torch.Tensor]]:
    """The model, its mapped form, and what the model held before."""
    torch.manual_seed(1)
    model = Zoo().eval()
    before = copy.deepcopy(model.state_dict())
    with pytest.warns(CaptureWarning):
        mapped = xb.map_model(model, "ideal_8bit", calibration=images(6, 2, 4, 4))
    return model, mapped, before


def test_layers_of_every_sort_compute_what_the_model_does(zoo):
    with torch.no_grad():
        for samples in (1, 3, 9):
            compare(zoo[0], zoo[1].body, images(12, 2, 4, 4)[-samples:])


def test_every_layer_is_found_and_the_weights_of_all_count_once(zoo):
    model, result = zoo[0], zoo[1].body
    validate(result.workload)
    assert set(result.program.products) == {
        "conv",
        "up",
        *(f"lstm.weight_{a}_l0{b}" for a in ("ih", "hh") for b in ("", "_reverse")),
        *("attention.in_proj_weight", "attention.out_proj"),
        *("encoder.self_attn.in_proj_weight", "encoder.self_attn.out_proj"),
        *("encoder.linear1", "encoder.linear2", "w", "tied", "w@2"),
        *("cell.weight_ih", "cell.weight_hh"),
    }
    called: list[str] = []
    result.program.run((images(2, 2, 4, 4),), {}, ask(result, called))
    assert set(called) == set(result.program.products)
    weights = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    assert result.workload.weights == weights + model.w.numel()  # the tied one in both directions
    assert not [n.name for n in result.workload if n.kind == "other"]


def test_the_workload_is_that_of_the_same_model_exported():
    class Plain(Branching):
        def forward(self, x):
            return self.head(self.warm(functional.relu(self.stem(x))))

    torch.manual_seed(1)
    x = images(6, 5, 6)
    ours = captured(Branching(), x).workload
    theirs = capture_model(Plain().eval(), (x,)).workload
    layers = [(n.name, n.shape, n.matrix) for n in theirs.products]
    assert [(n.name, n.shape, n.matrix) for n in ours.products] == layers


def test_what_the_example_did_not_run_is_named_and_runs_in_float():
    torch.manual_seed(1)
    model, x = Branching().eval(), images(6, 6)
    with pytest.warns(CaptureWarning, match=r"test_eager\.py line .* if large"):
        mapped = xb.map_model(model, "ideal_8bit", calibration=x)
    assert [row.name for row in mapped.plan.layers] == ["stem", "warm", "head"]
    assert any("cold (64 weights)" in note for note in mapped.plan.notes)
    assert "cold (64 weights)" in " ".join(str(mapped.plan).split())
    report = xb.simulate(mapped, [x, 1000 * x.abs(), 1000 * x.abs()])
    assert any("cold ran in float" in n and "in 4 of 6 runs" in n for n in report.notes)
    assert all(note in report.notes for note in mapped.plan.notes)
    again = xb.simulate(mapped, [x])
    assert not any("ran in float" in note for note in again.notes)


def test_the_number_of_turns_is_each_inputs_own():
    torch.manual_seed(1)
    model = Settling().eval()
    result = captured(model, 0.3 * images(6, 4))
    uses = [n for n in result.workload.products if n.weight == "step.weight"]
    far: list[str] = []
    with torch.no_grad():
        result.program.run((images(6, 4),), {}, ask(result, far))
        near: list[str] = []
        result.program.run((images(6, 4) * 0.01,), {}, ask(result, near))
    assert near == ["head"]
    assert len(far) > len(uses) + 1  # more turns than the example had
    numbers = []

    def number(step, args, kwargs):
        numbers.append(result.program.use(step, kwargs))
        return result.program.products[step.name].compute(args[0])

    with torch.no_grad():
        result.program.run((images(6, 4),), {}, number)
    assert len(set(numbers)) == len(numbers)  # every use draws noise of its own


def test_a_choice_of_samples_costs_its_share_of_the_batch():
    torch.manual_seed(1)
    x = images(24, 6)
    model = Experts().eval()
    with torch.no_grad():
        model.gate.bias.zero_()
    counts = model.gate(x).argmax(-1).bincount(minlength=3)
    assert counts.min() > 0
    shapes = {n.name: n.shape for n in captured(model, x).workload.products}
    # at most one of three for each sample, rounded up
    assert shapes == {"gate": (3,), **{f"experts.{k}": (5,) for k in range(3)}}


def test_values_that_leave_torch_stay_in_the_graph():
    torch.manual_seed(1)
    workload = captured(Foreign(), images(6, 4)).workload
    outside = next(n for n in workload if n.attrs.get("operator") == "outside torch")
    assert outside.kind == "other"
    assert workload["second"].inputs == (outside.name,)

    def origins(name: str) -> set[str]:
        node = workload[name]
        return {name} | {o for i in node.inputs for o in origins(i)}

    assert {"x", "first", "first@2", "first@3"} <= origins("second")  # through three slices


def test_it_simulates_verifies_and_is_copied(zoo):
    mapped, x = zoo[1], images(6, 2, 4, 4)
    assert xb.verify(mapped, x).max_difference == 0
    report = xb.simulate(mapped, [x], metric=lambda out, y: 0.0)
    assert report.energy > 0
    assert torch.equal(copy.deepcopy(mapped)(x)["state"], mapped(x)["state"])
    again = pickle.loads(pickle.dumps(mapped))
    assert torch.equal(again(x)["tokens"], mapped(x)["tokens"])


def test_nothing_of_the_model_is_changed(zoo):
    model, mapped, before = zoo
    assert not [m for m in model.modules() if m._forward_hooks or m._forward_pre_hooks]
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    own = mapped.body.program.constants
    assert own["w"].data_ptr() != model.w.data_ptr()


def test_strict_refuses_it_and_names_the_line(tmp_path):
    model, x = Branching().eval(), images(6, 6)
    with pytest.raises(CaptureError, match=r"test_eager\.py line .* if large"):
        xb.map_model(model, "ideal_8bit", calibration=x, strict=True)
    with pytest.raises(CaptureError, match="depends on the values of a tensor"):
        xb.capture(model, x, strict=True)


def test_it_cannot_be_saved(tmp_path):
    with pytest.warns(CaptureWarning):
        mapped = xb.map_model(Branching().eval(), "ideal_8bit", calibration=images(6, 6))
    with pytest.raises(CaptureError, match="cannot be written to a file"):
        xb.save_mapped(mapped, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_calibration_that_misses_a_path_is_refused():
    torch.manual_seed(1)
    x = images(6, 6)
    with pytest.warns(CaptureWarning), pytest.raises(DataError, match="no batch runs .* 'cold'"):
        xb.map_model(
            Branching().eval(), "ideal_8bit", calibration=x, example_inputs=(1000 * x.abs(),)
        )


def test_a_model_that_fails_by_itself_is_not_recorded(recwarn):
    class Broken(Branching):
        def forward(self, x):
            if x.sum() > 100:
                return x
            return self.head(x)

    with pytest.raises(
        CaptureError, match=r"it fails at 'head' \(Linear\), given float32 \(6, 6\)"
    ):
        capture_model(Broken().eval(), (images(6, 6),))
    assert not recwarn.list


def test_a_model_that_keeps_state_is_refused():
    class Remembering(Branching):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x):
            self.seen.add_(1)
            return super().forward(x) * self.seen

    with pytest.raises(CaptureError, match="'seen' changes while the model runs"):
        capture_model(Remembering().eval(), (images(6, 6),))
