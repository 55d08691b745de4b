"""What stands between the comparisons of a condition: numbers with a dimension, words, keys.

Quantities are SI inside and their dimensions are followed through every operation, so that
``array.cycle * clock <= 128`` is understood and ``array.cycle <= 100`` refused, before any point
is made.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from crossbar import units
from crossbar.arch import preset_names
from crossbar.arch.fields import shown
from crossbar.errors import InputError, did_you_mean
from crossbar.study.axis_keys import AxisKey, find_axis_key
from crossbar.workload import zoo_names

__all__ = [
    "PLAIN",
    "Term",
    "arithmetic",
    "check_word",
    "key_term",
    "number_term",
    "quoted_term",
    "signed",
    "unknown_word",
    "word_term",
]

Values: TypeAlias = Mapping[str, Any]
Dimension: TypeAlias = tuple[int, ...]

PLAIN: Dimension = (0, 0, 0, 0, 0, 0)
_UNITS: dict[str, Dimension] = {  # powers of s, m, V, A, byte, K
    "s": (1, 0, 0, 0, 0, 0),
    "Hz": (-1, 0, 0, 0, 0, 0),
    "m": (0, 1, 0, 0, 0, 0),
    "m^2": (0, 2, 0, 0, 0, 0),
    "V": (0, 0, 1, 0, 0, 0),
    "A": (0, 0, 0, 1, 0, 0),
    "S": (0, 0, -1, 1, 0, 0),
    "ohm": (0, 0, 1, -1, 0, 0),
    "F": (1, 0, -1, 1, 0, 0),
    "J": (1, 0, 1, 1, 0, 0),
    "W": (0, 0, 1, 1, 0, 0),
    "byte": (0, 0, 0, 0, 1, 0),
    "byte/s": (-1, 0, 0, 0, 1, 0),
    "K": (0, 0, 0, 0, 0, 1),
}
_MOST_BITS = 4096


@dataclass(frozen=True)
class Term:
    """One part of a condition.

    Parameters
    ----------
    text : str
        As the user wrote it.
    kind : str
        ``"number"``, ``"text"``, ``"truth"`` or ``"null"``.
    value : callable
        Values of the keys -> this part's value, SI.
    dimension : tuple of int
        Of a number.
    key : AxisKey or None
        The key, where the part is one.
    literal : str or None
        The text, where the part is a word or quoted text.
    is_quoted : bool
        Whether the text stood in quotes; other words are checked for slips.
    """

    text: str
    kind: str
    value: Callable[[Values], Any]
    dimension: Dimension = PLAIN
    key: AxisKey | None = None
    literal: str | None = None
    is_quoted: bool = False

    @property
    def is_bare_number(self) -> bool:
        """Whether the user wrote a number without a unit."""
        return self.kind == "number" and self.key is None and self.text[-1:] in "0123456789."

    def number(self, values: Values) -> Any:
        """Return the value where a number is needed: null and words are none."""
        found = self.value(values)
        if found is None or isinstance(found, str):
            also = " (ask for `== null` first)" if found is None else ""
            raise InputError(f"{self.text} is {shown(found)} at a point, not a number{also}")
        return found

    def what(self) -> str:
        """Say what the part is, for errors."""
        if self.kind != "number":
            return {"text": "a word", "truth": "true or false", "null": "null"}[self.kind]
        if self.dimension == PLAIN:
            return "a number without a unit"
        names = [u for u, dimension in _UNITS.items() if dimension == self.dimension]
        return units.dimension(names[0])[0] if names else "a quantity of another dimension"


def number_term(text: str, value: float) -> Term:
    """Return a number that stands in the condition."""
    return Term(text, "number", lambda values: value)


def quoted_term(text: str) -> Term:
    """Return quoted text: a quantity when it reads as one, else a word."""
    for unit, dimension in _UNITS.items():
        try:
            value = units.parse(text, unit)
        except InputError:
            continue  # of another dimension, or not a quantity at all
        number = number_term(text, value)
        return replace(number, dimension=dimension, literal=text, is_quoted=True)
    return Term(text, "text", lambda values: text, literal=text, is_quoted=True)


def word_term(name: str) -> Term:
    """Return a bare word: true, false, null, or one that only its comparison can judge."""
    if name in ("true", "false"):
        return Term(name, "truth", lambda values: name == "true")
    if name == "null":
        return Term(name, "null", lambda values: None)
    return Term(name, "text", lambda values: name, literal=name)


def key_term(name: str) -> Term:
    """Return a key, whose value comes with the point.

    Raises
    ------
    InputError
        With the nearest name, where there is none of this name.
    """
    key = find_axis_key(name)

    def value(values: Values) -> Any:
        try:
            found = values[key.path]
        except KeyError:
            raise InputError(f"{key.path} has no value here") from None
        is_quantity = key.unit and isinstance(found, str)
        return units.parse(found, key.unit) if is_quantity else found

    kinds = {"quantity": "number", "whole": "number", "real": "number", "truth": "truth"}
    dimension = _UNITS[key.unit] if key.unit else PLAIN
    return Term(name, kinds.get(key.kind, "text"), value, dimension, key)


def signed(term: Term, sign: Callable[[Any], Any], text: str) -> Term:
    """Return ``-x`` or ``+x``."""
    _needs_number(term)
    return Term(text, "number", lambda values: sign(term.number(values)), term.dimension)


def arithmetic(symbol: str, left: Term, right: Term, text: str) -> Term:
    """Return ``left + right`` and the like.

    Raises
    ------
    InputError
        Words, or quantities whose dimensions do not go together.
    """
    for term in (left, right):
        _needs_number(term)
    apply = _OPERATORS[symbol]
    dimension = _dimension(symbol, left, right)

    def value(values: Values) -> Any:
        return apply(left.number(values), right.number(values))

    return Term(text, "number", value, dimension)


def unknown_word(term: Term) -> InputError:
    """Return the error for a bare word that is neither a key nor a value of one."""
    try:
        find_axis_key(term.text)
    except InputError as error:
        problem = str(error).replace("unknown axis", "unknown key")
        return InputError(f"{term.text}: {problem}")
    return InputError(f"{term.text} is a key, not a word")


def check_word(term: Term, key: AxisKey) -> None:
    """Check that a word may be a value of `key`; quoted names of files are not looked up.

    Raises
    ------
    InputError
        With the nearest word.
    """
    names: dict[str, tuple[str, ...]] = {"arch": preset_names(), "workload": zoo_names()}
    allowed = names.get(key.path, key.words)
    if key.kind == "file" and term.is_quoted:
        return
    if key.kind != "text" and term.literal not in allowed:
        near = did_you_mean(str(term.literal), allowed)
        raise InputError(f"{term.literal!r} is not a value of {key.path} ({key.allowed()}){near}")


def _needs_number(term: Term) -> None:
    if term.kind == "number":
        return
    if term.kind == "text" and term.key is None and not term.is_quoted:
        raise unknown_word(term)
    raise InputError(f"{term.text} is {term.what()}, not a number")


def _dimension(symbol: str, left: Term, right: Term) -> Dimension:
    if symbol in ("*", "/"):
        sign = 1 if symbol == "*" else -1
        return tuple(a + sign * b for a, b in zip(left.dimension, right.dimension, strict=True))
    if symbol == "**":
        if left.dimension == PLAIN == right.dimension:
            return PLAIN
        if right.dimension == PLAIN and right.is_bare_number and right.text.isdigit():
            return tuple(int(right.text) * a for a in left.dimension)
        raise InputError(f"{left.text} ** {right.text}: a quantity takes whole powers only")
    if left.dimension != right.dimension:
        raise InputError(
            f"{left.text} is {left.what()} and {right.text} is {right.what()}: {symbol!r} takes"
            " two of a kind"
        )
    return PLAIN if symbol == "//" else left.dimension


def _power(base: Any, exponent: Any) -> Any:
    """Raise to a power whose digits stay few: 9 ** 9 ** 9 would never end."""
    are_whole = isinstance(base, int) and isinstance(exponent, int)
    if are_whole and base.bit_length() > 1 and base.bit_length() * exponent > _MOST_BITS:
        raise InputError(f"{shown(base)} ** {shown(exponent)} is too large")
    found = base**exponent
    if isinstance(found, complex):
        raise InputError(f"{shown(base)} ** {shown(exponent)} is not a real number")
    return found


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
}
