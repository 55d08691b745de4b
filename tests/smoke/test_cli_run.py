"""Does `crossbar run` report, save and stay quiet where it should?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import crossbar as crossbar_package

Run = Callable[..., object]

SMALL = ("run", "tiny_reram", "--model", "nets:small", "--data", "data.npz")


def test_a_run_prints_the_table_and_saves_the_report(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, "--out", "results/first")
    assert outcome.code == 0, outcome.err
    assert outcome.out.rstrip().endswith("results/first/report.json")
    written = sorted(p.name for p in Path("results/first").iterdir())
    assert written == ["report.html", "report.json"]
    saved = json.loads(Path("results/first/report.json").read_text())
    assert 0 <= saved["accuracy"] <= 1
    assert saved["energy"] > 0
    assert saved["latency"] > 0
    shown = crossbar("report", "show", "results/first/report.json")
    assert shown.code == 0
    assert shown.out.strip() in outcome.out


def test_json_is_all_that_is_printed(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, "--json")
    assert outcome.code == 0, outcome.err
    printed = json.loads(outcome.out)
    assert printed == json.loads(Path("out/report.json").read_text())
    assert printed["scenario"]["model"] == "nets:small"
    assert printed["scenario"]["data"] == "data.npz"
    assert "on the crossbars" in outcome.err


def test_json_stays_one_document_when_the_users_code_prints(folder: Path) -> None:
    words = ["run", "tiny_reram", "--model", "nets:noisy", "--data", "data.npz", "--json"]
    root = {"PYTHONPATH": str(Path(crossbar_package.__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "-m", "crossbar", *words],
        env=os.environ | root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["scenario"]["model"] == "nets:noisy"
    for noise in ("print", "was there before", "a child process", "a library"):
        assert noise in ended.stderr


def test_the_size_of_batches_changes_nothing_in_the_report(crossbar: Run) -> None:
    words = ("run", "--observer", "mse", "--set", "adc.bits=6", "--images", "100", "--json")
    outcomes = [crossbar(*words, "--batch", size) for size in ("7", "50")]
    reports = [json.loads(outcome.out) for outcome in outcomes]
    assert reports[0] == reports[1]


def test_kernels_that_cannot_be_cached_are_told_and_run(folder: Path) -> None:
    Path("taken").write_text("a file")
    words = ["run", "tiny_reram", "--model", "nets:small", "--data", "data.npz", "--images", "1"]
    # the kernels run uncompiled here: without a cache they would be compiled for this test alone
    places = {
        "PYTHONPATH": str(Path(crossbar_package.__file__).parents[1]),
        "CROSSBAR_CACHE": "taken/cache",
        "NUMBA_DISABLE_JIT": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "crossbar", *words],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("kernels cannot be cached in taken/cache/kernels-") == 1
    assert "Not a directory" in ended.stderr


def test_a_model_file_of_one_size_takes_whole_batches(crossbar: Run) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)).eval()
    torch.export.save(torch.export.export(model, (torch.zeros(5, 1, 8, 8),)), "net.pt2")
    words = ("run", "tiny_reram", "--model", "net.pt2", "--data", "data.npz", "--batch", "5")
    outcome = crossbar(*words)
    assert outcome.code == 2
    assert "data.npz: 12 samples" in outcome.err
    assert "--images with a multiple of 5" in outcome.err
    assert crossbar(*words, "--images", "10").code == 0


def test_the_same_command_gives_the_same_numbers(crossbar: Run) -> None:
    faulty = (*SMALL, "--inject", "on=0.05,off=0.05", "--seed", "3", "--json")
    first = json.loads(crossbar(*faulty).out)
    again = json.loads(crossbar(*faulty, "--batch", "5").out)
    for key in ("accuracy", "energy", "latency", "counts", "seed"):
        assert first[key] == pytest.approx(again[key])
    assert first["seed"] == 3


def test_images_takes_the_first_samples(crossbar: Run) -> None:
    words = ("--images", "5", "--batch", "3", "--json")
    assert json.loads(crossbar(*SMALL, *words).out)["scenario"]["images"] == 5


def test_data_without_labels_has_no_accuracy(crossbar: Run) -> None:
    np.savez("unlabelled.npz", x=np.load("data.npz")["x"])
    words = ("run", "tiny_reram", "--model", "nets:small", "--data", "unlabelled.npz", "--json")
    report = json.loads(crossbar(*words).out)
    assert report["accuracy"] is None
    assert report["energy"] > 0


def test_a_model_file_and_a_loader_function(crossbar: Run) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)).eval()
    example = (torch.zeros(2, 1, 8, 8),)
    batch = {0: torch.export.Dim.AUTO}
    torch.export.save(torch.export.export(model, example, dynamic_shapes=(batch,)), "net.pt2")
    words = ("run", "tiny_reram", "--model", "net.pt2", "--data", "nets:images")
    outcome = crossbar(*words, "--calibration", "data.npz", "--observer", "mse")
    assert outcome.code == 0, outcome.err


def test_data_of_another_shape_than_a_model_file_takes(crossbar: Run) -> None:
    example = (torch.zeros(2, 64),)
    torch.export.save(torch.export.export(torch.nn.Linear(64, 3).eval(), example), "net.pt2")
    words = ("run", "tiny_reram", "--model", "net.pt2", "--data", "data.npz")
    outcome = crossbar(*words)
    assert outcome.code == 2
    assert "exported for batches of 2 only" in outcome.err
    outcome = crossbar(*words, "--batch", "2")
    assert outcome.code == 2
    assert "a sample has shape (1, 8, 8), but the network takes (64,)" in outcome.err


def test_the_bundled_network_runs_without_arguments_but_a_number(crossbar: Run) -> None:
    outcome = crossbar("run", "--images", "20", "--json")
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert report["accuracy"] >= 0.85
    assert abs(report["accuracy"] - report["float_accuracy"]) <= 0.051


def test_a_damaged_report_is_one_line(crossbar: Run) -> None:
    Path("report.json").write_text('{"schema": 1')
    outcome = crossbar("report", "show", "report.json")
    assert outcome.code == 2
    assert outcome.err.startswith("error: ")
    assert len(outcome.err.splitlines()) == 1
