"""Does what the README shows work as it stands there?"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from crossbar.arch import load_arch
from crossbar.cli.main import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.M | re.S)


def block(start: str) -> str:
    """Return the only block that begins with ``start``."""
    found = [text for _, text in BLOCKS if text.startswith(start)]
    assert len(found) == 1
    return found[0]


def commands(of: str) -> list[list[str]]:
    lines = [line.split("#")[0] for _, text in BLOCKS for line in text.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"crossbar {of}")]


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_the_python_block_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(block("import torch"), "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    assert "arrays" in printed
    assert "accuracy" in printed
    assert json.loads((tmp_path / "out/base.json").read_text())["energy"] > 0


def test_the_hugging_face_lines_run_with_a_small_model(monkeypatch, capsys):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(vocab_size=50, intermediate_size=32, **sizes)
    model = transformers.BertForSequenceClassification(config)
    monkeypatch.setattr(
        transformers.AutoModelForSequenceClassification, "from_pretrained", lambda _: model
    )
    batches = [
        {
            "input_ids": torch.randint(0, 50, (4, 7)),
            "attention_mask": torch.ones(4, 7, dtype=torch.int64),
            "labels": torch.tensor([0, 1, 1, 0]),
        }
        for _ in range(5)
    ]
    names = {"__name__": "readme", "batches": batches}
    exec(compile(block("# batches:"), "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "f1" in printed
    assert "softmax units" in printed


def test_a_two_layer_network_of_ones_own_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_net.py").write_text(block("# my_net.py"))
    lines = [c for c in commands("run") if "my_net:net" in c]
    assert len(lines) == 3
    for number, line in enumerate(lines):
        out = tmp_path / f"out{number}"
        assert run([*line, "--out", str(out)]) == 0
        report = json.loads((out / "report.json").read_text())
        assert 0 <= report["accuracy"] <= 1
        assert report["float_accuracy"] == 1.0
    (tmp_path / "out0").rename(tmp_path / "out")
    (tmp_path / "out2").rename(tmp_path / "out/rows64")
    capsys.readouterr()
    lines = [line for line in commands("report") if line[1] in ("show", "diff")]
    assert len(lines) == 2
    for line in lines:
        assert run(line) == 0
    assert "array.rows  128 -> 64" in capsys.readouterr().out


def test_the_other_commands_and_the_chip_file_are_valid(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_chip.yaml").write_text(block("# my_chip.yaml"))
    assert load_arch("my_chip.yaml").array.rows_per_read == 64
    lines = commands("arch") + commands("workload") + commands("estimate")
    assert len(lines) == 9
    for line in lines:
        assert run(line) == 0
    assert "34 of 168 tiles" in capsys.readouterr().out


def test_real_cells_run_as_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = [line for line in commands("run") if "my_net:net" not in line]
    assert len(lines) == 4
    for number, line in enumerate(lines):
        fewer = ["--images", "2"] + (["--trials", "2"] if "--trials" in line else [])
        assert run([*line, *fewer, "--out", f"out{number}"]) == 0
    printed = capsys.readouterr().out
    assert "over 2 trials" in printed
    assert "programming error" in printed
    assert json.loads((tmp_path / "out1/explain.json").read_text())["sentence"]


def test_the_array_size_study_is_one_command_and_its_picture_another(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (study,) = commands("sweep")
    (plot,) = [line for line in commands("report") if line[1] == "plot"]
    assert run([*study, "--images", "10", "--jobs", "1"]) == 0
    printed = capsys.readouterr().out
    assert "15 points" in printed
    assert "held: cells of the chip" in printed
    assert run(plot) == 0
    assert (tmp_path / "out/array_size/accuracy.svg").read_text().startswith("<?xml")
