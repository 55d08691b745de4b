"""Do cells of every kind, their short forms and half-written sections mean what was meant?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import IdealCell, ReramCell, SotMramCell, explain_arch, load_arch
from crossbar.arch.cell_effects import (
    FITS,
    ConstantVariation,
    Drift,
    FitName,
    FitVariation,
    LevelVariation,
    LinearCurrent,
    LognormalVariation,
    MiloCurrent,
    NoDrift,
    Nonlinearity,
    NoVariation,
    PcmDrift,
    PowerLawDrift,
    ProportionalVariation,
    ReadNoise,
    SinhCurrent,
    Variation,
)
from crossbar.arch.keys import key_table
from crossbar.arch.tree import sections, split_path
from crossbar.errors import ConfigError

RERAM = {"cell.kind": "reram"}
MAGNETIC = {"cell.kind": "sot_mram", "cell.bits": 1, "cell.tmr": 1.712}
Write = Callable[[str, str], Path]


def cell(**given: Any) -> Any:
    """Return isaac_8bit's cell as ReRAM with keys changed; ``variation__sigma`` is dotted."""
    changed = {f"cell.{key.replace('__', '.')}": value for key, value in given.items()}
    arch = load_arch("isaac_8bit", RERAM | changed)
    assert load_arch(arch.to_dict()) == arch
    assert load_arch(arch).digest() == arch.digest()
    return arch.cell


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str, name: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return _write


def test_an_ideal_cell_answers_what_real_ones_are_asked():
    ideal = load_arch("isaac_8bit").cell
    assert isinstance(ideal, IdealCell)
    assert ideal.pedestal == "ideal"
    assert (ideal.variation, ideal.drift) == (NoVariation(), NoDrift())
    assert (ideal.read_noise, ideal.nonlinearity, ideal.table) == (
        ReadNoise(),
        LinearCurrent(),
        None,
    )
    assert "pedestal" not in load_arch("isaac_8bit").to_dict()["cell"]


def test_a_reram_cell_without_more_is_without_error():
    real = cell()
    assert isinstance(real, ReramCell)
    assert (real.g_on, real.g_off, real.bits) == (0.458e-6, 30.5333e-9, 2)
    assert real.pedestal == "reference"
    assert real.variation == NoVariation()
    assert real.variation.verify_tolerance is None
    noise = real.read_noise
    assert (noise.sigma, noise.additive, noise.thermal, noise.shot) == (0, 0, False, False)
    assert (noise.temperature, noise.bandwidth, noise.rtn_share) == (300, None, 0)


def test_a_magnetic_cell_takes_its_off_state_from_the_magnetoresistance():
    magnetic = load_arch("isaac_8bit", MAGNETIC | {"cell.g_on": "178 uS"}).cell
    assert isinstance(magnetic, SotMramCell)
    assert magnetic.g_off == pytest.approx(178e-6 / 2.712, rel=1e-15)
    half = MAGNETIC | {"cell.g_on": "178 uS", "cell.tmr_half_voltage": "0.2 V"}
    at_half = load_arch("isaac_8bit", half).cell  # read at 0.2 V
    assert at_half.g_off == pytest.approx(178e-6 / (1 + 1.712 / 2), rel=1e-15)
    low = load_arch("isaac_8bit", half | {"cell.read_voltage": "0.1 V"}).cell
    assert low.magnetoresistance == pytest.approx(1.712 * 0.8, rel=1e-15)


