"""Does a study's file say what is run, and are all of its mistakes told at once?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.arch import load_arch, strict_yaml
from crossbar.errors import ConfigError, InputError
from crossbar.study.axes import make_axes
from crossbar.study.description import Study, load_study, make_study
from crossbar.study.points import grid

GOOD = """
arch: isaac_8bit
workload: vgg8
iso: cells
where: array.cols == array.rows
axes:
  array.rows: [64, 128, 256]
  array.cols: 64,128,256
  adc.bits: 4..8:2
  array.cycle: 100 ns..200 ns:2
"""


def written(tmp_path: Path, text: str, name: str = "size.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def told(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as error:
        make_study({"axes": {"adc.bits": "4..8"}} | data)
    assert all(line.startswith("study: ") for line in error.value.problems)
    return [line.removeprefix("study: ") for line in error.value.problems]


def test_a_file_is_a_study(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, GOOD))
    assert (study.name, study.arch, study.workload) == ("size", "isaac_8bit", "vgg8")
    assert (study.iso, study.measure, study.seed, study.images) == ("cells", "cost", 0, None)
    assert [axis.label for axis in study.axes] == [
        "array.rows",
        "array.cols",
        "adc.bits",
        "array.cycle",
    ]
    points = grid(study.axes, study.where, arch=study.base_arch(), base=study.base_values())
    assert len(points) == 3 * 3 * 2


@pytest.mark.parametrize(
    "study",
    [
        Study(axes=make_axes(["array.rows/array.cols=64/64,128/128", "array.cycle=100 ns"])),
        Study(
            arch="isaac_isca_2016",
            model="my_net:net",
            data="my_net:data",
            axes=make_axes(["faults.on=log:1e-4..1e-1:4", "seed=0..2", "replication=none,[1, 2]"]),
            where=("faults.on < 0.5", "seed != 1 or array.rows == 128"),
            measure="accuracy",
            images=500,
            faults={"off": 0.01},
            name="faults",
        ),
        Study(
            arch=load_arch("tiny_reram", {"array.rows": 32}),
            axes=make_axes(["array.rows_per_read=null,8"]),
            measure="accuracy",
            seed=7,
        ),
    ],
)
def test_a_study_comes_back_from_its_data_and_from_its_file(study: Study, tmp_path: Path) -> None:
    assert make_study(study.to_dict()) == study
    path = written(tmp_path, strict_yaml.dump(study.to_dict()))
    assert load_study(path) == study


def test_a_command_can_replace_what_the_file_says(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, GOOD), {"workload": "lenet5", "name": "other"})
    assert (study.workload, study.name, study.iso) == ("lenet5", "other", "cells")


def test_every_mistake_of_a_file_at_once(tmp_path: Path) -> None:
    text = """
namee: x
arch: isac_8bit
workload: vgg8
model: my_net.py:net
measure: costs
iso: cell
seed: -1
images: 0
faults: {on: 2, of: 1}
where:
  - rows == cols
  - array.rows =< 3
axes:
  adc.bit: 4..8
  array.cycle: [100, 50 ns]
  array.cycle: 4
  array.rows/array.cols: [[64, 64], [128]]
  array.cols: 8..4
