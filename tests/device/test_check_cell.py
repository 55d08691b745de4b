"""Is everything that makes a model of a cell meaningless named, all at once?"""

from __future__ import annotations

import pytest

from crossbar.arch import load_arch
from crossbar.arch.cell_effects import LevelVariation, TableVariation
from crossbar.arch.cell_table import read_table
from crossbar.device.check import check_cell
from crossbar.errors import InputError
from tests.device.chips import chip, magnetic


def problems(arch):
    with pytest.raises(InputError) as caught:
        check_cell(arch)
    return str(caught.value).splitlines()


def changed(arch, **keys):
    return arch.model_copy(update={"cell": arch.cell.model_copy(update=keys)})


def test_good_cells_pass(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("target [uS],mean [uS],sigma [uS]\n2,2,0.5\n38,37,1\n")
    for arch in (
        load_arch("isaac_8bit"),
        chip(),
        chip(variation="wan_2022_1s"),
        chip("0 S", "40 uS", variation="wan_2022_2d"),
        chip("50 uS", "225 uS", variation="milo_2021", nonlinearity="milo_2021"),
        chip("0.25 uS", "25 uS", variation="pcm_aihwkit", drift="pcm"),
        chip(variation={"kind": "levels", "sigmas": [0.1] * 16}),
        chip(variation="table", table=str(path)),
        magnetic(tmr_half_voltage="0.4 V", variation=0.05),
    ):
        check_cell(arch)


def test_everything_is_named_at_once():
    arch = chip(
        "2 uS", "230 uS", variation="milo_2021", drift="pcm", nonlinearity="milo_2021",
        read_voltage="0.6 V",
    )  # fmt: skip
    assert problems(arch) == [
        "isaac_8bit: cell.variation: milo_2021: cell.g_off 2 uS (allowed: 50 uS to 225 uS)",
        "isaac_8bit: cell.variation: milo_2021: cell.g_on 230 uS (allowed: 50 uS to 225 uS)",
        "isaac_8bit: cell.drift: pcm: cell.g_on 230 uS (allowed: 0 S to 25 uS)",
        "isaac_8bit: cell.nonlinearity: milo_2021: cell.g_off 2 uS (allowed: 50 uS to 225 uS)",
        "isaac_8bit: cell.nonlinearity: milo_2021: cell.g_on 230 uS (allowed: 50 uS to 225 uS)",
        "isaac_8bit: cell.nonlinearity: milo_2021: cell.read_voltage 600 mV (allowed: up to"
        " 500 mV)",
    ]


def test_a_table_must_cover_the_levels(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("target [uS],mean [uS],sigma [uS]\n5,5,0.5\n30,30,1\n")
    assert problems(chip(variation="table", table=str(path))) == [
        "isaac_8bit: cell.table: mine.csv: cell.g_off 2 uS (allowed: 5 uS to 30 uS)",
        "isaac_8bit: cell.table: mine.csv: cell.g_on 38 uS (allowed: 5 uS to 30 uS)",
    ]
    beside = changed(chip(), table=read_table(path))  # a sweep may put another variation there
    check_cell(beside)
    missing = changed(chip(), variation=TableVariation())
    assert problems(missing)[0].startswith("isaac_8bit: cell.table: missing")


def test_what_the_schema_may_have_let_through_is_named():
    few = changed(chip(), variation=LevelVariation(sigmas=(0.1, 0.1)))
    assert problems(few) == [
        "isaac_8bit: cell.variation.sigmas: 2 values (allowed: 16, one a level)"
    ]
    assert problems(changed(chip(), g_off=1e-3)) == [
        "isaac_8bit: cell.g_off: 1 mS (allowed: less than cell.g_on, 38 uS)"
    ]
    assert "cell.bits: 2 (allowed: 1" in problems(changed(magnetic(), bits=2))[0]
