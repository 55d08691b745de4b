"""Is each wrong input one clear line, exit code 2, and nothing left behind?"""

from __future__ import annotations

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

SMALL = ("--model", "nets:small", "--data", "data.npz")
"""A network and data that fit together."""


def check(outcome: object, *words: str, lines: int = 1) -> None:
    """The command said these words in so many error lines and printed nothing."""
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    errors = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == lines, outcome.err
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "isac_8bit"], ["unknown preset 'isac_8bit'", "did you mean 'isaac_8bit'"]),
        (["run", "--set", "adc.bit=8"], ["adc.bit", "unknown key", "did you mean 'bits'"]),
        (["run", "--set", "array.cycle=100"], ["array.cycle", "no unit", "100 ns"]),
        (["run", "--set", "array.cycle=100 mV"], ["array.cycle", "a voltage", "a time"]),
        (["run", "--set", "array.rows=0"], ["array.rows", "1 to 4096"]),
        (["run", "--set", "adc.bits=40"], ["adc.bits", "1 to 16"]),
        (["run", "--set", "adc.bits"], ["--set adc.bits", "KEY=VALUE"]),
        (["run", "--set", "adc.bits=7", "--set", "adc.bits=8"], ["already set to '7'"]),
        (["run", "--inject", "on=0.1,of=0.2"], ["'of=0.2'", "did you mean 'off'"]),
        (["run", "--inject", "on=10%"], ["'10%' is not a number"]),
        (["run", "--inject", "on=1.5"], ["1.5 is not a rate in 0..1"]),
        (["run", "--inject", "on=nan"], ["nan is not a rate in 0..1"]),
        (["run", "--inject", "0.1"], ["'0.1'", "on=RATE"]),
        (["run", "--inject", "on=0.1,on=0.2"], ["'on' is given twice"]),
        (["run", "--inject", "on=0.7,off=0.7"], ["on + off"]),
        (["run", "--observer", "minmx"], ["unknown observer 'minmx'", "'minmax'"]),
        (["run", "--observer", "percentile:7"], ["'7' is not a percentile above 50"]),
        (["run", "--precision", "input_bit:8"], ["'input_bit'", "did you mean 'input_bits'"]),
        (["run", "--precision", "*=input_bits:99"], ["--precision *=input_bits:99", "1..16"]),
        (["run", "--precision", "fc=input_bits"], ["expected KEY:VALUE", "zero_point"]),
        (["run", "--precision", "=input_bits:8"], ["expected PATTERN=KEY:VALUE"]),
        (["run", "--precision", "zero_point:yes"], ["'yes' is not true or false"]),
        (["run", "--precision", "fc=input_bits:8,input_bits:9"], ["already set to 8"]),
        (["run", *SMALL, "--precision", "1=input_bits:8"], ["'1' matches no layer", "0, 3"]),
        (["run", *SMALL, "--precision", "0=activation_scale:token"], ["linear layers", "conv2d"]),
        (["run", "--images", "0"], ["--images"]),
        (["run", "--seed", "-1"], ["--seed"]),
        (["run", "--seed", str(2**63)], ["--seed", str(2**63 - 1)]),
        (["run", "--set"], ["'--set' requires an argument", "crossbar run --help"]),
        (["run", "--set", "adc.rate=1.28 GS/s"], ["adc.rate", "e.g. '1.28 GHz'"]),
        (["run", "isac"], ["did you mean 'isaac_8bit'"]),
        (["run", "vgg8"], ["vgg8: a workload", "crossbar estimate isaac_8bit vgg8"]),
        (["arch", "show", "vgg8"], ["vgg8: a workload"]),
        (["run", "nets:small"], ["nets:small: a network", "--model nets:small"]),
        (["run", "net.pt2"], ["net.pt2: a network", "--model net.pt2"]),
        (["run", "data.npz"], ["data.npz: data", "--data data.npz"]),
        (
            ["run", "--model", "nets.py:small"],
            ["name the module", "--model nets:small"],
        ),
        (["run", "--model", "./a/nets.py:small"], ["--model a.nets:small"]),
        (["run", "--model", "../a/nets.py:small"], ["--model nets:small, in ../a/"]),
        (
            ["run", "--model", "nets:small", "--data", "nets.py:images"],
            ["name the module", "--data nets:images"],
        ),
        (
            ["workload", "capture", "nets.py:small", "--out", "n.json"],
            ["crossbar workload capture nets:small"],
        ),
        (["run", "--protect", "zero_space"], ["--protect", "crossbar run --help"]),
        (["run", "--model", "nets:small"], ["--data FILE.npz", "pkg.mod:loader"]),
        (["simulate"], ["'simulate'", "crossbar --help"]),
        (["arch", "show", "tiny_rram"], ["unknown preset", "'tiny_reram'"]),
        (["arch", "show", "nowhere/chip.yaml"], ["nowhere/chip.yaml: no such file"]),
        (["workload", "show", "resnet19"], ["unknown workload", "did you mean 'resnet1"]),
        (["workload", "show", "net.json"], ["net.json: cannot be read"]),
        (["workload", "show", "vgg8", "--set", "adc.bits=7"], ["give --on ARCH"]),
        (["workload", "capture", "nets:small", "--out", "net.txt"], ["ends in .json"]),
        (["workload", "capture", "nets:small", "--out", "n.json"], ["--input-shape"]),
        (
            ["workload", "capture", "nets:small", "--out", "n.json", "--input-shape", "1,a"],
            ["1,a", "positive whole numbers"],
        ),
        (
            ["workload", "capture", "nets:small", "--out", "n.json", "--input-shape", "3,8,8"],
            ["--input-shape 3,8,8", "does not take"],
        ),
    ],
)
def test_wrong_words_are_one_line(crossbar: Run, folder: Path, words: list, told: list) -> None:
    before = sorted(folder.iterdir())
    check(crossbar(*words), *told)
    assert sorted(folder.iterdir()) == before


