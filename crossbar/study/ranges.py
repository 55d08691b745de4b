"""From the text of an axis to plain values: lists, ranges, values that hold commas.

A list is ``64,128,256``.  Ranges of whole numbers go one by one, or in steps (``4..10:2``).  Other
numbers have no next one, so their ranges say how many values there are, both ends counted
(``0..0.1:5``, ``50 ns..200 ns:4``), or give a step that is no whole number (``0..0.1:0.025``,
``50 ns..200 ns:50 ns``).  ``log:1e-4..1e-1:7`` are seven values evenly apart in the logarithm.
Quotes and brackets keep a value in one piece: ``'a,b.yaml'``, ``[1, 2]``.
"""

from __future__ import annotations

import math
import re
from typing import Any

from crossbar import units
from crossbar.arch import strict_yaml
from crossbar.arch.fields import Measured, shown
from crossbar.errors import InputError
from crossbar.study.axis_keys import AxisKey

__all__ = ["MOST_VALUES", "expand", "split_outside"]

MOST_VALUES = 1_000_000
"""Values of one axis, at most."""

_RANGE = re.compile(r"(?P<log>log\s*:)?(?P<low>.*?)\.\.(?P<high>[^:]*)(?::(?P<by>.*))?")
_DIGITS = 12
_BEFORE_QUOTE = ("", *" ,/:([{")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def split_outside(text: str, separator: str) -> list[str]:
    """Split at a separator that stands outside quotes and brackets; parts are stripped."""
    parts = [""]
    waiting: list[str] = []
    is_escaped = False
    for sign in text:
        in_quotes = bool(waiting) and waiting[-1] in "'\""
        if is_escaped:
            is_escaped = False
        elif sign == "\\" and waiting[-1:] == ['"']:
            is_escaped = True
        elif waiting and sign == waiting[-1]:
            waiting.pop()
        elif not in_quotes and sign in _CLOSING:
            waiting.append(_CLOSING[sign])
        elif not in_quotes and sign in "'\"" and parts[-1][-1:] in _BEFORE_QUOTE:
            waiting.append(sign)  # not behind a letter: in it's there is no quotation
        if sign == separator and not waiting:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def expand(key: AxisKey, text: str) -> list[Any]:
    """Read one part of a list: a value, or a range of values.

    Parameters
    ----------
    key : AxisKey
        Whose values they are.
    text : str
        ``"64"``, ``"50 ns"``, ``"4..10:2"``, ``"log:1e-4..1e-1:7"``.

    Returns
    -------
    list
        Plain values; those of a range are checked.

    Raises
    ------
    InputError
        Text that is no value, or a range that is empty, descends or never ends.
    """
    text = text.strip()
    if not text:
        raise InputError("an empty value (two commas in a row, or one at an end?)")
    is_quoted = text[0] in "'\""
    if key.is_text:
        if text == "null" and key.kind == "file" and key.can_be_left_out:
            return [None]
        return [strict_yaml.scalar(text) if is_quoted else text]
    match = None if is_quoted or text[0] in "[{" else _RANGE.fullmatch(text)
    if match is None:
        if re.match(r"log\s*:", text):
            raise InputError(f"{text!r} is not a range (e.g. log:1e-4..1e-1:7)")
        return [strict_yaml.scalar(text)]
    if key.kind not in ("whole", "real", "quantity"):
        raise InputError(f"{text!r} is a range; write the values out ({key.allowed()})")
    try:
        return _range(key, match)
    except InputError as error:
        raise InputError(f"{text!r}: {error}") from None