def test_fits_are_named_once():
    assert get_args(FitName) == FITS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"variation": 0.05}, ProportionalVariation(sigma=0.05)),
        ({"variation": 0}, ProportionalVariation(sigma=0.0)),
        ({"variation": "0.05"}, ProportionalVariation(sigma=0.05)),
        ({"variation": "none"}, NoVariation()),
        ({"variation": "wan_2022_1s"}, FitVariation(name="wan_2022_1s")),
        ({"variation__sigma": 0.1}, ProportionalVariation(sigma=0.1)),
        (
            {"variation__sigma": 0.1, "variation__verify_tolerance": 0.5},
            ProportionalVariation(sigma=0.1, verify_tolerance=0.5),
        ),
        (
            {"variation__verify_pulses": 5, "variation": 0.1},
            ProportionalVariation(sigma=0.1, verify_pulses=5),
        ),
        (
            {"variation__sigma": 0.1, "variation__kind": "lognormal"},
            LognormalVariation(sigma=0.1),
        ),
        (
            {"variation": {"kind": "constant", "sigma": 0.1}},
            ConstantVariation(sigma=0.1),
        ),
        ({"variation": 0.2, "variation__kind": "constant"}, ConstantVariation(sigma=0.2)),
        (
            {"variation__sigmas": "[0, 0.1, 0.2, 0.1]"},
            LevelVariation(sigmas=(0.0, 0.1, 0.2, 0.1)),
        ),
        ({"variation__name": "joshi_2020"}, FitVariation(name="joshi_2020")),
        ({"variation": {}}, NoVariation()),
        ({"variation": None}, NoVariation()),
    ],
)
def test_variation_in_every_form(given: dict[str, Any], expected: Variation):
    assert cell(**given).variation == expected


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ({"drift": "pcm"}, "drift", PcmDrift(t0="20 s")),
        ({"drift__nu": 0.05}, "drift", PowerLawDrift(nu=0.05)),
        (
            {"drift": {"kind": "power_law", "nu": 0.1, "nu_sigma": 0.01, "t0": "1 min"}},
            "drift",
            PowerLawDrift(nu=0.1, nu_sigma=0.01, t0="60 s"),
        ),
        ({"drift__kind": "pcm", "drift__t0": "50 s"}, "drift", PcmDrift(t0="50 s")),
        ({"read_noise": 0.02}, "read_noise", ReadNoise(sigma=0.02)),
        (
            {"read_noise": 0.02, "read_noise__thermal": True, "read_noise__bandwidth": "1 MHz"},
            "read_noise",
            ReadNoise(sigma=0.02, thermal=True, bandwidth="1 MHz"),
        ),
        (
            {"read_noise": {"rtn_share": 0.1, "rtn_amplitude": 0.3, "rtn_dwell": 4}},
            "read_noise",
            ReadNoise(rtn_share=0.1, rtn_amplitude=0.3, rtn_dwell=4),
        ),
        ({"nonlinearity": "milo_2021"}, "nonlinearity", MiloCurrent()),
        ({"nonlinearity__alpha": 2}, "nonlinearity", SinhCurrent(alpha=2.0)),
        ({"nonlinearity": "none"}, "nonlinearity", LinearCurrent()),
    ],
)
def test_the_other_sections_in_every_form(
    given: dict[str, Any], key: str, expected: Drift | ReadNoise | Nonlinearity
):
    loaded = cell(**given)
    assert getattr(loaded, key) == expected


def test_a_section_that_was_off_is_switched_on_in_a_description_and_in_a_file(write: Write):
    off = load_arch("isaac_8bit", RERAM)
    assert off.to_dict()["cell"]["variation"] == {"kind": "none"}
    assert load_arch(off, {"cell.variation.sigma": 0.1}).cell.variation.kind == "proportional"
    write("extends: isaac_8bit\ncell: {kind: reram, variation: none, drift: none}\n", "base.yaml")
    child = write(
        "extends: base.yaml\ncell: {variation: {sigma: 0.1}, drift: {nu: 0.1}}\n", "x.yaml"
    )
    assert load_arch(child).cell.variation == ProportionalVariation(sigma=0.1)
    assert load_arch(child).cell.drift.kind == "power_law"


def test_a_child_merges_sections_and_replaces_values(write: Write):
    base = "cell: {kind: reram, variation: {sigma: 0.1, verify_tolerance: 0.5}, read_noise: 0.02}"
    write(f"extends: isaac_8bit\n{base}\n", "base.yaml")

    def variation(text: str) -> Variation:
        return load_arch(write(f"extends: base.yaml\ncell: {text}\n", "x.yaml")).cell.variation

    assert variation("{variation: {sigma: 0.2}}") == ProportionalVariation(
        sigma=0.2, verify_tolerance=0.5
    )
    assert variation("{variation: 0.2}") == ProportionalVariation(sigma=0.2)
    assert variation("{variation: {kind: lognormal}}") == LognormalVariation(
        sigma=0.1, verify_tolerance=0.5
    )
    assert variation("{variation: {kind: fit, name: milo_2021}}") == FitVariation(
        name="milo_2021", verify_tolerance=0.5
    )
    assert variation("{variation: {kind: none}}") == NoVariation()
    assert variation("{variation: null}") == NoVariation()
    noise = load_arch(
        tmp := write("extends: base.yaml\n", "y.yaml"), {"cell.read_noise.shot": True}
    )
    assert (noise.cell.read_noise.sigma, noise.cell.read_noise.shot) == (0.02, True)
    assert load_arch(tmp, {"cell.read_noise": 0.01}).cell.read_noise.shot is False


def test_another_kind_of_cell_keeps_what_both_have():
    arch = load_arch("reram_hfo2")
    ideal = load_arch(arch, {"cell.kind": "ideal"}).cell
    assert isinstance(ideal, IdealCell)
    assert (ideal.g_on, ideal.g_off, ideal.write_pulses) == (40e-6, 1e-6, 8.52)
    magnetic = load_arch(arch, MAGNETIC).cell
    assert magnetic.variation == arch.cell.variation
    assert magnetic.g_off == pytest.approx(40e-6 / 2.712, rel=1e-15)
    assert load_arch(arch, {"cell.kind": "reram"}) == arch


def test_a_typing_error_of_a_base_stays_one_whatever_the_kind(write: Write):
    base = write("extends: isaac_8bit\ncell: {kind: ideal, g_onn: 1 uS}\n", "base.yaml")
    with pytest.raises(ConfigError) as error:
        load_arch(base, {"cell.kind": "reram"})
    assert str(error.value) == "base.yaml: cell.g_onn: unknown key (did you mean 'g_on'?)"


