"""The hardware of each point of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossbar.arch import Arch, load_arch
from crossbar.study.axis_keys import LENGTH_KEYS, RUN_KEYS
from crossbar.study.description import Study
from crossbar.study.held import hold

__all__ = ["NOT_HARDWARE", "chip_of"]

NOT_HARDWARE = ("arch", "workload", *RUN_KEYS, *LENGTH_KEYS)
"""Axis keys that are no keys of a hardware description."""


def chip_of(study: Study, base: Arch, values: Mapping[str, Any]) -> Arch:
    """Make the chip of a point: its keys changed, then sized as the study holds it.

    Parameters
    ----------
    study : Study
    base : Arch
        The study's own hardware.
    values : mapping
        Of the point's axes.

    Raises
    ------
    ConfigError
        The values are impossible together.
    """
    start = load_arch(values["arch"]) if "arch" in values else base
    changes = {key: value for key, value in values.items() if key not in NOT_HARDWARE}
    chip = load_arch(start, changes) if changes else start
    return hold(chip, base, study.iso)  # type: ignore[arg-type]
