"""Do studies take time, every kind of faults and trials, and tell points apart by them?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.errors import ConfigError, InputError
from crossbar.study.description import make_study
from crossbar.study.harm import fault_words, make_faults
from crossbar.study.quantities import QUANTITIES

RERAM = {
    "cell.kind": "reram",
    "cell.variation": 0.1,
    "cell.drift.kind": "power_law",
    "cell.drift.nu": 0.1,
    "chip.tiles": "auto",
}


@pytest.fixture(scope="module")
def small() -> tuple[nn.Module, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 12), nn.ReLU(), nn.Linear(12, 4)).eval()
    x = torch.rand(64, 20, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model, (x, model(x).argmax(1))


@pytest.fixture(scope="module")
def chip() -> xb.Report:
    return xb.load_arch("tiny_reram", RERAM)


def swept(small: Any, chip: Any, axes: Any, **given: Any) -> Any:
    model, data = small
    return xb.sweep(chip, model, axes, data=data, measure="accuracy", **given)


def test_points_are_single_runs_at_their_time_and_seed(small: Any, chip: Any) -> None:
    model, data = small
    table = swept(small, chip, {"t_inference": ["1 s", "1 day"], "seed": [0, 1]})
    mapped = xb.map_model(model, chip, calibration=data[0][:64])
    for row, t in zip(table, (1.0, 1.0, 86400.0, 86400.0), strict=True):
        assert row["status"] == "done"
        expected = xb.simulate(mapped, data, seed=row["seed"], t_inference=t)
        assert (row["accuracy"], row["energy"]) == (expected.accuracy, expected.energy)
    assert len({row["energy"] for row in table}) == 4  # seeds draw devices anew, too


def test_trials_give_mean_spread_and_worst(small: Any, chip: Any) -> None:
    model, data = small
    table = swept(small, chip, {"adc.bits": [4, 6]}, trials=3, seed=5, faults={"on": 0.05})
    for place, row in enumerate(table):
        report = table.report(place)
        spread = report.trials["accuracy"]
        assert report.trials["seeds"] == [5, 6, 7]
        assert (row["accuracy"], row["accuracy_std"], row["accuracy_worst"]) == (
            spread["mean"],
            spread["std"],
            spread["worst"],
        )
    assert "3 trials" in table.name
    assert "worst" in str(table)
    assert "accuracy_std" in table.columns
    assert QUANTITIES["accuracy_worst"].unit == "%"
    bare = swept(small, chip, {"adc.bits": [4]})
    assert bare.rows[0]["accuracy_std"] is None


def test_each_part_of_the_state_makes_other_points(small: Any, chip: Any, tmp_path: Any) -> None:
    states = np.zeros((99, 16, 16), dtype=np.int8)
    states[0, 3, 4] = 1
    xb.FaultMap.from_states(states).save(tmp_path / "chip.npz")
    states[0, 3, 4] = 2
    xb.FaultMap.from_states(states).save(tmp_path / "other.npz")
    given: list[dict[str, Any]] = [
        {},
        {"trials": 1},
        {"trials": 2},
        {"t_inference": "2 s"},
        {"t_inference": 3.0},
        {"seed": 1},
        {"faults": {"on": 0.1}},
        {"faults": {"on": 0.1, "size": 3}},
        {"faults": {"row_off": 0.1}},
        {"faults": {"map": str(tmp_path / "chip.npz")}},
        {"faults": {"map": str(tmp_path / "other.npz")}},
    ]
    tables = [
        swept(small, chip, {"adc.bits": [6]}, store=tmp_path / "study", **each) for each in given
    ]
    assert all(row["status"] == "done" for table in tables for row in table)
    assert len({table.keys for table in tables}) == len(given)
    again = swept(small, chip, {"adc.bits": [6]}, store=tmp_path / "study", t_inference="2000 ms")
    assert again.keys == tables[3].keys  # the same time in other words


def test_axes_of_faults_join_those_of_the_study(small: Any, chip: Any) -> None:
    axes = {"faults.size": [1, 8], "faults.row_on": [0.0, 0.1]}
    table = swept(small, chip, axes, faults={"on": 0.1})
    found = [set(table.report(place).scenario["effects"]) for place in range(4)]
    assert found == [
        {"stuck_at"},
        {"stuck_at 1", "lines 2"},
        {"clustered"},
        {"clustered 1", "lines 2"},
    ]


def test_a_time_before_t0_fails_its_point_only(small: Any, chip: Any) -> None:
    table = swept(small, chip, {"t_inference": ["1 ms", "1 day"]})
    assert [row["status"] for row in table] == ["failed", "done"]
    assert "t_inference 1 ms is before t0 of cell.drift, 1 s" in table.rows[0]["error"]


def test_rates_that_are_too_many_together_fail_their_point(small: Any, chip: Any) -> None:
    table = swept(small, chip, {"faults.on": [0.1, 0.9]}, faults={"off": 0.5})
    assert [row["status"] for row in table] == ["done", "failed"]


def test_a_study_file_holds_all_of_it() -> None:
    words = {
        "measure": "accuracy",
        "axes": {"faults.on": [0.1, 0.2]},
        "faults": {"size": 4, "row_off": 0.01},
        "trials": 10,
        "t_inference": "1 day",
    }
    study = make_study(words)
    assert (study.trials, study.t_inference) == (10, "1 day")
    assert make_study(study.to_dict()) == study
    assert study.base_values()["faults.size"] == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"trials": 0}, "trials: 0 is out of range"),
        ({"t_inference": "5 m"}, "t_inference: '5 m'"),
        ({"t_inference": "1 s", "axes": {"t_inference": ["2 s"]}}, "t_inference: given as '1 s'"),
        ({"axes": {"trials": [1, 2]}}, "no axis: a study has one trials"),
        ({"faults": {"size": 0}}, "faults: size: 0 is out of range"),
        ({"faults": {"map": "none.npz"}}, "none.npz"),
        ({"faults": {"col_on": 0.6, "col_off": 0.6}}, "col_on + col_off is 1.2"),
        ({"measure": "cost", "axes": {"faults.size": [1, 2]}}, "faults.size changes no cost"),
    ],
)
def test_slips_are_told(words: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as told:
        make_study({"measure": "accuracy", "axes": {"adc.bits": [4]}} | words)
    assert any(said in problem for problem in told.value.problems)


def test_a_cost_study_refuses_what_changes_no_cost() -> None:
    for words in ({"trials": 2}, {"t_inference": "1 day"}):
        with pytest.raises(InputError, match="changes no cost"):
            xb.sweep("isaac_8bit", "lenet5", {"adc.bits": [8]}, **words)


def test_words_make_faults() -> None:
    assert make_faults({}) is None
    assert make_faults({"on": 0.1}) == xb.StuckAt(on=0.1)
    assert make_faults({"off": 0.1, "size": 1}) == xb.StuckAt(off=0.1)
    assert make_faults({"off": 0.1, "size": 5}) == xb.ClusteredFaults(off=0.1, size=5.0)
    both = make_faults({"on": 0.1, "col_off": 0.2})
    assert both == (xb.StuckAt(on=0.1), xb.LineFaults(col_off=0.2))
    assert make_faults({"size": 5}) is None
    said = fault_words({"on": 0.1, "size": 4, "row_off": 0.2, "off": 0.0})
    assert said == ["0.1 stuck on", "clusters of 4 cells", "0.2 of rows stuck off"]
