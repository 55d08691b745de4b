"""What a wrong hardware file is told, and the keys that such lines list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.arch import load_arch, strict_yaml
from crossbar.errors import ConfigError

KEYS = (
    "name, description, source, node, clock, replication, attention, cell, array, dac, adc, pe, "
    "tile, chip, precision, faults, energy"
)

ADC = (
    "kind, model, policy, bits, rate, calibrate, calibration_share, offset, gain_error, inl, dnl, "
    "noise, enob"
)
CELL = (
    "kind, bits, g_on, g_off, tmr, tmr_half_voltage, read_voltage, read_pulse, narrow_slice, "
    "write_voltage, write_pulse, write_pulses, endurance, pedestal, variation, drift, read_noise, "
    "nonlinearity, table"
)
VARIATION = (
    "a number (sigma), none, table, wan_2022_1s, wan_2022_1d, wan_2022_2d, wan_2022_crosssim, "
    "milo_2021, joshi_2020, pcm_aihwkit"
)


def told(tmp_path: Path, data: dict[str, Any]) -> list[str]:
    """Load a file that holds `data` and return its problems without the file's name."""
    path = tmp_path / "x.yaml"
    path.write_text(strict_yaml.dump(data), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_arch(path)
    assert all(line.startswith("x.yaml: ") for line in error.value.problems)
    return [line.removeprefix("x.yaml: ") for line in error.value.problems]


def changed(path: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"extends": "isaac_8bit"}
    *above, key = path.split(".")
    if len(above) == 2:
        data["cell"] = {"kind": "reram"}
    inner = data
    for section in above:
        inner = inner.setdefault(section, {})
    inner[key] = value
    return data
