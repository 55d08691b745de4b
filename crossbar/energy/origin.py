"""A cost taken apart: the factors and sums that it is, and who published them."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["FIT", "TABLE", "Factor", "Origin"]

TABLE = "ISAAC, ISCA 2016, table I"
"""Shafiee et al., doi 10.1109/ISCA.2016.12."""

FIT = (
    "; other widths by a fit to Saberi et al. 2011 as tabulated in hwcomponents isaac.py"
    " (crossbar.circuit.adc_cost.fitted_bits)"
)
"""How converters of other widths are priced."""


@dataclass(frozen=True)
class Factor:
    """One factor of a cost.

    Parameters
    ----------
    what : str
        In words, or the key of the hardware description.
    value : float
    unit : str
        SI, ``""`` for a bare number.
    divides : bool
        Whether the cost is divided by it.
    """

    what: str
    value: float
    unit: str = ""
    divides: bool = False


@dataclass(frozen=True)
class Origin:
    """Where a cost comes from.

    Parameters
    ----------
    of : str
        What costs it, e.g. ``"one conversion"``.
    factors : tuple of Factor
        Their product is the cost, or what the sum of ``terms`` is multiplied by.
    source : str
        Who published them, and what is assumed.
    terms : tuple of Origin
        Costs that are added up, each with a source of its own; most costs have none.
    """

    of: str
    factors: tuple[Factor, ...]
    source: str
    terms: tuple[Origin, ...] = ()

    @property
    def value(self) -> float:
        """The cost: J, m^2, W, or 1/s for how often a saturated chip pays it."""
        whole = math.prod(1.0 / f.value if f.divides else f.value for f in self.factors)
        return whole * math.fsum(term.value for term in self.terms) if self.terms else whole
