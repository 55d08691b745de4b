"""Which way a layer's arrays are computed, and why."""

from __future__ import annotations

from crossbar.arch import Arch
from crossbar.array.columns import has_read_noise
from crossbar.array.physical import full_scale, has_wires
from crossbar.circuit.adc import pedestal_levels
from crossbar.device.nonlinearity import is_linear
from crossbar.mapping.tiling import reference_column

__all__ = ["has_dac_noise", "has_own_cells", "why_conductances"]


def why_conductances(arch: Arch, faulty: bool) -> tuple[str, ...]:
    """Name what keeps column sums from being whole numbers that an ideal ADC converts.

    Empty where cells are their codes and converters ideal: then sums are popcounts, and those that
    cannot clip integer products.

    Parameters
    ----------
    arch : Arch
        As seen (`crossbar.array.conditions.seen`).
    faulty : bool
        Whether cells are stuck.
    """
    cell, adc = arch.cell, arch.adc
    reasons = {
        "variation": cell.variation.kind != "none",
        "drift": cell.drift.kind != "none",
        "wires": has_wires(arch),
        "read noise": has_read_noise(arch) or has_telegraph(arch),
        "nonlinear cells": not is_linear(cell, full_scale(arch)),
        "pedestal": pedestal_levels(arch) > 0.0,
        "faults of the reference column": faulty and reference_column(arch),
        "converter errors": _has_adc_errors(arch),
        "calibrated ranges": adc.policy == "calibrated",
        "driver errors": _has_dac_errors(arch),
    }
    return tuple(name for name, here in reasons.items() if here)


def has_telegraph(arch: Arch) -> bool:
    """Whether cells show telegraph noise."""
    noise = arch.cell.read_noise
    return bool(noise.rtn_share and noise.rtn_amplitude)


def has_dac_noise(arch: Arch) -> bool:
    """Whether drives are real numbers, fresh in each read: then sums are matrix products."""
    return bool(arch.dac.noise)


def has_own_cells(arch: Arch, faulty: bool) -> bool:
    """Whether anything is drawn by cell or converter, so that copies differ."""
    cell = arch.cell
    return (
        faulty
        or cell.variation.kind != "none"
        or cell.drift.kind != "none"
        or has_telegraph(arch)
        or has_read_noise(arch)
        or _has_adc_errors(arch)
        or _has_dac_errors(arch)
    )


def _has_adc_errors(arch: Arch) -> bool:
    adc = arch.adc
    return any((adc.offset, adc.gain_error, adc.inl, adc.dnl, adc.noise, adc.enob))


def _has_dac_errors(arch: Arch) -> bool:
    return bool(arch.dac.inl or arch.dac.noise)
