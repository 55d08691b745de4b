"""How real cells differ from ideal ones: programming error, drift, noise, bent current.

Sections of `cell` that come in kinds; `kind: none` is always the first and the default.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from crossbar.arch.fields import Measured, Plain, Whole
from crossbar.arch.list_fields import Numbers
from crossbar.arch.section import MOST_HERTZ, MOST_KELVIN, Section

__all__ = [
    "FITS",
    "ConstantVariation",
    "Drift",
    "FitName",
    "FitVariation",
    "LevelVariation",
    "LinearCurrent",
    "LognormalVariation",
    "MiloCurrent",
    "NoDrift",
    "NoVariation",
    "Nonlinearity",
    "PcmDrift",
    "PowerLawDrift",
    "ProportionalVariation",
    "ReadNoise",
    "SinhCurrent",
    "TableVariation",
    "Variation",
]

FitName = Literal[
    "wan_2022_1s",
    "wan_2022_1d",
    "wan_2022_2d",
    "wan_2022_crosssim",
    "milo_2021",
    "joshi_2020",
    "pcm_aihwkit",
]
FITS: tuple[str, ...] = get_args(FitName)
"""Names of the measured fits; their constants, sources and ranges stand in `crossbar.device`."""

_DEVIATION = Plain(0.0, 2.0)
_MOST_AGE = 1e10


class NoVariation(Section):
    """Every cell gets its level exactly."""

    kind: Literal["none"] = "none"
    """every cell gets its level exactly"""
    verify_tolerance: ClassVar[float | None] = None
    verify_pulses: ClassVar[int] = 1


class _Sigma(Section):
    kind: str
    sigma: Annotated[float, _DEVIATION]
    """Standard deviation of the programming error, as a share of what the kind says: of the target
    conductance (proportional), of g_on - g_off (constant), or that of ln g (lognormal)."""


class _Sigmas(Section):
    kind: str
    sigmas: Annotated[tuple[float, ...], Numbers(0.0, 2.0)]
    """Standard deviations as shares of g_on - g_off, one a level from level 0 up: 2^bits of
    them."""


class _Fit(Section):
    kind: str
    name: FitName
    """The measurement: wan_2022_1s, _1d, _2d (ReRAM up to 40 uS after 1 s, 1 day, 2 days, Wan et
    al., Nature 2022, as fitted in aihwkit), wan_2022_crosssim (the same chip as fitted in
    CrossSim), milo_2021 (ReRAM, 50 to 225 uS), joshi_2020 and pcm_aihwkit (PCM up to 25 uS). All
    levels must lie in the fit's range."""


class _Verified(Section):
    """Base of the errors: program and verify may narrow each of them."""

    kind: str
    verify_tolerance: Annotated[float | None, Plain(0.001, 100.0)] = None
    """Program and verify: a cell is programmed anew until its read lies within this share of one
    level (g_step) of the target; left out, each cell gets one try. The pulses that this takes
    replace cell.write_pulses in the price of programming."""
    verify_pulses: Annotated[int, Whole(1, 10_000, "pulse")] = 20
    """Most pulses of one cell with verify_tolerance [pulse]; the last one stays, right or wrong."""


class ProportionalVariation(_Verified, _Sigma):
    """Normal error that grows with the conductance."""

    kind: Literal["proportional"] = "proportional"
    """normal error, sigma is a share of the cell's own target conductance"""


class ConstantVariation(_Verified, _Sigma):
    """Normal error of one size."""

    kind: Literal["constant"] = "constant"
    """normal error, sigma is a share of g_on - g_off"""


class LognormalVariation(_Verified, _Sigma):
    """Lognormal error with its median at the target."""

    kind: Literal["lognormal"] = "lognormal"
    """the logarithm is normal, its median at the target, and sigma its standard deviation"""


class LevelVariation(_Verified, _Sigmas):
    """Normal error of its own size for every level."""

    kind: Literal["levels"] = "levels"
    """normal error with a sigma of its own for each level"""


class FitVariation(_Verified, _Fit):
    """An error that was measured and published."""

    kind: Literal["fit"] = "fit"
    """normal error as measured, by name"""


