"""What one key may hold: the markers that stand in the schema's annotations.

``cycle: Annotated[float, Measured("s")]`` is the only place where the unit of `array.cycle` is
written.  Validation, error texts, JSON Schema, `arch show --explain` and `Arch.to_dict` all ask
the marker, so they cannot disagree.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Number, Real
from typing import Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from crossbar import units
from crossbar.errors import InputError, did_you_mean

__all__ = ["Marker", "Measured", "Plain", "Whole", "shown", "whole_number"]

_LONGEST = 60


def shown(value: object) -> str:
    """Write a value as the user would see it in a file; cut when it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    name = str(value) if isinstance(value, Number) else repr(value)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."


@dataclass(frozen=True)
class Marker(ABC):
    """Base of the markers: a check of a file's value and the way back to the file."""

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return the value that the model keeps, or raise `InputError` saying what is allowed."""

    @abstractmethod
    def write(self, value: Any) -> Any:
        """Return what stands in a file for a value that the model keeps."""

    @abstractmethod
    def allowed(self) -> str:
        """Say in words what is allowed: ``"1 to 16"``."""

    @abstractmethod
    def symbol(self) -> str:
        """Return the unit of the kept value, or ``""``."""

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the file's value."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let pydantic call `check` on the way in and `write` on the way out."""
        return core_schema.no_info_plain_validator_function(
            self.check,
            serialization=core_schema.plain_serializer_function_ser_schema(self._write),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Let pydantic put `json_schema` into the schema of the whole file."""
        return self.json_schema()

    def _write(self, value: Any) -> Any:
        return None if value is None else self.write(value)


@dataclass(frozen=True)
class Measured(Marker):
    """A number with a unit: text such as ``"100 ns"`` in a file, SI inside.

    Parameters
    ----------
    unit : str
        The SI unit of the kept value.
    zero : bool
        Whether 0 is allowed; negative values never are.
    whole : bool
        Whether the kept value is an int (bytes).
    most : float, optional
        The largest value that is allowed: far more than any hardware has, and so little that no
        result overflows.
    """

    unit: str
    zero: bool = False
    whole: bool = False
    most: float | None = None

    def check(self, value: Any) -> float | int:
        """Parse text with a unit into SI."""
        name, example = units.dimension(self.unit)
        if not isinstance(value, str):
            if isinstance(value, bool) or not isinstance(value, Number):
                raise InputError(f"{shown(value)} is not {name} (e.g. {example!r})")
            raise InputError(f"{shown(value)} has no unit (give {name}, e.g. {example!r})")
        number = units.parse(value, self.unit)
        too_large = self.most is not None and number > self.most
        if number < 0 or (number == 0 and not self.zero) or too_large:
            ends = ["0 or more" if self.zero else "more than 0"]
            if self.most is not None:
                ends.append(f"at most {units.exact(self.most, self.unit)}")
            raise InputError(f"{shown(value)} is out of range ({name}, {', '.join(ends)})")
        if not self.whole:
            return number
        if not number.is_integer():
            raise InputError(f"{shown(value)} is not a whole number of {self.unit}s")
        return int(number)

    def write(self, value: Any) -> str:
        """Return the value with its unit and every digit."""
        return units.exact(value, self.unit)

    def allowed(self) -> str:
        """Return the dimension and an example."""
        name, example = units.dimension(self.unit)
        return f"{name}, e.g. {example!r}"

    def symbol(self) -> str:
        """Return the SI unit."""
        return self.unit

    def json_schema(self) -> dict[str, Any]:
        """Return a string with the unit noted beside it."""
        name, example = units.dimension(self.unit)
        return {
            "type": "string",
            "pattern": r"^\s*[+]?[0-9.]+([eE][+-]?[0-9]+)?\s*[^\s0-9].*$",
            "examples": [example],
            "x-unit": self.unit,
            "x-dimension": name.split(" ", 1)[1],
        } | ({} if self.most is None else {"x-maximum": self.most})


@dataclass(frozen=True)
class Whole(Marker):
    """A whole number in a range, or one of a few words.

    Parameters
    ----------
    least, most : int
        The range, both ends allowed.
    unit : str
        What is counted, e.g. ``"bit"``.
    words : tuple of str
        Words allowed beside the number, e.g. ``("auto",)``.
    """

    least: int
    most: int
    unit: str
    words: tuple[str, ...] = ()

    def check(self, value: Any) -> int | str:
        """Accept whole numbers in the range, whatever their Python type, and the words."""
        if isinstance(value, str):
            if value in self.words:
                return value
            hint = did_you_mean(value, self.words)
            raise InputError(f"{shown(value)} is not a whole number ({self.allowed()}){hint}")
        number = whole_number(value)
        if number is None:
            raise InputError(f"{shown(value)} is not a whole number ({self.allowed()})")
        if not self.least <= number <= self.most:
            raise InputError(f"{shown(value)} is out of range ({self.allowed()})")
        return number

    def write(self, value: Any) -> int | str:
        """Return the value as it is."""
        return cast("int | str", value)

    def allowed(self) -> str:
        """Return the range and the words."""
        numbers = (
            f"only {self.least}" if self.least == self.most else f"{self.least} to {self.most}"
        )
        return ", or ".join((numbers, *self.words))

    def symbol(self) -> str:
        """Return what is counted."""
        return self.unit

    def json_schema(self) -> dict[str, Any]:
        """Return an integer range, with the words as alternatives."""
        numbers: dict[str, Any] = {"type": "integer", "minimum": self.least, "maximum": self.most}
        if not self.words:
            return numbers | {"x-unit": self.unit}
        words = {"type": "string", "enum": list(self.words)}
        return {"anyOf": [numbers, words], "x-unit": self.unit}


@dataclass(frozen=True)
class Plain(Marker):
    """A number without a unit in a range: a share, a mean number of things.

    Parameters
    ----------
    least, most : float
        The range, both ends allowed.
    unit : str
        What is counted; ``""`` for a share.
    """

    least: float
    most: float
    unit: str = ""

    def check(self, value: Any) -> float:
        """Accept numbers in the range, whole or not."""
        if isinstance(value, bool) or not isinstance(value, Real):
            raise InputError(f"{shown(value)} is not a number ({self.allowed()})")
        number = cast("float", value)
        if not self.least <= number <= self.most:  # NaN is not, either
            raise InputError(f"{shown(value)} is out of range ({self.allowed()})")
        return float(number)

    def write(self, value: Any) -> float:
        """Return the value as it is."""
        return cast("float", value)

    def allowed(self) -> str:
        """Return the range."""
        return f"{self.least:g} to {self.most:g}"

    def symbol(self) -> str:
        """Return what is counted."""
        return self.unit

    def json_schema(self) -> dict[str, Any]:
        """Return a range of numbers."""
        numbers = {"type": "number", "minimum": self.least, "maximum": self.most}
        return numbers | ({"x-unit": self.unit} if self.unit else {})


def whole_number(value: object) -> int | None:
    """Return a whole number of any numeric type, or None; true and false are not numbers."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    try:
        return operator.index(cast("int", value))
    except TypeError:
        return None
