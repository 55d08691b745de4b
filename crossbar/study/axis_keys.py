"""What an axis may be called, and what one of its values may be.

Every key of a hardware file is an axis, and so are ``arch`` and ``workload`` (what is run),
``faults.on``, ``faults.size`` ..., ``t_inference`` and ``seed`` (how it is run), ``tokens`` (length
of its sequences).  Values stay as a file would say them, ``"50 ns"``; they are checked here one by
one, before anything runs.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from crossbar.arch import load_arch, preset_names
from crossbar.arch.cell_table import TableFile
from crossbar.arch.fields import Marker, Measured, Plain, Whole, shown
from crossbar.arch.keys import key_table, sections, settable_keys, value_problem
from crossbar.arch.list_fields import Copies, Numbers
from crossbar.arch.problems import find_problems
from crossbar.arch.schema import Arch
from crossbar.arch.section_value import SectionValue
from crossbar.errors import InputError, did_you_mean
from crossbar.study.harm import FAULT_WORDS
from crossbar.workload import find_workload, zoo_names

__all__ = [
    "LENGTH_KEYS",
    "RUN_KEYS",
    "AxisKey",
    "axis_key_names",
    "beside",
    "find_axis_key",
    "plain_name",
]

Kind = Literal["whole", "real", "quantity", "truth", "word", "text", "copies", "file"]

_MOST_AGE = 1e10
RUN_KEYS: dict[str, Marker] = {
    **{f"faults.{word}": marker for word, marker in FAULT_WORDS.items()},
    "t_inference": Measured("s", most=_MOST_AGE),
    "seed": Whole(0, (1 << 63) - 1, "seed"),
}
"""How a network is run on the hardware."""

LENGTH_KEYS: dict[str, Marker] = {"tokens": Whole(1, 1 << 20, "token")}
"""How long the sequences are, of a network that takes any length; costs alone depend on it."""

_SUFFIXES = {"arch": (".yaml", ".yml"), "workload": (".json",), "cell.table": (".csv",)}
_FILE_KEYS = ("arch", "workload")
_GIVEN_ONCE = ("model", "data", "images", "measure", "iso", "trials")
_LAYER_COPIES = Whole(1, 1_000_000, "copy")


@dataclass(frozen=True)
class AxisKey:
    """One name that an axis may have.

    Parameters
    ----------
    path : str
        Dotted, without ``arch.`` before it.
    kind : str
        ``whole``, ``real``, ``quantity``: numbers, of which there are ranges; ``truth``, ``word``,
        ``text``, ``copies``; ``file``: the name of a preset or network, or a file.
    marker : Marker or None
        What checks the value, where there is one.
    words : tuple of str
        Words that may stand here.
    can_be_left_out : bool
        Whether null is allowed: the value that holds when a file does not name the key.
    """

    path: str
    kind: Kind
    marker: Marker | None
    words: tuple[str, ...]
    can_be_left_out: bool

    @property
    def unit(self) -> str:
        """SI unit of a quantity, ``""`` for everything else."""
        return self.marker.unit if isinstance(self.marker, Measured) else ""

    @property
    def is_text(self) -> bool:
        """Whether text stands for itself, so that ``64`` is a name and no number."""
        return self.kind in ("text", "file")

    def allowed(self) -> str:
        """Say in words what is allowed."""
        if self.path == "arch":
            return f"a preset ({', '.join(preset_names())}) or a YAML file"
        if self.path == "workload":
            return f"a network ({', '.join(zoo_names())}) or a JSON file"
        if self.marker is not None:
            return self.marker.allowed()
        return key_table()[self.path].allowed

    def check(self, value: Any) -> Any:
        """Check one plain value.

        Returns
        -------
        object
            What the value comes to, SI inside: two values that come to the same are the same.

        Raises
        ------
        InputError
            Saying what is wrong and what is allowed.
        """
        if value is None:
            if not self.can_be_left_out:
                raise InputError(f"null: a value is needed ({self.allowed()})")
            return None
        if self.kind == "file" and self.marker is None:
            return self._check_file(value)
        problem = value_problem(self.path, value) if self.path in key_table() else None
        if problem is not None:
            raise InputError(problem)
        return value if self.marker is None else self.marker.check(value)

    def plain(self, value: Any) -> Any:
        """Return a checked value as it stands in points and tables: 64.0 rows are 64 rows."""
        if self.kind in ("whole", "real") and isinstance(self.marker, Whole | Plain):
            return value if value is None else self.marker.check(value)
        return value.strip() if self.unit and isinstance(value, str) else value

    def beside(self, value: Any, folder: Path | None) -> Any:
        """Return the path of a file that is named relative to `folder`; other values as is."""
        if self.kind != "file" or not isinstance(value, str):
            return value
        return beside(value, folder, _SUFFIXES[self.path])

    def _check_file(self, value: Any) -> str:
        if not isinstance(value, str):
            raise InputError(f"{shown(value)} is not {self.allowed()}")
        if self.path == "arch":
            load_arch(value)
        else:
            find_workload(value)
        return value


def beside(text: str, folder: Path | None, suffixes: tuple[str, ...]) -> str:
    """Return the path of a file that is named relative to `folder`; other names stay names."""
    is_path = text.endswith(suffixes) or "/" in text
    return os.fspath(folder / text) if is_path and folder is not None else text


def plain_name(name: str) -> str:
    """Return a key without the ``arch.`` that may stand before it."""
    name = name.strip()
    rest = name.removeprefix("arch.")
    return rest if rest in settable_keys() or rest.startswith("replication.") else name


@lru_cache(maxsize=512)
def find_axis_key(name: str) -> AxisKey:
    """Return the axis of this name; ``arch.`` before a key of the hardware may be left out.

    Raises
    ------
    InputError
        With the nearest name, where there is none of this name.
    """
    path = plain_name(name)
    if path in RUN_KEYS or path in LENGTH_KEYS:
        marker = RUN_KEYS.get(path) or LENGTH_KEYS[path]
        kind: Kind = next(kind for sort, kind in _KINDS if isinstance(marker, sort))
        return AxisKey(path, kind, marker, (), False)
    if path in _FILE_KEYS:
        return AxisKey(path, "file", None, (), False)
    if path.startswith("replication.") and path != "replication.":
        return AxisKey(path, "whole", _LAYER_COPIES, (), False)
    group = sections().get(path)
    if group is not None and group.shorthand is not None:
        kind = "word" if group.shorthand.number is None else "real"
        return AxisKey(path, kind, SectionValue(path), group.all_words, True)
    key = key_table().get(path)
    if key is None:
        raise InputError(_unknown(path))
    left_out = key.default is not ... or path == "name"  # a file names itself
    return AxisKey(path, _kind(path), key.marker, _words(path), left_out)


def axis_key_names() -> Iterator[str]:
    """Yield all names that an axis may have, those of single layers' copies left out."""
    yield from _FILE_KEYS
    yield from RUN_KEYS
    yield from LENGTH_KEYS
    yield from settable_keys()


