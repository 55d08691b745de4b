"""Programming error: how a cell's conductance spreads around the level that is written to it.

Normal around a mean (lognormal: around a median), by level.  A conductance below 0 S does not
exist: what falls there is 0 S (`clipped_share` says how much).

Program and verify: each pulse programs the cell anew, with an error of its own; a read without
error follows, and the first conductance within the tolerance of the target stays, or that of the
last pulse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar import units
from crossbar.arch.cell import Cell
from crossbar.arch.cell_effects import (
    ConstantVariation,
    FitVariation,
    LevelVariation,
    LognormalVariation,
    NoVariation,
    ProportionalVariation,
    TableVariation,
)
from crossbar.arch.cell_table import CellTable
from crossbar.device.fits import find_fit
from crossbar.errors import InputError

__all__ = [
    "Spread",
    "Verify",
    "clipped_share",
    "level_conductances",
    "make_verify",
    "programming_spread",
]

_ROUNDING = 1e-9  # a table that ends at 40 uS covers a level at 40 uS, whatever its last bit

Levels = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """What one pulse makes of each level.

    Parameters
    ----------
    middle : float64[levels]
        Mean [S]; of a lognormal error the median.
    sigma : float64[levels]
        Standard deviation [S]; of a lognormal error that of ln g.
    is_log : bool
        Whether the error is lognormal.
    """

    middle: Levels
    sigma: Levels
    is_log: bool = False

    def conductance(
        self, z: NDArray[np.float64], codes: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Conductances [S] of standard normal numbers, cell by cell; none is below 0 S."""
        middle, sigma = self.middle[codes], self.sigma[codes]
        if self.is_log:
            return np.asarray(middle * np.exp(sigma * z))
        return np.asarray(np.maximum(middle + sigma * z, 0.0))


@dataclass(frozen=True)
class Verify:
    """Program and verify in closed form, by level.

    Parameters
    ----------
    below : float64[levels]
        Probability that a pulse ends below the window.
    within : float64[levels]
        Probability that it ends within.
    pulses : int
        Most pulses of a cell.
    """

    below: Levels
    within: Levels
    pulses: int

    @property
    def success(self) -> Levels:
        """Share of the cells that end within the window: ``1 - (1 - p)^pulses``."""
        with np.errstate(divide="ignore"):
            return np.asarray(-np.expm1(self.pulses * np.log1p(-self.within)))

    @property
    def mean_pulses(self) -> Levels:
        """Mean number of pulses of a cell: ``(1 - (1 - p)^pulses) / p``, ``pulses`` at p = 0."""
        never = np.full_like(self.within, float(self.pulses))
        np.divide(self.success, self.within, out=never, where=self.within > 0)
        return never

    def place(self, u: NDArray[np.float64], codes: NDArray[np.integer]) -> NDArray[np.float64]:
        """Turn one uniform number a cell into the probability at which its last pulse ended.

        Exact in distribution: a cell that passes has the error of a pulse given that it passed,
        one that never does that of a pulse given that it did not; all pulses of a cell need one
        draw.  With a window that lets everything pass the numbers stay as they are.

        Returns
        -------
        float64, shaped like ``u``
        """
        below, within, success = self.below[codes], self.within[codes], self.success[codes]
        passes = u < success
        with np.errstate(divide="ignore", invalid="ignore"):
            good = below + u / success * within
            bad = (u - success) / (1.0 - success) * (1.0 - within)
        bad = np.where(bad < below, bad, bad + within)
        return np.asarray(np.where(passes, good, bad))


def level_conductances(cell: Cell) -> Levels:
    """Target conductance of each level [S], evenly from g_off to g_on: ``float64[2**bits]``."""
    top = (1 << cell.bits) - 1
    step = (cell.g_on - cell.g_off) / top
    return np.asarray(cell.g_off + step * np.arange(top + 1))


