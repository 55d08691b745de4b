"""Axes: which keys of a study vary, over which values, and which of them move together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossbar.arch import strict_yaml
from crossbar.arch.fields import shown
from crossbar.errors import ConfigError, InputError
from crossbar.study.axis_keys import AxisKey, find_axis_key, plain_name
from crossbar.study.axis_values import read_rows

__all__ = ["Axis", "make_axes", "make_axis", "parse_axis", "read_axes", "read_axis", "twice"]

_MOST_LINES = 8
_EXAMPLE = "e.g. array.rows=64,128,256 or adc.bits=4..8"


@dataclass(frozen=True)
class Axis:
    """One key and its values, or several keys that move together.

    Parameters
    ----------
    keys : tuple of str
        Dotted.
    values : tuple of tuple
        One entry a key, as a file would say it: 64, ``"50 ns"``, True, None (left out).
    """

    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    @property
    def label(self) -> str:
        """The keys as one word: ``"array.rows/array.cols"``."""
        return "/".join(self.keys)

    def __len__(self) -> int:
        """Count the values."""
        return len(self.values)

    def __str__(self) -> str:
        """Write the axis as `parse_axis` reads it."""
        names = [find_axis_key(key) for key in self.keys]
        rows = (
            "/".join(_text(key, value) for key, value in zip(names, row, strict=True))
            for row in self.values
        )
        return f"{self.label}={','.join(rows)}"

    def to_plain(self) -> list[Any]:
        """Return the values as a study file lists them: a list of lists where keys are several."""
        if len(self.keys) == 1:
            return [row[0] for row in self.values]
        return [list(row) for row in self.values]


def parse_axis(text: str) -> Axis:
    """Read an axis of the command line.

    Parameters
    ----------
    text : str
        ``KEY=VALUES``, e.g. ``"array.rows=64,128,256"``, ``"adc.bits=4..10:2"``,
        ``"faults.on=log:1e-4..1e-1:7"``, ``"array.cycle=50 ns..200 ns:4"``,
        ``"array.rows/array.cols=64/64,128/128"``; `crossbar.study.ranges` has the rules.

    Raises
    ------
    ConfigError
        Every problem, one line each.
    """
    key, values = _cut(text)
    if key is None:
        raise ConfigError([f"axis {shown(text)}: expected KEY=VALUES, {_EXAMPLE}"])
    return make_axis(key, values)


def make_axis(key: str | Sequence[str], values: Any) -> Axis:
    """Make an axis from Python values.

    Parameters
    ----------
    key : str or sequence of str
        ``"array.rows"``; several that move together as ``"array.rows/array.cols"`` or a tuple.
    values : object
        A list, a ``range``, a NumPy array or any iterable of values (of tuples, where there are
        several keys); or text as `parse_axis` takes it.  Text in a list may be a range.

    Raises
    ------
    ConfigError
        Every problem, one line each.
    """
    axis, problems = read_axis(key, values, "axis ")
    if axis is None or problems:
        raise ConfigError(problems)
    return axis


def make_axes(axes: Mapping[Any, Any] | Iterable[Axis | str]) -> tuple[Axis, ...]:
    """Make all axes of a study, and tell the problems of all of them at once.

    Parameters
    ----------
    axes : mapping, or iterable of Axis or str
        Key -> values as `make_axis` takes them; or texts as `parse_axis` takes them.

    Raises
    ------
    ConfigError
        Every problem, one line each; a key that stands in two axes is one.
    """
    made, problems = read_axes(axes, "axis ")
    if problems:
        raise ConfigError(problems)
    return made


def read_axes(
    axes: Any, prefix: str, folder: Path | None = None
) -> tuple[tuple[Axis, ...], tuple[str, ...]]:
    """Make all axes of a study, or say everything that is wrong with them.

    Parameters
    ----------
    axes
        As for `make_axes`.
    prefix, folder
        As for `read_axis`.

    Returns
    -------
    tuple
        The axes that could be made, and the problems.
    """
    items = axes.items() if isinstance(axes, Mapping) else axes
    made: list[Axis] = []
    named: list[tuple[str, ...]] = []
    problems: list[str] = []
    for item in [axes] if isinstance(axes, str | Axis) else items:
        if isinstance(item, Axis):
            made.append(item)
            named.append(item.keys)
            continue
        key, values = (item[0], item[1]) if isinstance(axes, Mapping) else _cut(item)
        if key is None:
            problems.append(f"{prefix}{shown(item)}: expected KEY=VALUES, {_EXAMPLE}")
            continue
        axis, found = read_axis(key, values, prefix, folder)
        problems += found
        made += [axis] if axis is not None else []
        if len(set(_paths(key))) == len(_paths(key)):  # else it has been told
            named.append(_paths(key))
    problems += [f"{prefix}{line}" for line in twice(named)]
    return tuple(made), tuple(problems)


def twice(axes: Iterable[tuple[str, ...]]) -> list[str]:
    """Name the keys that stand in two axes, one line each.

    Parameters
    ----------
    axes : iterable of tuple of str
        The keys of each.
    """
    first: dict[str, str] = {}
    problems = []
    for keys in axes:
        label = "/".join(keys)
        for key in keys:
            if key in first:
                other = "" if first[key] == label else f" (and in {first[key]!r})"
                problems.append(f"{label}: {key} is given twice{other}")
            first.setdefault(key, label)
    return problems


def read_axis(
    key: str | Sequence[str], values: Any, prefix: str, folder: Path | None = None
) -> tuple[Axis | None, tuple[str, ...]]:
    """Make an axis, or say everything that is wrong with it.

    Parameters
    ----------
    key, values
        As for `make_axis`.
    prefix : str
        Put before the name of the axis in every problem.
    folder : path, optional
        Where the files lie that are named relatively; by default the working directory.

    Returns
    -------
    tuple
        The axis, or None and the problems.
    """
    names = _names(key)
    if not names or not all(isinstance(name, str) for name in names):
        return None, (f"{prefix}{shown(key)}: an axis is named by a dotted key, {_EXAMPLE}",)
    where = f"{prefix}{'/'.join(name.strip() for name in names)}"
    keys: list[AxisKey] = []
    problems = []
    for name in names:
        try:
            keys.append(find_axis_key(name))
        except InputError as error:
            problems.append(f"{prefix}{name.strip()}: {error}")
    paths = tuple(found.path for found in keys)
    if not problems and len(set(paths)) < len(paths):
        again = next(path for path in paths if paths.count(path) > 1)
        problems.append(f"{where}: {again} is given twice")
    if problems:
        return None, tuple(problems)
    rows, found = read_rows(keys, values, folder)
    lines = [f"{where}: {line}" for problem in found for line in problem.splitlines()]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"{where}: and {len(lines) - _MOST_LINES} problems more"]
    return (None if lines else Axis(paths, tuple(rows))), tuple(lines)


def _cut(text: Any) -> tuple[str | None, str]:
    """Cut ``KEY=VALUES``; the key is None where it is none."""
    if not isinstance(text, str):
        return None, ""
    key, equals, values = text.partition("=")
    return (key if equals and key.strip() else None), values


def _names(key: Any) -> list[Any]:
    """Return the names of an axis, one or several."""
    if isinstance(key, str):
        return key.split("/")
    return list(key) if isinstance(key, Sequence) else []


def _paths(key: Any) -> tuple[str, ...]:
    return tuple(plain_name(name) for name in _names(key) if isinstance(name, str))


def _text(key: AxisKey, value: Any) -> str:
    """Write one value so that it is read back as one value."""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value)
    if not isinstance(value, str):
        return shown(value)
    is_safe = not re.search(r"[,/'\"\[\]{}()\n]|\.\.", value) and value.strip() == value != ""
    if is_safe and (key.is_text or _is_plain(value)):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(value: str) -> bool:
    try:
        return bool(strict_yaml.scalar(value) == value)
    except InputError:
        return False
