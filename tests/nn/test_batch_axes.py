"""Which axis of an input counts the samples, and what is said where it may be another."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import crossbar as xb
from crossbar.errors import CaptureWarning, DataError
from crossbar.nn.data import Head, as_loader
from crossbar.nn.graph.captured import capture_model

LAYERS, FEATURES = 4, 8
"""Of the states: layers times directions, and numbers of each."""


class States(nn.Module):
    """An LSTM whose states are inputs: (layers, samples, features) beside (samples, ...)."""

    def __init__(self, turned: bool = False, branches: bool = False) -> None:
        super().__init__()
        self.turned, self.branches = turned, branches
        self.lstm = nn.LSTM(5, FEATURES, 2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * FEATURES, 3)

    def forward(self, x, h=None, c=None):
        if self.branches and x.sum() > 1e9:
            return x
        if h is None:
            return self.fc(self.lstm(x)[0][:, -1])
        if self.turned:
            h, c = h.transpose(0, 1), c.transpose(0, 1)
        return self.fc(self.lstm(x, (h, c))[0][:, -1])


def data(samples: int, turned: bool = False) -> dict[str, torch.Tensor]:
    torch.manual_seed(samples)
    shape = (samples, LAYERS, FEATURES) if turned else (LAYERS, samples, FEATURES)
    return {"x": torch.randn(samples, 6, 5), "h": torch.randn(shape), "c": torch.randn(shape)}


@pytest.mark.parametrize("samples", [1, 2, LAYERS, FEATURES, 5])
@pytest.mark.parametrize("turned", [False, True])
def test_states_count_their_samples_in_their_own_axis(samples: int, turned: bool) -> None:
    torch.manual_seed(0)
    model = States(turned).eval()
    captured = capture_model(model, (), data(samples, turned))
    states = ("batch", LAYERS, FEATURES) if turned else (LAYERS, "batch", FEATURES)
    assert captured.program.signature.shapes == {"x": ("batch", 6, 5), "h": states, "c": states}
    alike = capture_model(model, (), data(3, turned)).workload
    assert [(n.name, n.kind, n.shape, n.attrs) for n in captured.workload] == [
        (n.name, n.kind, n.shape, n.attrs) for n in alike
    ]
    other = data(7, turned)
    with torch.no_grad():
        torch.testing.assert_close(captured.program.run((), other), model(**other))


@pytest.mark.filterwarnings("ignore::crossbar.errors.CaptureWarning")
@pytest.mark.parametrize("samples", [2, LAYERS])
def test_a_recorded_model_too(samples: int) -> None:
    captured = capture_model(States(branches=True).eval(), (), data(samples))
    if samples != LAYERS:  # by size alone both are possible
        assert captured.program.signature.shapes["h"] == (LAYERS, "batch", FEATURES)
    assert captured.program.run((), data(samples)).shape == (samples, 3)


def test_the_energy_of_a_sample_does_not_depend_on_the_batch() -> None:
    """States add their own way through the port and into the buffers: 8 bits a number."""
    torch.manual_seed(0)
    model = States().eval()
    x = data(8)
    reports = []
    for samples in (2, 4, 8):
        mapped = xb.map_model(model, "ideal_8bit", calibration=data(samples))
        reports.append(xb.simulate(mapped, x, baselines=False))
    alone = xb.map_model(model, "ideal_8bit", calibration=data(2)["x"])
    plain = xb.simulate(alone, x["x"], baselines=False)
    bits = 8 * 2 * LAYERS * FEATURES
    for report in reports:
        own = {k: n - plain.counts[k] for k, n in report.counts.items() if n != plain.counts[k]}
        assert own == dict.fromkeys(("offchip_bits", "buffer_read_bits", "buffer_write_bits"), bits)
        for name, cost in report.components.items():
            if name != "array":  # it depends on the scales that the calibration found
                assert cost["energy"] == reports[0].components[name]["energy"], name


def test_large_data_is_cut_along_the_axis_of_samples() -> None:
    mapped = xb.map_model(States().eval(), "ideal_8bit", calibration=data(4))
    assert xb.simulate(mapped, data(120), baselines=False).images == 120
    axes = mapped.body.program.signature.axes
    assert axes == {"x": 0, "h": 1, "c": 1}
    parts = list(Head(as_loader(data(LAYERS), 3, axes=axes), axes=axes))
    assert [p["h"].shape for p in parts] == [(LAYERS, 3, FEATURES), (LAYERS, 1, FEATURES)]


def test_an_input_without_an_axis_of_samples_is_shared() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(5, 3)

        def forward(self, x, scale):
            return self.fc(x) * scale

    captured = capture_model(Shared().eval(), (torch.randn(4, 5), torch.randn(3)))
    assert captured.program.signature.shapes == {"x": ("batch", 5), "scale": (3,)}
    assert captured.program.run((torch.randn(9, 5), torch.ones(3))).shape == (9, 3)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (nn.LSTM(5, 8), "fixed at 6 by the network; it is taken for the samples. LSTM takes the"),
        (nn.Sequential(nn.Identity(), nn.GRU(5, 8)), r"'1' \(GRU\) takes the sequence first"),
        (nn.TransformerEncoderLayer(5, 1, 8), "taken for the samples. TransformerEncoderLayer"),
    ],
)
def test_a_network_that_takes_the_sequence_first_is_told_of(model: nn.Module, told: str) -> None:
    with pytest.warns(CaptureWarning, match=told):
        captured = capture_model(model.eval(), (torch.randn(6, 4, 5),))
    assert captured.notes[0].startswith("Axis 0 of the inputs is ")


def test_nothing_is_said_of_a_wrapped_one() -> None:
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(5, 8)

        def forward(self, x):
            return self.lstm(x.transpose(0, 1))[0].transpose(0, 1)

    assert capture_model(Wrapped().eval(), (torch.randn(4, 6, 5),)).notes == ()


def test_random_outputs_are_told_of() -> None:
    class Drawn(nn.Module):
        def forward(self, x):
            return functional.gumbel_softmax(functional.dropout(x, 0.5, training=True))

    class Still(nn.Module):
        def forward(self, x):
            return functional.dropout(x, 0.5, training=False) + functional.dropout(x, 0.0)

    (note,) = capture_model(Drawn().eval(), (torch.ones(4, 3),)).notes
    assert "outputs are random" in note
    assert "dropout" in note
    assert "exponential" in note
    assert capture_model(Still().eval(), (torch.ones(4, 3),)).notes == ()


def test_the_forms_of_several_inputs() -> None:
    mapped = xb.map_model(States().eval(), "ideal_8bit", calibration=data(4))
    x = data(4)
    with pytest.raises(DataError, match=r"a tuple of 3 tensors.*dictionary.*loader"):
        xb.simulate(mapped, tuple(x.values()))
    with pytest.raises(DataError, match="unknown input 'hh'|input 'h' is missing"):
        xb.simulate(mapped, {"x": x["x"], "hh": x["h"], "c": x["c"]})
    assert xb.simulate(mapped, {**x, "idx": torch.arange(4)}, baselines=False).images == 4


def test_a_misspelt_input_is_named() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.fc = nn.Embedding(9, 4), nn.Linear(4, 2)

        def forward(self, input_ids):
            return self.fc(self.table(input_ids)).mean(1)

    ids = torch.ones(4, 3, dtype=torch.long)
    mapped = xb.map_model(Net().eval(), "ideal_8bit", calibration={"input_ids": ids, "idx": ids})
    with pytest.raises(DataError, match="unknown input 'input_id'.*did you mean 'input_ids'"):
        xb.simulate(mapped, {"input_id": ids})