def _kind(path: str) -> Kind:
    key = key_table()[path]
    for marker, kind in _KINDS:
        if isinstance(key.marker, marker):
            return kind
    if key.words:
        return "word"
    return "truth" if key.allowed == "true or false" else "text"


_KINDS: tuple[tuple[type[Marker], Kind], ...] = (
    (Whole, "whole"),
    (Plain, "real"),
    (Measured, "quantity"),
    (Copies, "copies"),
    (TableFile, "file"),
    (Numbers, "copies"),
)


def _words(path: str) -> tuple[str, ...]:
    key = key_table()[path]
    return key.marker.words if isinstance(key.marker, Whole | Copies) else key.words


def _sort_of_problem(paths: tuple[str, ...]) -> str:
    return "key" if len(paths) == 1 else "rule"


def _unknown(name: str) -> str:
    """Say that there is no such axis, and which one was meant."""
    if name in sections():
        keys = ", ".join(f"{name}.{key}" for key in sections()[name].names())
        return f"a section, not a key (name one of {keys})"
    if name in _GIVEN_ONCE:
        return f"no axis: a study has one {name}"
    if name in FAULT_WORDS:
        return f"unknown axis (did you mean 'faults.{name}'?)"
    near = difflib.get_close_matches(name, (*RUN_KEYS, *LENGTH_KEYS, *_FILE_KEYS), n=1, cutoff=0.75)
    if near:
        return f"unknown axis (did you mean {near[0]!r}?)"
    hint = _nearest_key(name)
    if not hint:
        known = ", ".join((*_FILE_KEYS, *RUN_KEYS, *LENGTH_KEYS))
        hint = f" (known: {known} and the keys that `crossbar arch show --explain` lists)"
    return f"unknown axis{hint}"


def _nearest_key(name: str) -> str:
    """Name the key of the hardware that was meant, as `load_arch` would."""
    data = {name: 0}
    try:
        Arch.model_validate(data)
    except ValidationError as error:
        own = f"key: {name}: unknown key"
        for line in find_problems(error, data, _sort_of_problem):
            meant = line.removeprefix(own).partition("did you mean ")[2]
            if line.startswith(own) and meant and meant.strip("'?)") not in sections():
                return line.removeprefix(own)
    return did_you_mean(name, axis_key_names())
