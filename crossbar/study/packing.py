"""A point's report as it lies in the store: its numbers apart, the whole of it compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["NUMBERS", "Packed", "numbers_of", "pack", "plain_json", "unpack"]

NUMBERS = (
    "energy",
    "latency",
    "throughput",
    "area",
    "accuracy",
    "accuracy_std",
    "accuracy_worst",
    "digital_accuracy",
    "float_accuracy",
    "power.average",
    "power.peak",
)
"""Numbers of a report that tables and figures show, by dotted name."""

_ELSEWHERE = {"accuracy_std": "trials.accuracy.std", "accuracy_worst": "trials.accuracy.worst"}
"""Where numbers stand in a report that have another name here."""

_LEVEL = 1
"""Compression level: a report of 32 kB becomes 7.0 kB in 0.2 ms; level 6 saves 1.2 kB in 0.5 ms."""


@dataclass(frozen=True)
class Packed:
    """A report ready to be stored.

    Parameters
    ----------
    numbers : str
        JSON of the numbers that tables and figures show: they are read without unpacking.
    report : bytes
        The compressed JSON of all of it.
    """

    numbers: str
    report: bytes


def pack(report: Mapping[str, Any]) -> Packed:
    """Make a report ready to be stored.

    Raises
    ------
    ValueError, TypeError
        It holds what JSON has not: NaN, an infinity, an object.
    """
    text = plain_json(report)
    return Packed(plain_json(numbers_of(report)), zlib.compress(text.encode(), _LEVEL))


def unpack(report: bytes) -> dict[str, Any]:
    """Return the report that was packed."""
    data: dict[str, Any] = json.loads(zlib.decompress(report))
    return data


def plain_json(value: Any) -> str:
    """Write one line of JSON, in the order of the keys; NaN and infinities are refused."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def numbers_of(report: Mapping[str, Any]) -> dict[str, float | None]:
    """Return every one of `NUMBERS` by its dotted name; None where it was not measured."""
    return {name: _at(report, _ELSEWHERE.get(name, name)) for name in NUMBERS}


def _at(report: Mapping[str, Any], name: str) -> float | None:
    found: Any = report
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None
