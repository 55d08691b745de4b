"""Does `explain` name the step and the layer where accuracy goes?"""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import crossbar as xb
from crossbar.array.conditions import EFFECTS
from crossbar.errors import DataError, InputError
from crossbar.nn.explain_text import LADDER, explanation_markup
from tests.nn.networks import randomise

EVERYTHING = {
    "cell.kind": "reram",
    "cell.variation": 0.08,
    "cell.read_noise": 0.05,
    "cell.drift.kind": "power_law",
    "cell.drift.nu": 0.02,
    "array.wire_resistance_row": "20 ohm",
    "array.wire_resistance_col": "20 ohm",
    "adc.bits": 5,
    "adc.policy": "full",
}


class Chain(nn.Module):
    """Four linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(16, 24)
        self.two = nn.Linear(24, 24)
        self.three = nn.Linear(24, 24)
        self.four = nn.Linear(24, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.one, self.two, self.three):
            x = torch.relu(layer(x))
        return self.four(x)


def chain() -> nn.Module:
    """Return it with weights for which each class is chosen now and then."""
    torch.manual_seed(5)
    model = randomise(Chain())
    with torch.no_grad():
        model.four.bias -= model(pictures(200)).mean(0)
    return model


def pictures(samples: int) -> torch.Tensor:
    return torch.rand(samples, 16, generator=torch.Generator().manual_seed(2))


def data(model: nn.Module, samples: int = 60):
    x = pictures(samples)
    with torch.no_grad():
        return x, model(x).argmax(1)


def mapped_on(overrides=None, model=None, precision=None):
    model = model or chain()
    arch = xb.load_arch("tiny_reram", {"chip.tiles": "auto", **(overrides or {})})
    bits = precision or {"weight_bits": 8, "input_bits": 8}
    return xb.map_model(model, arch, calibration=data(model)[0], precision=bits)


def step(found, name):
    return next(row for row in found.steps if row["name"] == name)


@pytest.mark.parametrize("layer", ["one", "three", "four"])
def test_the_layer_with_broken_cells_is_named(layer):
    mapped, samples = mapped_on(), data(chain())
    state = replace(mapped.body.conditions, faults=xb.StuckAt(on=0.3), fault_seed=1)
    found = xb.explain(mapped.under(state, only={layer}), samples)
    assert (found.guilty["step"], found.guilty["layer"]) == ("faults", layer)
    assert set(found.guilty["spared"]) == {layer}  # the others are exact: nothing to spare
    # with that layer spared the network is the clean one
    clean = xb.simulate(mapped, samples)
    before = step(found, "faults")["so_far"] + step(found, "faults")["lost"]
    assert before == pytest.approx(clean.accuracy)
    assert found.guilty["regained"] == pytest.approx(step(found, "faults")["lost"])
    assert found.guilty["regained"] > 0
    assert not found.guilty["by_chance"]
    words = " ".join(found.sentence.split())
    assert f"It happens in {layer} " in words
    assert "The step 'faults'" in words
    assert "array.encoding (now offset)" in words
    own = {row["layer"]: row["own"] for row in found.rows}
    assert math.isfinite(own.pop(layer))
    assert set(own.values()) == {math.inf}


@pytest.mark.parametrize(
    ("effect", "overrides", "key"),
    [
        ("variation", {"cell.kind": "reram", "cell.variation": 0.8}, "cell.variation.sigma"),
        ("noise", {"cell.kind": "reram", "cell.read_noise": 0.9}, "cell.read_noise.sigma"),
        ("converters", {"adc.bits": 3, "adc.policy": "full"}, "adc.bits (now 3)"),
    ],
)
def test_an_effect_in_one_layer_only_is_named(effect, overrides, key):
    mapped = mapped_on(overrides)
    quiet = replace(mapped.body.conditions, effects=tuple(e for e in EFFECTS if e != effect))
    state = mapped.under(quiet, only={"one", "two", "four"})
    found = xb.explain(state, data(chain()))
    assert (found.guilty["step"], found.guilty["layer"]) == (effect, "three")
    assert any(key in each for each in found.guilty["try"])


def test_a_layer_that_quantises_badly_is_named():
    model = chain()
    with torch.no_grad():  # a hidden value that is always 0, with weights that swallow the scale
        model.one.bias[0] = -1000.0
        model.two.weight[:, 0] = 50.0
    found = xb.explain(mapped_on(model=model), data(model))
    assert (found.guilty["step"], found.guilty["layer"]) == ("quantised", "two")
    assert "precision.weight_bits (now 8)" in found.sentence


def test_nothing_lost_is_said():
    lossless = {"adc.policy": "lossless", "adc.bits": None}
    wide = {"weight_bits": 12, "input_bits": 12}
    found = xb.explain(mapped_on(lossless, precision=wide), data(chain()))
    assert found.guilty is None
    assert found.sentence.startswith("Nothing is lost on these 60 samples")
    assert {row["name"] for row in found.steps if row["present"]} == {"float", "quantised"}
    assert step(found, "converters")["so_far"] is None
    assert found.rows[0]["snr"]["converters"] is None
    assert all(row["own"] == math.inf for row in found.rows)
    assert found.runs == 3  # float, integers, each layer by itself


@pytest.fixture(scope="module")
def whole():
    mapped = xb.inject(mapped_on(EVERYTHING), xb.StuckAt(on=0.01, off=0.01), seed=8)
    samples = data(chain(), 80)
    return mapped, samples, xb.explain(mapped, samples, seed=6, images=50, t_inference=1e4)


def test_the_first_and_last_rungs_are_those_of_a_simulation(whole):
    mapped, (x, y), found = whole
    report = xb.simulate(mapped, (x[:50], y[:50]), seed=6, t_inference=1e4)
    assert found.steps[0]["so_far"] == report.float_accuracy
    assert step(found, "quantised")["so_far"] == report.digital_accuracy
    assert found.steps[-1]["so_far"] == report.accuracy
    assert [row["name"] for row in found.steps] == ["float", *LADDER]
    assert all(row["present"] for row in found.steps)
    total = sum(row["lost"] for row in found.steps[1:])
    assert total == pytest.approx(report.float_accuracy - report.accuracy)


def test_batches_and_threads_change_nothing(whole, monkeypatch):
    mapped, samples, found = whole
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    loader = DataLoader(TensorDataset(*samples), batch_size=7)
    again = xb.explain(mapped, loader, seed=6, images=50, t_inference=1e4)
    assert again.steps == found.steps
    for one, other in zip(again.rows, found.rows, strict=True):
        assert one["snr"] == pytest.approx(other["snr"])  # float32 products of other batches
        assert one["own"] == pytest.approx(other["own"])


def test_every_rung_is_the_network_under_its_effects(whole):
    mapped, (x, y), found = whole
    state = replace(mapped.body.conditions, seed=6, t_inference=1e4)
    for place in range(1, len(EFFECTS) + 1):
        some = mapped.under(replace(state, effects=EFFECTS[:place]))
        row = step(found, EFFECTS[place - 1])
        assert row["so_far"] == xb.simulate(some, (x[:50], y[:50]), seed=6).accuracy
        alone = mapped.under(replace(state, effects=(EFFECTS[place - 1],)))
        assert row["alone"] == xb.simulate(alone, (x[:50], y[:50]), seed=6).accuracy


def test_it_prints_in_80_columns_and_is_plain_data(whole):
    _, _, found = whole
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("where accuracy goes: Chain on tiny_reram, 50 samples, seed 6,")
    assert "2.78 hours after programming" in " ".join(lines[:2])
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["sentence"] == found.sentence
    assert plain["format"] == "crossbar.explanation"
    assert [row["layer"] for row in plain["rows"]] == ["one", "two", "three", "four"]
    page = "".join(explanation_markup(found))
    assert "three" in page
    assert "variation" in page


def test_progress_ends_at_its_total(whole):
    mapped, samples, found = whole
    seen = []
    xb.explain(
        mapped,
        samples,
        seed=6,
        images=50,
        t_inference=1e4,
        progress=lambda *told: seen.append(told),
    )
    totals = {total for _, total in seen}
    assert len(totals) == 1
    counts = [done for done, _ in seen]
    assert counts == sorted(counts)
    assert seen[-1] == (max(totals), max(totals))
    assert counts[-2] <= max(totals)
    assert found.runs * 50 <= max(totals)


def test_without_targets_the_agreement_is_explained():
    mapped = xb.inject(mapped_on(), xb.StuckAt(on=0.1), seed=2)
    x, _ = data(chain())
    found = xb.explain(mapped, x)
    assert found.measure == "agreement"
    assert found.steps[0]["so_far"] == 1.0
    assert step(found, "faults")["so_far"] == xb.simulate(mapped, x).metrics["agreement"]


def test_a_loss_of_few_samples_is_called_chance():
    model = chain()
    x, y = data(model, 40)
    clean = mapped_on()
    for seed in range(40):
        mapped = xb.inject(clean, xb.StuckAt(on=0.002), seed=seed)
        lost = 1.0 - xb.simulate(mapped, (x, y)).accuracy
        if 0 < lost <= 2.5 / 40:
            break
    else:
        pytest.fail("no seed loses one or two samples")
    found = xb.explain(mapped, (x, y))
    assert found.guilty["by_chance"]
    assert "may be chance" in found.sentence


def test_slips_are_one_line():
    mapped, samples = mapped_on(EVERYTHING), data(chain())
    with pytest.raises(InputError, match="images: 0 is not a whole number of 1 or more"):
        xb.explain(mapped, samples, images=0)
    with pytest.raises(InputError, match=r"t_inference 10 ms is before t0 of cell\.drift, 1 s"):
        xb.explain(mapped, samples, t_inference=0.01)
    with pytest.raises(InputError, match="explain: a Chain, expected a mapped model"):
        xb.explain(chain(), samples)
    with pytest.raises(InputError, match="seed -1"):
        xb.explain(mapped, samples, seed=-1)
    with pytest.raises(DataError, match="some batches have targets and some have none"):
        xb.explain(mapped, [(samples[0][:4], samples[1][:4]), samples[0][4:8]])
