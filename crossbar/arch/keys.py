"""The keys of a hardware file as a table: for error texts, `arch show --explain` and editors."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from pydantic.fields import FieldInfo

from crossbar.arch.fields import Marker, shown
from crossbar.arch.schema import Arch, Section

__all__ = ["ExplainRow", "Key", "arch_schema", "explain_arch", "key_table", "sections"]

_TITLE = "crossbar hardware description"
_EXTENDS = {
    "type": "string",
    "description": "The preset or the file (relative to this one) that this file changes.",
}


@dataclass(frozen=True)
class ExplainRow:
    """One key of a hardware description, explained.

    Parameters
    ----------
    key : str
        Dotted path, e.g. ``"array.cycle"``.
    value : str
        The value as a file would say it, ``"100 ns"``; ``"-"`` where it is left out.
    unit : str
        SI unit of the value in Python, or what is counted; ``""`` where there is none.
    help : str
        What it is and where it comes from, on one line.
    """

    key: str
    value: str
    unit: str
    help: str


@dataclass(frozen=True)
class Key:
    """One key that holds a value (not a section).

    Parameters
    ----------
    path : str
        Dotted path.
    marker : Marker or None
        What checks the value; None for words, text and booleans.
    words : tuple of str
        The allowed words, where only words are allowed.
    allowed : str
        What is allowed, in words.
    default : object
        Value when left out; ``...`` where the key is needed.
    help : str
        The docstring of the field, on one line.
    """

    path: str
    marker: Marker | None
    words: tuple[str, ...]
    allowed: str
    default: object
    help: str


@lru_cache(maxsize=1)
def sections() -> Mapping[str, type[Section]]:
    """Return the sections of a file by name."""
    found: dict[str, type[Section]] = {}
    for name, field in Arch.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found[name] = field.annotation
    return types.MappingProxyType(found)


@lru_cache(maxsize=1)
def key_table() -> Mapping[str, Key]:
    """Return all keys by dotted path, in the order of the schema."""
    found: dict[str, Key] = {}
    for name, field in Arch.model_fields.items():
        section = sections().get(name)
        if section is None:
            found[name] = _key(name, field)
            continue
        for inner, inner_field in section.model_fields.items():
            path = f"{name}.{inner}"
            key = _key(path, inner_field)
            found[path] = key
    return types.MappingProxyType(found)


def explain_arch(arch: Arch) -> tuple[ExplainRow, ...]:
    """Explain every key of a hardware description.

    Parameters
    ----------
    arch : Arch
        A loaded description.

    Returns
    -------
    tuple of ExplainRow
        One row a key, in the order of the schema.
    """
    written = arch.to_dict()
    rows = []
    for key in key_table().values():
        value: Any = written
        for part in key.path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        text = "-" if value is None else value if isinstance(value, str) else shown(value)
        unit = key.marker.symbol() if key.marker else ""
        rows.append(ExplainRow(key.path, text or "-", unit, key.help))
    return tuple(rows)


def arch_schema() -> dict[str, Any]:
    """Return the JSON Schema of a hardware file, for editors.

    Quantities carry ``x-unit`` (SI unit inside) and an example.  No key is marked as required,
    since any may come from the file that `extends` names; ``null`` removes an inherited value.
    """
    schema = Arch.model_json_schema()
    schema["title"] = _TITLE
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"] = {"extends": dict(_EXTENDS)} | schema["properties"]
    for part in (schema, *schema["$defs"].values()):
        part.pop("required", None)
        for entry in part["properties"].values():
            entry.pop("title", None)
            if "description" in entry:
                entry["description"] = _one_line(entry["description"])
            _allow_null(entry)
    return schema


def _key(path: str, field: FieldInfo) -> Key:
    """Describe one field."""
    marker = next((item for item in field.metadata if isinstance(item, Marker)), None)
    words: tuple[str, ...] = ()
    if marker is not None:
        allowed = marker.allowed()
    elif typing.get_origin(field.annotation) is Literal:
        words = tuple(str(word) for word in typing.get_args(field.annotation))
        allowed = f"one of {', '.join(words)}" if len(words) > 1 else f"only {words[0]}"
    else:
        allowed = "true or false" if field.annotation is bool else "text"
    default = ... if field.is_required() else field.default
    return Key(path, marker, words, allowed, default, _one_line(field.description or ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _allow_null(entry: dict[str, Any]) -> None:
    """Let a value be null; references to sections stay as they are."""
    if "anyOf" in entry:
        entry["anyOf"] = [*entry["anyOf"], {"type": "null"}]
    elif "const" in entry or "enum" in entry:
        words = entry["enum"] if "enum" in entry else [entry.pop("const")]
        entry["enum"] = [*words, None]
        entry.pop("type", None)
    elif isinstance(entry.get("type"), str):
        entry["type"] = [entry["type"], "null"]
