"""Is it told which kind a key belongs to, and what may stand instead of a section?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.arch import load_arch
from tests.config.told import VARIATION, told


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (
            "variation",
            "wan_2022",
            f"'wan_2022' is not {VARIATION} (did you mean 'wan_2022_2d'?), or a section (keys: "
            "kind, sigma, sigmas, name, verify_tolerance, verify_pulses)",
        ),
        (
            "variation",
            True,
            f"true is not {VARIATION}, or a section (keys: kind, sigma, sigmas, name, "
            "verify_tolerance, verify_pulses)",
        ),
        (
            "drift",
            0.1,
            "0.1 is not none, pcm, or a section (keys: kind, nu, nu_sigma, t0)",
        ),
        (
            "read_noise",
            "nune",
            "'nune' is not a number (sigma), or a section (keys: sigma, additive, thermal, shot, "
            "temperature, bandwidth, rtn_share, rtn_amplitude, rtn_low, rtn_dwell)",
        ),
        ("g_off", None, "missing (a conductance, e.g. '0.5 uS')"),
        ("tmr", 1.7, "a key of cell.kind sot_mram (it is reram)"),
    ],
)
def test_a_wrong_section_is_told_what_may_stand_there(
    path: str, value: Any, problem: str, tmp_path: Path
):
    data = {"extends": "isaac_8bit", "cell": {"kind": "reram", path: value}}
    assert told(tmp_path, data) == [f"cell.{path}: {problem}"]


@pytest.mark.parametrize(
    ("variation", "problem"),
    [
        ({"kind": "fit", "sigma": 0.1, "name": "milo_2021"}, "sigma: a key of cell.variation.kind "
         "proportional, constant or lognormal (it is fit)"),
        ({"kind": "none", "sigma": 0.1}, "sigma: a key of cell.variation.kind proportional, "
         "constant or lognormal (it is none)"),
        ("constant", "sigma: missing (0 to 2)"),
        (3, "sigma: 3 is out of range (0 to 2)"),
        ({"verify_tolerance": 0.5}, "sigma: missing (0 to 2)"),
    ],
)  # fmt: skip
def test_a_key_of_another_kind_names_the_kind_that_has_it(
    variation: Any, problem: str, tmp_path: Path
):
    data = {"extends": "isaac_8bit", "cell": {"kind": "reram", "variation": variation}}
    assert told(tmp_path, data) == [f"cell.variation.{problem}"]


def test_a_wrong_kind_does_not_hide_the_other_problems(tmp_path: Path):
    cell = {"kind": "rram", "bits": 9, "variation": {"kind": "proportionl", "sigma": -1}}
    lines = told(tmp_path, {"extends": "isaac_8bit", "cell": cell, "adc": {"bits": 0}})
    assert [line.partition(": ")[0] for line in lines] == [
        "cell.kind",
        "cell.variation.kind",
        "cell.bits",
        "cell.variation.sigma",
        "adc.bits",
    ]


def test_verifying_decides_the_pulses_that_a_preset_gives() -> None:
    assert load_arch("reram_hfo2").cell.write_pulses == 8.52
    verified = load_arch("reram_hfo2", {"cell.variation.verify_tolerance": 0.3})
    assert verified.cell.write_pulses == 1.0
    assert verified.cell.variation.name == "wan_2022_1d"


def test_no_read_noise_is_a_word() -> None:
    quiet = load_arch("reram_hfo2", {"cell.read_noise": "none"}).cell.read_noise
    assert not quiet.thermal
    assert quiet.sigma == 0
