"""From what pydantic and the rules found to lines a user can act on.

One line a problem: ``isaac.yaml: adc.bit: unknown key (did you mean 'bits'?)``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from crossbar.arch.fields import shown
from crossbar.arch.keys import key_table, sections
from crossbar.arch.rules import broken
from crossbar.errors import did_you_mean

__all__ = ["find_problems"]

_STUCK = (("faults", "on"), ("faults", "off"))
"""Rates of stuck cells, which users look for among the keys of `faults`."""


def find_problems(
    error: ValidationError,
    data: Mapping[str, Any],
    origin: Callable[[tuple[str, ...]], str],
) -> list[str]:
    """Describe everything that is wrong with a description.

    Parameters
    ----------
    error : ValidationError
        What pydantic found in `data`.
    data : mapping
        The description as it was read.
    origin : callable
        Dotted paths -> the name of the file, or ``"override"``, that decided them.

    Returns
    -------
    list of str
        One line each, in the order of the schema; keys first, combinations last.
    """
    problems: list[str] = []
    wrong: set[str] = set()
    for found in error.errors(include_url=False):
        loc = tuple(str(part) for part in found["loc"])
        if not loc:
            continue  # the model's own verdict on combinations, told below rule by rule
        path = ".".join(loc)
        wrong.add(path)
        name = path if path.isprintable() else repr(path)
        problems.append(f"{origin((path,))}: {name}: {_sentence(loc, dict(found))}")
    for at, needs, problem in broken(_readable(data, wrong)):
        problems.append(f"{origin(needs)}: {at}: {problem}")
    return problems


def _readable(data: Mapping[str, Any], wrong: set[str]) -> Callable[[str], Any]:
    """Return a look-up of the values that are right by themselves."""

    def value(path: str) -> Any:
        parts = path.split(".")
        if path in wrong or parts[0] in wrong:
            raise LookupError(path)
        found: Any = data
        for part in parts:
            if part not in found:
                return _default(path)
            found = found[part]
        marker = key_table()[path].marker
        return found if marker is None else marker.check(found)

    return value


def _default(path: str) -> Any:
    """Return the value of a key that was left out."""
    default = key_table()[path].default
    if default is ...:
        raise LookupError(path)
    return default


def _sentence(loc: tuple[str, ...], found: dict[str, Any]) -> str:
    """Say what is wrong with one key and what is allowed."""
    kind, value, path = found["type"], found["input"], ".".join(loc)
    if kind == "extra_forbidden":
        return f"unknown key{_nearest(loc, value)}"
    if kind == "value_error":
        return str(found["ctx"]["error"])
    if path in sections():
        keys = ", ".join(sections()[path].model_fields)
        what = "missing section" if kind == "missing" else f"{shown(value)} is not a section"
        return f"{what} (keys: {keys})"
    key = key_table()[path]
    if kind == "missing":
        return f"missing ({key.allowed})"
    if len(key.words) == 1:
        return f"{shown(value)} is not available ({key.allowed})"
    if key.words:
        hint = did_you_mean(value, key.words) if isinstance(value, str) else ""
        return f"{shown(value)} is not {key.allowed}{hint}"
    return f"{shown(value)} is not {key.allowed}"


def _nearest(loc: tuple[str, ...], value: object) -> str:
    """Name the key that was meant: here, or where else it stands."""
    table = key_table()
    name = loc[-1]
    if name == "extends":
        return " (only a file can extend another, at its top level)"
    if name in table and "." in name:
        section, _, key = name.partition(".")
        return f" (write {key!r} under '{section}:')"
    if loc in _STUCK:
        return " (stuck cells belong to a run, not to the hardware: --inject on=0.09,off=0.017)"
    if len(loc) == 1 and "." in name:
        return _nearest_path(name)
    if len(loc) > 1 and (name in table or (name in sections() and isinstance(value, Mapping))):
        return f" (did you mean {name!r} at the top level?)"
    leaves = {path.rpartition(".")[2] for path in table}
    if name in leaves:
        return _either(name)
    here = list(_keys_of(loc[0] if len(loc) > 1 else ""))
    hint = did_you_mean(name, here)
    if hint:
        return hint
    near = difflib.get_close_matches(name, sorted(leaves), n=1)
    return _either(near[0]) if near else f" (known here: {', '.join(here)})"


def _nearest_path(name: str) -> str:
    """Name the dotted key that was meant: the nearest section first, then the whole path."""
    section, _, key = name.partition(".")
    found = difflib.get_close_matches(section, sections(), n=1)
    if found:
        keys = difflib.get_close_matches(key, list(_keys_of(found[0])), n=1)
        if keys:
            return f" (did you mean '{found[0]}.{keys[0]}'?)"
    return did_you_mean(name, key_table()) or f" (known sections: {', '.join(sections())})"


def _keys_of(section: str) -> Iterator[str]:
    """Yield the keys and sections that may stand in a section, or in the file."""
    if section:
        yield from sections()[section].model_fields
    else:
        yield from (key for key in key_table() if "." not in key)
        yield from sections()


def _either(name: str) -> str:
    """Name every place where a key of this name stands."""
    paths = [repr(path) for path in key_table() if path.rpartition(".")[2] == name]
    places = paths[0] if len(paths) == 1 else f"{', '.join(paths[:-1])} or {paths[-1]}"
    return f" (did you mean {places}?)"
