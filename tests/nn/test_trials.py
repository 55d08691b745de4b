"""Does drawing everything anew say how far chips differ, and share what does not depend on it?"""

from __future__ import annotations

import json
import statistics
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import crossbar as xb
from crossbar.array.conditions import Conditions
from crossbar.errors import InputError
from crossbar.nn.states import conditions_of, is_random, redrawn
from crossbar.nn.trials import histogram, spread
from tests.nn.small import Mlp, seeded

RERAM = {"cell.kind": "reram", "cell.variation": 0.15, "cell.read_noise": 0.05}
DRIFT = {"cell.kind": "reram", "cell.drift.kind": "power_law", "cell.drift.nu": 0.2}


def network():
    """Return one for which each class is chosen now and then."""
    model = seeded(Mlp)
    with torch.no_grad():
        model.second.bias -= model(data_of(200)).mean(0)
    return model


def data_of(samples):
    return torch.rand(samples, 20, generator=torch.Generator().manual_seed(1))


def data(samples=41):
    x = data_of(samples)
    with torch.no_grad():
        return x, network()(x).argmax(1)


def mapped_on(overrides, **given):
    x, _ = data()
    return xb.map_model(network(), xb.load_arch("tiny_reram", overrides), calibration=x, **given)


@pytest.fixture(scope="module")
def noisy():
    return xb.inject(mapped_on(RERAM), xb.StuckAt(on=0.02, off=0.02), seed=99)


def test_the_values_are_those_of_single_runs(noisy):
    report = xb.simulate(noisy, data(), seed=4, trials=5)
    single = [
        xb.simulate(xb.inject(noisy, xb.StuckAt(on=0.02, off=0.02), seed=s), data(), seed=s)
        for s in range(4, 9)
    ]
    trials = report.trials
    assert trials["seeds"] == [4, 5, 6, 7, 8]
    assert not trials["identical"]
    assert trials["accuracy"]["values"] == [one.accuracy for one in single]
    assert trials["energy"]["values"] == pytest.approx([one.energy for one in single], rel=1e-12)
    assert len(set(trials["energy"]["values"])) == 5
    assert report.accuracy == pytest.approx(statistics.mean(one.accuracy for one in single))
    assert report.energy == pytest.approx(statistics.mean(one.energy for one in single))
    assert trials["accuracy"]["std"] == pytest.approx(
        statistics.stdev(one.accuracy for one in single)
    )
    assert trials["accuracy"]["worst"] == min(one.accuracy for one in single)
    assert trials["energy"]["worst"] == pytest.approx(max(one.energy for one in single))
    clipped = statistics.mean(one.counts["saturations"] for one in single)
    assert report.counts["saturations"] == pytest.approx(clipped)
    parts = sum(cost["energy"] for cost in report.components.values())
    assert parts == pytest.approx(report.energy)
    assert report.latency == single[0].latency
    assert (report.float_accuracy, report.digital_accuracy) == (
        single[0].float_accuracy,
        single[0].digital_accuracy,
    )


def test_faults_keep_their_seed_unless_there_are_trials(noisy):
    broken = xb.inject(mapped_on({}), xb.StuckAt(on=0.05, off=0.05), seed=7)
    first, other = (xb.simulate(broken, data(), seed=s) for s in (0, 5))
    assert first.energy == other.energy
    assert first.scenario["effects"]["stuck_at"]["seed"] == 7
    drawn = xb.simulate(broken, data(), seed=7, trials=2)
    assert drawn.trials["energy"]["values"][0] == first.energy
    assert drawn.trials["energy"]["values"][1] != first.energy
    assert drawn.scenario["effects"]["stuck_at"]["seed"] == "7..8"


@pytest.mark.parametrize("faults", [None, "map", "rate 0"])
def test_where_nothing_is_drawn_one_run_stands_for_all(faults):
    mapped = mapped_on({})
    if faults == "map":
        mapped = xb.inject(mapped, xb.FaultMap(np.array([[0, 1, 2, 1]])))
    elif faults == "rate 0":
        mapped = xb.inject(mapped, xb.StuckAt())
    seen = []
    report = xb.simulate(mapped, data(), trials=20, progress=lambda *told: seen.append(told))
    assert seen == [(41, 41)]
    assert report.trials["identical"]
    assert report.trials["number"] == 20
    assert report.trials["accuracy"]["std"] == 0.0
    assert report.trials["accuracy"]["values"] == [report.accuracy]
    assert "one run stands for 20 trials" in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("overrides", "drawn"),
    [
        ({}, False),
        ({"cell.kind": "reram"}, False),
        ({"cell.kind": "reram", "cell.variation": 0.1}, True),
        ({"cell.kind": "reram", "cell.read_noise": 0.01}, True),
        ({"adc.offset": 0.5}, True),
        (DRIFT, False),
        (DRIFT | {"cell.drift.nu_sigma": 0.01}, True),
    ],
)
def test_what_is_drawn_is_known(overrides, drawn):
    mapped = redrawn(mapped_on(overrides), 0, 1000.0)
    assert is_random(mapped) is drawn
    energies = {
        round(xb.simulate(mapped, data(), seed=s, baselines=False).energy, 25) for s in (1, 2)
    }
    if not drawn:
        assert len(energies) == 1


