"""Published costs as terms of a trace."""

from __future__ import annotations

from crossbar.energy.origin import Origin
from crossbar.report.trace import Term, product, total

__all__ = ["origin_parts", "origin_term"]


def origin_parts(origin: Origin) -> tuple[Term, ...]:
    """Return what multiplies up to a cost: its factors, and the sum that they multiply."""
    factors = tuple(
        Term(factor.what, factor.value, factor.unit, divides=factor.divides)
        for factor in origin.factors
    )
    return (_summed(f"parts of {origin.of}", origin), *factors) if origin.terms else factors


def origin_term(what: str, unit: str, origin: Origin) -> Term:
    """Return a cost as a term."""
    if origin.factors:
        return product(what, unit, origin_parts(origin), origin.source)
    return _summed(what, origin, origin.source)


def _summed(what: str, origin: Origin, source: str = "") -> Term:
    """Add up the terms of a cost, which have the unit of their first factor."""
    unit = origin.terms[0].factors[0].unit
    return total(what, unit, [origin_term(t.of, unit, t) for t in origin.terms], source)
