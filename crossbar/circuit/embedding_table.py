"""The memory of embedding tables: outside of the chip, on an interface of its own."""

from __future__ import annotations

__all__ = ["fetch_energy"]


def fetch_energy(bits: int, price: float) -> float:
    """Energy of fetching one element of an embedding vector [J]: 29.6 pJ at 8 bits.

    The memory is no part of the chip: it has no area, rate or leakage there, and what it sends does
    not pass the chip's port (*assumed*).

    Parameters
    ----------
    bits : int
        Of an element.
    price : float
        Of one bit [J], ``chip.table_energy``; ZigZag-IMC (``Aimc.py``) has 3.7 pJ for DRAM.
    """
    return bits * price
