"""Does ``--precision`` reach the layers?"""

from __future__ import annotations

import json
from collections.abc import Callable

Run = Callable[..., object]


def test_a_run_has_the_precision_that_was_asked_for(crossbar: Run) -> None:
    words = ("--precision", "zero_point:true", "--precision", "3=input_bits:5,weight_bits:4")
    outcome = crossbar("run", "--model", "nets:small", "--data", "data.npz", *words, "--json")
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert [(row["weight_bits"], row["input_bits"]) for row in report["layers"]] == [(8, 8), (4, 5)]
    assert report["scenario"]["precision"] == {
        "weight_bits": 8,
        "weight_levels": None,
        "input_bits": 8,
        "zero_point": True,
        "layers": {"3": {"input_bits": 5, "weight_bits": 4}},
    }
    assert None not in (report["accuracy"], report["digital_accuracy"], report["float_accuracy"])


def test_an_estimate_takes_it_too(crossbar: Run) -> None:
    narrow = ("--precision", "first=input_bits:4", "--precision", "*2=weight_bits:2")
    outcome = crossbar("estimate", "isaac_8bit", "lenet5", *narrow, "--json")
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)["layers"]
    assert [row["input_bits"] for row in rows] == [4, *[8] * (len(rows) - 1)]
    assert [row["weight_bits"] for row in rows] == [
        2 if row["name"].endswith("2") else 8 for row in rows
    ]
