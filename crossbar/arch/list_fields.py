"""Markers of keys that hold several values: copies of layers, lists of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias

from crossbar.arch.fields import Marker, shown, whole_number
from crossbar.errors import InputError, did_you_mean

__all__ = ["Copies", "Numbers"]

_MOST_COPIES = 1_000_000
_MOST_NUMBERS = 1024

Replicas: TypeAlias = "str | tuple[int, ...] | dict[str, int]"


@dataclass(frozen=True)
class Copies(Marker):
    """How often layers are copied: a word, a list in layer order, or a mapping layer: copies."""

    words: tuple[str, ...]

    def check(self, value: Any) -> Replicas:
        """Accept a word, a list of counts or a mapping of counts."""
        if isinstance(value, str):
            if value in self.words:
                return value
        elif isinstance(value, Mapping) and value:
            return {str(name): self._count(name, copies) for name, copies in value.items()}
        elif isinstance(value, Sequence) and value:
            return tuple(self._count(place, copies) for place, copies in enumerate(value))
        hint = did_you_mean(value, self.words) if isinstance(value, str) else ""
        raise InputError(f"{shown(value)} is not one of {self.allowed()}{hint}")

    def write(self, value: Any) -> Any:
        """Return a word, a list or a mapping."""
        return list(value) if isinstance(value, tuple) else value

    def allowed(self) -> str:
        """Return the words and the two forms."""
        return f"{', '.join(self.words)}, a list of copies, a mapping layer: copies"

    def symbol(self) -> str:
        """Return nothing: copies have no unit."""
        return ""

    def json_schema(self) -> dict[str, Any]:
        """Return the three forms as alternatives."""
        count = {"type": "integer", "minimum": 1, "maximum": _MOST_COPIES}
        return {
            "anyOf": [
                {"type": "string", "enum": list(self.words)},
                {"type": "array", "items": count, "minItems": 1},
                {"type": "object", "additionalProperties": count, "minProperties": 1},
            ]
        }

    @staticmethod
    def _count(place: object, copies: object) -> int:
        number = whole_number(copies)
        if number is None or not 1 <= number <= _MOST_COPIES:
            where = f"layer {place!r}" if isinstance(place, str) else f"place {place}"
            raise InputError(f"{shown(copies)} copies of {where} (allowed: 1 to {_MOST_COPIES})")
        return number


@dataclass(frozen=True)
class Numbers(Marker):
    """A list of numbers without a unit, each in a range.

    Parameters
    ----------
    least, most : float
        The range, both ends allowed.
    """

    least: float
    most: float

    def check(self, value: Any) -> tuple[float, ...]:
        """Accept a list of numbers in the range."""
        if not isinstance(value, Sequence) or isinstance(value, str) or not value:
            raise InputError(f"{shown(value)} is not {self.allowed()}")
        if len(value) > _MOST_NUMBERS:
            raise InputError(f"{len(value):,} numbers (at most {_MOST_NUMBERS:,})")
        for place, number in enumerate(value):
            if isinstance(number, bool) or not isinstance(number, Real):
                raise InputError(f"{shown(number)} at place {place} is not a number")
            if not self.least <= float(number) <= self.most:
                raise InputError(
                    f"{shown(number)} at place {place} is out of range"
                    f" ({self.least:g} to {self.most:g})"
                )
        return tuple(float(number) for number in value)

    def write(self, value: Any) -> list[float]:
        """Return a list."""
        return list(value)

    def allowed(self) -> str:
        """Return the form and the range."""
        return f"a list of numbers, {self.least:g} to {self.most:g} each"

    def symbol(self) -> str:
        """Return nothing: the numbers have no unit."""
        return ""

    def json_schema(self) -> dict[str, Any]:
        """Return an array of numbers."""
        number = {"type": "number", "minimum": self.least, "maximum": self.most}
        return {"type": "array", "items": number, "minItems": 1}
