"""Conditions that leave points out: ``array.cols == array.rows and adc.bits <= 8``.

Comparisons, ``and``, ``or``, ``not``, parentheses, ``+ - * / // % **``, numbers, quantities
(``100 ns``), words, ``true``, ``false``, ``null`` and dotted keys.  Nothing is executed: the text
is parsed, checked part by part, and turned into functions of this package.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossbar import units
from crossbar.errors import InputError
from crossbar.study.axis_keys import plain_name
from crossbar.study.expressions import (
    PLAIN,
    Term,
    arithmetic,
    check_word,
    key_term,
    number_term,
    quoted_term,
    signed,
    unknown_word,
    word_term,
)

__all__ = ["Condition", "parse_condition"]

_LONGEST = 1000
_LONGEST_TOLD = 120
_CLOSE = 1e-9
_ALLOWED = "comparisons, and, or, not, + - * / // % **, numbers, quantities, words, dotted keys"
_SLIPS = (("&&", "and"), ("||", "or"), ("=<", "<="), ("=>", ">="), ("<>", "!="))
_QUANTITY = re.compile(
    r"""(?P<quoted>'[^']*'|"[^"]*")"""
    r"|(?<![\w.])(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[ \t]*"
    r"(?P<unit>(?!(?:and|or|not|in|is|if|else)\b)[^\W\d_]+[23]?\b)"
)
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


@dataclass(frozen=True)
class Condition:
    """A condition that a point must meet.

    Parameters
    ----------
    text : str
        As the user wrote it.
    keys : tuple of str
        The dotted keys whose values it needs, in the order of the text.
    """

    text: str
    keys: tuple[str, ...]
    _test: Callable[[Mapping[str, Any]], Any] = field(repr=False, compare=False)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Say whether the condition holds.

        Parameters
        ----------
        values : mapping
            Dotted key -> value as a file would say it, for all of `keys` at least.

        Raises
        ------
        InputError
            A key without a value, a division by zero, null or a word where a number is needed.

        Notes
        -----
        Numbers that differ by less than 1e-9 of their size are equal: 100 ns at 1.28 GHz are 128
        clocks.
        """
        try:
            return bool(self._test(values))
        except InputError as error:
            raise InputError(f"where {_cut(self.text)}: {error}") from None
        except (ArithmeticError, ValueError) as error:
            here = ", ".join(f"{key} {values.get(key)}" for key in self.keys)
            problem = str(error).partition("\n")[0]
            raise InputError(f"where {_cut(self.text)}: {problem} (at {here})") from None


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Raises
    ------
    InputError
        What is wrong with it, and what is allowed.
    """
    if not isinstance(text, str):
        raise InputError(f"where {text!r}: not text, e.g. 'array.cols == array.rows'")
    text = " ".join(text.split())
    try:
        builder = _Builder(_parsed(text))
        test = builder.truth(builder.tree)
    except InputError as error:
        raise InputError(f"where {_cut(text)}: {error}") from None
    if not builder.keys:
        raise InputError(f"where {_cut(text)}: names no key, so it leaves out all points or none")
    return Condition(text, tuple(builder.keys), test)


def _cut(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_TOLD else f"{text[: _LONGEST_TOLD - 3]}...")


