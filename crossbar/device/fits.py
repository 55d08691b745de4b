"""Programming errors that were measured: published fits, each with its source and its range.

A fit gives the standard deviation of a cell's conductance around its target.  The fits are in
microsiemens; values here go in and out in siemens.  The two groups that fitted Wan et al. 2022
disagree (2.02 uS and 2.36 uS at 20 uS): the name says whose fit it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar import units
from crossbar.errors import InputError, UnknownNameError

__all__ = ["FITS", "Fit", "find_fit"]

_MICRO = 1e-6
_ROUNDING = 1e-9  # 40 uS written as 0.00004 S is in range, whatever its last bit

_WAN = "W. Wan et al., Nature 608, 2022, doi:10.1038/s41586-022-04992-8"
_AIHWKIT = "as fitted to its figures by IBM aihwkit (inference/noise/reram.py)"


@dataclass(frozen=True)
class Fit:
    """A polynomial for the standard deviation of a programmed conductance.

    Parameters
    ----------
    name : str
    coefficients : tuple of float
        Of ``x = g / unit``, constant first [uS].
    unit : float
        Conductance at which ``x`` is 1 [S].
    low, high : float
        Range of targets that was measured [S].
    source : str
        The paper and whose fit it is.
    """

    name: str
    coefficients: tuple[float, ...]
    unit: float
    low: float
    high: float
    source: str

    def __contains__(self, g: float) -> bool:
        """Whether a target conductance [S] lies in the range."""
        slack = _ROUNDING * self.high
        return self.low - slack <= g <= self.high + slack

    def range_text(self) -> str:
        """Return the range for people: ``"50 uS to 225 uS"``."""
        return f"{units.text(self.low, 'S', 4)} to {units.text(self.high, 'S', 4)}"

    def sigma(self, target: ArrayLike) -> NDArray[np.float64]:
        """Standard deviation of the programmed conductance [S] at target conductances [S].

        Raises
        ------
        InputError
            A target outside the range that was measured.
        """
        g = np.asarray(target, dtype=np.float64)
        for end in (g.min(initial=self.low), g.max(initial=self.low)):
            if float(end) not in self:
                raise InputError(
                    f"{self.name}: {units.text(float(end), 'S', 4)} is out of its range (allowed:"
                    f" {self.range_text()})"
                )
        sigma = np.polynomial.polynomial.polyval(g / self.unit, self.coefficients)
        return np.asarray(np.maximum(sigma, 0.0) * _MICRO, dtype=np.float64)


def _fit(
    name: str, coefficients: tuple[float, ...], unit: float, low: float, high: float, source: str
) -> Fit:
    return Fit(name, coefficients, unit * _MICRO, low * _MICRO, high * _MICRO, source)


FITS = {
    fit.name: fit
    for fit in (
        _fit(
            "wan_2022_1s",
            (0.348, 16.030, -43.853, 45.393, -16.815),
            *(40.0, 0.0, 40.0),
            f"{_WAN}: ReRAM 1 s after programming, {_AIHWKIT}",
        ),
        _fit(
            "wan_2022_1d",
            (0.701, 22.086, -50.773, 47.095, -16.458),
            *(40.0, 0.0, 40.0),
            f"{_WAN}: ReRAM 1 day after programming, {_AIHWKIT}",
        ),
        _fit(
            "wan_2022_2d",
            (0.782, 20.274, -43.507, 37.062, -11.934),
            *(40.0, 0.0, 40.0),
            f"{_WAN}: ReRAM 2 days after programming, {_AIHWKIT}",
        ),
        _fit(
            "wan_2022_crosssim",
            (1.053, 0.2374, -1.167e-2, 1.536e-4),
            *(1.0, 0.0, 39.26),
            f"{_WAN}: ReRAM 1 s after programming (Extended Data Fig. 3), as fitted by Sandia"
            " CrossSim (devices/custom/RRAM_Wan.py)",
        ),
        _fit(
            "milo_2021",
            (4.782321, -0.009107),
            *(1.0, 50.0, 225.0),
            "V. Milo et al., IRPS 2021, ieeexplore 9405119: ReRAM, IGVVA-100 of Fig. 4, as fitted"
            " by Sandia CrossSim (devices/custom/RRAM_Milo.py)",
        ),
        _fit(
            "joshi_2020",
            (0.28638599, 0.07585724, -0.00178767),
            *(1.0, 0.0, 25.0),
            "V. Joshi et al., Nature Communications 11, 2473, 2020: PCM, Fig. 3(b), as fitted by"
            " Sandia CrossSim (devices/custom/PCM_Joshi.py)",
        ),
        _fit(
            "pcm_aihwkit",
            (0.26348, 1.9650, -1.1731),
            *(25.0, 0.0, 25.0),
            "S. R. Nandakumar et al., ICECS 2019: PCM, as IBM aihwkit has it"
            " (inference/noise/pcm.py)",
        ),
    )
}
"""Measured fits by name."""


def find_fit(name: str) -> Fit:
    """Return a fit by its name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in FITS:
        raise UnknownNameError("fit", name, FITS)
    return FITS[name]
