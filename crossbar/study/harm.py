"""Harm to cells in words of a command or a study: rates, clusters, lines, a map; and the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crossbar import units
from crossbar.arch import Arch
from crossbar.arch.cell_effects import NoDrift
from crossbar.arch.fields import Marker, Plain
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.device.faults import Faults

__all__ = ["FAULT_WORDS", "check_drift_time", "fault_words", "make_faults"]

_RATE = Plain(0.0, 1.0)

FAULT_WORDS: Mapping[str, Marker] = {
    "on": _RATE,
    "off": _RATE,
    "size": Plain(1.0, 4096.0, "cell"),
    "row_on": _RATE,
    "row_off": _RATE,
    "col_on": _RATE,
    "col_off": _RATE,
}
"""Numbers that say which cells break: shares of cells stuck at the top level and at level 0, mean
size of their clusters, shares of whole rows and columns."""

_LINES = ("row_on", "row_off", "col_on", "col_off")


def make_faults(words: Mapping[str, Any]) -> Faults | None:
    """Make faults of their words; None where there are none.

    Parameters
    ----------
    words : mapping
        Of `FAULT_WORDS`, checked; ``map``: a file, which excludes the others.

    Raises
    ------
    InputError, DataError
        Rates that sum to more than 1, a map that cannot be read or with rates beside it.
    """
    from crossbar.device.faults import ClusteredFaults, FaultMap, LineFaults, StuckAt

    if "map" in words:
        others = [word for word in words if word != "map"]
        if others:
            raise InputError(f"map: a map names every broken cell; take {others[0]} out")
        return FaultMap.load(words["map"])
    parts: list[StuckAt | ClusteredFaults | LineFaults] = []
    rates = {key: float(words[key]) for key in ("on", "off") if key in words}
    if rates:
        size = float(words.get("size", 1.0))
        parts.append(StuckAt(**rates) if size == 1.0 else ClusteredFaults(**rates, size=size))
    lines = {key: float(words[key]) for key in _LINES if key in words}
    if lines:
        parts.append(LineFaults(**lines))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else tuple(parts)


def fault_words(words: Mapping[str, Any]) -> list[str]:
    """Write them for a title: ``["0.1 stuck on", "clusters of 4"]``."""
    said = []
    for key, value in words.items():
        if key == "map":
            said.append(f"faults of {value}")
        elif key == "size":
            said.append(f"clusters of {value:g} cells")
        elif value:
            what, _, how = key.rpartition("_")
            lines = {"row": " of rows", "col": " of columns"}.get(what, "")
            said.append(f"{value:g}{lines} stuck {how}")
    return said


def check_drift_time(arch: Arch, t_inference: float | None) -> None:
    """Refuse a time before the drift of the cells begins.

    Parameters
    ----------
    arch : Arch
    t_inference : float or None
        Time between programming and the run [s].

    Raises
    ------
    InputError
        Naming ``t_inference`` and ``t0``.
    """
    drift = arch.cell.drift
    if isinstance(drift, NoDrift) or t_inference is None or t_inference >= drift.t0:
        return
    raise InputError(
        f"t_inference {units.text(t_inference, 's')} is before t0 of cell.drift,"
        f" {units.text(drift.t0, 's')}, at which the cells are as programmed (allowed: t0 or later)"
    )
