"""What is wrong with the data of a report file, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.errors import did_you_mean

__all__ = ["found", "problems_of"]

_NULL = type(None)
_NUMBER = "float"
_OPTIONAL = "float | None"
_TEXT = "str"

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a text"),
    "int": ((int,), "a whole number"),
    "int | None": ((int, _NULL), "a whole number or null"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float, _NULL), "a number or null"),
    "dict": ((dict,), "an object"),
    "tuple": ((list, tuple), "a list"),
}
"""What JSON may hold, by the beginning of an annotation, and what it is called."""

_INSIDE = {
    "power": {"average": _NUMBER},
    "precision": {"weight_bits": "int", "input_bits": "int"},
    "chip": {name: "int" for name in ("arrays", "pes", "tiles", "chip_tiles")}
    | {"utilisation": _NUMBER},
}
"""Keys of objects that the printed table needs."""

_ROWS = {
    "layers": {
        "name": _TEXT,
        "energy": _NUMBER,
        "time": _NUMBER,
        "replicas": "int",
        "arrays": "int",
    },
    "unpriced": {"name": _TEXT, "kind": _TEXT, "operator": _TEXT, "operations": "int"},
}
"""The same of lists of objects."""


def found(value: object) -> str:
    """Say what stands in a file: ``"null"``, ``"a text"``, ``"1.5"`` ..."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, Mapping) else "a list"


def problems_of(data: Mapping[str, Any], kinds: Mapping[str, str]) -> list[str]:
    """List what keeps the data of a file from being a report.

    Parameters
    ----------
    data : mapping
        The whole file.
    kinds : mapping
        Field of the report -> beginning of its annotation.
    """
    problems = [
        f"{name}: unknown key{did_you_mean(name, kinds)}"
        for name in data
        if name not in kinds and name not in ("format", "schema")
    ]
    problems += _wrong("", data, kinds)
    for name, keys in _INSIDE.items():
        problems += _wrong(f"{name}.", data.get(name), keys)
    for name, keys in _ROWS.items():
        rows = data.get(name)
        for place, row in enumerate(rows if isinstance(rows, list) else []):
            problems += _wrong(f"{name}.{place}.", row, keys)
    for name, kind in (("counts", _OPTIONAL), ("metrics", _OPTIONAL)):
        held = data.get(name)
        if isinstance(held, Mapping):
            problems += _wrong(f"{name}.", held, dict.fromkeys(held, kind))
    costs = data.get("components")
    for name, cost in costs.items() if isinstance(costs, Mapping) else ():
        problems += _wrong(f"components.{name}.", cost, {"energy": _NUMBER, "area": _NUMBER})
    return problems


def _wrong(where: str, data: Any, kinds: Mapping[str, str]) -> Iterator[str]:
    """Say which keys of an object are missing or hold something else."""
    if not isinstance(data, Mapping):
        if where.count(".") > 1:  # what stands at the top is checked as a field
            yield f"{where[:-1]}: {found(data)}, where an object belongs"
        return
    for name, kind in kinds.items():
        types, expected = _KINDS[kind]
        if name not in data:
            yield f"{where}{name}: missing"
        elif not isinstance(data[name], types) or isinstance(data[name], bool):
            yield f"{where}{name}: {found(data[name])}, where {expected} belongs"