def test_all_problems_of_a_file_are_told_at_once(crossbar: Run, folder: Path) -> None:
    Path("chip.yaml").write_text(
        "extends: tiny_reram\nadc: {bit: 40, rate: 3}\narray: {rows: 0, rows: 8}\n"
    )
    outcome = crossbar("arch", "check", "chip.yaml")
    assert outcome.code == 2
    told = outcome.err.splitlines()
    assert all(line.startswith("error: chip.yaml:") for line in told)
    for part in ("adc.bit", "adc.rate", "rows"):
        assert any(part in line for line in told)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nets:a_dictionary", ["type dict", "torch.nn.Module"]),
        ("nets:number", ["type int", "torch.nn.Module"]),
        ("nets:small2", ["no 'small2'", "did you mean 'small'"]),
        ("nts:small", ["no module 'nts'", "did you mean 'nets'"]),
        ("nets:needs_depth", ["'depth'", "without arguments"]),
        ("nets:quits", ["SystemExit: enough"]),
        ("nets.py.deep:small", ["in 'nets', which is a module and no package"]),
        ("nets:fails", ["ValueError: no such depth", "nets.py line"]),
        ("net.pt2", ["net.pt2: no such file"]),
        ("small", ["neither pkg.mod:factory nor FILE.pt2"]),
    ],
)
def test_a_model_that_cannot_be_loaded(crossbar: Run, model: str, told: list) -> None:
    check(crossbar("run", "tiny_reram", "--model", model, "--data", "data.npz"), *told)
    assert not Path("out").exists()


def test_a_pickle_is_refused_unless_trusted(crossbar: Run) -> None:
    torch.save(torch.nn.Linear(2, 2).eval(), "net.pt")
    words = ("run", "tiny_reram", "--model", "net.pt", "--data", "data.npz")
    check(crossbar(*words), "net.pt: a pickle", "--trust-pickle", "torch.export.save")
    # trusted, it is read: the next thing wrong is the data
    check(crossbar(*words, "--trust-pickle"), "does not take")


