"""Is a file of own measurements read as it was meant, and is every slip in it told?"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import CellTable, explain_arch, load_arch
from crossbar.arch.cell_table import read_table
from crossbar.errors import ConfigError

TABLE = {"cell.kind": "reram", "cell.variation": "table"}
STATISTICS = "target [uS],mean [uS],sigma [uS]\n1,1.1,0.1\n0.2,0.25,0.05\n"


def read(text: str, folder: Path) -> CellTable:
    (folder / "my.csv").write_text(text, encoding="utf-8")
    return read_table(folder / "my.csv", "my.csv")


def told(text: str, folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(text, folder)
    assert all(line.startswith("my.csv: ") for line in error.value.problems)
    return [line.removeprefix("my.csv: ") for line in error.value.problems]


def test_statistics_are_sorted_and_in_siemens(tmp_path: Path):
    assert read(STATISTICS, tmp_path) == CellTable(
        "my.csv", (0.2e-6, 1e-6), (0.25e-6, 1.1e-6), (0.05e-6, 0.1e-6)
    )


def test_units_columns_and_blank_lines_are_the_user_s(tmp_path: Path):
    text = (
        "\ufeff# measured in May\nsigma [nS], target [S] ,mean[mS]\n\n"
        "50,2e-7,0.00025\n  \n# the upper one\n100,1E-6,0.0011\n"
    )
    assert read(text, tmp_path) == read(STATISTICS, tmp_path)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.lists(st.integers(0, 500), min_size=2, max_size=5)),
        min_size=2,
        max_size=4,
        unique_by=lambda pair: pair[0],
    )
)
def test_raw_points_have_the_statistics_that_a_textbook_gives(
    tmp_path_factory: pytest.TempPathFactory, groups: list[tuple[int, list[int]]]
):
    rows = [f"{target / 10},{value / 10}" for target, values in groups for value in values]
    text = "target [uS],measured [uS]\n" + "\n".join(rows)
    table = read(text, tmp_path_factory.mktemp("t"))
    ordered = sorted(groups)
    assert table.targets == pytest.approx([target * 1e-7 for target, _ in ordered], rel=1e-12)
    means = [statistics.fmean(values) * 1e-7 for _, values in ordered]
    sigmas = [statistics.stdev(values) * 1e-7 for _, values in ordered]
    assert table.means == pytest.approx(means, rel=1e-12)
    assert table.sigmas == pytest.approx(sigmas, rel=1e-9, abs=1e-20)
    assert len(table.points) == sum(len(values) for _, values in groups)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["empty (columns: 'target [uS],mean [uS],sigma [uS]' or 'target [uS],measured "
              "[uS]')"]),
        ("target [uS],mean [uS],sgma [uS]\n1,1,1",
         ["unknown column 'sgma' (did you mean 'sigma'?); known: target, mean, sigma, measured"]),
        ("target [uS];mean [uS];sigma [uS]\n1;1;1",
         ["unknown column 'target [uS];mean [uS];sigma [uS]' (columns are separated by commas); "
          "known: target, mean, sigma, measured"]),
        ("target,mean [uS],sigma [uS]\n1,1,1",
         ["column 'target' has no unit (write e.g. 'target [uS]')"]),
        ("target [uS],mean [kohm],sigma [xS]\n1,1,1",
         ["column 'mean': [kohm] is a resistance, not a conductance (e.g. '0.5 uS')",
          "column 'sigma': [xS] has an unknown unit 'xS' (give a conductance, e.g. '0.5 uS')"]),
        ("target [uS],target [uS],mean [uS],sigma [uS]\n1,1,1,1",
         ["column 'target' is given twice"]),
        ("target [uS],mean [uS]\n1,1",
         ["columns mean, target; needed: 'target [uS],mean [uS],sigma [uS]' or 'target [uS],"
          "measured [uS]'"]),
        ("target [uS],measured [uS],sigma [uS]\n1,1,1",
         ["columns measured, sigma, target; needed: 'target [uS],mean [uS],sigma [uS]' or "
          "'target [uS],measured [uS]'"]),
        ("target [uS],mean [uS],sigma [uS]\n1,1,0.1\n\n2,two,0.1\n3,nan,1_0",
         ["line 4: mean: 'two' is not a number", "line 5: mean: 'nan' is not a number",
          "line 5: sigma: '1_0' is not a number"]),
        ("target [uS],mean [uS],sigma [uS]\n1,1,-0.1\n2,2e6,0.1",
         ["line 2: sigma: -0.1 is out of range (0 or more, at most 1 S)",
          "line 3: mean: 2e6 is out of range (0 or more, at most 1 S)"]),
        ("target [uS],mean [uS],sigma [uS]\n1,1\n2,2,0.1,7",
         ["line 2: 2 values for 3 columns", "line 3: 4 values for 3 columns"]),
        ("target [uS],mean [uS],sigma [uS]\n1,1,0.1\n2,2,0.1\n1.0,1,0.1",
         ["line 4: target 1 uS is given twice (first on line 2)"]),
        ("target [uS],mean [uS],sigma [uS]\n1,1,0.1", ["1 target (2 or more needed)"]),
        ("target [uS],mean [uS],sigma [uS]\n", ["0 targets (2 or more needed)"]),
        ("target [uS],measured [uS]\n1,1\n1,1.1\n2,2",
         ["target 2 uS has one measured value (2 or more needed)"]),
        ("target [uS],measured [uS]\n1,1\n1,1.1", ["1 target (2 or more needed)"]),
    ],
)  # fmt: skip
def test_a_slip_in_a_file_is_told(text: str, problems: list[str], tmp_path: Path):
    assert told(text, tmp_path) == problems


def test_a_file_full_of_slips_is_told_in_part(tmp_path: Path):
    problems = told("target [uS],measured [uS]\n" + "x,1\n" * 1000, tmp_path)
    assert len(problems) == 21
    assert problems[-1] == "and 980 more problems"


def test_the_file_lies_beside_the_yaml_file_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "my.csv").write_text(STATISTICS)
    (tmp_path / "my.csv").write_text(STATISTICS.replace("1.1", "1.2"))
    base = "extends: isaac_8bit\ncell: {kind: reram, variation: table, table: my.csv}\n"
    (tmp_path / "lab" / "base.yaml").write_text(base)
    (tmp_path / "x.yaml").write_text("extends: lab/base.yaml\n")
    monkeypatch.chdir(tmp_path)
    inherited = load_arch("x.yaml")
    assert inherited.cell.table.means[1] == 1.1e-6
    here = load_arch("x.yaml", {"cell.table": "my.csv"})
    assert here.cell.table.means[1] == 1.2e-6
    assert load_arch("x.yaml", {"cell.table": Path("my.csv")}) == here
    assert here.cell.table.source == "my.csv"
    assert here.digest() != inherited.digest()


@pytest.mark.parametrize("text", [STATISTICS, "target [uS],measured [nS]\n1,9\n1,7\n2,5\n2,4.5\n"])
def test_a_description_carries_the_content_and_no_path(text: str, tmp_path: Path):
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text(text)
    arch = load_arch("isaac_8bit", TABLE | {"cell.table": tmp_path / "a.csv"})
    (tmp_path / "a.csv").unlink()
    assert load_arch(arch.to_dict()) == arch
    (tmp_path / "saved.yaml").write_text(str(arch))
    assert load_arch(tmp_path / "saved.yaml", {"name": arch.name}) == arch
    assert str(tmp_path) not in str(arch)
    assert {row.key: row.value for row in explain_arch(arch)}["cell.table"] == "a.csv"
    renamed = load_arch(arch, {"cell.table": tmp_path / "b.csv"})
    assert renamed.digest() == arch.digest()
    assert renamed.cell.table.source == "b.csv"
    assert load_arch(arch, {"cell.table": None, "cell.variation": "none"}).cell.table is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("no.csv", "no.csv: no such file"),
        (".", ".: a folder, not a CSV file"),
        ("binary.csv", "binary.csv: not UTF-8 text (byte 0)"),
        (Path("a\0b"), "'a\\x00b': cannot be read (embedded null byte)"),
        (3, "3 is not a CSV file ('target [uS],mean [uS],sigma [uS]' or 'target [uS],measured "
         "[uS]')"),
        ({"source": "x", "unit": "S", "target": [1]}, "unknown key 'target' (a table holds source,"
         " unit: S and targets, means, sigmas)"),
        ({"unit": "S"}, "source or unit: S is missing (a table holds source, unit: S and targets, "
         "means, sigmas)"),
        ({"source": "x", "unit": "S", "targets": [0.1, 0.2], "means": [0.1], "sigmas": [0, 0]},
         "targets, means and sigmas must be equally many, no target twice"),
        ({"source": "x", "unit": "S", "targets": [0.1, 2], "means": [0.1], "sigmas": [0, 0]},
         "targets: 2 is not a conductance in S (0 to 1)"),
        ({"source": "x", "unit": "S", "points": [[0.1, 0.2, 0.3]]},
         "points: not a list of pairs of target and measured conductance"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_told(
    given: Any, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as error:
        load_arch("isaac_8bit", TABLE | {"cell.table": given})
    assert error.value.problems == (f"override: cell.table: {problem}",)


def test_slips_of_the_file_stand_beside_those_of_the_description(tmp_path: Path):
    (tmp_path / "my.csv").write_text("targets [uS],mean,sigma [uS]\n")
    (tmp_path / "x.yaml").write_text(
        "extends: isaac_8bit\ncell: {kind: reram, variation: table, table: my.csv}\nadc: {bit: 3}\n"
    )
    with pytest.raises(ConfigError) as error:
        load_arch(tmp_path / "x.yaml")
    assert error.value.problems == (
        "x.yaml: cell.table: my.csv: unknown column 'targets' (did you mean 'target'?); known: "
        "target, mean, sigma, measured",
        "x.yaml: cell.table: my.csv: column 'mean' has no unit (write e.g. 'mean [uS]')",
        "x.yaml: adc.bit: unknown key (did you mean 'bits'?)",
    )


def test_one_key_is_enough_to_use_measured_cells(tmp_path: Path):
    (tmp_path / "mine.csv").write_text("target [uS],mean [uS],sigma [uS]\n0.5,0.6,0.1\n60,59,2\n")
    (tmp_path / "chip.yaml").write_text("extends: reram_hfo2\ncell:\n  table: mine.csv\n")
    arch = load_arch(tmp_path / "chip.yaml")
    assert arch.cell.variation.kind == "table"  # the preset has a fit
    assert load_arch(arch.to_dict()) == arch
    other = load_arch(arch, overrides={"cell.variation": 0.1})
    assert other.cell.variation.kind == "proportional"
    both = load_arch(
        "reram_hfo2", {"cell.table": str(tmp_path / "mine.csv"), "cell.variation": 0.1}
    )
    assert both.cell.variation.kind == "proportional"
