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
    if not origin.terms:
        return factors
    unit = origin.terms[0].factors[0].unit  # that of what the terms begin with
    return (_summed(f"parts of {origin.of}", unit, origin), *factors)


def origin_term(what: str, unit: str, origin: Origin) -> Term:
    """Return a cost as a term."""
    if origin.factors:
        return product(what, unit, origin_parts(origin), origin.source)
    return _summed(what, unit, origin, origin.source)


def _summed(what: str, unit: str, origin: Origin, source: str = "") -> Term:
    return total(what, unit, [origin_term(t.of, unit, t) for t in origin.terms], source)