def test_data_that_fails_on_the_way(crossbar: Run) -> None:
    words = ("run", "tiny_reram", "--model", "nets:small", "--data", "nets:broken_stream")
    check(crossbar(*words), "nets:broken_stream: raised ValueError: the stream broke")


def test_a_trusted_pickle_of_a_class_of_this_folder_is_read(folder: Path) -> None:
    Path("own.py").write_text(
        "from torch import nn\nclass Own(nn.Linear):\n"
        "    def forward(self, x):\n        return super().forward(x.flatten(1))\n"
    )
    write = "import own, torch; torch.save(own.Own(64, 3).eval(), 'own.pt')"
    subprocess.run([sys.executable, "-c", write], check=True)
    words = ["run", "tiny_reram", "--model", "own.pt", "--data", "data.npz", "--trust-pickle"]
    # an installed command does not have its folder on the import path, unlike -c and -m
    start = "import sys; sys.path.pop(0); from crossbar.cli.main import main; main(sys.argv[1:])"
    root = {"PYTHONPATH": str(Path(crossbar_package.__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "-c", start, *words],
        env=os.environ | root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", ["locked.npz", "locked.pt2", "locked.pt"])
def test_a_file_that_may_not_be_read_is_not_called_damaged(
    crossbar: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse(path: str, mode: str) -> None:  # root may read anything, so that a mode would not do
        raise PermissionError(13, "Permission denied", path)

    option = {"model": "nets:small", "data": "data.npz"}
    option["data" if name.endswith("npz") else "model"] = name
    words = [word for key, value in option.items() for word in (f"--{key}", value)]
    monkeypatch.setattr("crossbar.nn.paths.open", refuse, raising=False)
    outcome = crossbar("run", "tiny_reram", *words, "--trust-pickle")
    check(outcome, f"{name}: cannot be read: Permission denied")


def test_a_truncated_model_file_is_told(crossbar: Run) -> None:
    program = torch.export.export(torch.nn.Linear(2, 2).eval(), (torch.zeros(2, 2),))
    torch.export.save(program, "net.pt2")
    whole = Path("net.pt2").read_bytes()
    Path("net.pt2").write_bytes(whole[: len(whole) // 2])
    words = ("run", "tiny_reram", "--model", "net.pt2", "--data", "data.npz")
    check(crossbar(*words), "net.pt2", "truncated")


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.zeros((4, 3, 8, 8), np.float32)}, ["does not take", "(2, 3, 8, 8)", "layer '0'"]),
        ({"x": np.zeros((4, 1, 8, 8), np.int64)}, ["does not take", "int64"]),
        ({"x": np.full((4, 1, 8, 8), np.nan, np.float32)}, ["sample 0 holds NaN"]),
        ({"x": np.full((4, 1, 8, 8), np.inf)}, ["infinite"]),
        ({"x": np.zeros((0, 1, 8, 8), np.float32)}, ["holds no samples"]),
        ({"x": np.array([[None]] * 4)}, ["Python objects"]),
        ({"x": np.array(["a"] * 4)}, ["is no number"]),
        ({"images": np.zeros((4, 1, 8, 8))}, ["no array 'x'", "images"]),
        ({"x": np.zeros((4, 1, 8, 8)), "labels": np.zeros(4)}, ["labels", "called 'y'"]),
        ({"x": np.zeros((4, 1, 8, 8)), "y": np.zeros(3, int)}, ["y has shape (3,)", "4 samples"]),
        ({"x": np.zeros((4, 1, 8, 8)), "y": np.zeros(4)}, ["y: float64 values are no class"]),
        (
            {"x": np.zeros((4, 1, 8, 8)), "y": np.zeros((4, 2), int)},
            ["y: shape (4, 2)", "one class number"],
        ),
        ({"x": np.zeros((4, 1, 8, 8)), "y": np.zeros(4, bool)}, ["y: bool", "integers 0 and 1"]),
    ],
)
def test_data_that_cannot_be_used(crossbar: Run, arrays: dict, told: list) -> None:
    np.savez("bad.npz", **arrays)
    words = ("--model", "nets:small", "--data", "bad.npz", "--batch", "3")
    check(crossbar("run", "tiny_reram", *words), "bad.npz", *told)
    assert not Path("out").exists()


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_npz(crossbar: Run, content: bytes) -> None:
    Path("bad.npz").write_bytes(content)
    outcome = crossbar("run", "tiny_reram", "--model", "nets:small", "--data", "bad.npz")
    check(outcome, "bad.npz: not an npz file")


def test_calibration_data_is_checked_too(crossbar: Run) -> None:
    np.savez("c.npz", x=np.zeros((4, 2, 8, 8), np.float32))
    check(crossbar("run", "tiny_reram", *SMALL, "--calibration", "c.npz"), "c.npz", "does not take")


def test_a_network_in_training_mode_is_refused(crossbar: Run) -> None:
    words = ("run", "tiny_reram", "--model", "nets:in_training", "--data", "data.npz")
    check(crossbar(*words), "training mode", "call .eval()")


def test_strict_refuses_what_cannot_be_mapped(crossbar: Run) -> None:
    words = ("run", "tiny_reram", "--model", "nets:with_pairs", "--data", "data.npz", "--strict")
    check(crossbar(*words), "pairs", "bilinear", "cannot be mapped")
    assert not Path("out").exists()


def test_a_network_that_does_not_fit_says_what_it_needs(crossbar: Run) -> None:
    on_one_tile = ("--on", "isaac_8bit", "--set", "chip.tiles=1")
    check(crossbar("workload", "show", "vgg8", *on_one_tile), "34 tiles", "chip.tiles=34")
    one_array = [f"--set={key}=1" for key in ("chip.tiles", "tile.pes", "pe.arrays", "pe.adcs")]
    outcome = crossbar("run", "tiny_reram", *SMALL, *one_array)
    check(outcome, "tiles", "'3' is the first that does not")
    assert not Path("out").exists()


def test_an_output_folder_that_is_a_file(crossbar: Run) -> None:
    Path("taken").write_text("mine")
    check(crossbar("run", "tiny_reram", *SMALL, "--out", "taken"), "--out taken", "is a file")
    check(crossbar("run", "tiny_reram", *SMALL, "--out", "taken/a/b"), "taken is a file")
    assert Path("taken").read_text() == "mine"


def test_an_output_folder_that_cannot_be_written(
    crossbar: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(dir: Path) -> None:  # root may write anywhere, so that a mode would not do
        raise PermissionError(13, "Permission denied", dir)

    monkeypatch.setattr("crossbar.cli.options.tempfile.TemporaryFile", refuse)
    outcome = crossbar("run", "tiny_reram", *SMALL, "--out", "locked/deep")
    check(outcome, "--out locked/deep: cannot be written: Permission denied")
    assert "loading" not in outcome.err
    assert not Path("locked").exists()


def test_a_report_that_would_replace_a_folder(crossbar: Run) -> None:
    Path("out/report.json").mkdir(parents=True)
    check(crossbar("run", "tiny_reram", *SMALL), "out/report.json is a folder")


def test_a_failed_run_leaves_an_older_report_as_it_was(crossbar: Run) -> None:
    Path("out").mkdir()
    Path("out/report.json").write_text("older")
    np.savez("bad.npz", x=np.full((4, 1, 8, 8), np.nan))
    check(crossbar("run", "tiny_reram", "--model", "nets:small", "--data", "bad.npz"), "NaN")
    assert Path("out/report.json").read_text() == "older"
    assert [p.name for p in Path("out").iterdir()] == ["report.json"]


def test_an_interrupted_run_leaves_nothing(crossbar: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crossbar.bundled.fashion_resnet20", interrupt)
    outcome = crossbar("run")
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    assert not Path("out").exists()
