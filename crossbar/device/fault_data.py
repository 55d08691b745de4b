"""Faults as plain data: for report headers, files of mapped models and keys of studies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from crossbar.device.fault_map import FaultMap
from crossbar.device.faults import ClusteredFaults, Faults, FaultSet, LineFaults, StuckAt

__all__ = ["describe_faults", "faults_from_dict", "faults_to_dict", "is_faults"]

_RATES: dict[str, type[StuckAt | ClusteredFaults | LineFaults]] = {
    "stuck_at": StuckAt,
    "clustered": ClusteredFaults,
    "lines": LineFaults,
}


def is_faults(value: object) -> bool:
    """Whether a value is a kind of faults, or a tuple of such."""
    if isinstance(value, tuple):
        return all(is_faults(part) for part in value)
    return isinstance(value, (StuckAt, ClusteredFaults, LineFaults, FaultMap, FaultSet))


def faults_to_dict(faults: Faults) -> dict[str, Any]:
    """Return JSON-able data that `faults_from_dict` turns into equal faults."""
    if isinstance(faults, (tuple, FaultSet)):
        parts = faults if isinstance(faults, tuple) else faults.parts
        return {"kind": "set", "parts": [faults_to_dict(part) for part in parts]}
    if isinstance(faults, FaultMap):
        return {
            "kind": "map",
            "source": faults.source,
            "cells": faults.cells.tolist(),
            "arrays": None if faults.arrays is None else faults.arrays.tolist(),
            "shape": None if faults.shape is None else list(faults.shape),
        }
    for kind, cls in _RATES.items():
        if isinstance(faults, cls):
            return {"kind": kind} | {f.name: getattr(faults, f.name) for f in fields(cls)}
    raise TypeError(f"{type(faults).__name__} is no kind of faults")


def faults_from_dict(data: Mapping[str, Any]) -> Faults:
    """Rebuild what `faults_to_dict` wrote."""
    rest = {key: value for key, value in data.items() if key != "kind"}
    if data["kind"] == "set":
        return FaultSet(tuple(faults_from_dict(part) for part in rest["parts"]))
    if data["kind"] == "map":
        shape = None if rest["shape"] is None else (rest["shape"][0], rest["shape"][1])
        return FaultMap(rest["cells"], rest["arrays"], shape, rest["source"])
    return _RATES[data["kind"]](**rest)


def describe_faults(faults: Faults) -> dict[str, Any]:
    """Return what a report's header says of faults, by kind.

    Rates as they are; of a map its source, the number of broken cells and a digest.
    """
    if isinstance(faults, (tuple, FaultSet)):
        parts = faults if isinstance(faults, tuple) else faults.parts
        named = [describe_faults(part) for part in parts]
        return {f"{key} {k + 1}": v for k, part in enumerate(named) for key, v in part.items()}
    if isinstance(faults, FaultMap):
        digest = hashlib.sha256(faults.cells.tobytes()).hexdigest()[:12]
        return {
            "fault_map": {
                "source": faults.source,
                "broken_cells": len(faults.cells),
                "digest": digest,
            }
        }
    data = faults_to_dict(faults)
    return {data.pop("kind"): data}
