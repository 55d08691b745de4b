"""Where the sections of a hardware file stand, and which kinds they come in.

A section may hold sections (`cell.variation`), and a section may come in kinds, each with keys of
its own (`cell.kind`).  Loading, errors, the table of keys and the JSON Schema all ask here.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic.fields import FieldInfo

from crossbar.arch.fields import shown
from crossbar.arch.schema import Arch
from crossbar.arch.section import Section, Shorthand
from crossbar.errors import did_you_mean

__all__ = ["Group", "sections", "settle", "split_path"]

NONE = "none"
"""The kind of a section that is left out."""


@dataclass(frozen=True)
class Group:
    """A section with its kinds.

    Parameters
    ----------
    path : str
        Dotted path, ``"cell"`` or ``"cell.variation"``.
    kinds : mapping
        Kind -> class, in the order of the schema; one entry ``""`` where there are no kinds.
    shorthand : Shorthand or None
        How the section may be written as one value.
    field : FieldInfo
        The section as a field of what holds it.
    """

    path: str
    kinds: Mapping[str, type[Section]]
    shorthand: Shorthand | None
    field: FieldInfo

    @property
    def words(self) -> tuple[str, ...]:
        """The names of the kinds; empty where there are none."""
        return () if "" in self.kinds else tuple(self.kinds)

    @property
    def all_words(self) -> tuple[str, ...]:
        """All words that may stand for the section."""
        return (*self.words, *self.shorthand.words) if self.shorthand is not None else ()

    @property
    def lone_words(self) -> tuple[str, ...]:
        """The words among them that need no further key."""
        needy = [
            kind
            for kind, section in self.kinds.items()
            if any(field.is_required() for field in section.model_fields.values())
        ]
        return tuple(word for word in self.all_words if word not in needy)

    def names(self) -> tuple[str, ...]:
        """Return the keys of all kinds, each before those that follow it in its kind."""
        found: list[str] = []
        for section in self.kinds.values():
            own = list(section.model_fields)
            for place, key in enumerate(own):
                if key not in found:
                    later = (found.index(other) for other in own[place:] if other in found)
                    found.insert(next(later, len(found)), key)
        return tuple(found)

    def keys_of(self, kind: str) -> tuple[str, ...]:
        """Return the keys of one kind."""
        return tuple(self.kinds[kind].model_fields)

    def having(self, key: str) -> tuple[str, ...]:
        """Return the kinds that have a key."""
        return tuple(kind for kind in self.kinds if key in self.keys_of(kind))

    def fields(self, key: str) -> dict[str, FieldInfo]:
        """Return the fields of this name by kind."""
        return {kind: self.kinds[kind].model_fields[key] for kind in self.having(key)}

    def likely(self, data: Mapping[str, Any]) -> str:
        """Return the kind that has most of the keys of `data`, the first of several."""
        given = [key for key in data if key != "kind"]
        if not given and NONE in self.kinds:
            return NONE
        own = {kind: self.keys_of(kind) for kind in self.kinds if kind != NONE}
        return max(own, key=lambda kind: sum(key in own[kind] for key in given))

    def expand(self, value: Any) -> dict[str, Any] | None:
        """Return the section that one value stands for, or None."""
        return None if self.shorthand is None else self.shorthand.expand(value, self.words)

    def forms(self) -> str:
        """Say which single values may stand for the section; ``""`` where none may."""
        if self.shorthand is None:
            return ""
        number = [] if self.shorthand.number is None else [f"a number ({self.shorthand.number[1]})"]
        return ", ".join((*number, *self.lone_words))

    def allowed(self) -> str:
        """Name the keys of the section."""
        return f"keys: {', '.join(self.names())}"


@lru_cache(maxsize=1)
def sections() -> Mapping[str, Group]:
    """Return all sections by dotted path, each before those that it holds."""
    return types.MappingProxyType(dict(_groups(Arch.model_fields, "")))


def split_path(key: str) -> tuple[str, ...]:
    """Split a dotted key into sections and what stands in the last of them.

    ``"cell.variation.sigma"`` has three parts; ``"adc.bits.x"`` two, as `adc.bits` is no section.
    """
    parts: list[str] = []
    rest = key
    while True:
        head, _, tail = rest.partition(".")
        if not tail or ".".join((*parts, head)) not in sections():
            return (*parts, rest)
        parts.append(head)
        rest = tail


def settle(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Give every section that comes in kinds one kind.

    A section without `kind` gets the first one that has its keys; where that would be a guess (the
    cell itself), or the kind is unknown, it is a problem, and the likeliest kind stands in, so
    that the other keys can be checked.

    Returns
    -------
    tuple
        A copy of the data with kinds, and path -> problem.
    """
    settled = _copy(data)
    problems: dict[str, str] = {}
    for path, group in sections().items():
        found = _inner(settled, path)
        if not group.words or not isinstance(found, dict):
            continue
        kind = found.get("kind")
        if isinstance(kind, str) and kind in group.kinds:
            continue
        words = f"one of {', '.join(group.words)}"
        likely = group.likely(found)
        if kind is not None:
            hint = did_you_mean(kind, group.words) if isinstance(kind, str) else ""
            problems[f"{path}.kind"] = f"{shown(kind)} is not {words}{hint}"
            if hint:
                likely = hint.split("'")[1]
        elif NONE not in group.kinds:
            problems[f"{path}.kind"] = f"missing ({words})"
        found["kind"] = likely
    return settled, problems


def _groups(fields: Mapping[str, FieldInfo], prefix: str) -> Iterator[tuple[str, Group]]:
    for name, field in fields.items():
        classes = _classes(field.annotation)
        if not classes:
            continue
        path = f"{prefix}{name}"
        if len(classes) == 1:
            kinds = {"": classes[0]}
        else:
            kinds = {
                typing.get_args(each.model_fields["kind"].annotation)[0]: each for each in classes
            }
        short = next((item for item in field.metadata if isinstance(item, Shorthand)), None)
        yield path, Group(path, types.MappingProxyType(kinds), short, field)
        for each in classes:
            yield from _groups(each.model_fields, f"{path}.")


def _classes(annotation: Any) -> list[type[Section]]:
    """Return the sections that an annotation allows; none where it is a value."""
    parts = typing.get_args(annotation) or (annotation,)
    found = [part for part in parts if isinstance(part, type) and issubclass(part, Section)]
    return found if len(found) == len(parts) else []


def _copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _copy(value) if isinstance(value, Mapping) else value for key, value in data.items()
    }


def _inner(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    return data
