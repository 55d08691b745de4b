"""Does `crossbar estimate` answer from shapes alone, as `crossbar run` does from data?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crossbar.workload import save, zoo

Run = Callable[..., object]
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from crossbar.cli.main import main; main()"]


def check(outcome: object, *words: str) -> None:
    """The command said these words in one error line and did nothing."""
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    for word in ("error: ", *words):
        assert word in outcome.err


def test_it_prints_the_table_what_is_assumed_and_the_file(crossbar: Run) -> None:
    outcome = crossbar("estimate", "isaac_8bit", "vgg8")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("vgg8 on isaac_8bit")
    assert "34 of 168 tiles" in outcome.out
    assert "all inputs unsigned, 50 % of their bits one, codes at 50 % of the top" in outcome.out
    assert outcome.out.endswith("\nout/report.json\n")
    assert sorted(p.name for p in Path("out").iterdir()) == ["report.html", "report.json"]
    shown = crossbar("report", "show", "out/report.json")
    assert shown.out.strip() in outcome.out


def test_json_is_all_that_is_printed(crossbar: Run) -> None:
    words = ("--out", "results/first", "--json", "--input-density", "0.15", "--code-density=0.4")
    outcome = crossbar("estimate", "isaac_isca_2016", "resnet18", *words)
    assert (outcome.code, outcome.err) == (0, "")
    printed = json.loads(outcome.out)
    assert printed == json.loads(Path("results/first/report.json").read_text())
    assert printed["accuracy"] is None
    assert printed["counts"]["saturations"] is None
    assert printed["latency_kind"] == "schedule"
    assert printed["latency"] == printed["cycles"] / 1.28e9
    assert printed["energy"] > 0
    assert printed["scenario"]["activity"]["input_density"] == 0.15
    assert printed["scenario"]["activity"]["code_density"] == 0.4


def test_a_workload_file_on_a_hardware_file_with_changed_keys(crossbar: Run) -> None:
    save(zoo("lenet5"), "net.json")
    Path("chip.yaml").write_text("extends: isaac_8bit\nadc:\n  bits: 7\n")
    words = ("--set", "array.rows=64", "--set", "energy.array=table", "--json")
    printed = json.loads(crossbar("estimate", "chip.yaml", "net.json", *words).out)
    assert (printed["workload"], printed["arch"]) == ("lenet5", "chip")
    assert printed["scenario"]["arch"]["adc"]["bits"] == 7
    assert printed["scenario"]["arch"]["array"]["rows"] == 64
    outcome = crossbar("estimate", "chip.yaml", "net.json", *words[:-1])
    assert "assumed     all inputs unsigned\n" in outcome.out


def test_the_same_words_give_the_same_document(crossbar: Run) -> None:
    words = ("estimate", "isaac_8bit", "bert_base", "--set", "chip.tiles=auto", "--json")
    assert crossbar(*words).out == crossbar(*words).out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], ["ARCH", "crossbar estimate --help"]),
        (["isaac_8bit"], ["WORKLOAD", "crossbar estimate --help"]),
        (["isac_8bit", "vgg8"], ["unknown preset 'isac_8bit'", "did you mean 'isaac_8bit'"]),
        (["isaac_8bit", "vgg9"], ["unknown workload 'vgg9'", "did you mean 'vgg"]),
        (["isaac_8bit", "net.json"], ["net.json: cannot be read"]),
        (["isaac_8bit", "vgg8", "--set", "adc.bit=8"], ["adc.bit", "did you mean 'bits'"]),
        (["isaac_8bit", "vgg8", "--input-density", "1.5"], ["--input-density 1.5", "0..1"]),
        (["isaac_8bit", "vgg8", "--code-density", "nan"], ["--code-density nan", "0..1"]),
        (["isaac_8bit", "vgg8", "--tracks", "t"], ["--tracks", "crossbar estimate --help"]),
        (["isaac_8bit", "vgg16"], ["353 tiles", "chip.tiles=353"]),
        (["isaac_8bit", "vgg8", "--out", "nets.py"], ["--out nets.py", "is a file"]),
    ],
)
def test_wrong_words_are_one_line(crossbar: Run, folder: Path, words: list, told: list) -> None:
    before = sorted(folder.iterdir())
    check(crossbar("estimate", *words), *told)
    assert sorted(folder.iterdir()) == before


def test_a_report_that_would_replace_a_folder(crossbar: Run) -> None:
    Path("out/report.json").mkdir(parents=True)
    check(crossbar("estimate", "isaac_8bit", "vgg8"), "out/report.json is a folder")


def test_a_failed_estimate_leaves_an_older_report_as_it_was(crossbar: Run) -> None:
    Path("out").mkdir()
    Path("out/report.json").write_text("older")
    check(crossbar("estimate", "isaac_8bit", "vgg16"), "does not fit")
    assert Path("out/report.json").read_text() == "older"


def test_a_schedule_is_written_for_perfetto(crossbar: Run) -> None:
    outcome = crossbar("estimate", "isaac_8bit", "lenet5", "--trace", "lenet5.trace.json")
    assert outcome.code == 0, outcome.err
    trace = json.loads(Path("lenet5.trace.json").read_text())
    events = trace["traceEvents"]
    tracks = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert tracks == {"conv1", "conv2", "fc1", "fc2", "fc3"}
    reads = [e for e in events if e["name"] == "read"]
    assert len(reads) == 28 * 28 + 10 * 10 + 3
    report = json.loads(Path("out/report.json").read_text())
    ends = max(e["args"]["stored_clock"] for e in reads)
    assert ends == report["cycles"]
    assert {e["name"] for e in events} >= {"read", "starved"}
    check_file = crossbar("estimate", "isaac_8bit", "lenet5", "--trace", "no/such\0/place")
    assert check_file.code == 2


def test_a_cold_process_does_not_load_torch(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom crossbar.cli.main import main\ntry: main(sys.argv[1:])\n"
        "except SystemExit: print([m for m in ('torch', 'pandas') if m in sys.modules])"
    )
    words = ["estimate", "isaac_8bit", "resnet20", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("crossbar esti", "estimate"),
        ("crossbar estimate isaac_8", "isaac_8bit"),
        ("crossbar estimate isaac_8bit bert", "bert_base"),
        ("crossbar estimate isaac_8bit vgg8 --set adc.b", "adc.bits="),
        ("crossbar estimate isaac_8bit vgg8 --code", "--code-density"),
    ],
)
def test_the_shell_completes(words: str, offered: str) -> None:
    given = {"_CROSSBAR_COMPLETE": "complete_bash", "COMP_WORDS": words}
    given["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False
    )
    assert offered in done.stdout.split()
