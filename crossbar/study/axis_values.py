"""The values of one axis, from whatever holds them to checked rows: one row a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from crossbar.arch.fields import shown
from crossbar.errors import InputError
from crossbar.study.axis_keys import AxisKey
from crossbar.study.ranges import MOST_VALUES, expand, split_outside

__all__ = ["read_rows"]


def read_rows(
    keys: list[AxisKey], values: Any, folder: Path | None = None
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Read and check the values of an axis.

    Parameters
    ----------
    keys : list of AxisKey
        The key, or those that move together.
    values : object
        Text, a list, an array, any iterable, or one value.
    folder : path, optional
        Where the files lie that are named relatively.

    Returns
    -------
    tuple
        One tuple a value with one entry a key, and everything that is wrong.
    """
    try:
        rows, found = _rows(keys, values)
    except InputError as error:
        return [], [str(error)]
    if folder is not None:
        rows = [tuple(k.beside(v, folder) for k, v in zip(keys, r, strict=True)) for r in rows]
    rows, wrong = _checked(keys, rows)
    return rows, [*found, *wrong]


def _rows(keys: list[AxisKey], values: Any) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return one tuple a value, and the problems of those that could not be read."""
    rows: list[tuple[Any, ...]] = []
    problems = []
    for place, item in enumerate(_items(keys, values), start=1):
        try:
            rows += _row(keys, item, place)
        except InputError as error:
            problems.append(str(error))
        if len(rows) > MOST_VALUES:
            raise InputError(f"more than {MOST_VALUES:,} values")
    if not rows and not problems:
        raise InputError(f"no values (allowed: {keys[0].allowed()})")
    return rows, problems


def _items(keys: list[AxisKey], values: Any) -> list[Any]:
    """Take the values of an axis one by one, whatever holds them."""
    if isinstance(values, str):
        return split_outside(values, ",") if values.strip() else []
    if hasattr(values, "tolist"):  # NumPy, pandas, torch
        values = values.tolist()
    if isinstance(values, Mapping) and keys[0].kind != "copies":
        raise InputError(f"{shown(values)} is not a list of values")
    if isinstance(values, set | frozenset):
        raise InputError("a set has no order; give a list")
    if isinstance(values, Mapping) or not isinstance(values, Iterable):
        return [values]
    found = list(islice(values, MOST_VALUES + 1))
    if len(found) > MOST_VALUES:
        raise InputError(f"more than {MOST_VALUES:,} values")
    return found


def _row(keys: list[AxisKey], item: Any, place: int) -> list[tuple[Any, ...]]:
    """Read one value of an axis: several when it is a range."""
    if hasattr(item, "tolist"):
        item = item.tolist()
    if len(keys) == 1:
        return [(value,) for value in _expanded(keys[0], item)]
    cells = split_outside(item, "/") if isinstance(item, str) else item
    if not isinstance(cells, list | tuple):
        cells = [cells]
    if len(cells) != len(keys):
        count = f"{len(cells)} {'entry' if len(cells) == 1 else 'entries'}"
        text = item if isinstance(item, str) else shown(item)
        raise InputError(f"value {place} ({text}) has {count}, and {len(keys)} keys move together")
    columns = [_expanded(key, cell) for key, cell in zip(keys, cells, strict=True)]
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        counts = " and ".join(map(str, lengths))
        raise InputError(f"value {place} ({shown(item)}) has ranges of {counts} values")
    return list(zip(*columns, strict=True))


def _expanded(key: AxisKey, cell: Any) -> list[Any]:
    if hasattr(cell, "tolist"):
        cell = cell.tolist()
    if hasattr(cell, "__fspath__"):
        cell = cell.__fspath__()
    return expand(key, cell) if isinstance(cell, str) else [cell]


def _checked(
    keys: list[AxisKey], rows: list[tuple[Any, ...]]
) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Check every value by itself, and that no value comes twice."""
    known: dict[tuple[int, str], tuple[Any, str] | InputError] = {}
    seen: set[tuple[str, ...]] = set()
    checked = []
    problems: dict[str, None] = {}
    for row in rows:
        plain, same = [], []
        for place, (key, value) in enumerate(zip(keys, row, strict=True)):
            at = (place, f"{type(value).__name__} {value!r}")
            if at not in known:
                known[at] = _judged(key, value)
            verdict = known[at]
            if isinstance(verdict, InputError):
                own = "" if len(keys) == 1 else f"{key.path}: "
                problems[f"{own}{verdict}"] = None
                continue
            plain.append(verdict[0])
            same.append(verdict[1])
        if len(plain) < len(row):
            continue
        if tuple(same) in seen:
            told = "/".join(map(shown, plain))
            problems[f"{told} is given twice"] = None
        seen.add(tuple(same))
        checked.append(tuple(plain))
    return checked, list(problems)


def _judged(key: AxisKey, value: Any) -> tuple[Any, str] | InputError:
    """Return the plain value and what tells it from others, or what is wrong with it."""
    try:
        same = repr(key.check(value))
        return key.plain(value), same
    except InputError as error:
        return error
