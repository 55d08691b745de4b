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
    "bool": ((bool,), "true or false"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float, _NULL), "a number or null"),
    "dict": ((dict,), "an object"),
    "dict | None": ((dict, _NULL), "an object or null"),
    "str | None": ((str, _NULL), "a text or null"),
    "tuple": ((list, tuple), "a list"),
    "tuple | None": ((list, tuple, _NULL), "a list or null"),
}
"""What JSON may hold, by the beginning of an annotation, and what it is called."""

_CHIP = (
    *("arrays", "pes", "tiles", "chip_tiles"),
    *("skipped_arrays", "skipped_pes", "lending_tiles"),
)
_WAIT: dict[str, str] = {"cause": _TEXT, "layer": "str | None", "clocks": "int"}

_INSIDE = {
    "power": {"average": _NUMBER}
    | dict.fromkeys(("peak", "window", "nameplate", "leakage"), _OPTIONAL),
    "programming": dict.fromkeys(("energy", "latency", "rows"), _OPTIONAL),
    "bound": {"latency": _NUMBER, "throughput": _NUMBER},
    "stream": {
        "images": "int",
        "interval": _NUMBER,
        "steady": "bool",
        "limited_by": _TEXT,
        "load": _NUMBER,
        "waits_for": "dict | None",
    },
    "timeline": {"window": _NUMBER, "bins": "int", "layers": "dict"},
    "precision": {"weight_bits": "int", "input_bits": "int"},
    "chip": {name: "int" for name in _CHIP} | {"utilisation": _NUMBER},
}
"""Keys of objects that the printed table and the page need."""

_ROWS = {
    "layers": {
        "name": _TEXT,
        "energy": _NUMBER,
        "time": _NUMBER,
        **dict.fromkeys(("replicas", "arrays", "start", "end", "cycles", "busy"), "int"),
        **dict.fromkeys(("positions", "reads", "row_groups", "slot_cycles"), "int"),
        "idle": "dict",
        "waits_for": "dict | None",
        "load": _NUMBER,
        "buffer": "dict",
        "components": "dict",
    },
    "resources": {
        "name": _TEXT,
        "kind": _TEXT,
        "tile": "int | None",
        "busy": "int",
        "idle": "dict",
    },
    "critical_path": {"layer": _TEXT, "what": _TEXT, "cycles": "int"},
    "unpriced": {"name": _TEXT, "kind": _TEXT, "operator": _TEXT, "operations": "int"},
    "digital": {
        "kind": _TEXT,
        "nodes": "int",
        "operations": _NUMBER,
        **dict.fromkeys(("energy", "share"), _OPTIONAL),
        **dict.fromkeys(("actions", "units"), "dict"),
    },
}
"""The same of lists of objects."""

_IN_ROWS: dict[str, dict[str, str]] = {
    "waits_for": _WAIT,
    "buffer": {"need": _NUMBER, "given": _NUMBER},
}
"""The same of objects in such a row."""

_TRIALS = {
    "number": "int",
    "identical": "bool",
    "seeds": "tuple",
    "accuracy": "dict | None",
    "energy": "dict",
    "metrics": "dict",
    "histogram": "dict | None",
}
"""Keys of the draws of a chip, where there are some."""

_SPREAD = {**dict.fromkeys(("mean", "std", "worst"), _OPTIONAL), "values": "tuple"}

_SEQUENCES = {
    **dict.fromkeys(("tokens", "shortest", "longest"), "int"),
    **dict.fromkeys(("mean", "per_second", "energy_per_token"), _NUMBER),
    "schedule": "dict",
    "by_length": "tuple",
}
"""Keys of the lengths of samples, where they differ from the captured one."""

_LENGTH = {
    **dict.fromkeys(("tokens", "samples"), "int"),
    **dict.fromkeys(("energy", "latency", "interval"), _NUMBER),
}

_WEAR = {
    "writes_per_inference": _NUMBER,
    "cells": "int",
    **dict.fromkeys(("endurance", "inferences_to_failure", "lifetime"), _OPTIONAL),
}
"""Keys of the wear of cells that are programmed in every inference."""

