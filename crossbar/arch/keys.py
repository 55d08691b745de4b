"""The keys of a hardware file as a table: for error texts, `arch show --explain` and editors."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from crossbar.arch.fields import Marker, shown
from crossbar.arch.schema import Arch
from crossbar.arch.section import Shorthand
from crossbar.arch.tree import Group, sections
from crossbar.errors import did_you_mean

__all__ = [
    "ExplainRow",
    "Key",
    "arch_schema",
    "arch_values",
    "explain_arch",
    "key_table",
    "sections",
    "settable_keys",
    "top_level_keys",
    "value_problem",
    "value_sentence",
]

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
    kinds : tuple of str
        Kinds of its section that have it; empty where all have it.
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
    kinds: tuple[str, ...]
    marker: Marker | None
    words: tuple[str, ...]
    allowed: str
    default: object
    help: str


@lru_cache(maxsize=1)
def key_table() -> Mapping[str, Key]:
    """Return all keys of all kinds by dotted path, in the order of the schema."""
    found: dict[str, Key] = {}
    for name in top_level_keys():
        field = Arch.model_fields.get(name)
        if name in sections():
            found |= {key.path: key for key in _keys_of(sections()[name])}
        elif field is not None:
            found[name] = _key(name, (), {"": field})
    ordered = sorted(found, key=lambda path: _place(path.partition(".")[0]))
    return types.MappingProxyType({path: found[path] for path in ordered})


def top_level_keys() -> tuple[str, ...]:
    """Return what may stand at the top level of a file: keys first, then sections."""
    return tuple(sorted(Arch.model_fields, key=lambda name: name in sections()))


@lru_cache(maxsize=1)
def settable_keys() -> tuple[str, ...]:
    """Return every name that `overrides` take: keys, and sections that may be one value."""
    found: list[str] = []
    for path in key_table():
        section = path.rpartition(".")[0]
        group = sections().get(section)
        if group is not None and group.shorthand is not None and section not in found:
            found.append(section)
        found.append(path)
    return tuple(found)


def value_problem(path: str, value: Any) -> str | None:
    """Say what is wrong with the value of one key by itself, or return None.

    Parameters
    ----------
    path : str
        A key, or a section that may be written as one value.
    value : object
        The value as a file would say it.
    """
    problem = None
    for adapter in _adapters(path):
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            problem = problem or value_sentence(path, dict(error.errors(include_url=False)[0]))
        else:
            return None
    return problem


def value_sentence(path: str, found: Mapping[str, Any]) -> str:
    """Say what is wrong with a value and what is allowed, from one of pydantic's errors."""
    value, key = found["input"], key_table()[path]
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    if len(key.words) == 1:
        return f"{shown(value)} is not available ({key.allowed})"
    if key.words:
        hint = did_you_mean(value, key.words) if isinstance(value, str) else ""
        return f"{shown(value)} is not {key.allowed}{hint}"
    return f"{shown(value)} is not {key.allowed}"


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
    rows = []
    for path, value in arch_values(arch).items():
        key = key_table()[path]
        if isinstance(value, Mapping):  # a table of measurements is named, not printed
            value = value.get("source", value)
        text = "-" if value is None else value if isinstance(value, str) else shown(value)
        unit = key.marker.symbol() if key.marker else ""
        only = f"For {_where(key)}: " if key.kinds else ""
        rows.append(ExplainRow(path, text or "-", unit, only + key.help))
    return tuple(rows)


def arch_values(arch: Arch) -> dict[str, Any]:
    """Return every key of a description as a file would say it, None where it is left out.

    Parameters
    ----------
    arch : Arch
    """
    written = arch.to_dict()
    found: dict[str, Any] = {}
    for path in key_table():
        value: Any = written
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        found[path] = value
    return found


