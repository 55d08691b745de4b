"""What is held equal when the shape of arrays changes, and how to say it.

At a fixed number of tiles a chip of 256 x 256 arrays holds four times as much as one of 128 x 128
and is larger; a figure that does not say so compares two chips of different size.  So every table
and figure of a study carries the words of `held_words`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from crossbar import units
from crossbar.arch import Arch, load_arch
from crossbar.energy import chip_area
from crossbar.errors import InputError, did_you_mean

__all__ = ["HELD", "ChipSize", "Held", "check_held", "chip_size", "hold", "held_words"]

Held = Literal["cells", "area", "arrays"]

HELD: tuple[str, ...] = ("cells", "area", "arrays")
"""What a study can hold equal."""

_SAME = 1e-9
_NEAR = 0.1
_MOST_TILES = 1_000_000


@dataclass(frozen=True)
class ChipSize:
    """How large a chip of a given number of tiles is.

    Parameters
    ----------
    tiles : int
    arrays : int
    cells : int
        All cells of all arrays, used or not.
    area : float
        The whole chip, off-chip port included [m^2].
    """

    tiles: int
    arrays: int
    cells: int
    area: float

    def of(self, what: str) -> float:
        """Return one of the sizes by name."""
        return {"cells": self.cells, "area": self.area, "arrays": self.arrays}[what]


def check_held(what: str | None) -> None:
    """Refuse what is none of `HELD`.

    Raises
    ------
    InputError
        With the nearest word.
    """
    if what is not None and what not in HELD:
        near = did_you_mean(what, HELD) if isinstance(what, str) else ""
        raise InputError(f"iso: {what!r} is not one of {', '.join(HELD)}{near}")


def chip_size(arch: Arch, tiles: int | None = None) -> ChipSize:
    """Return how large a chip is.

    Parameters
    ----------
    arch : Arch
    tiles : int, optional
        By default ``arch.chip.tiles``.

    Raises
    ------
    InputError
        If ``chip.tiles`` is auto and no number is given.
    """
    if tiles is None:
        tiles = _tiles(arch)
    arrays = tiles * arch.tile.pes * arch.pe.arrays
    cells = arrays * arch.array.rows * arch.array.cols
    return ChipSize(tiles, arrays, cells, sum(chip_area(arch, tiles).values()))


def hold(arch: Arch, base: Arch, what: Held | None) -> Arch:
    """Choose ``chip.tiles`` so that a chip is as large as another one.

    Parameters
    ----------
    arch : Arch
        The chip of one point; its own ``chip.tiles`` is not looked at.
    base : Arch
        The chip whose size is kept.
    what : str or None
        ``"cells"``, ``"area"`` (off-chip port included), ``"arrays"``; None leaves `arch` as it is.

    Returns
    -------
    Arch
        With the number of tiles that comes nearest, 1 at least: tiles are whole.

    Raises
    ------
    InputError
        If `base` takes as many tiles as the network needs (``chip.tiles: auto``), or a chip of the
        same size would need more tiles than a chip can have.
    """
    check_held(what)
    if what is None:
        return arch
    wanted = chip_size(base).of(what)
    fixed = chip_size(arch, 0).of(what)  # the off-chip port
    each = chip_size(arch, 1).of(what) - fixed
    tiles = max(1, math.floor((wanted - fixed) / each + 0.5))
    if tiles > _MOST_TILES:
        raise InputError(
            f"iso: {what} of {base.name} take {tiles:,} tiles of {arch.name}; allowed: 1 to"
            f" {_MOST_TILES:,}"
        )
    return arch if tiles == arch.chip.tiles else load_arch(arch, {"chip.tiles": tiles})


def held_words(
    archs: Iterable[Arch],
    what: Held | None = None,
    base: Arch | None = None,
    *,
    one_network: bool = True,
) -> str:
    """Say what the points of a study have in common, for its tables and figures.

    Parameters
    ----------
    archs : iterable of Arch
        The chips of the points as they are run, after `hold`; each kind once is enough.
    what : str, optional
        What `hold` kept.
    base : Arch, optional
        The chip whose size was kept; needed with `what`.
    one_network : bool
        Whether all points run the same network.

    Returns
    -------
    str
        ``"held: cells of the chip (2.64 G, within 0.4 %)"``, ``"held: chip.tiles 168: cells vary
        264 M .. 42.3 G"``, ``"held: nothing but the network (chip.tiles: auto)"``.
    """
    check_held(what)
    kinds = list(dict.fromkeys(archs))
    if what is not None:
        if base is None:
            raise InputError(f"iso: {what} of which chip? (base is missing)")
        return _kept(kinds, what, chip_size(base).of(what))
    nothing = "held: nothing but the network" if one_network else "held: nothing"
    sized = [chip_size(arch) for arch in kinds if arch.chip.tiles != "auto"]
    if not sized:
        return f"{nothing} (chip.tiles: auto)"
    tiles = _span([size.tiles for size in sized], "")
    if len(sized) < len(kinds):
        return f"{nothing} (chip.tiles: auto or {tiles})"
    cells = [size.cells for size in sized]
    area = _varies([size.area for size in sized])
    areas = _span([size.area for size in sized], "m^2")
    if _varies([size.tiles for size in sized]):
        told = f"cells vary {_span(cells, 'cells')}" if _varies(cells) else "cells do not vary"
        return f"{nothing} (chip.tiles {tiles}: {told})"
    if _varies(cells):
        return f"held: chip.tiles {tiles}: cells vary {_span(cells, 'cells')}"
    same = f"held: chip.tiles {tiles} ({_span(cells, 'cells')} cells)"
    return f"{same}: area varies {areas}" if area else f"{same}, area {areas}"


def _tiles(arch: Arch) -> int:
    if isinstance(arch.chip.tiles, int):
        return arch.chip.tiles
    raise InputError(
        f"{arch.name}: chip.tiles is auto, so the chip has no size of its own to hold (give a"
        f" number of tiles: 1 to {_MOST_TILES:,})"
    )


def _kept(kinds: list[Arch], what: str, wanted: float) -> str:
    """Say how well the size was kept; where tiles are few and large it cannot be kept well."""
    off = max((abs(chip_size(arch).of(what) / wanted - 1) for arch in kinds), default=0.0)
    size = _span([wanted], "m^2" if what == "area" else what)
    if off <= _SAME:
        return f"held: {what} of the chip ({size}, exactly)"
    share = units.text(100 * off, "", 2)
    if off <= _NEAR:
        return f"held: {what} of the chip ({size}, within {share} %)"
    return f"held: {what} of the chip ({size}, off by up to {share} %: tiles are whole)"


def _varies(numbers: list[int] | list[float]) -> bool:
    return max(numbers) - min(numbers) > _SAME * max(numbers)


def _span(numbers: list[int] | list[float], unit: str) -> str:
    """Write the smallest and the largest number, or the only one."""
    ends = [min(numbers), max(numbers)] if _varies(numbers) else [numbers[0]]
    return " .. ".join(units.text(end, unit).removesuffix(unit).strip() for end in ends)