def _range(key: AxisKey, match: re.Match[str]) -> list[Any]:
    low, high = (_end(key, match[name]) for name in ("low", "high"))
    is_log = match["log"] is not None
    if low > high:
        backwards = f"{match['high'].strip()}..{match['low'].strip()}"
        raise InputError(f"the range descends, so it is empty (write {backwards})")
    if is_log and low <= 0:
        raise InputError(f"{match['low'].strip()} has no logarithm (start above 0)")
    by = match["by"]
    if key.kind == "whole" and not is_log:
        step = 1 if by is None else _step_of_whole(by)
        _check_count((high - low) // step + 1)
        return list(range(int(low), int(high) + 1, step))
    if by is None:
        example = f"{match[0].strip()}:5"
        raise InputError(f"how many values? Say it behind a colon (e.g. {example!r})")
    if not is_log and re.fullmatch(r"\s*[-+]?\d+\s*", by) is None:
        return _written(key, _stepped(key, low, high, by))
    numbers = _spread(low, high, _count(by, low == high), is_log)
    values = _written(key, numbers)
    if len(set(values)) < len(values):
        raise InputError(
            f"{len(values)} values, of which {len(set(values))} are different when they are whole"
            " numbers (ask for fewer)"
        )
    return values


def _end(key: AxisKey, text: str) -> Any:
    """Return one end of a range, SI."""
    if not text.strip():
        raise InputError("a range has two ends (e.g. 4..10)")
    value = key.check(strict_yaml.scalar(text.strip()))
    if value is None or isinstance(value, str):
        raise InputError(f"{text.strip()} is not a number, so nothing lies between")
    return value


def _step_of_whole(text: str) -> int:
    step = strict_yaml.scalar(text.strip()) if text.strip() else None
    if not isinstance(step, int) or isinstance(step, bool) or step < 1:
        raise InputError(f"a step of {text.strip()!r}; allowed: whole numbers from 1")
    return step


def _count(text: str, is_one_value: bool) -> int:
    count = int(text) if len(text) < 20 else MOST_VALUES + 1
    least = 1 if is_one_value else 2
    if count < least:
        raise InputError(f"a count of {count}; both ends are values, so there are {least} or more")
    _check_count(count)
    return 1 if is_one_value else count


def _check_count(count: int) -> None:
    if count > MOST_VALUES:
        raise InputError(f"more than {MOST_VALUES:,} values")


def _stepped(key: AxisKey, low: float, high: float, text: str) -> list[float]:
    """Values from `low` in steps that are given as a number with a point or as a quantity."""
    given = strict_yaml.scalar(text.strip()) if text.strip() else None
    if key.unit:
        if not isinstance(given, str):
            raise InputError(f"a step of {shown(given)} has no unit, and a count is a whole number")
        step: float = units.parse(given, key.unit)
    elif isinstance(given, int | float) and not isinstance(given, bool):
        step = given
    else:
        raise InputError(f"{text.strip()!r} is neither a count of values nor a step")
    if not 0 < step < math.inf:
        raise InputError(f"a step of {text.strip()}; allowed: more than 0")
    ratio = (high - low) / step
    _check_count(int(min(ratio, MOST_VALUES)) + 1)
    count = int(ratio * (1 + 1e-9) + 1e-9) + 1  # 0.3 / 0.1 is a little less than 3
    return [low, *(min(_rounded(low + i * step), high) for i in range(1, count))]


def _spread(low: float, high: float, count: int, is_log: bool) -> list[float]:
    """Return `count` values from `low` to `high`, both exactly as given."""
    if count == 1:
        return [low]
    inner = []
    for i in range(1, count - 1):
        share = i / (count - 1)
        if is_log:
            value = math.exp((1 - share) * math.log(low) + share * math.log(high))
        else:
            value = (1 - share) * low + share * high
        inner.append(min(max(_rounded(value), low), high))
    return [low, *inner, high]


def _rounded(value: float) -> float:
    """Round to 12 digits, so that the third of 0.1, 0.2 ... is 0.3 and not 0.30000000000000004."""
    return float(f"{value:.{_DIGITS}g}")


def _written(key: AxisKey, numbers: list[float]) -> list[Any]:
    """Write the numbers of a range as a file would say them."""
    if key.kind == "whole":
        return [round(number) for number in numbers]
    if key.kind == "real":
        return [float(number) for number in numbers]
    whole = isinstance(key.marker, Measured) and key.marker.whole
    return [units.exact(round(n) if whole else n, key.unit) for n in numbers]
