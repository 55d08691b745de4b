"""Kinds of faults by their rates: independent cells, clusters, whole rows and columns.

Faults are named by what they do.  ``on``: stuck in the low-resistance state, the physical top
level ``2**cell.bits - 1``.  ``off``: stuck in the high-resistance state, level 0.  The
literature's "SA0" and "SA1" mean either, so these names are not used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from crossbar.errors import InputError, UnknownNameError

__all__ = ["ClusteredFaults", "LineFaults", "StuckAt"]

_LARGEST_CLUSTER = 4096
_CHEN_RARE, _CHEN_COMMON = 0.0175, 0.0904


@dataclass(frozen=True, slots=True)
class StuckAt:
    """Independent stuck-at faults of physical cells.

    Parameters
    ----------
    on : float
        Share of cells stuck at the top level (low resistance).
    off : float
        Share of cells stuck at level 0 (high resistance).

    Notes
    -----
    Measured on a 4-Mb HfO2 chip: 1.75 % and 9.04 % (Chen et al., IEEE Trans. Computers 64(1),
    2015); papers disagree on which of the two is which, see `chen_2015` and docs/glossary.md.

    Raises
    ------
    InputError
        A rate outside 0..1, or rates that sum to more than 1.
    """

    on: float = 0.0
    off: float = 0.0

    def __post_init__(self) -> None:
        _check_rates("StuckAt", {"on": self.on, "off": self.off})

    @classmethod
    def chen_2015(cls, mostly: str) -> StuckAt:
        """Rates measured on a 4-Mb HfO2 chip: 9.04 % of one kind, 1.75 % of the other.

        C.-Y. Chen et al., IEEE Trans. Computers 64(1), 2015, doi:10.1109/TC.2014.12, as commonly
        quoted.  Whoever quotes them calls the kinds "SA0" and "SA1" and means either.

        Parameters
        ----------
        mostly : str
            ``"on"``: 9.04 % stuck on (low resistance), 1.75 % stuck off, as Yuan et al., ISQED
            2021.  ``"off"``: 9.04 % stuck off (high resistance), 1.75 % stuck on, as L. Chen et
            al., DATE 2017, and PytorX.

        Raises
        ------
        UnknownNameError
            Another word.
        """
        if mostly not in ("on", "off"):
            raise UnknownNameError("kind of fault", str(mostly), ("on", "off"))
        if mostly == "on":
            return cls(on=_CHEN_COMMON, off=_CHEN_RARE)
        return cls(on=_CHEN_RARE, off=_CHEN_COMMON)


@dataclass(frozen=True, slots=True)
class ClusteredFaults:
    """Stuck-at faults that come in clusters of neighbouring cells.

    The same mean rates as `StuckAt`, exactly and for every cell, those at the edge of an array
    included.  A cluster is of one kind.  `crossbar.device.clusters` has the model.

    Parameters
    ----------
    on, off : float
        Share of cells stuck at the top level, at level 0.
    size : float
        Mean number of cells of a cluster, spread evenly over ``1 .. 2 size - 1``; 1 gives
        independent cells.  Clusters that touch look like larger ones.

    Raises
    ------
    InputError
        A rate outside 0..1, rates that sum to more than 1, a size outside 1..4096.
    """

    on: float = 0.0
    off: float = 0.0
    size: float = 4.0

    def __post_init__(self) -> None:
        _check_rates("ClusteredFaults", {"on": self.on, "off": self.off})
        if not 1.0 <= self.size <= _LARGEST_CLUSTER:
            raise InputError(
                f"ClusteredFaults: size = {self.size} is out of range (allowed: 1 to"
                f" {_LARGEST_CLUSTER} cells)"
            )


@dataclass(frozen=True, slots=True)
class LineFaults:
    """Faults of whole rows and columns of an array.

    Parameters
    ----------
    row_on, row_off : float
        Share of rows (wordlines) of which all cells of the array conduct, or none does.
    col_on, col_off : float
        The same of columns (bitlines).

    Notes
    -----
    Where a row that is stuck on meets a column that is stuck off, or the other way round, the cell
    is stuck off: an open line lets nothing through, whatever crosses it.

    Raises
    ------
    InputError
        A rate outside 0..1, or the rates of rows, or of columns, sum to more than 1.
    """

    row_on: float = 0.0
    row_off: float = 0.0
    col_on: float = 0.0
    col_off: float = 0.0

    def __post_init__(self) -> None:
        _check_rates("LineFaults", {"row_on": self.row_on, "row_off": self.row_off})
        _check_rates("LineFaults", {"col_on": self.col_on, "col_off": self.col_off})


def _check_rates(name: str, rates: Mapping[str, float]) -> None:
    """Refuse rates outside 0..1, and rates of one thing that sum to more than 1."""
    for key, rate in rates.items():
        if not (math.isfinite(rate) and 0.0 <= rate <= 1.0):
            raise InputError(f"{name}: {key} = {rate} is not a rate in 0..1")
    if sum(rates.values()) > 1.0:
        raise InputError(f"{name}: {' + '.join(rates)} = {sum(rates.values())} is more than 1")