def test_a_single_trial_has_no_spread(noisy):
    report = xb.simulate(noisy, data(), seed=3, trials=1)
    assert report.trials["accuracy"]["std"] is None
    assert not report.trials["identical"]
    assert "over 1 trial, seed 3" in str(report)


def test_progress_goes_through_all_trials(noisy):
    seen = []
    loader = DataLoader(TensorDataset(*data()), batch_size=30)
    xb.simulate(noisy, loader, trials=3, progress=lambda *told: seen.append(told))
    assert seen == [(n, 123) for n in (30, 41, 71, 82, 112, 123)]


def test_a_loader_that_shuffles_gives_every_trial_the_same_batches(noisy):
    loader = DataLoader(TensorDataset(*data()), batch_size=10, shuffle=True)
    report = xb.simulate(noisy, loader, trials=3)
    assert report.float_accuracy == 1.0  # targets are the float network's own answers
    assert report.digital_accuracy == xb.simulate(noisy, data()).digital_accuracy


def test_without_targets_the_agreement_is_spread(noisy):
    report = xb.simulate(noisy, data()[0], trials=2)
    assert report.trials["accuracy"] is None
    assert report.trials["histogram"] is None
    values = report.trials["metrics"]["agreement"]["values"]
    assert report.metrics["agreement"] == pytest.approx(sum(values) / 2)
    assert "trials      agreement" in str(report)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trials": 0}, "trials: 0 is not a whole number"),
        ({"trials": 1.5}, "trials: 1.5 is not"),
        ({"seed": -1}, "seed -1 is not a whole number"),
        ({"seed": (1 << 63) - 1, "trials": 2}, "seed 9223372036854775807 is not"),
        ({"t_inference": 0.0}, "t_inference 0.0 is not a time"),
        ({"t_inference": "1 day"}, "t_inference: '1 day' is not a time in seconds"),
    ],
)
def test_slips_are_one_line(noisy, given, said):
    with pytest.raises(InputError, match=said):
        xb.simulate(noisy, data(), **given)


def test_cells_drift_from_t0_on():
    mapped = mapped_on(DRIFT | {"cell.drift.t0": "10 s"})
    fresh = xb.simulate(mapped, data())
    at_t0 = xb.simulate(mapped, data(), t_inference=10.0)
    later = xb.simulate(mapped, data(), t_inference=1e5)
    assert at_t0.energy == fresh.energy
    assert later.energy < fresh.energy  # conductances fall
    assert later.scenario["conditions"] == {"t_inference": 1e5}
    assert "read 1.16 days after programming" in " ".join(str(later).split())
    with pytest.raises(InputError, match=r"t_inference 1 s is before t0 of cell\.drift, 10 s"):
        xb.simulate(mapped, data(), t_inference=1.0)


def test_a_time_without_drift_changes_nothing_and_says_so(noisy):
    report = xb.simulate(noisy, data(), t_inference=1e6)
    assert report.energy == xb.simulate(noisy, data()).energy
    assert any(note.startswith("t_inference changes nothing") for note in report.notes)


def test_layers_keep_conditions_of_their_own(noisy):
    mapped = mapped_on({})
    state = replace(mapped.body.conditions, faults=xb.StuckAt(on=0.4), fault_seed=1)
    partly = mapped.under(state, only={"second"})
    report = xb.simulate(partly, data(), seed=3)
    assert report.scenario["conditions"] == {"layers": ["second"]}
    assert conditions_of(redrawn(partly, 3))["first"].faults is None
    assert report.metrics["agreement"] < 1.0


def test_what_computes_alike_stays_programmed(noisy):
    mapped = mapped_on({})
    assert redrawn(mapped, 9, 100.0).body.layers == mapped.body.layers
    again = redrawn(noisy, 9)
    assert all(again.body.layers[k] is not noisy.body.layers[k] for k in again.body.layers)
    assert redrawn(again, 9) is again
    assert isinstance(again.body.conditions, Conditions)


def test_spread_and_histogram_by_hand():
    found = spread([0.5, 0.75, 1.0])
    assert found == {"mean": 0.75, "std": 0.25, "worst": 0.5, "values": [0.5, 0.75, 1.0]}
    assert spread([1.0, 2.0], lowest_is_worst=False)["worst"] == 2.0
    assert spread([float("nan"), 1.0]) == dict(mean=None, std=None, worst=None, values=[None, 1.0])
    bars = histogram([0.1, 0.2, 0.2, 0.9])
    assert sum(bars["counts"]) == 4
    assert len(bars["edges"]) == len(bars["counts"]) + 1
    assert (bars["edges"][0], bars["edges"][-1]) == (0.1, 0.9)
    assert histogram([0.5, 0.5])["counts"] == [2]


def test_a_report_with_trials_survives_its_file(noisy, tmp_path):
    report = xb.simulate(noisy, data(), trials=3)
    path = tmp_path / "report.json"
    report.save(path)
    assert xb.Report.load(path) == report
    older = json.loads(path.read_text())
    del older["trials"]
    path.write_text(json.dumps(older))
    assert xb.Report.load(path).trials is None