"""
    with pytest.raises(ConfigError) as error:
        load_study(written(tmp_path, text))
    assert [line.removeprefix("size.yaml: ") for line in error.value.problems] == [
        "line 17: axes.array.cycle: duplicate key (first on line 16)",
        "namee: unknown key (did you mean 'name'?)",
        "arch: unknown preset 'isac_8bit' (did you mean 'isaac_8bit'?); known: ideal_8bit,"
        " isaac_8bit, isaac_isca_2016, reram_hfo2, sot_mram, tiny_reram",
        "model: my_net.py:net: name the module and not its file (e.g. my_net:net)",
        "axes: adc.bit: unknown axis (did you mean 'adc.bits'?)",
        "axes: array.cycle: 100 has no unit (give a time, e.g. '100 ns')",
        "axes: array.rows/array.cols: value 2 ([128]) has 1 entry, and 2 keys move together",
        "axes: array.cols: '8..4': the range descends, so it is empty (write 4..8)",
        "axes: array.cols: array.cols is given twice (and in 'array.rows/array.cols')",
        "where: 'rows == cols': rows: unknown key (did you mean 'array.rows'?)",
        "where: 'array.rows =< 3': write '<=' for '=<'",
        "iso: 'cell' is not one of cells, area, arrays (did you mean 'cells'?)",
        "measure: 'costs' is not one of cost, accuracy (did you mean 'cost'?)",
        "seed: -1 is out of range (0 to 9223372036854775807)",
        "images: 0 is out of range (1 to 1000000000)",
        "faults: on: 2 is out of range (0 to 1)",
        "faults: of: unknown key (did you mean 'off'?) (on, off, size, row_on, row_off, col_on,"
        " col_off, map)",
        "model: a study runs a model or a workload, not both",
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"axes": None}, "axes: missing; a study varies one key at least"),
        ({"axes": {}}, "axes: none; a study varies one key at least"),
        ({"axes": 3}, "axes: 3 is not a mapping"),
        ({"axes": ["adc.bits=4", 3]}, "axes: 3: expected KEY=VALUES"),
        ({"axes": {"array": {"rows": [64]}}}, "axes: array: a section, not a key"),
        ({"axes": {"seed": "0..3"}}, "axes: seed changes no cost"),
        ({"axes": {"faults.on": [0.1]}}, "axes: faults.on changes no cost"),
        ({"workload": "vg8"}, "workload: unknown workload 'vg8' (did you mean 'vgg8'?)"),
        (
            {"workload": "vgg8", "axes": {"workload": ["lenet5"]}},
            "workload: given as 'vgg8', and as an axis; take one out",
        ),
        (
            {"seed": 5, "measure": "accuracy", "axes": {"seed": "0..3"}},
            "seed: given as 5, and as an axis; take one out",
        ),
        (
            {"faults": {"on": 0.1}, "measure": "accuracy", "axes": {"faults.on": [0.2]}},
            "faults: on is given, and faults.on is an axis; take one out",
        ),
        ({"workload": "vgg8", "measure": "accuracy"}, "workload: it has no weights; accuracy need"),
        ({"iso": "cells", "axes": {"chip.tiles": [1, 2]}}, "iso: cells chooses chip.tiles, which"),
        ({"iso": "cells", "arch": "tiny_reram"}, "iso: chip.tiles of tiny_reram is auto: no size"),
        ({"model": "vgg8"}, "model: 'vgg8' is a workload (no weights); write workload: vgg8"),
        ({"model": "net"}, "model: 'net' is neither pkg.mod:name (e.g. my_net:net) nor FILE.pt2"),
        ({"data": 3}, "data: 3 is neither pkg.mod:name (e.g. my_net:data) nor FILE.npz"),
        ({"faults": {"on": 0.6, "off": 0.6}}, "faults: on + off is 1.2, more than all cells"),
        ({"faults": 0.1}, "faults: 0.1 is not a mapping (e.g. {on: 0.09, off: 0.017})"),
        ({"where": 3}, "where: 3 is not a condition or a list of them"),
        ({"where": [3]}, "where: 3: not text"),
        ({"name": 5}, "name: 5 is not a name"),
        ({"arch": 5}, "arch: 5 is not a preset"),
        ({"jobs": 2}, "jobs: unknown key (keys: name, arch, workload, model, data, axes, where,"),
    ],
)
def test_a_mistake_or_a_contradiction_is_told(data: dict[str, Any], problem: str) -> None:
    problems = told(data)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_files_lie_beside_the_study_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "chip.yaml").write_text("extends: isaac_8bit\n", encoding="utf-8")
    text = "arch: chip.yaml\ndata: x.npz\naxes: {arch: [chip.yaml, isaac_8bit]}\n"
    monkeypatch.chdir(tmp_path)
    study = load_study(written(folder, text).relative_to(tmp_path))
    assert (study.arch, study.data) == ("studies/chip.yaml", "studies/x.npz")
    assert study.axes[0].to_plain() == ["studies/chip.yaml", "isaac_8bit"]
    assert study.base_arch().name == "chip"
    with pytest.raises(ConfigError, match=r"size.yaml: arch: chip.yaml: no such file"):
        load_study(folder / "size.yaml", {"arch": "chip.yaml"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "size.yaml: empty (keys: name, arch, workload"),
        ("- a\n", "size.yaml: ['a'] is not a mapping (keys: name, arch, workload"),
        ("axes: {a: [}\n", "size.yaml: line 1: not YAML"),
    ],
)
def test_a_file_that_is_no_study(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_study(written(tmp_path, text))
    assert str(error.value).startswith(problem)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_study(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="a folder, not a YAML file"):
        load_study(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        load_study(tmp_path / "bytes.yaml")
