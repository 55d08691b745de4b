"""Does `crossbar arch plot` draw what cells hold, beside what was measured?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import crossbar as xb
from crossbar.report.cell_figure import cell_picture

Run = Callable[..., object]

MEASURED = "target [uS],measured [uS]\n" + "".join(
    f"{t},{t * 0.9 + d}\n" for t in (1, 20, 40) for d in (0.0, 0.5, 1.0)
)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_figure_is_written_and_levels_are_told(crossbar: Run, ending: str) -> None:
    outcome = crossbar("arch", "plot", "reram_hfo2", "--out", f"cells.{ending}")
    assert outcome.code == 0, outcome.err
    assert Path(f"cells.{ending}").stat().st_size > 5_000
    assert outcome.out.startswith("4 levels, target: mean +- standard deviation of 20,000 cells")
    assert outcome.out.splitlines()[-1] == f"cells.{ending}"


def test_own_points_are_in_the_figure(crossbar: Run) -> None:
    Path("mine.csv").write_text(MEASURED)
    words = ("--set", "cell.variation=table", "--set", "cell.table=mine.csv")
    assert crossbar("arch", "plot", "reram_hfo2", *words, "--out", "mine.svg").code == 0
    drawn = Path("mine.svg").read_text()
    assert "measured (mine.csv)" in drawn
    assert "target conductance [uS]" in drawn
    assert "conductance after programming [uS]" in drawn


def test_means_and_spreads_of_the_caption_are_those_of_the_model() -> None:
    change = {"cell.variation": {"kind": "constant", "sigma": 0.01}, "cell.g_off": "10 uS"}
    arch = xb.load_arch("reram_hfo2", change)
    caption = cell_picture(arch, seed=3).caption
    # 1 % of 30 uS is 0.3 uS; 20,000 cells give it within 0.5 % (one standard error)
    assert caption.count("+- 30") + caption.count("+- 29") == 4
    assert caption == cell_picture(arch, seed=3).caption
    ideal = cell_picture(xb.load_arch("isaac_8bit")).caption
    assert ideal.count("+- 0 S") == 4


def test_a_slip_is_one_line(crossbar: Run) -> None:
    for words, said in (
        (["--out", "cells.gif"], "ends in .png, .svg or .pdf"),
        (["--set", "cell.g_on=90 uS"], "wan_2022_1d"),
    ):
        outcome = crossbar("arch", "plot", "reram_hfo2", *words)
        assert outcome.code == 2
        assert said in outcome.err
        assert len(outcome.err.strip().splitlines()) == 1