class TableVariation(_Verified):
    """The error of the user's own measurements."""

    kind: Literal["table"] = "table"
    """as measured in the file that cell.table names"""


class NoDrift(Section):
    """Conductances stay as they were programmed."""

    kind: Literal["none"] = "none"
    """conductances stay as they were programmed"""


class PowerLawDrift(Section):
    """Conductances fall with a power of time: g(t) = g (t / t0)^-nu."""

    kind: Literal["power_law"] = "power_law"
    """g(t) = g (t / t0)^-nu, nu drawn once a cell"""
    nu: Annotated[float, Plain(0.0, 1.0)]
    """Mean of the drift exponent nu."""
    nu_sigma: Annotated[float, Plain(0.0, 1.0)] = 0.0
    """Standard deviation of nu from cell to cell."""
    t0: Annotated[float, Measured("s", most=_MOST_AGE)] = 1.0
    """Time after programming at which the conductances are those that were programmed [s]; a run
    says with t_inference when it reads."""


class PcmDrift(Section):
    """Drift of phase-change cells as measured."""

    kind: Literal["pcm"] = "pcm"
    """as measured on phase-change cells, nu depends on g (aihwkit's pcm.py, up to 25 uS)"""
    t0: Annotated[float, Measured("s", most=_MOST_AGE)] = 20.0
    """Time after programming at which the conductances are those that were programmed [s]; a run
    says with t_inference when it reads."""


class ReadNoise(Section):
    """What changes from read to read."""

    sigma: Annotated[float, _DEVIATION] = 0.0
    """Standard deviation of a cell's conductance, drawn anew in every read, as a share of that
    conductance."""
    additive: Annotated[float, _DEVIATION] = 0.0
    """The same as a share of g_on - g_off, equal for every driven cell."""
    thermal: bool = False
    """Johnson-Nyquist noise of every cell, 4 k T B g."""
    shot: bool = False
    """Shot noise of the current through every cell, 2 q B I."""
    temperature: Annotated[float, Measured("K", most=MOST_KELVIN)] = 300.0
    """Temperature of the cells [K], for thermal noise."""
    bandwidth: Annotated[float | None, Measured("Hz", most=MOST_HERTZ)] = None
    """Bandwidth B of a read [Hz]; left out: 1 / (2 cell.read_pulse), that of integrating the
    current over the pulse."""
    rtn_share: Annotated[float, Plain(0.0, 1.0)] = 0.0
    """Share of cells with random telegraph noise: they jump between two conductances."""
    rtn_amplitude: Annotated[float, Plain(0.0, 1.0)] = 0.0
    """How much less such a cell conducts in its low state, as a share of its conductance."""
    rtn_low: Annotated[float, Plain(0.0, 1.0)] = 0.5
    """Probability of the low state. 0.5 as in pytorx."""
    rtn_dwell: Annotated[int, Whole(1, 1_000_000_000, "inference")] = 1
    """For how many inferences a cell keeps its state [inference]."""


class LinearCurrent(Section):
    """Ohm's law."""

    kind: Literal["none"] = "none"
    """Ohm's law"""


class SinhCurrent(Section):
    """Current that grows as a hyperbolic sine of the voltage."""

    kind: Literal["sinh"] = "sinh"
    """I(v) = g v_read sinh(alpha v / v_read) / sinh(alpha)"""
    alpha: Annotated[float, Plain(0.001, 20.0)]
    """How bent the curve is; near 0 it is Ohm's law. At the read voltage itself the current is
    g v_read for any alpha, so that 1-bit DACs see no difference."""


class MiloCurrent(Section):
    """Current-voltage curve of measured ReRAM."""

    kind: Literal["milo_2021"] = "milo_2021"
    """I = g v + a(g) v^2 + b(g) v^3 as measured up to 0.5 V (Milo et al., IRPS 2021, as fitted in
    CrossSim)"""


Variation = (
    NoVariation
    | ProportionalVariation
    | ConstantVariation
    | LognormalVariation
    | LevelVariation
    | FitVariation
    | TableVariation
)
Drift = NoDrift | PowerLawDrift | PcmDrift
Nonlinearity = LinearCurrent | SinhCurrent | MiloCurrent
