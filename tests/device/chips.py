"""Chips with real cells, for the tests of the device models."""

from __future__ import annotations

from crossbar.arch import Arch, load_arch


def chip(g_off: str = "2 uS", g_on: str = "38 uS", **cell: object) -> Arch:
    """Return isaac_8bit with ReRAM cells of 4 bits; ``cell`` holds further keys of the cell."""
    keys = {"kind": "reram", "bits": 4, "g_on": g_on, "g_off": g_off} | cell
    return load_arch("isaac_8bit", {f"cell.{key}": value for key, value in keys.items()})


def magnetic(**cell: object) -> Arch:
    """Return isaac_8bit with SOT-MRAM cells: 5.61 kohm, TMR 171.2 % (numbers.md 4)."""
    keys = {"kind": "sot_mram", "bits": 1, "g_on": "178 uS", "g_off": None, "tmr": 1.712} | cell
    return load_arch("isaac_8bit", {f"cell.{key}": value for key, value in keys.items()})