def programming_spread(cell: Cell) -> Spread:
    """How one pulse spreads around each level of a cell.

    Raises
    ------
    InputError
        A level outside the range of a fit or of ``cell.table``, no table, sigmas of another number
        of levels.
    """
    levels = level_conductances(cell)
    swing = cell.g_on - cell.g_off
    match cell.variation:
        case NoVariation():
            return Spread(levels, np.zeros_like(levels))
        case ConstantVariation(sigma=sigma):
            return Spread(levels, np.full_like(levels, sigma * swing))
        case ProportionalVariation(sigma=sigma):
            return Spread(levels, sigma * levels)
        case LognormalVariation(sigma=sigma):
            return Spread(levels, np.full_like(levels, sigma), is_log=True)
        case LevelVariation(sigmas=sigmas):
            if len(sigmas) != len(levels):
                raise InputError(
                    f"cell.variation.sigmas: {len(sigmas)} values (allowed: {len(levels)}, one for"
                    " each level)"
                )
            return Spread(levels, swing * np.array(sigmas))
        case FitVariation(name=name):
            return Spread(levels, find_fit(name).sigma(levels))
        case TableVariation():
            if cell.table is None:
                raise InputError(
                    "cell.table: missing (cell.variation takes the error from a CSV file)"
                )
            return _measured(cell.table, levels)


def _measured(table: CellTable, levels: Levels) -> Spread:
    """Interpolate the means and standard deviations of a table between its targets."""
    targets = np.array(table.targets)
    slack = _ROUNDING * targets[-1]
    if levels[0] < targets[0] - slack or levels[-1] > targets[-1] + slack:
        ends = [units.text(float(end), "S", 4) for end in (*targets[[0, -1]], *levels[[0, -1]])]
        raise InputError(
            f"{table.source}: targets of {ends[0]} to {ends[1]} (needed: all levels, {ends[2]} to"
            f" {ends[3]})"
        )
    return Spread(np.interp(levels, targets, table.means), np.interp(levels, targets, table.sigmas))


def make_verify(cell: Cell, spread: Spread) -> Verify | None:
    """Program and verify of a cell; None where it takes one pulse and no look.

    Parameters
    ----------
    cell : Cell
    spread : Spread
        Of the cell.
    """
    from scipy.special import ndtr

    share, target = cell.variation.verify_tolerance, level_conductances(cell)
    if share is None:
        return None
    tolerance = share * (cell.g_on - cell.g_off) / ((1 << cell.bits) - 1)
    low, high = target - tolerance, target + tolerance
    middle, sigma = spread.middle, spread.sigma
    is_fixed = (sigma == 0) | (spread.is_log & (middle == 0))
    scale = np.where(is_fixed, 1.0, sigma)
    with np.errstate(divide="ignore", over="ignore"):  # far outside is infinitely far
        if spread.is_log:
            base = np.where(is_fixed, 1.0, middle)
            ends = [np.log(np.maximum(end, 0.0) / base) / scale for end in (low, high)]
        else:
            ends = [(end - middle) / scale for end in (low, high)]
    first = np.where(low <= 0, -np.inf, ends[0])  # what falls below 0 S is 0 S, and passes
    below, up_to = ndtr(first), ndtr(ends[1])
    hits = np.abs(middle - target) <= tolerance
    below = np.where(is_fixed, 0.0, below)
    within = np.where(is_fixed, np.where(hits, 1.0, 0.0), up_to - below)
    return Verify(below, within, cell.variation.verify_pulses)


def clipped_share(cell: Cell) -> Levels:
    """Share of the cells of each level that end at 0 S because their error would take them below.

    Closed form: ``Phi(-mean / sigma)`` without verify; with it, of the cells that pass or of those
    that do not, wherever 0 S lies.  The mean and the spread of such a level differ from those that
    its error has: at 1 % by less than 1 % of sigma.

    Returns
    -------
    float64[levels]
    """
    from scipy.special import ndtr

    spread = programming_spread(cell)
    if spread.is_log:
        return np.zeros_like(spread.middle)
    z = np.full_like(spread.middle, -np.inf)
    np.divide(-spread.middle, spread.sigma, out=z, where=spread.sigma > 0)
    share = np.asarray(ndtr(z))
    verify = make_verify(cell, spread)
    if verify is None:
        return share
    success, within = verify.success, verify.within
    passed = np.divide(share * success, within, out=np.zeros_like(share), where=within > 0)
    failed = np.divide(
        share * (1.0 - success), 1.0 - within, out=np.zeros_like(share), where=within < 1
    )
    # below == 0: the window reaches down to 0 S
    return np.asarray(np.where(verify.below == 0.0, passed, failed))
