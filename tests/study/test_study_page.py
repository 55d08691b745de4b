"""Is the page of a study whole, safe to open, and true to its points?"""

from __future__ import annotations

import base64
import hashlib
import html
import html.parser
import re
from pathlib import Path

import pytest

from crossbar.errors import InputError
from crossbar.study.page import save_study_page, study_page
from tests.study.grids import HELD, Grid, failed, point, vgg8


class Reader(html.parser.HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def harmed() -> Grid:
    """A study with failed points and names that are markup."""
    grid = vgg8()
    grid.name = "</title><script>alert(1)</script>"
    grid.held = "held: <img src=x onerror=alert(2)>"
    grid.axes = ("array.rows", "adc.bits")
    for place in (0, 5):
        values = {key: grid.rows[place][key] for key in grid.axes}
        grid.rows[place] = failed(values, "DoesNotFitError: <b onclick=alert(3)>\nno room")
        grid.reports.pop(place)
    return grid


def test_it_loads_nothing_and_runs_its_own_script_only() -> None:
    page = study_page(harmed())
    read = Reader(page)
    assert read.open == []
    tags = [tag for tag, _ in read.tags]
    assert not {"link", "iframe", "object", "embed", "base", "form", "a", "b onclick"} & set(tags)
    assert tags.count("script") == 1
    assert all(each["src"].startswith("data:image/svg+xml;base64,") for each in read.all("img"))
    assert not [name for _, attrs in read.tags for name in attrs if name.startswith("on")]
    (policy,) = [each["content"] for each in read.all("meta") if "http-equiv" in each]
    (script,) = re.findall(r"<script>(.*)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith(f"; script-src 'sha256-{digest}'")


def test_points_stand_in_a_table_with_what_they_are_sorted_by() -> None:
    grid = vgg8()
    read = Reader(study_page(grid))
    cells = [attrs["data-key"] for tag, attrs in read.tags if tag == "td" and "data-key" in attrs]
    heads = len(cells) // len(grid.rows)
    assert len(cells) == heads * len(grid.rows)
    for place, row in enumerate(grid.rows):
        mine = cells[heads * place : heads * (place + 1)]
        expected = [row["array.rows"], row["adc.bits"], row["energy"], row["latency"]]
        assert [float(each) for each in mine[:4]] == expected
        assert mine[-1] == "done"


def test_it_says_what_was_swept_what_is_held_and_what_is_best() -> None:
    grid = vgg8()
    text = " ".join(Reader(study_page(grid)).text)
    assert "9 points: 9 finished" in text
    assert "cells of the chip (2.6 G, within 0.4 %)" in text
    assert HELD.partition(" ")[2] in text
    assert "64, 128, 256" in text
    assert "lowest energy of one inference" in text
    assert "array.rows 256, adc.bits 6" in text
    assert "accuracy" not in text.lower()


def test_failed_points_are_listed_with_their_errors_on_one_line() -> None:
    text = " ".join(Reader(study_page(harmed())).text)
    assert "9 points: 7 finished, 2 failed" in text
    assert "DoesNotFitError: <b onclick=alert(3)> no room" in text
    assert "Not drawn, of 9 points: 2 failed." in text


def test_what_is_the_same_in_all_points_is_said_and_not_drawn() -> None:
    rows = [point({"adc.bits": b}, energy=b * 1e-6, area=5e-5) for b in (6, 7, 8)]
    read = Reader(study_page(Grid("same", ("adc.bits",), rows)))
    assert "Area of the chip is 50 mm2 in every point that has it." in " ".join(read.text)
    assert [each["alt"] for each in read.all("img")] == ["Energy of one inference over adc.bits"]


@pytest.mark.parametrize(
    "grid",
    [
        Grid("empty", ("adc.bits",), []),
        Grid("no axis", (), []),
        Grid("failed", ("adc.bits",), [failed({"adc.bits": 7})]),
        Grid("waiting", ("a",), [{**point({"a": "x"}), "status": "pending"}], ""),
    ],
    ids=lambda grid: grid.name,
)
def test_a_study_without_results_has_a_page_without_figures(grid: Grid) -> None:
    read = Reader(study_page(grid))
    assert read.open == []
    assert read.all("img") == []
    assert grid.name in read.text


def test_a_large_study_shows_its_first_points_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossbar.study.page._ROWS", 40)
    pairs = [(n, seed) for n in range(1, 26) for seed in (1, 2)]
    rows = [point({"array.rows": 8 * n, "seed": seed}, energy=1.0 * n) for n, seed in pairs]
    page = study_page(Grid("large", ("array.rows", "seed"), rows))
    assert "the first 40 of 50; points.csv has all" in page
    assert "8, 16, 24, 32, 40, 48, 56, 64, 72, 80 ... 200 (25 values)" in page
    assert page.count("<tr>") == 41


def test_the_same_study_gives_the_same_page_and_it_is_written_whole(tmp_path: Path) -> None:
    save_study_page(vgg8(), tmp_path / "new" / "study.html")
    assert (tmp_path / "new" / "study.html").read_text(encoding="utf-8") == study_page(vgg8())
    (tmp_path / "taken").write_text("kept")
    with pytest.raises(InputError, match="cannot be written"):
        save_study_page(vgg8(), tmp_path / "taken" / "study.html")
