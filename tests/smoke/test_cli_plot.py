"""Can figures and a page be drawn from a study's folder or a report alone?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crossbar.study.store import Store
from tests.study.grids import HELD, vgg8

Run = Callable[..., object]


@pytest.fixture
def study(folder: Path) -> Path:
    """A study of nine points, one of which has failed."""
    grid = vgg8()
    with Store.open("study", {"name": "sizes"}) as store:
        store.add([(str(n), {a: row[a] for a in grid.axes}) for n, row in enumerate(grid.rows)])
        store.describe(name="sizes", held=HELD)
        for key, _ in store.claim(100):
            report = grid.reports[int(key)].to_dict()
            if key == "4":
                store.fail(key, "DoesNotFitError: no room", 0.1)
            else:
                store.finish(key, report, 0.1)
    return Path("study")


def test_a_study_is_drawn_beside_its_store(crossbar: Run, study: Path) -> None:
    outcome = crossbar("report", "plot", "study")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == "study/line.png"
    assert "Not drawn, of 9 points: 1 failed." in outcome.out
    assert Path("study/line.png").read_bytes().startswith(b"\x89PNG")
    again = crossbar("report", "plot", "study/study.sqlite", "--out", "again.png")
    assert again.code == 0
    assert Path("again.png").read_bytes() == Path("study/line.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("--kind", "heat", "--y", "latency", "--out", "f.pdf"), b"%PDF"),
        (("--kind", "pareto", "--x", "latency", "--y", "energy", "--out", "f.SVG"), b"<?xml"),
        (("--kind", "breakdown", "--out", "new/f.png"), b"\x89PNG"),
        (("--x", "adc.bits", "--by", "arch.array.rows", "--out", "f.svg"), b"<?xml"),
    ],
)
def test_every_kind_and_format(
    crossbar: Run, study: Path, words: tuple[str, ...], start: bytes
) -> None:
    outcome = crossbar("report", "plot", "study", *words)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == words[-1]
    image = Path(words[-1]).read_bytes()
    assert image.startswith(start)
    if start == b"<?xml":
        assert HELD in image.decode()


def test_a_page_of_a_study(crossbar: Run, study: Path) -> None:
    outcome = crossbar("report", "page", "study")
    assert (outcome.code, outcome.out, outcome.err) == (0, "study/study.html\n", "")
    assert HELD.removeprefix("held: ") in Path("study/study.html").read_text()
    outcome = crossbar("report", "page", "study", "--out", "study/study.sqlite")
    assert outcome.code == 2
    assert "is a store's name" in outcome.err


def test_a_report_shows_where_its_energy_goes(crossbar: Run) -> None:
    assert crossbar("estimate", "isaac_8bit", "lenet5", "--out", "one").code == 0
    for words, file in (
        (("one",), "one/report_breakdown.png"),
        (("one/report.json", "--by", "layer"), "one/report_breakdown_layer.png"),
        (("one/report.json", "--kind", "breakdown", "--out", "e.svg"), "e.svg"),
    ):
        outcome = crossbar("report", "plot", *words)
        assert (outcome.code, outcome.err) == (0, ""), words
        assert outcome.out.splitlines()[-1] == file
        assert Path(file).stat().st_size > 5000
    assert crossbar("report", "page", "one").out == "one/report.html\n"


def test_wrong_words_are_one_line_and_write_nothing(crossbar: Run, study: Path) -> None:
    assert crossbar("estimate", "isaac_8bit", "lenet5", "--out", "one").code == 0
    Path("bare").mkdir()
    for words, message in (
        (("study", "--y", "accurac"), "unknown number 'accurac' (did you mean 'accuracy'?)"),
        (("study", "--y", "accuracy"), "accuracy: no finished point has it; they have energy"),
        (("study", "--x", "adc.bit"), "unknown axis 'adc.bit' (did you mean 'adc.bits'?)"),
        (("study", "--kind", "lines"), "unknown kind of plot 'lines' (did you mean 'line'?)"),
        (("study", "--out", "f.jpg"), "--out f.jpg: the name of a figure ends in .png, .svg"),
        (("study", "--out", "f.html"), "a page: crossbar report page"),
        (("one", "--kind", "heat"), "--kind heat: a report is one point"),
        (("one", "--y", "latency"), "--y latency: a report has no axes"),
        (("one", "--by", "layers"), "unknown --by of a report 'layers' (did you mean 'layer'?)"),
        (("bare",), "bare: no study is there"),
        (("none.json",), "none.json: cannot be read"),
    ):
        before = sorted(Path.cwd().rglob("*"))
        outcome = crossbar("report", "plot", *words)
        assert (outcome.code, outcome.out) == (2, ""), words
        assert message in outcome.err, words
        assert len(outcome.err.splitlines()) == 1, words
        assert sorted(Path.cwd().rglob("*")) == before