def arch_schema() -> dict[str, Any]:
    """Return the JSON Schema of a hardware file, for editors.

    Quantities carry ``x-unit`` (SI unit inside) and an example.  No key is marked as required,
    since any may come from the file that `extends` names; ``null`` removes an inherited value.
    """
    schema = Arch.model_json_schema()
    schema["title"] = _TITLE
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"] = {"extends": dict(_EXTENDS)} | schema["properties"]
    parts = {"": schema} | schema["$defs"]
    for part in parts.values():
        part.pop("required", None)
        for entry in part["properties"].values():
            entry.pop("title", None)
            if "description" in entry:
                entry["description"] = _one_line(entry["description"])
            _allow_null(entry)
    for path, group in sections().items():
        above, _, name = path.rpartition(".")
        for holder in sections()[above].kinds.values() if above else (None,):
            holding = parts[holder.__name__ if holder is not None else ""]
            if name in holding["properties"]:
                _allow_forms(holding["properties"][name], group)
    return schema


def _keys_of(group: Group) -> Iterator[Key]:
    """Yield the keys of a section and of those that it holds."""
    for name in group.names():
        path = f"{group.path}.{name}"
        if path in sections():
            yield from _keys_of(sections()[path])
            continue
        having = group.having(name)
        yield _key(path, having if len(having) < len(group.kinds) else (), group.fields(name))


def _key(path: str, kinds: tuple[str, ...], fields: Mapping[str, FieldInfo]) -> Key:
    """Describe one key, of all kinds of its section that have it."""
    first = next(iter(fields.values()))
    marker = next((item for item in first.metadata if isinstance(item, Marker)), None)
    words: tuple[str, ...] = ()
    if marker is not None:
        allowed = marker.allowed()
    elif typing.get_origin(first.annotation) is Literal:
        each = (typing.get_args(field.annotation) for field in fields.values())
        words = tuple(dict.fromkeys(str(word) for some in each for word in some))
        allowed = f"one of {', '.join(words)}" if len(words) > 1 else f"only {words[0]}"
    else:
        allowed = "true or false" if first.annotation is bool else "text"
    default = ... if first.is_required() else first.default
    help_ = _one_line(first.description or "")
    if path.endswith(".kind") and len(fields) > 1:
        above = sections()[path.removesuffix(".kind")]
        is_needed = above.field.is_required()
        default = ... if is_needed else above.field.default.kind
        told = (f"`{kind}`: {_one_line(f.description or '')}" for kind, f in fields.items())
        help_ = f"{_one_line(above.field.description or '')} {'; '.join(told)}."
    return Key(path, kinds, marker, words, allowed, default, help_)


def _where(key: Key) -> str:
    *some, last = key.kinds
    return f"kind {', '.join(some)} or {last}" if some else f"kind {last}"


def _place(name: str) -> int:
    return list(Arch.model_fields).index(name)


@lru_cache(maxsize=512)
def _adapters(path: str) -> tuple[TypeAdapter[Any], ...]:
    """Return what checks one key, in each kind of its section."""
    section, _, name = path.rpartition(".")
    fields = sections()[section].fields(name) if section else {"": Arch.model_fields[name]}
    found = {}
    for field in fields.values():
        kept = tuple(item for item in field.metadata if not isinstance(item, Shorthand))
        annotation: Any = field.annotation
        if kept:
            annotation = Annotated[(annotation, *kept)]
        found[repr(annotation)] = TypeAdapter(annotation, config=ConfigDict(strict=True))
    return tuple(found.values())


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


def _allow_forms(entry: dict[str, Any], group: Group) -> None:
    """Let a section be of any kind, half written (a file may extend another), or one value."""
    forms = entry.pop("oneOf", None)
    entry.pop("discriminator", None)
    if forms is None and (group.shorthand is None or "$ref" not in entry):
        return
    forms = [{"$ref": entry.pop("$ref")}] if forms is None else forms
    short = group.shorthand
    if short is not None and short.number is not None:
        kind, key = short.number
        marker = next(m for m in group.fields(key)[kind].metadata if isinstance(m, Marker))
        forms.append(marker.json_schema())
    words = group.lone_words
    if words:
        forms.append({"type": "string", "enum": list(words)})
    entry["anyOf"] = forms if short is None else [*forms, {"type": "null"}]
