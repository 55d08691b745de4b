"""What every section of a hardware file is, and how large a quantity may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = [
    "MOST_BYTES",
    "MOST_HERTZ",
    "MOST_JOULES",
    "MOST_KELVIN",
    "MOST_OHMS",
    "MOST_SECONDS",
    "MOST_SIEMENS",
    "MOST_VOLTS",
    "Section",
    "Shorthand",
]

MOST_SIEMENS, MOST_VOLTS, MOST_SECONDS, MOST_JOULES = 1.0, 100.0, 1.0, 1.0
MOST_HERTZ, MOST_BYTES, MOST_OHMS, MOST_KELVIN = 1e12, float(1 << 40), 1e9, 2000.0
"""Most of each quantity: beyond any hardware, and small enough for every product of them."""


class Section(BaseModel):
    """Base of every section: unknown keys are errors, nothing is converted in silence."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


@dataclass(frozen=True)
class Shorthand:
    """How a section may be written as one value.

    A kind's name alone always stands for the section of that kind.

    Parameters
    ----------
    number : tuple of str, optional
        Kind (``""`` where the section has none) and key that a bare number gives.
    word : tuple of str, optional
        Kind and key that a word of `words` gives.
    words : tuple of str
        Those words.
    """

    number: tuple[str, str] | None = None
    word: tuple[str, str] | None = None
    words: tuple[str, ...] = ()

    def expand(self, value: Any, kinds: tuple[str, ...]) -> dict[str, Any] | None:
        """Return the section that a value stands for, or None where it stands for none.

        Parameters
        ----------
        value : object
            What was written.
        kinds : tuple of str
            Kinds of the section; empty where it has none.
        """
        if isinstance(value, str):
            if value in kinds:
                return {"kind": value}
            if value == "none" and not kinds:
                return {}  # a section without kinds is off where it says nothing
            found = self.word if value in self.words else None
        else:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            found = self.number if is_number else None
        if found is None:
            return None
        kind, key = found
        return ({"kind": kind} if kind else {}) | {key: value}
