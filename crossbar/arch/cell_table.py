"""The user's own measurements of cells: one CSV file, read with its units and checked.

Two forms.  Statistics: ``target [uS],mean [uS],sigma [uS]``, one row a target.  Raw points:
``target [uS],measured [uS]``, several rows a target, of which mean and sigma are taken.  Any unit
of conductance may stand in the brackets; blank lines and lines that begin with ``#`` are skipped.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from crossbar import units
from crossbar.arch.fields import Marker, shown
from crossbar.arch.section import MOST_SIEMENS
from crossbar.errors import ConfigError, InputError, did_you_mean

__all__ = ["CellTable", "TableFile", "read_table"]

_STATISTICS = ("target", "mean", "sigma")
_POINTS = ("target", "measured")
_COLUMNS = ("target", "mean", "sigma", "measured")
_FORMS = "'target [uS],mean [uS],sigma [uS]' or 'target [uS],measured [uS]'"
_KEYS = ("source", "unit", "targets", "means", "sigmas", "points")
_HEADING = re.compile(r"(?P<name>[^\[\]]*?)\s*(?:\[(?P<unit>[^\[\]]*)\])?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_MOST_TOLD = 20


@dataclass(frozen=True)
class CellTable:
    """Measured statistics of cells.

    Parameters
    ----------
    source : str
        Name of the file, without its folder.
    targets : tuple of float
        Conductances that were aimed at [S], ascending, all different, two or more.
    means, sigmas : tuple of float
        Mean and standard deviation of what the cells then had [S], one a target.
    points : tuple of (float, float)
        Raw pairs of target and measured conductance [S]; empty where statistics were given.
    """

    source: str
    targets: tuple[float, ...]
    means: tuple[float, ...]
    sigmas: tuple[float, ...]
    points: tuple[tuple[float, float], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, conductances in S, that a hardware description can hold."""
        head = {"source": self.source, "unit": "S"}
        if self.points:
            return head | {"points": [list(pair) for pair in self.points]}
        return head | {
            "targets": list(self.targets),
            "means": list(self.means),
            "sigmas": list(self.sigmas),
        }


@dataclass(frozen=True)
class TableFile(Marker):
    """The name of a CSV file, or the content of one as `CellTable.to_dict` gives it."""

    def check(self, value: Any) -> CellTable:
        """Read the file (relative to the working folder), or check the content."""
        if isinstance(value, CellTable):
            return value
        if isinstance(value, Mapping):
            return _from_dict(value)
        if not isinstance(value, (str, os.PathLike)):
            raise InputError(f"{shown(value)} is not {self.allowed()}")
        return read_table(Path(value))

    def write(self, value: Any) -> Any:
        """Return the content as plain data."""
        return value.to_dict()

    def allowed(self) -> str:
        """Return what the file is."""
        return f"a CSV file ({_FORMS})"

    def symbol(self) -> str:
        """Return nothing: each column has its unit in the file."""
        return ""

    def json_schema(self) -> dict[str, Any]:
        """Return the two forms."""
        return {"anyOf": [{"type": "string"}, {"type": "object", "required": ["source"]}]}


