"""Workloads as versioned JSON: torch-free, one node a line, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from crossbar.errors import InputError, WorkloadError, did_you_mean
from crossbar.files import check_header, write_whole
from crossbar.workload.checks import find_problems, validate
from crossbar.workload.graph import Node, Workload

__all__ = ["FORMAT", "SCHEMA", "from_json", "load", "save", "to_json"]

FORMAT = "crossbar.workload"
"""What the ``format`` key of a workload file says."""

SCHEMA = 1
"""Version of the file layout; older ones are read, newer ones refused."""

FILE_KEYS = ("format", "schema", "name", "outputs", "nodes")
NODE_KEYS = ("name", "kind", "inputs", "shape", "attrs", "weight")
NODE_KEYS_REQUIRED = ("name", "kind", "inputs", "shape")


def to_json(workload: Workload) -> str:
    """Write a workload as JSON text, one node a line.

    Parameters
    ----------
    workload : Workload

    Returns
    -------
    str
        An object with ``format``, ``schema``, ``name``, ``outputs`` and ``nodes``; `from_json`
        reads it.

    Raises
    ------
    WorkloadError
        If the graph would not pass when read again.
    """
    validate(workload)
    head = {
        "format": FORMAT,
        "schema": SCHEMA,
        "name": workload.name,
        "outputs": workload.outputs,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items()]
    nodes = ",\n".join(f"  {json.dumps(_node_record(n), allow_nan=False)}" for n in workload)
    return f'{{\n{"".join(lines)} "nodes": [\n{nodes}\n ]\n}}\n'


def from_json(text: str, *, source: str = "workload") -> Workload:
    """Read a workload from JSON text.

    Parameters
    ----------
    text : str
        What `to_json` wrote, or the like written by hand; ``attrs`` and ``weight`` of a node may
        be absent.
    source : str
        What error messages call the text, usually the file name.

    Returns
    -------
    Workload
        Lists in the text are tuples in the graph, also inside ``attrs``.

    Raises
    ------
    SchemaVersionError
        If a newer version of this package wrote the text.
    WorkloadError
        With a line for every problem in it.
    """
    data = _parse(text, source)
    check_header(source, data, "workload", FORMAT, SCHEMA)
    problems = [
        f"{source}: {key}: unknown key{did_you_mean(key, FILE_KEYS)};"
        f" allowed: {', '.join(FILE_KEYS)}"
        for key in data
        if key not in FILE_KEYS
    ]
    problems += [f"{source}: {key}: missing" for key in FILE_KEYS if key not in data]
    name = data.get("name", "")
    if not isinstance(name, str):
        problems.append(f"{source}: name: {name!r} is not a text")
    records, outputs = data.get("nodes", []), data.get("outputs", [])
    for key, value in (("nodes", records), ("outputs", outputs)):
        if not isinstance(value, list):
            problems.append(f"{source}: {key}: {value!r} is not a list")
    nodes: dict[int, Node] = {}
    unreadable: list[str] = []
    if isinstance(records, list):
        for position, record in enumerate(records):
            found = _record_problems(record)
            problems += [f"{source}: nodes.{position}: {line}" for line in found]
            if not found:
                nodes[position] = _node(record)
            elif isinstance(record, dict) and isinstance(record.get("name"), str):
                unreadable.append(record["name"])
    if isinstance(records, list) and isinstance(outputs, list) and {"nodes", "outputs"} <= {*data}:
        problems += find_problems(source, nodes, outputs, unreadable)
    if problems:
        raise WorkloadError(problems)
    return Workload(name, tuple(nodes.values()), tuple(outputs))


def save(workload: Workload, path: str | os.PathLike[str]) -> None:
    """Write a workload to a file, under a temporary name first.

    Parameters
    ----------
    workload : Workload
    path : path
        The file; its folder is made, an existing file is replaced in one step.

    Raises
    ------
    WorkloadError
        If the graph is not sound.
    InputError
        If the file cannot be written; an existing one is then as it was.
    """
    write_whole(path, to_json(workload))


def load(path: str | os.PathLike[str]) -> Workload:
    """Read a workload file.

    Parameters
    ----------
    path : path

    Raises
    ------
    InputError
        If the file cannot be read or is not JSON; and as `from_json`.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text (byte {error.start})") from error
    return from_json(text, source=file.name)


def _node_record(node: Node) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": node.name,
        "kind": node.kind,
        "inputs": node.inputs,
        "shape": node.shape,
    }
    if node.attrs:
        record["attrs"] = dict(node.attrs)
    if node.weight is not None:
        record["weight"] = node.weight
    return record


def _parse(text: str, source: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{source}: key {twice!r} stands twice in one object")
        return result

    def no_constant(name: str) -> None:
        raise InputError(f"{source}: {name} is not a number that JSON knows")

    try:
        data = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source}: line {error.lineno} column {error.colno}: not JSON: {error.msg}"
        ) from error
    except InputError:
        raise
    except ValueError as error:  # an integer of thousands of digits
        raise InputError(f"{source}: not JSON: {error}") from error
    except RecursionError as error:
        raise InputError(f"{source}: nested too deeply to be a workload") from error
    if not isinstance(data, dict):
        raise InputError(f"{source}: a {type(data).__name__}, where a workload is an object")
    return data


def _record_problems(record: object) -> list[str]:
    if not isinstance(record, dict):
        return [f"{record!r} is not an object"]
    allowed = ", ".join(NODE_KEYS)
    unknown = [
        f"{key}: unknown key{did_you_mean(key, NODE_KEYS)}; allowed: {allowed}"
        for key in record
        if key not in NODE_KEYS
    ]
    return unknown + [f"{key}: missing" for key in NODE_KEYS_REQUIRED if key not in record]


def _node(record: dict[str, Any]) -> Node:
    attrs = record.get("attrs", {})
    if isinstance(attrs, dict):
        attrs = {key: _tuples(value) for key, value in attrs.items()}
    return Node(
        name=record["name"],
        kind=record["kind"],
        inputs=_tuples(record["inputs"]),
        shape=_tuples(record["shape"]),
        attrs=attrs,
        weight=record.get("weight"),
    )


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
