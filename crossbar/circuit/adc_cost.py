"""What a conversion costs and how large a converter is, by one of five published models.

``adc.model`` chooses: ``isaac`` (the table of the accelerator), ``accelergy`` (a fit to Murmann's
survey of converters), ``zigzag`` (a fit to three in-memory macros), ``puma`` (a simulator's
constants, linear in the bits), ``mnsim`` (a list of single published designs).  They differ by more
than a factor of two in energy and five in area: a result that hangs on the choice is no result.

Only ``accelergy`` scales with the node; the others are taken as they were published, at the node
that each names, and are not scaled to ``node``.  Widths and rates that a model does not know are
errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from crossbar.arch import Arch
from crossbar.circuit.isaac import PE_COLUMNS, per_action
from crossbar.errors import InputError, UnknownNameError

__all__ = ["MODELS", "AdcCost", "adc_cost", "chip_adc_cost", "fitted_bits"]


@dataclass(frozen=True)
class AdcCost:
    """What one converter costs.

    Parameters
    ----------
    energy : float
        Of one conversion [J].
    area : float
        [m^2]
    source : str
        Who published it and what is assumed.
    latency : float or None
        From sample to code [s]; None where the model says nothing of it.
    power : float or None
        At the rate of the model [W]; None where it only has energies.
    terms : tuple of (str, float, str)
        What it is in words, value and SI unit of factors whose product is the energy.
    """

    energy: float
    area: float
    source: str
    latency: float | None = None
    power: float | None = None
    terms: tuple[tuple[str, float, str], ...] = ()


@dataclass(frozen=True)
class _Asked:
    bits: int
    rate: float
    node: float
    rows: int

    def within(self, model: str, allowed: bool, widths: str) -> None:
        """Refuse a width that the model does not know."""
        if not allowed:
            raise InputError(
                f"adc.model: {model} has no converter of {self.bits} bits (allowed: {widths} bits)"
            )

    def no_faster(self, model: str, most: float) -> None:
        """Refuse a rate above the one for which the model holds."""
        if self.rate > most * (1 + 1e-9):
            raise InputError(
                f"adc.rate: {self.rate / 1e9:g} GHz is beyond adc.model {model} at {self.bits} bits"
                f" (allowed: at most {most / 1e9:g} GHz)"
            )


def adc_cost(
    model: str, bits: int, *, rate: float = 1.28e9, node: float = 32e-9, rows: int = 128
) -> AdcCost:
    """Price a converter.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    bits : int
    rate : float
        Conversions a second [Hz].
    node : float
        [m], for ``accelergy``.
    rows : int
        Of the array, for the latency of ``zigzag``.

    Raises
    ------
    UnknownNameError
    InputError
        A width or a rate outside the model's range.
    """
    if model not in MODELS:
        raise UnknownNameError("adc.model", model, MODELS)
    return MODELS[model](_Asked(bits, rate, node, rows))


def chip_adc_cost(arch: Arch, bits: int) -> AdcCost:
    """Price a converter of so many bits on a chip, by its ``adc.model``.

    Raises
    ------
    InputError
        As `adc_cost`, beginning with the name of the chip.
    """
    try:
        return adc_cost(
            arch.adc.model, bits, rate=arch.adc.rate, node=arch.node, rows=arch.array.rows
        )
    except InputError as error:
        raise InputError(f"{arch.name}: {error}") from None


def fitted_bits(bits: int) -> tuple[float, float]:
    """Energy [J] and area [m^2] of a converter with a capacitive DAC, by resolution.

    ``E = 1.667 + 0.1932 (b - 8) + 0.000423 (2^b - 256)`` pJ,
    ``A = 1200 + 81.9 (b - 8) + 2.133 (2^b - 256)`` um2: a part a bit (comparator, logic) and one
    that doubles with each bit (the capacitors).

    Fitted to the scaling of Saberi et al. (2011) as tabulated for ISAAC's converter at 1.2 GS/s,
    32 nm, 4 to 10 bits, in hwcomponents ``isaac.py``; within 1 % of it.  Fewer and more bits are
    extrapolated (assumed).
    """
    steps = 2.0**bits - 256.0
    energy = 1.667 + 0.1932 * (bits - 8) + 0.000423 * steps
    area = 1200.0 + 81.9 * (bits - 8) + 2.133 * steps
    return energy * 1e-12, area * 1e-12


def _isaac(asked: _Asked) -> AdcCost:
    """ISAAC, ISCA 2016, table I (32 nm): 16 mW and 0.0096 mm2 for the 8 ADCs of 8 bits of an IMA.

    8 x 128 conversions in 100 ns, so 1.5625 pJ and 1200 um2; other widths by `fitted_bits`.  Taken
    as independent of the rate.
    """
    energy = per_action(16e-3, PE_COLUMNS) * fitted_bits(asked.bits)[0] / fitted_bits(8)[0]
    area = 0.0096e-6 / 8 * fitted_bits(asked.bits)[1] / fitted_bits(8)[1]
    return AdcCost(
        energy,
        area,
        "ISAAC, ISCA 2016, table I",
        power=energy * 1.28e9,
        terms=(("energy of a conversion", energy, "J"),),
    )


def _accelergy(asked: _Asked) -> AdcCost:
    """Fit to Murmann's survey of converters, the best fifth in energy, the best tenth in area.

    ``E = 0.5 * 10^((SNDR - merit) / 10) * exp(26.0496 + 1.88004 ln t - 2.82913 ln b - 1.47020)`` pJ
    with ``SNDR = 6.0206 b + 1.7609`` dB and ``merit = min(213.7807 - 2.8719 ln f, 128.3068 +
    3.22051 b)`` dB; ``A = exp(1.34619 + 0.99328 ln t + 0.18072 ln f + 0.29912 ln E)`` um2; t in nm,
    f in Hz, E in pJ.

    Accelergy's ADC plug-in, ``adc_data/model.yaml`` and ``model.py`` (Andrulis et al.); 4 bits and
    more, up to 10 GS/s.
    """
    asked.within("accelergy", 4 <= asked.bits <= 16, "4 to 16")
    asked.no_faster("accelergy", 10e9)
    log_node, log_rate = math.log(asked.node * 1e9), math.log(asked.rate)
    sndr = 6.0206 * asked.bits + 1.7609
    merit = min(213.7807 - 2.8719 * log_rate, 128.3068 + 3.22051 * asked.bits)
    ratio = 0.5 * 10 ** ((sndr - merit) / 10)
    scale = math.exp(26.0496 + 1.88004 * log_node - 2.82913 * math.log(asked.bits) - 1.47020)
    energy = ratio * scale * 1e-12
    log_area = 1.34619 + 0.99328 * log_node + 0.18072 * log_rate + 0.29912 * math.log(energy * 1e12)
    return AdcCost(
        energy,
        math.exp(log_area) * 1e-12,
        f"adc.model accelergy: Accelergy's ADC plug-in (model.yaml), a fit to Murmann's survey, at"
        f" {asked.bits} bits, {asked.rate / 1e9:g} GS/s and {asked.node * 1e9:g} nm",
        power=energy * asked.rate,
        terms=(
            (f"0.5 x 10^((SNDR - merit) / 10), {sndr:.2f} and {merit:.2f} dB", ratio, ""),
            ("fit to node and bits", scale, ""),
            ("unit of the fit", 1e-12, "J"),
        ),
    )


_ZIGZAG_SUPPLY = 0.9  # V; ZigZag takes the macro's supply, and 0.9 V is 28 nm's


def _zigzag(asked: _Asked) -> AdcCost:
    """Fit to three in-memory macros at 28 nm.

    ``E = (100 b + 0.001 4^b) V^2`` fJ with capacitances in fF, ``delay = b (0.00653 rows + 0.640)``
    ns, ``area = 10^(-0.0369 b + 1.206) 2^b`` um2.

    ZigZag-IMC, ``AimcArrayUnit.py`` (KU Leuven, MICAS); at 0.9 V (assumed) and as published for 28
    nm, not scaled.  The delay contains what the bit line takes to settle; energy and area do not
    depend on the rate, so no rate is refused.
    """
    asked.within("zigzag", 2 <= asked.bits <= 16, "2 to 16")
    b = asked.bits
    capacitance = (100.0 * b + 0.001 * 4.0**b) * 1e-15
    delay = b * (0.00653 * asked.rows + 0.640) * 1e-9
    return AdcCost(
        capacitance * _ZIGZAG_SUPPLY * _ZIGZAG_SUPPLY,
        10 ** (-0.0369 * b + 1.206) * 2.0**b * 1e-12,
        f"adc.model zigzag: ZigZag-IMC (AimcArrayUnit.py), a fit to 3 macros at 28 nm, not scaled"
        f" to the chip's node; 0.9 V is assumed; its own delay, {delay * 1e9:.3g} ns with"
        f" {asked.rows} rows, is not used (adc.rate is)",
        latency=delay,
        terms=(
            (f"capacitance at {b} bits", capacitance, "F"),
            ("supply", _ZIGZAG_SUPPLY, "V"),
            ("supply", _ZIGZAG_SUPPLY, "V"),
        ),
    )


_PUMA_WIDTHS = (*range(1, 9), 16)
_PUMA_TIME, _PUMA_COLUMNS = 100e-9, 128


def _puma(asked: _Asked) -> AdcCost:
    """Constants of the PUMA simulator at 32 nm: 0.25 mW a bit, 128 columns in 100 ns, 1200 um2.

    puma-simulator, ``include/constants.py`` (Ankit et al., ASPLOS 2019), in which it lists 1 to 8
    and 16 bits, all with the area of ISAAC's 8-bit converter.  Of its revisions this is the one
    whose power grows with the bits; that the 100 ns are those of every width is assumed.
    """
    widths = asked.bits in _PUMA_WIDTHS
    asked.within("puma", widths, "1 to 8, 16")
    asked.no_faster("puma", _PUMA_COLUMNS / _PUMA_TIME)
    power, time = 0.25e-3 * asked.bits, _PUMA_TIME / _PUMA_COLUMNS
    return AdcCost(
        power * time,
        1200e-12,
        "adc.model puma: puma-simulator (include/constants.py), 0.25 mW a bit, 128 columns in"
        " 100 ns; 1200 um2 whatever the bits",
        latency=time,
        power=power,
        terms=((f"power at {asked.bits} bits", power, "W"), ("time of a conversion", time, "s")),
    )


_MNSIM = {  # bits: power [W], rate [Hz], area [um2], node and design
    4: (0.7e-3, 1.0e9, 500.0, "its ADC 7, ASP-DAC"),
    6: (1.26e-3, 1.0e9, 580.0, "its ADC 4, an area-efficient 1 GS/s SAR"),
    8: (2.0e-3, 1.28e9, 1200.0, "its ADC 2, ISAAC's at 32 nm"),
    10: (6.92e-3, 1.5e9, 1600.0, "its ADC 1, a 1.5 GS/s pipelined SAR at 14 nm"),
}


def _mnsim(asked: _Asked) -> AdcCost:
    """Single designs from MNSIM's list: ``E = power / rate`` of the design, latency (b + 2) / rate.

    MNSIM 2.0, ``Hardware_Model/ADC.py``: 10 bits 6.92 mW at 1.5 GS/s, 8 bits 2 mW at 1.28 GS/s, 6
    bits 1.26 mW and 4 bits 0.7 mW at 1 GS/s; the smaller or ISAAC's where it has several of a
    width.  Its later revisions take power times latency for the energy, as if a converter did one
    conversion in b + 2 periods; a published power is that of one conversion a period, as in its
    first.  Each at its own node, not scaled.
    """
    asked.within("mnsim", asked.bits in _MNSIM, ", ".join(map(str, _MNSIM)))
    power, rate, area, design = _MNSIM[asked.bits]
    asked.no_faster("mnsim", rate)
    return AdcCost(
        power * (1.0 / rate),
        area * 1e-12,
        f"adc.model mnsim: MNSIM 2.0 (ADC.py), {design}; {power * 1e3:g} mW at {rate / 1e9:g} GS/s,"
        " not scaled to the chip's node",
        latency=(asked.bits + 2) / rate,
        power=power,
        terms=((f"power at {rate / 1e9:g} GS/s", power, "W"), ("1 / rate", 1.0 / rate, "s")),
    )


MODELS: dict[str, Callable[[_Asked], AdcCost]] = {
    "isaac": _isaac,
    "accelergy": _accelergy,
    "zigzag": _zigzag,
    "puma": _puma,
    "mnsim": _mnsim,
}
"""Cost models by the name they have in ``adc.model``."""
