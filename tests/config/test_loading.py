"""Are files, families and overrides put together as their author meant?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crossbar.arch import Arch, load_arch
from crossbar.errors import ConfigError, InputError, UnknownNameError

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and return its path as a user would give it."""

    def _write(text: str, name: str = "x.yaml") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return _write


def _problems(arch: object, overrides: dict[str, object] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        load_arch(arch, overrides)  # type: ignore[arg-type]
    assert str(error.value) == "\n".join(error.value.problems)
    return error.value.problems


def test_a_child_changes_what_it_says_and_inherits_the_rest(write: Write):
    arch = load_arch(write("extends: isaac_8bit\narray:\n  rows: 256\n  cols: 64\n", "mine.yaml"))
    assert arch.name == "mine"
    assert arch.description == ""
    assert (arch.array.rows, arch.array.cols) == (256, 64)
    assert arch.array.cycle == 100e-9
    assert arch.source == load_arch("isaac_8bit").source


def test_a_chain_of_files_is_followed_from_each_file_s_own_folder(write: Write):
    write("extends: tiny_reram\nadc: {bits: 5}\npe: {arrays: 2, adcs: 1}\n", "base/a.yaml")
    write("extends: a.yaml\nadc: {bits: 4}\nname: middle\n", "base/b.yml")
    arch = load_arch(write("extends: base/b.yml\npe: {adcs: 2}\n"))
    assert (arch.adc.bits, arch.pe.arrays, arch.pe.adcs, arch.name) == (4, 2, 2, "x")


def test_null_takes_back_what_a_base_says(write: Write):
    base = write("extends: tiny_reram\narray: {rows_per_read: 4}\ndac: {bits: 2}\n", "base.yaml")
    assert load_arch(base).array.rows_per_read == 4
    arch = load_arch(
        write("extends: base.yaml\narray: {rows_per_read: null}\ndac: null\n"), {"adc.bits": 7}
    )
    assert arch.array.rows_per_read is None
    assert arch.dac.bits == 1


def test_copies_replace_the_base_s_copies(write: Write):
    write("extends: tiny_reram\nreplication: {conv1: 2}\n", "base.yaml")
    path = write("extends: base.yaml\nreplication: {fc: 3}\n")
    assert load_arch(path).replication == {"fc": 3}
    assert load_arch(path, {"replication.layer1.0.conv1": 4}).replication == {
        "fc": 3,
        "layer1.0.conv1": 4,
    }
    assert load_arch(path, {"replication": "[1, 2, 1]"}).replication == (1, 2, 1)
    assert load_arch(path, {"replication": "none"}).replication == "none"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "extends: isaac",
            "x.yaml: extends: unknown preset 'isaac' (did you mean 'isaac_8bit'?); known: "
            "ideal_8bit, isaac_8bit, isaac_isca_2016, reram_hfo2, sot_mram, tiny_reram",
        ),
        ("extends: base.yaml", "x.yaml: extends: base.yaml: no such file"),
        ("extends: 3", "x.yaml: extends: 3 is not a preset's name or a file"),
        (
            "extends: x.yaml",
            "x.yaml: extends: 'x.yaml' comes back to itself (x.yaml -> x.yaml)",
        ),
        (
            "",
            "x.yaml: empty (keys: name, description, source, node, clock, replication, "
            "attention, cell, array, dac, adc, pe, tile, chip, precision, faults, energy)",
        ),
        (
            "- 1",
            "x.yaml: [1] is not a mapping (keys: name, description, source, node, clock, "
            "replication, attention, cell, array, dac, adc, pe, tile, chip, precision, faults,"
            " energy)",
        ),
        ("a: [", "x.yaml: line 1: not YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_a_file_that_cannot_be_put_together_says_why(write: Write, text: str, problem: str):
    assert _problems(write(text)) == (problem,)


def test_a_cycle_of_files_names_the_way_round(write: Write):
    write("extends: b.yaml", "a.yaml")
    write("extends: c.yml", "b.yaml")
    path = write("extends: a.yaml", "c.yml")
    assert _problems(path) == (
        "b.yaml: extends: 'c.yml' comes back to itself (c.yml -> a.yaml -> b.yaml -> c.yml)",
    )


def test_a_preset_s_own_name_may_be_used_for_a_child(write: Write):
    assert load_arch(write("extends: tiny_reram\n", "tiny_reram.yaml")).adc.bits == 6


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UnknownNameError) as error:
        load_arch("isac_8bit")
    assert str(error.value) == (
        "unknown preset 'isac_8bit' (did you mean 'isaac_8bit'?); known: "
        "ideal_8bit, isaac_8bit, isaac_isca_2016, reram_hfo2, sot_mram, tiny_reram"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere/chip.yaml", "nowhere/chip.yaml: no such file"),
        (
            "isaac_8bit.yaml",
            "isaac_8bit.yaml: no such file (did you mean the preset 'isaac_8bit'?)",
        ),
        (Path("nowhere"), "nowhere: no such file"),
        ("tests/", "tests/: a folder, not a YAML file"),
        (
            7,
            "7 is not a hardware description: give a preset's name, a YAML file, a mapping or an "
            "Arch",
        ),
    ],
)
def test_what_is_not_a_description_is_refused(
    given: object, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        load_arch(given)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_a_binary_file_is_refused(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"ab\xff\xfe")
    with pytest.raises(InputError, match=r"x\.yaml: not UTF-8 text \(byte 2\)"):
        load_arch(path)


@pytest.mark.parametrize(
    ("overrides", "key", "value"),
    [
        ({"array.rows": 256}, "array.rows", 256),
        ({"array.rows": "256"}, "array.rows", 256),
        ({"array.rows": np.int64(256)}, "array.rows", 256),
        ({"array.rows": 256.0}, "array.rows", 256),
        ({"array": {"rows": 256, "cols": 64}}, "array.rows", 256),
        ({"clock": "1.2 GHz"}, "clock", 1.2e9),
        ({"tile.buffer": "64 kB"}, "tile.buffer", 64000),
        ({"array.flip_columns": "false"}, "array.flip_columns", False),
        ({"array.flip_columns": np.bool_(False)}, "array.flip_columns", False),
        ({"chip.tiles": "auto"}, "chip.tiles", "auto"),
        ({"adc.policy": "lossless", "adc.bits": None}, "adc.bits", None),
        ({"adc.policy": "lossless", "adc.bits": "null"}, "adc.bits", None),
        ({"precision.weight_levels": 3}, "precision.weight_levels", 3),
        ({"replication": np.array([1, 2])}, "replication", (1, 2)),
        ({"description": "a: b [c"}, "description", "a: b [c"),
        ({"name": "64"}, "name", "64"),
    ],
)
def test_an_override_takes_python_values_and_text(
    overrides: dict[str, object], key: str, value: object
):
    found: object = load_arch("isaac_8bit", overrides)
    assert isinstance(found, Arch)
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


def test_overrides_leave_the_given_arch_as_it_was():
    arch = load_arch("tiny_reram")
    wider = load_arch(arch, {"array.cols": 32})
    assert (arch.array.cols, wider.array.cols, wider.name) == (16, 32, "tiny_reram")


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"adc.bit": 7}, "override: adc.bit: unknown key (did you mean 'bits'?)"),
        ({"adc.bits.x": 7}, "override: adc.bits.x: unknown key (did you mean 'bits'?)"),
        (
            {"array.cycle": 100},
            "override: array.cycle: 100 has no unit (give a time, e.g. '100 ns')",
        ),
        (
            {"array.cycle": "100"},
            "override: array.cycle: 100 has no unit (give a time, e.g. '100 ns')",
        ),
        (
            {"adc": 8},
            "override: adc: 8 is not a section (keys: kind, model, policy, bits, rate, calibrate, "
            "calibration_share, offset, gain_error, inl, dnl, noise, enob)",
        ),
        ({"adc.rate": None}, "override: adc.rate: missing (a frequency, e.g. '1.28 GHz')"),
        (
            {"adc.bits": "[1"},
            "override: adc.bits: '[1' is not a YAML value (line 1: not YAML: expected ',' or "
            "']', but got '<stream end>')",
        ),
        ({3: 1}, "override: 3: a key must be a dotted name"),
        (
            {"extends": "tiny_reram"},
            "override: extends: unknown key (only a file can extend another, at its top level)",
        ),
        (
            {"array.rows": 3, "replication.fc": 0},
            "override: replication: 0 copies of layer 'fc' (allowed: 1 to 1000000)",
        ),
    ],
)
def test_a_wrong_override_is_told_from_a_wrong_file(overrides: dict[str, object], problem: str):
    assert _problems("isaac_8bit", overrides) == (problem,)


def test_every_problem_of_a_chain_and_its_overrides_is_told_with_its_file(write: Write):
    write("extends: isaac_8bit\nclock: 1.28 ns\npe:\n  adcs: 9\n", "base.yaml")
    path = write("extends: base.yaml\nadc:\n  bits: 40\n  bits: 7\narray:\n  rows: 0\n")
    assert _problems(path, {"cell.bits": 9, "array.rows_per_read": 300}) == (
        "x.yaml: line 4: adc.bits: duplicate key (first on line 3)",
        "base.yaml: clock: '1.28 ns' is a time, not a frequency (e.g. '1.28 GHz')",
        "override: cell.bits: 9 is out of range (1 to 4)",
        "x.yaml: array.rows: 0 is out of range (1 to 4096)",
        "x.yaml: adc.bits: 40 is out of range (1 to 16)",
        "base.yaml: pe.adcs: 9 is more than pe.arrays (8)",
    )


def test_plain_data_is_named_in_its_errors():
    data = load_arch("tiny_reram").to_dict()
    data["adc"]["bits"] = 40
    assert _problems(data) == ("tiny_reram: adc.bits: 40 is out of range (1 to 16)",)