_COSTS = dict.fromkeys(("energy", "leakage", "area"), _NUMBER)


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
            problems += _wrong_inside(f"{name}.{place}.", row)
    for name, kind in (("counts", _OPTIONAL), ("metrics", _OPTIONAL)):
        problems += _all(f"{name}.", data.get(name), kind)
    stream = data.get("stream")
    waits = stream.get("waits_for") if isinstance(stream, Mapping) else None
    if isinstance(waits, Mapping):
        problems += _wrong("stream.waits_for.", waits, _WAIT)
    costs = data.get("components")
    for name, cost in costs.items() if isinstance(costs, Mapping) else ():
        problems += _wrong(f"components.{name}.", cost, _COSTS)
    problems += _wrong_strips(data.get("timeline"))
    problems += _wrong_trials(data.get("trials"))
    problems += _wrong_sequences(data.get("sequences"))
    if data.get("wear") is not None:
        problems += _wrong("wear.", data["wear"], _WEAR)
    return problems


def _wrong_sequences(sequences: Any) -> Iterator[str]:
    """Look at the lengths of samples."""
    if not isinstance(sequences, Mapping):
        return
    yield from _wrong("sequences.", sequences, _SEQUENCES)
    shown = {"tokens": "int", "latency": _NUMBER}
    yield from _wrong("sequences.schedule.", sequences.get("schedule"), shown)
    rows = sequences.get("by_length")
    for place, row in enumerate(rows if isinstance(rows, (list, tuple)) else []):
        yield from _wrong(f"sequences.by_length.{place}.", row, _LENGTH)


def _wrong_trials(trials: Any) -> Iterator[str]:
    """Look at the draws of a chip."""
    if not isinstance(trials, Mapping):
        return
    yield from _wrong("trials.", trials, _TRIALS)
    metrics = trials.get("metrics")
    parts = {f"metrics.{k}": v for k, v in metrics.items()} if isinstance(metrics, Mapping) else {}
    for name, part in ({key: trials.get(key) for key in ("accuracy", "energy")} | parts).items():
        if isinstance(part, Mapping):
            yield from _wrong(f"trials.{name}.", part, _SPREAD)
    if isinstance(trials.get("histogram"), Mapping):
        lists = {"counts": "tuple", "edges": "tuple"}
        yield from _wrong("trials.histogram.", trials["histogram"], lists)


def _wrong_inside(where: str, row: Any) -> Iterator[str]:
    """Look into the objects of a row."""
    for name in row if isinstance(row, Mapping) else ():
        inner = row[name]
        if name == "idle":
            yield from _all(f"{where}idle.", inner, "int")
        elif name == "components":
            yield from _all(f"{where}components.", inner, _NUMBER)
        elif name in ("actions", "units"):
            yield from _all(f"{where}{name}.", inner, _NUMBER)
        elif name in _IN_ROWS and isinstance(inner, Mapping):
            yield from _wrong(f"{where}{name}.", inner, _IN_ROWS[name])


def _wrong_strips(timeline: Any) -> Iterator[str]:
    """Look at the shares of each layer, one a bin."""
    strips = timeline.get("layers") if isinstance(timeline, Mapping) else None
    for name, shares in strips.items() if isinstance(strips, Mapping) else ():
        where = f"timeline.layers.{name}"
        if not isinstance(shares, (list, tuple)):
            yield f"{where}: {found(shares)}, where a list belongs"
        elif len(shares) != timeline.get("bins"):
            yield f"{where}: {len(shares)} shares, where timeline.bins is {timeline.get('bins')}"
        else:
            held = {str(place): share for place, share in enumerate(shares)}
            yield from _all(f"{where}.", held, _NUMBER)


def _all(where: str, data: Any, kind: str) -> Iterator[str]:
    """Say which values of an object of any keys are of another kind."""
    if isinstance(data, Mapping):
        yield from _wrong(where, data, dict.fromkeys(data, kind))


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
        elif not isinstance(data[name], types) or (
            isinstance(data[name], bool) and bool not in types
        ):
            yield f"{where}{name}: {found(data[name])}, where {expected} belongs"
