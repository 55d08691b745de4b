"""Are trials, faults, conditions and lost accuracy told in table, page and traces?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossbar.errors import DataError
from crossbar.report import Report, explain_number, html_page
from crossbar.report.head import duration, facts_of_run
from crossbar.report.trial_figure import accuracies
from crossbar.report.trial_words import lost_words, trial_words
from tests.report.reports import SCORES, made


def spread(values: list[float], worst: float) -> dict[str, Any]:
    mean = sum(values) / len(values)
    return {"mean": mean, "std": 0.004, "worst": worst, "values": values}


TRIALS = {
    "number": 20,
    "identical": False,
    "seeds": list(range(3, 23)),
    "accuracy": spread([0.901, 0.914, 0.927], 0.901),
    "energy": spread([1e-6, 3e-6], 3e-6),
    "metrics": {"accuracy": spread([0.9], 0.9), "agreement": spread([0.97], 0.97)},
    "histogram": {"counts": [1, 1, 1], "edges": [0.901, 0.91, 0.92, 0.927]},
}
REPORT = replace(made(**SCORES), trials=TRIALS)


def shown(report: Report) -> str:
    return " ".join(str(report).split())


def test_the_table_has_mean_spread_and_worst() -> None:
    assert "trials 91.40 % +- 0.40 (worst 90.10) over 20 trials, seeds 3..22" in shown(REPORT)
    assert max(map(len, str(REPORT).splitlines())) <= 80
    assert trial_words(made(**SCORES)) is None


def test_one_run_for_all_is_told() -> None:
    same = replace(REPORT, trials=TRIALS | {"identical": True})
    assert "nothing is drawn on this hardware: one run stands for 20 trials" in shown(same)
    assert accuracies(same) is None


def test_the_page_has_a_table_and_a_figure() -> None:
    page = html_page(REPORT, ["<p>more of it</p>"])
    for words in ("Accuracy over 20 trials", "+- 0.40 %", "<p>more of it</p>", "90.10 %"):
        assert words in page
    assert page == html_page(REPORT, ["<p>more of it</p>"])
    assert "over 20 trials" not in html_page(made(**SCORES))


def test_the_figure_has_a_bar_a_bin_and_the_mean() -> None:
    picture = accuracies(REPORT)
    assert picture is not None
    (axes,) = picture.figure.axes
    assert [bar.get_height() for bar in axes.patches] == [1, 1, 1]
    assert axes.patches[0].get_x() == pytest.approx(90.1)
    assert axes.get_xlabel() == "accuracy [%]"
    assert axes.get_ylabel() == "trials"
    assert axes.lines[0].get_xdata()[0] == pytest.approx(91.4)


def test_a_trace_says_that_an_accuracy_is_a_mean() -> None:
    assert "mean of 20 trials" in str(explain_number(REPORT, "accuracy"))


def test_lost_accuracy_points_at_explain() -> None:
    assert lost_words(REPORT) is not None
    lost = "lost 0.60 % against the float model (0.40 % by rounding to integers, 0.20 % by the"
    assert f"{lost} crossbars); where: crossbar run --explain" in shown(REPORT)
    assert "float model; where:" in str(lost_words(replace(REPORT, digital_accuracy=None)))
    assert lost_words(replace(REPORT, accuracy=0.918)) is None
    assert lost_words(replace(REPORT, accuracy=None)) is None
    other = replace(REPORT, scenario=REPORT.scenario | {"metric": "f1"})
    assert lost_words(other) is None


@pytest.mark.parametrize(
    ("scenario", "label", "words"),
    [
        (
            {"conditions": {"t_inference": 86400.0}},
            "conditions",
            "read 1 day after programming, which changes nothing (cell.drift: none)",
        ),
        (
            {"conditions": {"effects": ["faults"], "layers": ["a", "b"]}},
            "conditions",
            "only faults taking part, 2 layers under conditions of their own",
        ),
        (
            {"effects": {"clustered": {"on": 0.1, "off": 0.0, "size": 4.0, "seed": 1}}},
            "faults",
            "10 % stuck on, 0 % stuck off, in clusters of 4 cells, seed 1",
        ),
        (
            {"effects": {"lines 2": {"row_on": 0.02, "row_off": 0.0, "seed": 7}}},
            "faults",
            "2 % of rows stuck on, seed 7",
        ),
        (
            {"effects": {"fault_map": {"source": "a.npz", "broken_cells": 1200, "seed": 0}}},
            "faults",
            "1,200 broken cells of a.npz",
        ),
    ],
)
def test_the_head_says_what_was_done(scenario: Any, label: str, words: str) -> None:
    report = replace(REPORT, scenario=REPORT.scenario | scenario)
    assert (label, words) in facts_of_run(report)


def test_times_are_written_as_people_say_them() -> None:
    assert duration(1.0) == "1 s"
    assert duration(90.0) == "1.5 minutes"
    assert duration(86400.0) == "1 day"
    assert duration(10 * 31557600.0) == "10 years"
    assert duration(1e-6) == "1 us"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": 3}, "trials.seeds: 3, where a list belongs"),
        ({"accuracy": {"mean": 0.5}}, "trials.accuracy.std: missing"),
        ({"histogram": {"counts": []}}, "trials.histogram.edges: missing"),
    ],
)
def test_damaged_trials_are_told(change: dict[str, Any], said: str) -> None:
    data = replace(REPORT, trials=TRIALS | change).to_dict()
    with pytest.raises(DataError, match=said):
        Report.from_dict(data)


def test_trials_of_a_file_must_be_an_object() -> None:
    data = REPORT.to_dict() | {"trials": 5}
    with pytest.raises(DataError, match="trials: 5, where an object or null belongs"):
        Report.from_dict(data)