def test_the_file_that_is_wrong_is_named(write: Write):
    write("extends: isaac_8bit\ncell: {kind: reram, variation: {sigma: 5}}\n", "base.yaml")
    path = write("extends: base.yaml\ncell: {drift: {kind: pcm, nu: 0.1}}\n", "x.yaml")
    with pytest.raises(ConfigError) as error:
        load_arch(path, {"cell.read_noise.sigma": -1})
    assert error.value.problems == (
        "base.yaml: cell.variation.sigma: 5 is out of range (0 to 2)",
        "x.yaml: cell.drift.nu: a key of cell.drift.kind power_law (it is pcm)",
        "override: cell.read_noise.sigma: -1 is out of range (0 to 2)",
    )


@settings(max_examples=60, deadline=None)
@given(
    sigma=st.floats(0, 2),
    tolerance=st.none() | st.floats(0.001, 100),
    nu=st.floats(0, 1),
    t0=st.floats(1e-9, 1e9),
    alpha=st.floats(0.001, 20),
    share=st.floats(0, 1),
)
def test_any_real_cell_is_the_same_after_saving(
    sigma: float, tolerance: float | None, nu: float, t0: float, alpha: float, share: float
):
    loaded = cell(
        variation={"kind": "lognormal", "sigma": sigma, "verify_tolerance": tolerance},
        drift={"nu": nu, "t0": f"{t0!r} s"},
        nonlinearity__alpha=alpha,
        read_noise__rtn_share=share,
    )
    assert (loaded.variation.sigma, loaded.variation.verify_tolerance) == (sigma, tolerance)
    assert (loaded.drift.nu, loaded.drift.t0, loaded.nonlinearity.alpha) == (nu, t0, alpha)
    assert loaded.read_noise.rtn_share == share


def test_the_converter_and_wire_keys_stand_where_they_were_left_out():
    arch = load_arch("isaac_8bit")
    assert (arch.adc.kind, arch.adc.model, arch.adc.calibrate) == ("ideal", "isaac", "slice")
    assert (arch.adc.calibration_share, arch.adc.enob) == (1.0, None)
    assert (arch.adc.offset, arch.adc.gain_error, arch.adc.inl, arch.adc.dnl) == (0, 0, 0, 0)
    assert (arch.dac.inl, arch.dac.noise, arch.adc.noise) == (0, 0, 0)
    assert (arch.array.wire_resistance_row, arch.array.wire_resistance_col) == (0, 0)
    assert (arch.array.driver_resistance, arch.array.sense_resistance) == (0, 0)
    assert (arch.array.drive, arch.array.row_isolation, arch.array.row_density) == (
        "left",
        False,
        0.25,
    )


@pytest.mark.parametrize(
    "given",
    [
        {"adc.kind": "sar", "adc.policy": "lossless", "adc.bits": None, "adc.dnl": 0.3},
        {"adc.kind": "pipeline", "adc.enob": 7.5, "adc.model": "accelergy"},
        {"adc.policy": "calibrated", "adc.calibrate": "column", "adc.calibration_share": 0.999},
        {"dac.signed": "sign_magnitude", "dac.bits": 4, "dac.inl": 0.5, "dac.noise": 0.1},
        {"array.row_isolation": True},
        {"array.wire_resistance_row": "2.5 ohm", "array.drive": "both"},
        RERAM | {"cell.pedestal": "none", "array.cols": 1},
        RERAM | {"array.cols": 2},
        RERAM | {"array.cols": 3, "array.input_sum": "column"},
        RERAM
        | {"array.cols": 2, "array.encoding": "differential", "array.subtract": "analog"}
        | {"array.flip_columns": False},
    ],
)
def test_what_hardware_can_have_is_allowed(given: dict[str, Any]):
    arch = load_arch("isaac_8bit", given)
    assert load_arch(arch.to_dict()) == arch
    assert arch.digest() != load_arch("isaac_8bit").digest()


def test_the_tree_knows_every_level():
    assert {"cell", "cell.variation", "cell.read_noise", "adc"} <= set(sections())
    assert split_path("cell.variation.sigma") == ("cell", "variation", "sigma")
    assert split_path("adc.bits.x") == ("adc", "bits.x")
    assert split_path("cell.") == ("cell.",)
    assert split_path("clock") == ("clock",)
    assert key_table()["cell.variation.sigma"].kinds == ("proportional", "constant", "lognormal")
    assert key_table()["cell.g_off"].kinds == ("ideal", "reram")
    assert key_table()["cell.bits"].kinds == ()
    assert key_table()["cell.kind"].words == ("ideal", "reram", "sot_mram")
    assert key_table()["cell.variation.kind"].default == "none"


def test_a_key_of_some_kinds_says_of_which():
    rows = {row.key: row for row in explain_arch(load_arch("reram_hfo2"))}
    assert rows["cell.variation.name"].value == "wan_2022_1d"
    assert rows["cell.variation.sigma"].value == "-"
    help_ = rows["cell.variation.sigma"].help
    assert help_.startswith("For kind proportional, constant or lognormal: Standard deviation")
    assert rows["cell.tmr"].help.startswith("For kind sot_mram: ")
    assert "`fit`: normal error as measured" in rows["cell.variation.kind"].help
