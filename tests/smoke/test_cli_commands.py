"""Does each command do what its help says?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from crossbar.arch import load_arch, preset_names
from crossbar.workload import load, zoo_names

Run = Callable[..., object]
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from crossbar.cli.main import main; main()"]


def test_no_words_show_the_help(crossbar: Run) -> None:
    outcome = crossbar()
    assert (outcome.code, outcome.out) == (2, "")
    for command in ("run", "arch", "workload", "report"):
        assert f"\n  {command} " in outcome.err


@pytest.mark.parametrize("words", [["--help"], ["run", "-h"], ["arch", "show", "--help"]])
def test_help_is_no_error(crossbar: Run, words: list) -> None:
    outcome = crossbar(*words)
    assert outcome.code == 0
    assert "Usage: crossbar" in outcome.out


def test_version(crossbar: Run) -> None:
    import crossbar as package

    assert crossbar("--version").out == f"crossbar {package.__version__}\n"


def test_arch_list_names_every_preset(crossbar: Run) -> None:
    outcome = crossbar("arch", "list")
    assert outcome.code == 0
    assert all(name in outcome.out for name in preset_names())


def test_arch_show_prints_a_file_that_loads_to_the_same_hardware(crossbar: Run) -> None:
    outcome = crossbar("arch", "show", "isaac_8bit", "--set", "array.cycle=200 ns")
    Path("copy.yaml").write_text(outcome.out)
    expected = load_arch("isaac_8bit", {"array.cycle": "200 ns"})
    assert load_arch("copy.yaml").digest() == expected.digest()


def test_arch_show_explains_every_key(crossbar: Run) -> None:
    outcome = crossbar("arch", "show", "isaac_8bit", "--explain")
    for word in ("array.cycle", "100 ns", "adc.policy", "replication", "ISAAC"):
        assert word in outcome.out


def test_arch_check_accepts_a_sound_file(crossbar: Run) -> None:
    Path("chip.yaml").write_text("extends: tiny_reram\nadc:\n  bits: 7\n")
    outcome = crossbar("arch", "check", "chip.yaml")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("chip.yaml: fine")


def test_arch_check_knows_what_a_measured_fit_holds_for(crossbar: Run) -> None:
    Path("chip.yaml").write_text("extends: reram_hfo2\ncell: {g_on: 50 uS, bit: 2}\n")
    assert crossbar("arch", "check", "chip.yaml").err.startswith("error: chip.yaml: cell.bit: ")
    Path("chip.yaml").write_text("extends: reram_hfo2\ncell: {g_on: 50 uS}\n")
    outcome = crossbar("arch", "check", "chip.yaml")
    assert outcome.code == 2
    assert "wan_2022_1d: cell.g_on 50 uS" in outcome.err


def test_arch_schema_is_json(crossbar: Run) -> None:
    assert "adc" in json.loads(crossbar("arch", "schema").out)["properties"]


def test_workload_list_names_the_zoo(crossbar: Run) -> None:
    outcome = crossbar("workload", "list")
    assert all(name in outcome.out for name in zoo_names())


def test_workload_show_prints_the_layers_or_where_they_lie(crossbar: Run) -> None:
    assert "conv1" in crossbar("workload", "show", "lenet5").out
    plan = crossbar("workload", "show", "vgg8", "--on", "isaac_8bit").out
    assert "34 of 168 tiles" in plan


def test_workload_capture_writes_a_file_that_shows(crossbar: Run) -> None:
    outcome = crossbar(
        *("workload", "capture", "nets:small", "--out", "new/net.json", "--input-shape", "1,8,8")
    )
    assert (outcome.code, outcome.out) == (0, "new/net.json\n"), outcome.err
    assert [node.kind for node in load("new/net.json").products] == ["conv2d", "linear"]
    assert "linear" in crossbar("workload", "show", "new/net.json").out


def test_workload_capture_takes_its_example_from_data_or_an_exported_program(crossbar: Run) -> None:
    words = ("workload", "capture", "nets:small", "--out", "a.json", "--data", "data.npz")
    assert crossbar(*words).code == 0
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)).eval()
    torch.export.save(torch.export.export(model, (torch.zeros(2, 1, 8, 8),)), "net.pt2")
    assert crossbar("workload", "capture", "net.pt2", "--out", "b.json").code == 0
    assert load("a.json")["0"].shape == (4, 3, 3)
    assert load("b.json").products[0].matrix.rows == 64


def complete(words: str) -> list[str]:
    """What bash offers for the last word."""
    given = {"_CROSSBAR_COMPLETE": "complete_bash", "COMP_WORDS": words}
    given["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False
    )
    return done.stdout.split()


def test_the_shell_completes_presets_workloads_and_keys() -> None:
    assert complete("crossbar run isaac_8") == ["isaac_8bit"]
    assert "vgg8" in complete("crossbar workload show vgg")
    assert "adc.bits=" in complete("crossbar run --set adc.b")


def test_commands_that_need_no_torch_do_not_load_it() -> None:
    code = (
        "import sys\nfrom crossbar.cli.main import main\ntry: main(sys.argv[1:])\n"
        "except SystemExit: print([m for m in ('torch', 'numba') if m in sys.modules])"
    )
    for words in (["arch", "list"], ["workload", "show", "lenet5"], ["run", "isac_8bit"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1] == "[]"