def _parsed(text: str) -> ast.expr:
    if not text:
        raise InputError("empty (e.g. 'array.cols == array.rows')")
    if len(text) > _LONGEST:
        raise InputError(f"{len(text)} characters; allowed: {_LONGEST}")
    for slip, meant in _SLIPS:
        if slip in text:
            raise InputError(f"write {meant!r} for {slip!r}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python only warns of '1and 2'
            return ast.parse(_QUANTITY.sub(_quoted, text), mode="eval").body
    except (SyntaxError, SyntaxWarning, ValueError, RecursionError, MemoryError):
        if re.search(r"(?<![=!<>])=(?!=)", text):
            raise InputError("write '==' to compare") from None
        raise InputError(f"not a condition (allowed: {_ALLOWED})") from None


def _quoted(match: re.Match[str]) -> str:
    """Put a quantity into quotes, so that Python's grammar takes it."""
    return match["quoted"] or f"'{match['number']} {match['unit']}'"


class _Builder:
    """Turns the parsed text into functions and notes the keys on the way."""

    def __init__(self, tree: ast.expr) -> None:
        self.tree = tree
        self.keys: dict[str, None] = {}

    def truth(self, node: ast.expr) -> Callable[[Mapping[str, Any]], Any]:
        """Return what is true or false: a comparison, several joined, a key that is a boolean."""
        if isinstance(node, ast.BoolOp):
            tests = [self.truth(value) for value in node.values]
            combine = all if isinstance(node.op, ast.And) else any
            return lambda values: combine(test(values) for test in tests)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            test = self.truth(node.operand)
            return lambda values: not test(values)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        term = self._term(node)
        if term.kind == "text" and term.key is None and not term.is_quoted:
            raise unknown_word(term)
        if term.kind != "truth":
            raise InputError(f"{term.text} is {term.what()}, not a comparison")
        return term.value

    def _comparison(self, node: ast.Compare) -> Callable[[Mapping[str, Any]], Any]:
        """Return a comparison, or a chain such as ``4 <= adc.bits < 8``."""
        terms = [self._term(part) for part in (node.left, *node.comparators)]
        tests = []
        for left, op, right in zip(terms[:-1], node.ops, terms[1:], strict=True):
            symbol = _COMPARISONS.get(type(op))
            if symbol is None:
                raise InputError(f"compares by {', '.join(_COMPARISONS.values())} only")
            tests.append(_compare(symbol, left, right))
        return lambda values: all(test(values) for test in tests)

    def _term(self, node: ast.expr) -> Term:
        text = ast.unparse(node)
        if isinstance(node, ast.Constant):
            return _constant(node.value, text)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._name(node, text)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            left, right = self._term(node.left), self._term(node.right)
            return arithmetic(_ARITHMETIC[type(node.op)], left, right, text)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            sign = operator.neg if isinstance(node.op, ast.USub) else operator.pos
            return signed(self._term(node.operand), sign, text)
        if isinstance(node, ast.BoolOp | ast.Compare | ast.UnaryOp):
            return Term(f"({text})", "truth", self.truth(node))
        raise InputError(f"{text!r} is not allowed (allowed: {_ALLOWED})")

    def _name(self, node: ast.expr, text: str) -> Term:
        """Return a key; or a word, when it has no dot and is no key."""
        inner = node
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise InputError(f"{text!r} is not allowed (allowed: {_ALLOWED})")
        try:
            term = key_term(plain_name(text))
        except InputError as error:
            if isinstance(node, ast.Name):
                return word_term(text)
            raise InputError(
                f"{text}: {str(error).replace('unknown axis', 'unknown key')}"
            ) from None
        if term.key is not None:
            self.keys[term.key.path] = None
        return term


def _constant(value: object, text: str) -> Term:
    if isinstance(value, bool):
        return word_term(str(value).lower())
    if value is None:
        return word_term("null")
    if isinstance(value, str):
        return quoted_term(value)
    if isinstance(value, int | float) and math.isfinite(value):
        return number_term(text, value)
    raise InputError(f"{text} is not allowed (allowed: {_ALLOWED})")


def _compare(symbol: str, left: Term, right: Term) -> Callable[[Mapping[str, Any]], Any]:
    """Check that two parts can be compared, and return the comparison."""
    _check_pair(symbol, left, right)
    is_equality = symbol in ("==", "!=")
    if is_equality:
        wanted = symbol == "=="
        return lambda values: _equal(left.value(values), right.value(values)) is wanted
    order = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[symbol]
    if_equal = "=" in symbol

    def test(values: Mapping[str, Any]) -> Any:
        a, b = left.number(values), right.number(values)
        return if_equal if _equal(a, b) else order(a, b)

    return test


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        if a is None or b is None or isinstance(a, str) or isinstance(b, str):
            return False
        return math.isclose(a, b, rel_tol=_CLOSE)
    return bool(a == b)


def _check_pair(symbol: str, left: Term, right: Term) -> None:
    for one, other in ((left, right), (right, left)):
        if one.kind == "text" and one.key is None:
            _check_text(symbol, one, other)
            return
    kinds = {left.kind, right.kind}
    if symbol not in ("==", "!=") and kinds != {"number"}:
        odd = left if left.kind != "number" else right
        raise InputError(f"{odd.text} is {odd.what()}, which {symbol!r} cannot compare")
    if "null" in kinds:
        return
    if len(kinds) > 1:
        raise InputError(f"{left.text} is {left.what()}, {right.text} is {right.what()}")
    if left.dimension != right.dimension:
        for one, other in ((left, right), (right, left)):
            if one.is_bare_number and other.key is not None:
                name, example = units.dimension(other.key.unit)
                raise InputError(f"{one.text} has no unit (give {name}, e.g. {example!r})")
        raise InputError(f"{left.text} is {left.what()}, {right.text} is {right.what()}")


def _check_text(symbol: str, word: Term, other: Term) -> None:
    """Judge a word by what it is compared with."""
    if other.key is None:
        slip = word if not word.is_quoted else other
        if slip.kind == "text" and not slip.is_quoted:
            raise unknown_word(slip)
        raise InputError(f"{word.text!r} is compared with {other.text}, which is no key of words")
    if other.dimension != PLAIN:
        if not word.is_quoted:
            raise unknown_word(word)
        units.parse(str(word.literal), other.key.unit)  # says what is wrong with the quantity
    if not word.is_quoted and other.kind in ("number", "truth") and not other.key.words:
        raise unknown_word(word)
    check_word(word, other.key)
    if symbol not in ("==", "!="):
        raise InputError(f"{word.text} is a word, which {symbol!r} cannot compare")
