"""Is the table of a study what its store holds, in every format?"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pandas
import pytest

import crossbar as xb
from crossbar.errors import InputError, UnknownNameError
from crossbar.study.database import FILE
from crossbar.study.runner import run_points
from crossbar.study.store import Store
from crossbar.study.table import StudyTable, load_table
from tests.study.toy import ABOUT, Points, answer, grid


def made(folder: Path, points: Points, computed: int = 10**6) -> StudyTable:
    """A study of which some points are computed; those of 13 rows fail."""
    with Store.open(folder, ABOUT) as store:
        store.describe(name="rows of arrays", held="held: cells of the chip (2.6 G, within 0.4 %)")
        store.add(points)
        for key, values in store.claim(computed):
            if values.get("array.rows") == 13:
                store.fail(key, "DoesNotFitError: needs more tiles\nand more", 0.0)
            else:
                store.finish(key, answer({"array.rows": 7} | values), 0.0)
    return load_table(folder)


def test_rows_have_the_axes_then_the_numbers(tmp_path: Path) -> None:
    table = made(tmp_path, grid(14))
    assert table.axes == ("array.rows", "adc.bits")
    assert (table.name, table.held) == (
        "rows of arrays",
        "held: cells of the chip (2.6 G, within 0.4 %)",
    )
    assert len(table) == 14
    assert list(table)[2] == {
        "array.rows": 2,
        "adc.bits": 2,
        "energy": 1e-12,
        "latency": 1e-6 / 3,
        "throughput": 3e3,
        "area": 3e-6,
        "accuracy": None,
        "accuracy_std": None,
        "accuracy_worst": None,
        "digital_accuracy": None,
        "float_accuracy": None,
        "power.average": 0.2,
        "power.peak": None,
        "status": "done",
        "error": None,
    }
    assert table.columns == tuple(table.rows[0])
    assert table.column("array.rows") == list(range(14))
    assert table.rows[13]["energy"] is None
    with pytest.raises(UnknownNameError, match="column 'energi' .did you mean 'energy'"):
        table.column("energi")


def test_text_fits_a_terminal_and_says_what_is_held_equal(tmp_path: Path) -> None:
    text = str(made(tmp_path, grid(60), computed=50))
    assert max(map(len, text.splitlines())) <= 80
    assert "rows of arrays: 60 points, 1 failed, 10 not computed yet" in text
    assert "held: cells of the chip (2.6 G, within 0.4 %)" in text
    assert "20 points more: points.csv has all" in text
    assert "array.rows 13, adc.bits 3: DoesNotFitError: needs more tiles; and more" in text
    assert "accuracy" not in text


def test_text_of_many_axes_leaves_out_the_least_useful_numbers(tmp_path: Path) -> None:
    axes = ("array.rows", "adc.bits", "cell.bits", "dac.bits", "chip.tiles", "workload")
    points = [
        (f"{n}", {axis: n if axis != "workload" else "vgg8" for axis in axes}) for n in (1, 2)
    ]
    text = str(made(tmp_path, points))
    assert max(map(len, text.splitlines())) <= 80
    assert "workload: vgg8" in text
    assert "energy" in text
    assert "not shown: throughput, power.average (points.csv has all)" in text


def test_text_of_one_point_and_of_none(tmp_path: Path) -> None:
    assert "array.rows" in str(made(tmp_path / "one", grid(1)))
    assert str(made(tmp_path / "none", [])).startswith("rows of arrays: 0 points")


def test_csv_has_every_digit(tmp_path: Path) -> None:
    table = made(tmp_path, grid(14))
    table.to_csv(tmp_path / "out" / "points.csv")
    with (tmp_path / "out" / "points.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        *("array.rows", "adc.bits", "energy", "latency", "throughput", "area", "accuracy"),
        *("accuracy_std", "accuracy_worst", "digital_accuracy", "float_accuracy"),
        *("power.average", "power.peak", "status", "error"),
    ]
    for number in ("energy", "latency", "area", "power.average"):
        assert [float(row[number]) for row in rows[:13]] == table.column(number)[:13]
    assert (rows[13]["energy"], rows[13]["status"]) == ("", "failed")
    assert rows[13]["error"] == "DoesNotFitError: needs more tiles; and more"


def test_the_file_beside_the_store_is_the_table(tmp_path: Path) -> None:
    with Store.open(tmp_path / "study", ABOUT) as store:
        store.add(grid(5))
        run_points(store, answer)
    load_table(tmp_path / "study").to_csv(tmp_path / "again.csv")
    written = (tmp_path / "study" / "points.csv").read_text()
    assert written == (tmp_path / "again.csv").read_text()
    assert written.count("\n") == 6


def test_pandas_and_parquet_hold_the_same(tmp_path: Path) -> None:
    table = made(tmp_path, grid(14))
    frame = table.to_pandas()
    assert list(frame.columns) == list(table.columns)
    assert frame["latency"].to_list()[:13] == table.column("latency")[:13]
    assert frame["accuracy"].isna().all()
    assert frame.attrs["held"] == table.held
    table.to_parquet(tmp_path / "points.parquet")
    read = pandas.read_parquet(tmp_path / "points.parquet")
    pandas.testing.assert_frame_equal(read, frame, check_dtype=False)


def test_an_axis_of_words_and_numbers_can_be_written(tmp_path: Path) -> None:
    values: list[Any] = ["auto", 168, None, [1, 2], 1e-4]
    points = [(f"{n}", {"chip.tiles": value}) for n, value in enumerate(values)]
    table = made(tmp_path, points)
    table.to_parquet(tmp_path / "points.parquet")
    read = pandas.read_parquet(tmp_path / "points.parquet")["chip.tiles"]
    assert [None if pandas.isna(each) else each for each in read] == [
        *("auto", "168", None, "[1, 2]", "0.0001")
    ]
    assert table.column("chip.tiles") == values
    assert table.to_pandas()["chip.tiles"].to_list() == values


def test_a_report_is_read_whole(tmp_path: Path) -> None:
    report = xb.estimate("isaac_8bit", "lenet5")
    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(2))
        run_points(store, lambda values: report.to_dict())
        store.add(grid(3))
    table = load_table(tmp_path)
    assert table.report(1) == report
    assert table.report(2) is None
    assert table.column("energy") == [report.energy, report.energy, None]
    with pytest.raises(InputError, match="row 3: the table has rows 0 to 2"):
        table.report(3)


def test_reading_leaves_a_folder_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, grid(4))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(load_table(tmp_path)) == 4
    monkeypatch.setattr(os, "access", lambda *_: False)  # as on a disk that cannot be written
    assert len(load_table(tmp_path)) == 4
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_without_a_study_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"no study is there .{FILE} is missing"):
        load_table(tmp_path)
    (tmp_path / FILE).touch()
    with pytest.raises(InputError, match="it is empty"):
        load_table(tmp_path)
