"""Is the page of a report whole, safe to open and fit to be read?"""

from __future__ import annotations

import base64
import html
import html.parser
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from crossbar import build_plan, load_arch
from crossbar.errors import InputError
from crossbar.report import Report, build_report, html_page, save_page
from tests.report.reports import SCORES, made
from tests.report.schedules import NASTY, many, scheduled

ROOT = Path(__file__).parents[2]
RESNET = scheduled(made("resnet20", **SCORES, scenario={"model": "</pre><script>x()</script>"}))
ODD = many(len(NASTY) + 1, NASTY)


class Reader(html.parser.HTMLParser):
    """What a browser makes of a page: its elements, its text, whether they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
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


def images(page: str) -> list[bytes]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    return [base64.b64decode(data) for data in found]


@pytest.mark.parametrize("report", [RESNET, ODD])
def test_it_is_one_file_that_loads_and_runs_nothing(report: Report) -> None:
    page = html_page(report)
    read = Reader(page)
    assert read.open == []
    tags = {tag for tag, _ in read.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form", "a"}
    assert all(each["src"].startswith("data:image/svg+xml;base64,") for each in read.all("img"))
    attributes = {name for _, attrs in read.tags for name in attrs}
    assert not {name for name in attributes if name.startswith("on")}
    assert "href" not in attributes
    (policy,) = [m["content"] for m in read.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'; img-src data:")
    assert "@import" not in page
    assert "url(" not in page
    for svg in images(page):
        root = ElementTree.fromstring(svg)  # well formed, whatever the names are
        links = [v for e in root.iter() for k, v in e.attrib.items() if k.endswith("href")]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
        assert not [e for e in root.iter() if e.tag.endswith("script")]


def test_names_stay_names() -> None:
    page = html_page(ODD)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    text = " ".join(Reader(page).text)
    for name in NASTY[:5]:
        assert name in text
    assert NASTY[6] in text  # whole in tables, however long
    assert "half \ufffd of a pair\ufffd\ufffd" in text
    assert "</pre><script>" not in html_page(RESNET)
    page.encode("utf-8")


def test_names_are_no_formulas_in_figures() -> None:
    words = set()
    for svg in images(html_page(ODD)):
        words |= {(e.text or "") for e in ElementTree.fromstring(svg).iter() if "text" in e.tag}
    for name in ("<script>alert(1)</script>", "$x_1^2$ and $\\frac{", "_hidden", NASTY[4]):
        assert name in words
    assert any(word.startswith("...aaa") and word.endswith(".tail") for word in words)


def test_the_same_report_gives_the_same_bytes(tmp_path: Path) -> None:
    save_page(RESNET, tmp_path / "a.html")
    RESNET.save(tmp_path / "report.json")
    code = (
        "import sys\nfrom crossbar.report import Report, save_page\n"
        "save_page(Report.load(sys.argv[1]), sys.argv[2])\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    words = [tmp_path / "report.json", tmp_path / "b.html"]
    settings = tmp_path / "matplotlibrc"  # a user's own settings change nothing
    settings.write_text("font.size: 31\ntext.usetex: true\nsvg.fonttype: path\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, words)],
        cwd=ROOT,
        env=os.environ | {"MATPLOTLIBRC": str(settings)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert b"dc:date" not in b"".join(images((tmp_path / "a.html").read_text()))


def test_a_page_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(InputError, match=r"file.page\.html: cannot be written"):
        save_page(RESNET, tmp_path / "file" / "page.html")
    (tmp_path / "page.html").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        save_page(RESNET, tmp_path / "page.html")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "page.html"]
    assert not any((tmp_path / "page.html").iterdir())


def test_a_drawing_that_fails_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.html"
    page.write_text("older")

    def broken(report: Report) -> tuple[()]:
        raise ValueError("no ink")

    monkeypatch.setattr("crossbar.report.figures.pictures", broken)
    with pytest.raises(ValueError, match="no ink"):
        save_page(RESNET, page)
    assert page.read_text() == "older"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_the_answers_stand_first() -> None:
    text = " ".join(" ".join(Reader(html_page(RESNET)).text).split())
    head = text[: text.index("Figures")]
    for words in (
        "resnet20 on isaac_8bit",
        "500 samples, seed 0",
        "91.40 % 92.00 % float, 91.60 % 8-bit digital",
        "energy of one inference",
        "power, average",
        "power, peak",
        "power, nameplate",
        "What would make this faster?",
        "conv1 sets that pace",
        "With infinite buffers, buses and vector lanes and an ADC for every array",
        "Heaviest layers: most work for a copy in a stream (5 of 20)",
        "blocked by linear",
    ):
        assert words in head
    assert head.index("accuracy on the crossbars") < head.index("What would make this faster?")


def test_tables_hold_every_layer_component_and_action() -> None:
    report = scheduled(made("minilm6", {"chip.tiles": "auto"}))
    page = html_page(report)
    text = Reader(page).text
    assert {row["name"] for row in report.layers} <= set(text)
    assert set(report.counts) <= set(text)
    assert {"ADCs", "off-chip port", "starved", "drained"} <= set(text)
    assert set(report.notes) <= set(text)
    assert "softmax" in text
    _, _, listed = page.partition("<pre>")
    assert json.loads(html.unescape(listed.partition("</pre>")[0])) == report.scenario


def test_hundreds_of_resources_are_cut_and_it_is_said() -> None:
    few = Reader(html_page(many(3))).text
    assert any("Shared resources, busiest first" in each for each in few)
    several = many(140)
    assert len(several.resources) == 140
    text = Reader(html_page(several)).text
    assert any("Shared resources, the 120 busiest of 140; the file has all" in t for t in text)


def test_what_was_not_measured_is_a_dash() -> None:
    arch = load_arch("isaac_8bit", {"energy.array": "table"})
    report = build_report(build_plan("lenet5", arch), None)
    bare = replace(
        report,
        power={**report.power, "peak": None, "window": None, "nameplate": None, "leakage": None},
        programming={"energy": None, "latency": None},
        resources=(),
        critical_path=(),
        notes=(),
    )
    page = html_page(bare)
    assert "not measured" in page
    assert "None" not in page
    assert len(images(page)) == 4


def test_loading_the_package_costs_no_matplotlib() -> None:
    code = "import sys\nimport crossbar.report\nprint('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False"]
