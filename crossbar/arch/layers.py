"""A description under construction: what each file and the overrides say, one on top of another.

A section is merged key by key; a section that is written as one value (`variation: 0.05`) replaces
what was there.  When a file says another `kind` than the one below it, the keys that both kinds
have are kept and the others dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crossbar.arch import strict_yaml
from crossbar.arch.cell_table import read_table
from crossbar.arch.fields import shown
from crossbar.arch.problems import find_problems
from crossbar.arch.schema import Arch
from crossbar.arch.tree import NONE, sections, settle, split_path
from crossbar.errors import ConfigError, InputError

__all__ = ["Layers"]

_OVERRIDE = "override"
_TEXT_KEYS = ("name", "description", "source")
_TABLE = ("cell", "table")
_VARIATION = ("cell", "variation")
_VERIFY = (*_VARIATION, "verify_tolerance")
_PULSES = ("cell", "write_pulses")
_EMPTY = object()
Assignment = tuple[tuple[str, ...], Any]


class Layers:
    """Data, and which file decided each key."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.labels: list[str] = []
        self.folders: list[Path | None] = []
        self.origins: dict[str, int] = {}
        self.problems: list[str] = []
        self.is_complete = True

    def add(self, data: Mapping[str, Any], label: str, folder: Path | None = None) -> None:
        """Add the content of a file on top.

        Parameters
        ----------
        data : mapping
            The content.
        label : str
            The file's name in error lines.
        folder : Path, optional
            Where the files lie that it names.
        """
        self._begin(label, folder)
        self._apply(list(_assignments(data, ())))

    def override(self, overrides: Mapping[str, Any]) -> None:
        """Add dotted keys on top."""
        self._begin(_OVERRIDE, None)
        found: list[Assignment] = []
        for key, value in overrides.items():
            if not isinstance(key, str) or not key:
                self.problems.append(f"{_OVERRIDE}: {shown(key)}: a key must be a dotted name")
                continue
            if hasattr(value, "tolist"):  # a NumPy scalar or array, as a sweep's axis gives it
                value = value.tolist()
            if isinstance(value, str) and key not in _TEXT_KEYS:
                try:
                    value = strict_yaml.scalar(value)
                except InputError as error:
                    self.problems.append(f"{_OVERRIDE}: {key}: {error}")
                    continue
            section, _, inner = key.partition(".")
            if section == "replication" and inner:
                present = dict(found).get((section,), self.data.get(section))
                copies = dict(present) if isinstance(present, Mapping) else {}
                found.append(((section,), copies | {inner: value}))
                continue
            *above, last = split_path(key)
            found += _assignments({last: value}, tuple(above))
        self._apply(found)

    def checked(self) -> Arch:
        """Return the description, or raise every problem at once."""
        if self.is_complete:
            wrong = self._read_table()
            data, kinds = settle(self.data)
            for path, problem in kinds.items():
                self.problems.append(f"{self._label((path,))}: {path}: {problem}")
            try:
                arch = Arch.model_validate(data)
            except ValidationError as error:
                self.problems += find_problems(error, data, self._label, (*kinds, *wrong))
            else:
                if not self.problems:
                    return arch
        raise ConfigError(dict.fromkeys(self.problems))

    def _begin(self, label: str, folder: Path | None) -> None:
        self.labels.append(label)
        self.folders.append(folder)

    def _apply(self, assignments: list[Assignment]) -> None:
        """Set keys: outer ones before inner ones, and kinds first, whatever their order."""
        for path, value in sorted(assignments, key=_turn):
            self._set(path, value)
        given = {path for path, value in assignments if value is not _EMPTY}
        self._use_table(assignments, given)
        verified = any(p == _VERIFY and value is not None for p, value in assignments)
        if verified and _PULSES not in given:  # verifying decides how many pulses a cell takes
            self._found(_PULSES[:-1]).pop(_PULSES[-1], None)
        for name, group in sections().items():  # a key of a section that was off switches it on
            path = tuple(name.split("."))
            inner = {each[-1] for each in given if each[:-1] == path}
            is_said = path in given or "kind" in inner
            found = self._found(path)
            if NONE in group.kinds and inner and not is_said and found.get("kind") == NONE:
                del found["kind"]

    def _use_table(self, assignments: list[Assignment], given: set[tuple[str, ...]]) -> None:
        """Let measured cells be used by one key: a table without a variation is the variation."""
        named = any(path == _TABLE and value is not None for path, value in assignments)
        if named and not any(path[:2] == _VARIATION for path in given):
            self._set((*_VARIATION, "kind"), "table")

    def _set(self, path: tuple[str, ...], value: Any) -> None:
        """Set one key; None removes it."""
        place = len(self.labels) - 1
        target = self.data
        for depth, part in enumerate(path[:-1], start=1):
            present = target.get(part)
            if not isinstance(present, dict):
                present = target[part] = {}
            target = present
            self.origins.setdefault(".".join(path[:depth]), place)
        name, last = ".".join(path), path[-1]
        if value is _EMPTY:
            target.setdefault(last, {})
            self.origins.setdefault(name, place)
            return
        self.origins[name] = place
        if value is None:
            target.pop(last, None)
            return
        if last == "kind":
            self._keep_common(path[:-1], value)
        group = sections().get(name)
        expanded = None if group is None else group.expand(value)
        target[last] = value if expanded is None else expanded
        for key in expanded or ():
            self.origins[f"{name}.{key}"] = place

    def _keep_common(self, path: tuple[str, ...], kind: Any) -> None:
        """Drop the keys of files below that another kind has and this one has not."""
        group = sections().get(".".join(path))
        if group is None or not group.words or kind not in group.words:
            return
        found = self._found(path)
        if found.get("kind") == kind:
            return
        for key in [key for key in found if key in group.names()]:
            if key not in group.keys_of(kind):
                del found[key]

    def _found(self, path: tuple[str, ...]) -> dict[str, Any]:
        """Return the section at a path, or an empty one that is not kept."""
        found: Any = self.data
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _read_table(self) -> tuple[str, ...]:
        """Replace the name of a file of measurements by what it holds; return the key if wrong."""
        found = self._found(_TABLE[:-1])
        name = found.get(_TABLE[-1])
        if not isinstance(name, (str, os.PathLike)):
            return ()
        path = ".".join(_TABLE)
        folder = self.folders[self.origins[path]]
        file = Path(name) if folder is None else folder / name
        try:
            found[_TABLE[-1]] = read_table(file, os.fspath(name)).to_dict()
        except ConfigError as error:
            where = f"{self._label((path,))}: {path}"
            self.problems += [f"{where}: {problem}" for problem in error.problems]
            del found[_TABLE[-1]]
            return (path,)
        return ()

    def _label(self, paths: tuple[str, ...]) -> str:
        """Return who decided these keys: the last of the files that touched one of them."""
        last = len(self.labels) - 2  # where nobody did, the file itself (overrides come after it)
        parts = (part for path in paths for part in _ancestry(path))
        touched = [self.origins[part] for part in parts if part in self.origins]
        return self.labels[max(touched, default=last)]


def _assignments(data: Mapping[Any, Any], above: tuple[str, ...]) -> Iterator[Assignment]:
    """Yield what to set, sections taken apart."""
    for name, value in data.items():
        path = (*above, str(name))
        if isinstance(value, Mapping) and ".".join(path) in sections():
            yield path, _EMPTY
            yield from _assignments(value, path)
        else:
            yield path, value


def _turn(assignment: Assignment) -> tuple[int, bool]:
    path, _ = assignment
    return len(path), path[-1] != "kind"


def _ancestry(path: str) -> Iterator[str]:
    """Yield a dotted path and the sections around it."""
    while path:
        yield path
        path = path.rpartition(".")[0]
