"""Do faults, trials, time and `--explain` of `crossbar run` reach the report, and slips a line?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import crossbar as xb

Run = Callable[..., object]

SMALL = ("run", "tiny_reram", "--model", "nets:small", "--data", "data.npz")
NOISY = ("--set", "cell.kind=reram", "--set", "cell.variation=0.2", "--set", "cell.read_noise=0.1")
DRIFT = ("--set", "cell.kind=reram", "--set", "cell.drift.kind=power_law")


def test_trials_are_in_the_table_the_file_and_the_page(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, *NOISY, "--trials", "4", "--seed", "2")
    assert outcome.code == 0, outcome.err
    saved = json.loads(Path("out/report.json").read_text())
    assert saved["trials"]["seeds"] == [2, 3, 4, 5]
    values = saved["trials"]["accuracy"]["values"]
    assert saved["accuracy"] == pytest.approx(sum(values) / 4)
    assert f"(worst {100 * min(values):.2f}) over 4 trials, seeds 2..5" in outcome.out
    assert "4-bit digital, 4 trials" in outcome.err
    page = Path("out/report.html").read_text()
    assert "Accuracy over 4 trials" in page
    assert "Trials: everything that is drawn" in page


def test_an_explanation_is_printed_saved_and_in_the_page(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, *NOISY, "--inject", "on=0.1", "--explain")
    assert outcome.code == 0, outcome.err
    saved = json.loads(Path("out/explain.json").read_text())
    assert " ".join(saved["sentence"].split()) in " ".join(outcome.out.split())
    assert outcome.out.index("heaviest layers by time") < outcome.out.index("where accuracy goes")
    assert outcome.out.rstrip().splitlines()[-2:] == ["out/explain.json", "out/report.json"]
    report = json.loads(Path("out/report.json").read_text())
    assert saved["steps"][-1]["so_far"] == report["accuracy"]
    assert "Where accuracy goes" in Path("out/report.html").read_text()
    assert "explaining" in outcome.err


def test_an_explanation_is_part_of_the_json(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, "--explain", "--json", "--images", "5")
    printed = json.loads(outcome.out)
    assert printed.pop("explanation") == json.loads(Path("out/explain.json").read_text())
    assert printed == json.loads(Path("out/report.json").read_text())


def test_a_lost_accuracy_points_at_explain(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, "--inject", "on=0.4,off=0.4")
    report = json.loads(Path("out/report.json").read_text())
    lost = report["float_accuracy"] - report["accuracy"]
    assert (lost >= 0.005) == ("--explain" in outcome.out)


def test_the_time_since_programming(crossbar: Run) -> None:
    words = (*SMALL, *DRIFT, "--set", "cell.drift.nu=0.3", "--json")
    fresh = json.loads(crossbar(*words).out)
    later = json.loads(crossbar(*words, "--t-inference", "1 day").out)
    assert later["scenario"]["conditions"] == {"t_inference": 86400.0}
    assert later["components"]["array"]["energy"] < fresh["components"]["array"]["energy"]


@pytest.mark.parametrize(
    ("words", "effects"),
    [
        ("on=0.05,off=0.02,size=6", {"clustered": {"on": 0.05, "off": 0.02, "size": 6.0}}),
        (
            "row_on=0.01,col_off=0.2",
            {"lines": {"row_on": 0.01, "row_off": 0.0, "col_on": 0.0, "col_off": 0.2}},
        ),
        (
            "on=0.1,row_off=0.1",
            {
                "stuck_at 1": {"on": 0.1, "off": 0.0},
                "lines 2": {"row_on": 0.0, "row_off": 0.1, "col_on": 0.0, "col_off": 0.0},
            },
        ),
    ],
)
def test_every_kind_of_faults(crossbar: Run, words: str, effects: dict[str, object]) -> None:
    outcome = crossbar(*SMALL, "--inject", words, "--seed", "3")
    assert outcome.code == 0, outcome.err
    found = json.loads(Path("out/report.json").read_text())["scenario"]["effects"]
    assert {kind: {k: v for k, v in f.items() if k != "seed"} for kind, f in found.items()} == (
        effects
    )
    assert all(facts["seed"] == 3 for facts in found.values())
    assert "faults" in outcome.out
    assert "seed 3" in outcome.out


@pytest.mark.parametrize("ending", ["npz", "csv"])
def test_a_fault_map_from_a_file(crossbar: Run, ending: str) -> None:
    states = np.zeros((40, 16, 16), dtype=np.int8)
    states[0, :, 0] = 1
    xb.FaultMap.from_states(states).save(f"chip.{ending}")
    outcome = crossbar(*SMALL, "--inject", f"map=chip.{ending}", "--trials", "3")
    assert outcome.code == 0, outcome.err
    assert f"16 broken cells of chip.{ending}" in outcome.out
    assert "nothing is drawn on this hardware" in outcome.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--inject", "size=4"], "clusters of what?"),
        (["--inject", "on=0.1,size=0.5"], "0.5 is not a size in 1..4096 cells"),
        (["--inject", "row_om=0.1"], "did you mean 'row_on'"),
        (["--inject", "row_on=0.6,row_off=0.6"], "row_on + row_off"),
        (["--inject", "map=none.npz"], "none.npz"),
        (["--inject", "map=data.npz"], "data.npz"),
        (["--inject", "map=data.npz,on=0.1"], "a map names every broken cell"),
        (["--inject", "map=chip.txt"], "not a fault map by its name"),
        (["--trials", "0"], "--trials"),
        (["--t-inference", "5"], "no unit"),
        (["--t-inference", "5 m"], "5 m"),
        (["--t-inference", "0 s"], "--t-inference 0 s"),
        ([*DRIFT, "--set", "cell.drift.nu=0.1", "--t-inference", "1 ms"], "t0 of cell.drift, 1 s"),
    ],
)
def test_a_slip_is_one_line(crossbar: Run, words: list[str], said: str) -> None:
    outcome = crossbar(*SMALL, *words)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert not Path("out").exists()
