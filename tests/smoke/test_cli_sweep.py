"""Does `crossbar sweep` do in a shell what its help says?"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
GRID = ("--axis", "array.rows/array.cols=64/64,128/128", "--axis", "adc.bits=7..8")


def rows() -> list[dict[str, str]]:
    with Path("out/study/points.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_sweep_prints_its_table_and_keeps_its_points(crossbar: Run) -> None:
    outcome = crossbar("sweep", "isaac_8bit", "lenet5", *GRID, "--iso", "cells")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("sweep: lenet5 on isaac_8bit: 4 points\nheld: cells of the chip")
    assert "4 computed, on 2 schedules, 0 known before, 0 failed" in outcome.out
    assert outcome.out.rstrip().endswith("out/study/study.html (to look at)\nout/study/points.csv")
    assert max(map(len, outcome.out.splitlines())) <= 80
    found = rows()
    assert [row["array.rows"] for row in found] == ["64", "64", "128", "128"]
    assert "power.peak" in found[0]
    assert list(found[0])[:5] == ["array.rows", "array.cols", "adc.bits", "energy", "latency"]
    assert all(float(row["energy"]) > 0 for row in found)
    page = Path("out/study/study.html").read_text()
    assert "lenet5 on isaac_8bit" in page
    assert "cells of the chip (264 M, exactly)" in page
    again = crossbar("sweep", "isaac_8bit", "lenet5", *GRID, "--iso", "cells", "--resume")
    assert "0 computed" in again.out
    assert rows() == found


def test_a_study_file_says_the_same_as_the_words(crossbar: Run) -> None:
    Path("study.yaml").write_text(
        "name: array size\narch: isaac_8bit\nworkload: lenet5\naxes:\n"
        "  array.rows/array.cols: [[64, 64], [128, 128]]\n  adc.bits: 7..8\niso: cells\n"
    )
    told = json.loads(crossbar("sweep", "--study", "study.yaml", "--out", "a", "--json").out)
    words = crossbar("sweep", "isaac_8bit", "lenet5", *GRID, "--iso", "cells", "--json").out
    assert told["rows"] == json.loads(words)["rows"]
    assert (told["schema"], told["name"]) == (1, "array size: lenet5 on isaac_8bit")
    assert told["held"] == "held: cells of the chip (264 M, exactly)"


def test_accuracy_of_the_bundled_network(crossbar: Run) -> None:
    words = ("--measure", "accuracy", "--axis", "adc.bits=5,8", "--images", "20", "--json")
    outcome = crossbar("sweep", *words)
    assert outcome.code == 0, outcome.err
    few, enough = json.loads(outcome.out)["rows"]
    assert few["accuracy"] < enough["accuracy"]
    assert few["energy"] < enough["energy"]


def test_failed_points_are_counted_told_and_end_with_one(crossbar: Run) -> None:
    words = ("sweep", "isaac_8bit", "vgg8", "--axis", "chip.tiles=1,168")
    outcome = crossbar(*words)
    assert outcome.code == 1
    assert "1 x DoesNotFitError: vgg8 does not fit isaac_8bit" in outcome.err
    assert [row["status"] for row in rows()] == ["failed", "done"]
    assert "0 computed" in crossbar(*words).out
    assert crossbar(*words, "--retry-failed").code == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], ["--axis: missing", "array.rows=64,128,256"]),
        (["isaac_8bit", "vgg8"], ["--axis: missing"]),
        (["isaac_8bit", "--axis", "adc.bits=6"], ["workload: missing", "vgg8"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bit=6"], ["adc.bit", "adc.bits"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits"], ["adc.bits"]),
        (["isaac_8bit", "vgg8", "--axis", "array.cycle=100"], ["array.cycle", "unit"]),
        (["isaac_8bit", "vgg8", "--axis", "array.rows=1..4096", "--axis", "array.cols=1..4096"],
         ["16,777,216", "--yes"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits=6", "--where", "adc.bits > 7"], ["no point"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits=6", "--out", "nets.py"], ["is a file"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits=6", "--iso", "watts"], ["watts", "cells"]),
        (["--study", "none.yaml"], ["none.yaml", "no such file"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits=6", "--inject", "on=0.1"], ["accuracy"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits=6", "--images", "5"], ["images"]),
        (["isaac_8bit", "vgg8", "--axis", "adc.bits=6", "--set", "adc.bits=5"], ["is an axis"]),
    ],
)  # fmt: skip
def test_wrong_words_are_one_line(
    crossbar: Run, folder: Path, words: list[str], told: list[str]
) -> None:
    before = sorted(folder.iterdir())
    outcome = crossbar("sweep", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) <= 2  # a line of progress may stand before it
    for word in told:
        assert word in outcome.err
    assert sorted(folder.iterdir()) == before


def test_a_store_of_another_study_is_refused(crossbar: Run) -> None:
    assert crossbar("sweep", "isaac_8bit", "lenet5", "--axis", "adc.bits=8").code == 0
    before = rows()
    for words in (
        ("isaac_8bit", "vgg8"),
        ("isaac_isca_2016", "lenet5"),
        ("isaac_8bit", "lenet5", "--set", "array.rows=64"),
        ("isaac_8bit", "lenet5", "--iso", "area"),
    ):
        outcome = crossbar("sweep", *words, "--axis", "adc.bits=8")
        assert outcome.code == 2
        assert "out/study: holds another study" in outcome.err
        assert rows() == before
    assert crossbar("sweep", "isaac_8bit", "lenet5", "--axis", "adc.bits=7..8").code == 0
    assert len(rows()) == 2
