"""A number taken apart: the sum, product or quotient that it is, down to what was given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from crossbar.errors import DataError
from crossbar.report.lines import WIDTH, broken_line
from crossbar.units import text

__all__ = ["Explanation", "Term", "given", "named", "product", "quantity", "round_up", "total"]

_LISTED = 12
_DIGITS = 6


@dataclass(frozen=True)
class Term:
    """One number of a trace.

    Parameters
    ----------
    what : str
        In words.
    value : float or None
        SI; None for what was not measured.
    unit : str
        As `crossbar.units.text`; ``"%"`` for a share, ``"clock"`` for periods of the clock.
    how : str
        ``"given"``, or made of ``parts``: their ``"sum"``, their ``"product"``, or the product
        rounded up to a whole number, ``"ceiling"``.
    parts : tuple of Term
    divides : bool
        Whether the product that it is part of is divided by it.
    source : str
        Who published it, or how it was found.
    note : str
        What else is worth knowing.
    name : str
        What `explain_number` takes to go on from here.
    """

    what: str
    value: float | None
    unit: str = ""
    how: Literal["given", "sum", "product", "ceiling"] = "given"
    parts: tuple[Term, ...] = ()
    divides: bool = False
    source: str = ""
    note: str = ""
    name: str = ""

    def __str__(self) -> str:
        return "\n".join(_lines(self, 0, set()))

    def under(self) -> Term:
        """The same as a divisor."""
        return replace(self, divides=True)


@dataclass(frozen=True)
class Explanation:
    """How a number of a report comes about.  Prints as text of 80 columns.

    Parameters
    ----------
    name : str
        As it was asked for.
    terms : tuple of Term
        One for each number of that name (a component has an energy and an area) and for each way
        to take it apart.
    notes : tuple of str
        What the number leaves out or assumes.
    """

    name: str
    terms: tuple[Term, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        said: set[Term] = set()
        blocks = ["\n".join(_lines(term, 0, said)) for term in self.terms]
        if self.notes:
            lines = ["what it leaves out or assumes:"]
            for note in self.notes:
                lines += broken_line("- ", note, 2)
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)


def given(
    what: str,
    value: float | None,
    unit: str = "",
    source: str = "",
    *,
    note: str = "",
    name: str = "",
) -> Term:
    """Make a term of a number that is made of no others."""
    return Term(what, value, unit, source=source, note=note, name=name)


def named(name: str, value: float | None, unit: str = "") -> Term:
    """Make a term that `explain_number` knows by its name."""
    return Term(name, value, unit, name=name)


def product(
    what: str,
    unit: str,
    parts: Sequence[Term],
    source: str = "",
    *,
    note: str = "",
    name: str = "",
) -> Term:
    """Multiply terms, and divide by those that are divisors; None when one is not known."""
    value = _product(what, parts)
    return Term(what, value, unit, "product", tuple(parts), source=source, note=note, name=name)


def round_up(what: str, unit: str, parts: Sequence[Term], *, note: str = "") -> Term:
    """Multiply terms and round up to a whole number."""
    exact = _product(what, parts)
    value = None if exact is None else math.ceil(round(exact, 9))
    return Term(what, value, unit, "ceiling", tuple(parts), note=note)


def total(what: str, unit: str, parts: Sequence[Term], source: str = "", *, note: str = "") -> Term:
    """Add terms; None when one is not known."""
    values = [part.value for part in parts if part.value is not None]
    value = math.fsum(values) if len(values) == len(parts) else None
    if value is not None and all(isinstance(number, int) for number in values):
        value = int(value)
    return Term(what, value, unit, "sum", tuple(parts), source=source, note=note)


def quantity(value: float | None, unit: str, digits: int = _DIGITS) -> str:
    """Write a number of a trace with its unit.

    Parameters
    ----------
    value : float or None
    unit : str
        As for `Term`.
    digits : int
        Significant digits of what is not a whole number.
    """
    if value is None:
        return "not measured"
    if unit == "%":
        return f"{quantity(100 * value, '', digits)} %"
    if unit == "clock":
        return f"{quantity(value, '')} clocks"
    if unit == "1/s":
        return f"{quantity(value, '', digits)} /s"
    if unit:
        return text(value, unit, digits)
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:,.{digits}g}"


def _product(what: str, parts: Sequence[Term]) -> float | None:
    value: float = 1
    for part in parts:
        if part.value is None:
            return None
        if part.divides and not part.value:
            raise DataError(f"{what}: it would be divided by {part.what}, which is 0")
        value = value / part.value if part.divides else value * part.value
    return value


def _lines(term: Term, depth: int, said: set[Term]) -> Iterator[str]:
    """Write a term: what it is, how it is made, then each part that has more to say, once."""
    pad = 2 * depth
    inner = " " * (pad + 2)
    yield from broken_line(" " * pad, f"{term.what} = {quantity(term.value, term.unit)}", pad + 4)
    is_list = term.how == "sum" and not _is_short(term)
    if is_list and term.value is not None:
        yield from _listed(term, pad + 2)
    elif term.how != "given" and not is_list:
        join = _added if term.how == "sum" else _multiplied
        end = ", rounded up" if term.how == "ceiling" else ""
        for words in (
            [part.what for part in term.parts],
            [quantity(_size(term, part), part.unit) for part in term.parts],
        ):
            yield from broken_line(inner, f"= {join(words, term.parts)}{end}", pad + 4)
    if term.note:
        yield from broken_line(inner, term.note, pad + 2)
    if term.source:
        yield from broken_line(inner, f"source: {term.source}", pad + 10)
    for part in term.parts:
        part = replace(part, divides=False)
        more = part.parts or ((part.source or part.note) and term.how != "sum")
        if more and not part.name and part not in said:
            said.add(part)
            yield from _lines(part, depth + 1, said)


def _is_short(term: Term) -> bool:
    """Whether a sum reads better in a line than in a list: differences, and small numbers."""
    is_difference = any(part.value is not None and part.value < 0 for part in term.parts)
    return is_difference or not (term.unit or any(part.name for part in term.parts))


def _size(whole: Term, part: Term) -> float | None:
    """Value of a part, whose sign a sum writes before it."""
    return abs(part.value) if whole.how == "sum" and part.value is not None else part.value


def _added(words: Sequence[str], parts: Sequence[Term]) -> str:
    signs = ["-" if part.value is not None and part.value < 0 else "+" for part in parts]
    line = " ".join(f"{sign} {word}" for sign, word in zip(signs, words, strict=True))
    return line.removeprefix("+ ")


def _multiplied(words: Sequence[str], parts: Sequence[Term]) -> str:
    above = [word for word, part in zip(words, parts, strict=True) if not part.divides]
    below = [word for word, part in zip(words, parts, strict=True) if part.divides]
    line = " x ".join(above) or "1"
    if not below:
        return line
    return f"{line} / ({' x '.join(below)})" if len(below) > 1 else f"{line} / {below[0]}"


def _listed(term: Term, pad: int) -> Iterator[str]:
    """Write the parts of a sum, largest first; small ones of a long list in one line."""
    parts = [part for part in term.parts if part.value != 0]
    parts.sort(key=lambda part: -(part.value or 0))
    shown, rest = parts, parts[:0]
    if len(parts) > _LISTED + 1:
        shown, rest = parts[:_LISTED], parts[_LISTED:]
    rows = [
        (part.value, part.name or part.what, "" if part.name in ("", part.what) else part.what)
        for part in shown
    ]
    if rest:
        rows.append((math.fsum(part.value or 0 for part in rest), f"{len(rest)} more", ""))
    values = [quantity(value, term.unit) for value, _, _ in rows]
    shares = [_share(value, term.value) for value, _, _ in rows]
    wide = max(map(len, values), default=0)
    names = max((len(name) for _, name, said in rows if said), default=0)
    names = min(names, WIDTH - pad - wide - 30)
    for value, share, (_, name, said) in zip(values, shares, rows, strict=True):
        line = f"{'':{pad}}{value:>{wide}}{share:>9}  "
        yield from broken_line(line, f"{name:<{names}}  {said}" if said else name, len(line) + 2)
    zeros = len(term.parts) - len(parts)
    if zeros and parts:
        yield f"{'':{pad}}and {zeros} that {'is' if zeros == 1 else 'are'} 0"


def _share(part: float | None, whole: float | None) -> str:
    return f"{100 * part / whole:.1f} %" if part is not None and whole else ""