def read_table(path: Path, name: str | None = None) -> CellTable:
    """Read a CSV file of measured cells.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        How errors call it; left out: as `path`.

    Raises
    ------
    ConfigError
        If the file cannot be read, or anything in it is wrong: every problem is one line.
    """
    label = str(path) if name is None else name
    label = label if label.isprintable() else repr(label)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([f"{label}: no such file"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{label}: a folder, not a CSV file"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{label}: not UTF-8 text (byte {error.start})"]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError([f"{label}: cannot be read ({reason})"]) from None
    reader = _Reader()
    table = reader.table(text, path.name)
    if table is None or reader.problems:
        told = reader.problems[:_MOST_TOLD]
        if len(reader.problems) > len(told):
            told.append(f"and {len(reader.problems) - len(told):,} more problems")
        raise ConfigError(f"{label}: {problem}" for problem in told)
    return table


class _Reader:
    """Goes through a file and collects what is wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def table(self, text: str, source: str) -> CellTable | None:
        """Return the content, or None where `problems` says why not."""
        lines = self._lines(text)
        heading = next(lines, None)
        if heading is None:
            self.problems.append(f"empty (columns: {_FORMS})")
            return None
        columns = self._columns(heading[1])
        if self.problems:
            return None
        names = [name for name, _ in columns]
        form = _POINTS if "measured" in names else _STATISTICS
        rows: list[dict[str, float]] = []
        firsts: dict[float, int] = {}
        for number, cells in lines:
            row = self._row(number, cells, columns)
            if len(row) < len(form):
                continue
            if form is _STATISTICS and row["target"] in firsts:
                first = firsts[row["target"]]
                target = units.text(row["target"], "S", 12)
                self.problems.append(
                    f"line {number}: target {target} is given twice (first on line {first})"
                )
            firsts.setdefault(row["target"], number)
            rows.append(row)
        if self.problems:
            return None
        try:
            if form is _POINTS:
                return _from_points(source, [(row["target"], row["measured"]) for row in rows])
            return _from_statistics(source, *([row[name] for row in rows] for name in form))
        except InputError as error:
            self.problems.append(str(error))
            return None

    def _lines(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the lines that say something, with their numbers from 1."""
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                cells = next(csv.reader([line]))
                yield number, [cell.strip() for cell in cells]

    def _columns(self, headings: list[str]) -> list[tuple[str, Decimal]]:
        """Return name and factor to S of each column."""
        found: list[tuple[str, Decimal]] = []
        for heading in headings:
            match = _HEADING.fullmatch(heading)
            name = heading if match is None else match["name"]
            if name not in _COLUMNS:
                hint = did_you_mean(name, _COLUMNS)
                comma = " (columns are separated by commas)" if ";" in name else hint
                self.problems.append(
                    f"unknown column {shown(name)}{comma}; known: {', '.join(_COLUMNS)}"
                )
                continue
            if name in (known for known, _ in found):
                self.problems.append(f"column {name!r} is given twice")
                continue
            unit = match["unit"] if match is not None else None
            if not unit:
                self.problems.append(f"column {name!r} has no unit (write e.g. '{name} [uS]')")
                found.append((name, Decimal(1)))
                continue
            try:
                factor = Decimal(repr(units.parse(f"1 {unit}", "S")))
            except InputError as error:
                problem = str(error).replace(repr(f"1 {unit}"), f"[{unit}]")
                self.problems.append(f"column {name!r}: {problem}")
                factor = Decimal(1)
            found.append((name, factor))
        names = {name for name, _ in found}
        if not self.problems and names not in ({*_STATISTICS}, {*_POINTS}):
            self.problems.append(f"columns {', '.join(sorted(names))}; needed: {_FORMS}")
        return found

    def _row(
        self, number: int, cells: list[str], columns: list[tuple[str, Decimal]]
    ) -> dict[str, float]:
        """Return the values of one line [S] that are right."""
        if len(cells) != len(columns):
            count = f"{len(cells)} {'value' if len(cells) == 1 else 'values'}"
            self.problems.append(f"line {number}: {count} for {len(columns)} columns")
            return {}
        found = {}
        for cell, (name, factor) in zip(cells, columns, strict=True):
            if _NUMBER.fullmatch(cell) is None:
                self.problems.append(f"line {number}: {name}: {shown(cell)} is not a number")
                continue
            value = float(Decimal(cell) * factor)
            if not 0 <= value <= MOST_SIEMENS:
                self.problems.append(
                    f"line {number}: {name}: {cell} is out of range (0 or more, at most "
                    f"{units.exact(MOST_SIEMENS, 'S')})"
                )
                continue
            found[name] = value
        return found


def _from_statistics(
    source: str, targets: Sequence[float], means: Sequence[float], sigmas: Sequence[float]
) -> CellTable:
    rows = sorted(zip(targets, means, sigmas, strict=True))
    if len(rows) < 2:
        raise InputError(f"{_targets(len(rows))} (2 or more needed)")
    return CellTable(source, *(tuple(column) for column in zip(*rows, strict=True)))


def _from_points(source: str, points: Sequence[tuple[float, float]]) -> CellTable:
    groups: dict[float, list[float]] = {}
    for target, measured in sorted(points):
        groups.setdefault(target, []).append(measured)
    if len(groups) < 2:
        raise InputError(f"{_targets(len(groups))} (2 or more needed)")
    means, sigmas = [], []
    for target, values in groups.items():
        if len(values) < 2:
            place = units.text(target, "S", 12)
            raise InputError(f"target {place} has one measured value (2 or more needed)")
        mean = math.fsum(values) / len(values)
        means.append(mean)
        spread = math.fsum((value - mean) ** 2 for value in values)
        sigmas.append(math.sqrt(spread / (len(values) - 1)))
    return CellTable(source, tuple(groups), tuple(means), tuple(sigmas), tuple(sorted(points)))


def _targets(count: int) -> str:
    return f"{count} {'target' if count == 1 else 'targets'}"


def _from_dict(data: Mapping[str, Any]) -> CellTable:
    """Return the table of plain data as `CellTable.to_dict` gives it."""
    unknown = [key for key in data if key not in _KEYS]
    source = data.get("source")
    if unknown or not isinstance(source, str) or data.get("unit") != "S":
        what = f"unknown key {shown(unknown[0])}" if unknown else "source or unit: S is missing"
        raise InputError(f"{what} (a table holds source, unit: S and targets, means, sigmas)")
    if "points" in data:
        pairs = data["points"]
        if not isinstance(pairs, Sequence) or not all(
            isinstance(pair, Sequence) and len(pair) == 2 for pair in pairs
        ):
            raise InputError("points: not a list of pairs of target and measured conductance")
        numbers = [_numbers("points", pair) for pair in pairs]
        return _from_points(source, [(pair[0], pair[1]) for pair in numbers])
    columns = [_numbers(key, data.get(key)) for key in ("targets", "means", "sigmas")]
    if len({len(column) for column in columns}) > 1 or len(set(columns[0])) < len(columns[0]):
        raise InputError("targets, means and sigmas must be equally many, no target twice")
    return _from_statistics(source, *columns)


def _numbers(key: str, values: Any) -> list[float]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InputError(f"{key}: {shown(values)} is not a list of conductances in S")
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MOST_SIEMENS:
            raise InputError(f"{key}: {shown(value)} is not a conductance in S (0 to 1)")
    return [float(value) for value in values]
