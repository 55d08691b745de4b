"""Layers whose matrix the network computes itself: where they are allowed, and when they stand."""

from __future__ import annotations

from crossbar.arch import Arch
from crossbar.device.programming import write_energy
from crossbar.errors import InputError
from crossbar.workload.dynamic import with_dynamic_products
from crossbar.workload.graph import Workload

__all__ = ["DYNAMIC", "check_dynamic", "laid_out"]

DYNAMIC = "dynamic"
"""Kind of those layers."""


def laid_out(workload: Workload, arch: Arch) -> Workload:
    """Return the network as the hardware computes it: products of activations on crossbars or not.

    Parameters
    ----------
    workload : Workload
    arch : Arch
        With its ``attention``.
    """
    return with_dynamic_products(workload) if arch.attention == "crossbar" else workload


def check_dynamic(workload: Workload, arch: Arch) -> None:
    """Refuse hardware that cannot program cells at run time, or not at a known price.

    Raises
    ------
    InputError
    """
    first = next((node.name for node in workload if node.is_dynamic), None)
    if first is None:
        return
    why = f"attention: crossbar programs the matrix of {first!r} at run time"
    if write_energy(arch) is None:
        raise InputError(
            f"{arch.name}: cell.write_voltage: left out, but {why}; give it and cell.write_pulse,"
            " or set attention=digital"
        )
    if arch.adc.policy == "calibrated":
        raise InputError(
            f"{arch.name}: adc.policy: calibrated takes ranges from weights that stay, but {why};"
            " set adc.policy to clip, full or lossless, or attention=digital"
        )
