"""Recurrent layers and cells: are they the network's, in every time step?"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.errors import CaptureError
from crossbar.nn.graph.captured import capture_model
from crossbar.nn.graph.functions import cell
from crossbar.nn.graph.program import Program
from crossbar.nn.layers import MappedLayer
from tests.nn.test_capture import assert_same

NOISY = xb.load_arch("isaac_8bit", {"cell.kind": "reram", "cell.read_noise": 0.3})

RECURRENT = {
    "lstm": lambda: nn.LSTM(4, 5, 2, bidirectional=True),
    "lstm batch first": lambda: nn.LSTM(4, 5, batch_first=True, bias=False),
    "gru": lambda: nn.GRU(4, 5, 2, batch_first=True, bidirectional=True),
    "gru without bias": lambda: nn.GRU(4, 5, bias=False),
    "tanh": lambda: nn.RNN(4, 5, 3),
    "relu": lambda: nn.RNN(4, 5, 1, "relu", batch_first=True, bidirectional=True),
}


class Recurrent(nn.Module):
    """Batch first from outside, with or without a state to begin with."""

    def __init__(self, layer: nn.RNNBase, with_state: bool) -> None:
        super().__init__()
        self.layer, self.with_state = layer, with_state

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        h, c = h.transpose(0, 1).contiguous(), c.transpose(0, 1).contiguous()
        state = (h, c) if isinstance(self.layer, nn.LSTM) else h
        if not self.layer.batch_first:
            x = x.transpose(0, 1)
        return self.layer(x, state) if self.with_state else self.layer(x)


def recurrent(name: str, with_state: bool) -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    model = Recurrent(RECURRENT[name](), with_state).eval()
    states = model.layer.num_layers * (2 if model.layer.bidirectional else 1)

    def inputs(batch: int) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(batch)
        shapes = ((batch, 7, 4), (batch, states, 5), (batch, states, 5))
        return tuple(torch.randn(shape, generator=generator) for shape in shapes)

    return model, inputs


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers_give_all_their_results(name, with_state):
    model, inputs = recurrent(name, with_state)
    captured = capture_model(model, inputs(2))
    for batch in (1, 4):
        with torch.no_grad():
            assert_same(captured.program.run(inputs(batch)), model(*inputs(batch)))
    matrices = [p for p in model.layer.parameters() if p.dim() == 2]
    assert len(captured.products) == len(matrices)
    assert captured.workload.weights == sum(p.numel() for p in matrices)
    assert not [n for n in captured.workload if n.kind == "other"]
    for product in captured.products.values():
        bias = "bias_hh" if "recurrent" in product.attrs else "bias_ih"
        stored = product.weight_key.removeprefix("layer.").replace(
            "weight_hh" if bias == "bias_hh" else "weight_ih", bias
        )
        if model.layer.bias:
            assert torch.equal(product.bias, getattr(model.layer, stored))
        else:
            assert product.bias is None
    again = Program.from_json(
        captured.program.to_json(), captured.program.constants, captured.products
    )
    assert_same(again.run(inputs(3)), captured.program.run(inputs(3)))


@pytest.mark.parametrize("layer", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells_are_two_products_and_their_gates(layer):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = layer(3, 4)

        def forward(self, x):
            state = self.cell(x[:, 0])  # begins with zeros
            return self.cell(x[:, 1], state)

    torch.manual_seed(0)
    model = Net().eval()
    captured = capture_model(model, (torch.randn(2, 2, 3),))
    x = torch.randn(5, 2, 3)
    with torch.no_grad():
        assert_same(captured.program.run((x,)), model(x))
    work = captured.workload
    assert len({n.weight for n in work.products}) == 2
    assert [n.kind for n in work].count("cell") == 2
    # the second use waits for the state of the first
    second = [n for n in work.products if n.weight == "cell.weight_hh"][1]
    assert work[second.inputs[0]].kind == "cell"


def test_an_unknown_cell_is_refused():
    with pytest.raises(CaptureError, match="'mamba' is no recurrent cell: lstm, gru"):
        cell("mamba", torch.zeros(1, 2), torch.zeros(1, 2), [torch.zeros(1, 2)])


def test_each_time_step_is_a_call_of_its_own():
    model, inputs = recurrent("gru", True)
    captured = capture_model(model, inputs(2))
    seen: dict[str, list[tuple[torch.Tensor, int]]] = {}

    def watch(step, args, call):
        use = captured.program.use(step, call)
        seen.setdefault(step.name, []).append((args[0], use))
        return captured.products[step.name].compute(args[0])

    x, h, c = inputs(3)
    captured.program.run((x, h, c), override=watch)
    uses = [use for calls in seen.values() for _, use in calls]
    assert len(set(uses)) == len(uses) == 4 + 4 * 7
    states, _ = model.layer(x, h.transpose(0, 1).contiguous())
    last = seen["layer.weight_hh_l1_reverse"]
    assert_same(last[0][0], h[:, 3])
    assert_same(last[6][0], states[:, 1, 5:].detach())


def test_calibration_sees_all_time_steps():
    model, inputs = recurrent("relu", False)
    with torch.no_grad():
        for p in model.layer.parameters():
            p.abs_()  # states grow from step to step
    args = inputs(4)
    mapped = xb.map_model(model, "ideal_8bit", calibration=args, example_inputs=args)
    hidden = model(*args)[0].detach()
    scale = mapped.body.layers["layer.weight_hh_l0"].input.scale
    assert scale * 255 == pytest.approx(float(hidden[:, :6, :5].max()), rel=1e-5)
    assert xb.verify(mapped, args).max_difference == 0
    names = [row.layer for row in xb.verify(mapped, args)]
    assert len(names) == len(set(names)) == 4


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_noise_belongs_to_samples_and_time_steps(name, monkeypatch):
    model, inputs = recurrent(name, False)
    args = inputs(4)
    mapped = xb.map_model(model, NOISY, calibration=args, example_inputs=args)
    whole = mapped.execute(args, samples=4)
    parts = [mapped.execute(tuple(a[k : k + 2] for a in args), first=k, samples=2) for k in (0, 2)]
    batch = 0 if model.layer.batch_first else 1
    assert torch.equal(whole[0], torch.cat([p[0] for p in parts], batch))
    assert not torch.equal(whole[0], mapped.execute(args, mode="digital")[0])
    uses = []
    run = MappedLayer.run

    def recorded(self, *given, place, **more):
        uses.append(place.use)
        return run(self, *given, place=place, **more)

    monkeypatch.setattr(MappedLayer, "run", recorded)
    mapped(*args)
    assert len(set(uses)) == len(uses) == 4 * (1 + 7)
