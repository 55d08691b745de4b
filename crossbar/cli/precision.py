"""The words of ``--precision``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crossbar.errors import InputError

__all__ = ["Precision", "read_precision"]

Precision = Annotated[
    list[str] | None,
    typer.Option(
        "--precision",
        metavar="PATTERN=input_bits:10,weight_bits:8",
        help="Precision of the layers whose names match, e.g. '*.query=input_bits:10'; of the"
        " first= or the last= layer; or of all: zero_point:true. Keys: weight_bits, weight_levels,"
        " input_bits, zero_point, activation_scale (token: a scale for each token). May be"
        " repeated.",
    ),
]

_WORDS = {"true": True, "false": False, "none": None}


def read_precision(words: Sequence[str]) -> dict[str, Any]:
    """Read the words of ``--precision``: ``PATTERN=input_bits:10,weight_bits:8``.

    Without a pattern the keys are those of all layers; ``first=`` and ``last=`` are the first and
    the last layer on crossbars.  Keys and values are those of `crossbar.map_model`.

    Raises
    ------
    InputError
        Naming the word that is wrong.
    """
    from crossbar.mapping.precision import KEYS, check_precision

    found: dict[str, Any] = {}
    layers: dict[str, dict[str, Any]] = {}
    for word in words:
        pattern, equals, rule = word.rpartition("=")
        pattern, where = pattern.strip(), f"--precision {word}"
        if equals and not pattern:
            raise InputError(f"{where}: expected PATTERN=KEY:VALUE,..., e.g. *.query=input_bits:10")
        if pattern in ("first", "last"):
            target = found.setdefault(pattern, {})
        else:
            target = layers.setdefault(pattern, {}) if pattern else found
        for part in rule.split(","):
            key, colon, value = (piece.strip() for piece in part.partition(":"))
            if not colon or not value:
                raise InputError(
                    f"{where}: {part.strip()!r}: expected KEY:VALUE, e.g. input_bits:10; keys:"
                    f" {', '.join(KEYS)}"
                )
            if key in target:
                raise InputError(f"{where}: {key} is already set to {target[key]!r}")
            target[key] = int(value) if value.isdecimal() else _WORDS.get(value, value)
            try:
                check_precision({key: target[key]})
            except InputError as error:
                raise InputError(f"{where}: {error}") from None
    return found | ({"layers": layers} if layers else {})
