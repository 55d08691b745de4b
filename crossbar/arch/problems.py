"""From what pydantic and the rules found to lines a user can act on.

One line a problem: ``isaac.yaml: adc.bit: unknown key (did you mean 'bits'?)``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from crossbar.arch.fields import shown
from crossbar.arch.keys import key_table, top_level_keys, value_sentence
from crossbar.arch.rules import broken
from crossbar.arch.schema import Arch
from crossbar.arch.section import Section
from crossbar.arch.tree import sections
from crossbar.errors import did_you_mean

__all__ = ["find_problems"]

_STUCK = (("faults", "on"), ("faults", "off"))
"""Rates of stuck cells, which users look for among the keys of `faults`."""


def find_problems(
    error: ValidationError,
    data: Mapping[str, Any],
    origin: Callable[[tuple[str, ...]], str],
    known: tuple[str, ...] = (),
) -> list[str]:
    """Describe everything that is wrong with a description.

    Parameters
    ----------
    error : ValidationError
        What pydantic found in `data`.
    data : mapping
        The description as it was read, every section of a kind (see `settle`).
    origin : callable
        Dotted paths -> the name of the file, or ``"override"``, that decided them.
    known : tuple of str
        Dotted paths that are known to be wrong and told elsewhere.

    Returns
    -------
    list of str
        One line each, in the order of the schema; keys first, combinations last.
    """
    problems: list[str] = []
    wrong = set(known)
    for found in error.errors(include_url=False):
        loc = _without_kinds(found["loc"])
        if not loc:
            continue  # the model's own verdict on combinations, told below rule by rule
        path = ".".join(loc)
        wrong.add(path)
        name = path if path.isprintable() else repr(path)
        problems.append(f"{origin((path,))}: {name}: {_sentence(loc, dict(found), data)}")
    for at, needs, problem in broken(_readable(data, wrong)):
        problems.append(f"{origin(needs)}: {at}: {problem}")
    return problems


def _without_kinds(loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the keys of a place in the data; pydantic names the kind behind a section."""
    found: list[str] = []
    is_kind = False
    for part in map(str, loc):
        if not is_kind:
            found.append(part)
        group = sections().get(".".join(found))
        is_kind = not is_kind and group is not None and bool(group.words)
    return tuple(found)


def _readable(data: Mapping[str, Any], wrong: set[str]) -> Callable[[str], Any]:
    """Return a look-up of the values that are right by themselves."""

    def value(path: str) -> Any:
        found: Any = data
        fields = Arch.model_fields
        at = ""
        for part in path.split("."):
            at = f"{at}.{part}" if at else part
            if at in wrong:
                raise LookupError(path)
            if isinstance(found, Section):  # one that was left out
                if not hasattr(found, part):
                    raise LookupError(path)
                found = getattr(found, part)
                continue
            if part not in fields:
                raise LookupError(path)
            if part not in found:
                if fields[part].is_required():
                    raise LookupError(path)
                found = fields[part].default
                continue
            found = found[part]
            if at in sections():
                group = sections()[at]
                fields = group.kinds[found["kind"] if group.words else ""].model_fields
            else:
                marker = key_table()[at].marker
                found = found if marker is None else marker.check(found)
        return found

    return value


def _sentence(loc: tuple[str, ...], found: dict[str, Any], data: Mapping[str, Any]) -> str:
    """Say what is wrong with one key and what is allowed."""
    kind, value, path = found["type"], found["input"], ".".join(loc)
    if kind == "extra_forbidden":
        return _other_kind(loc, data) or f"unknown key{_nearest(loc, value)}"
    if path in sections():
        group = sections()[path]
        if kind == "missing":
            return f"missing section ({group.allowed()})"
        hint = did_you_mean(value, group.all_words) if isinstance(value, str) else ""
        if group.forms():
            return f"{shown(value)} is not {group.forms()}{hint}, or a section ({group.allowed()})"
        return f"{shown(value)} is not a section ({group.allowed()})"
    if kind == "missing":
        return f"missing ({key_table()[path].allowed})"
    return value_sentence(path, found)


def _other_kind(loc: tuple[str, ...], data: Mapping[str, Any]) -> str:
    """Say which kinds have a key that the kind of its section has not."""
    section = ".".join(loc[:-1])
    group = sections().get(section)
    if group is None or not group.having(loc[-1]):
        return ""
    found: Any = data
    for part in loc[:-1]:
        found = found[part]
    return f"a key of {section}.kind {_or(group.having(loc[-1]))} (it is {found['kind']})"


def _nearest(loc: tuple[str, ...], value: object) -> str:
    """Name the key that was meant: here, or where else it stands."""
    table = key_table()
    name = loc[-1]
    if name == "extends":
        return " (only a file can extend another, at its top level)"
    if name in table and "." in name and len(loc) == 1:
        section, _, key = name.partition(".")
        return f" (write {key!r} under '{section}:')"
    if loc in _STUCK:
        return " (stuck cells belong to a run, not to the hardware: --inject on=0.09,off=0.017)"
    if len(loc) == 1 and "." in name:
        return _nearest_path(name)
    inner = _nearest_inner(".".join(loc[:-1]), name)
    if inner:
        return f" (did you mean {inner!r}?)"
    if len(loc) > 1 and (name in table or (name in sections() and isinstance(value, Mapping))):
        return f" (did you mean {name!r} at the top level?)"
    leaves = {path.rpartition(".")[2] for path in (*table, *sections()) if "." in path}
    leaves |= {path for path in table if "." not in path}
    if name in leaves:
        return _either(name)
    here = list(_keys_of(".".join(loc[:-1])))
    hint = did_you_mean(name, here)
    if hint:
        return hint
    near = difflib.get_close_matches(name, sorted(leaves), n=1)
    return _either(near[0]) if near else f" (known here: {', '.join(here)})"


def _nearest_path(name: str) -> str:
    """Name the dotted key that was meant: the nearest section first, then the whole path."""
    section, _, key = name.partition(".")
    found = difflib.get_close_matches(section, _top_sections(), n=1)
    if found:
        keys = difflib.get_close_matches(key, _keys_of(found[0]), n=1)
        inner = _nearest_inner(found[0], key) or (keys[0] if keys else "")
        if inner:
            return f" (did you mean '{found[0]}.{inner}'?)"
    known = f" (known sections: {', '.join(_top_sections())})"
    return did_you_mean(name, (*key_table(), *sections())) or known


def _nearest_inner(section: str, name: str) -> str:
    """Return the key of a section within `section` that a dotted name meant, or ``""``."""
    head, _, tail = name.partition(".")
    within = [key for key in _keys_of(section) if f"{section}.{key}" in sections()]
    found = difflib.get_close_matches(head, within, n=1) if tail else []
    keys = difflib.get_close_matches(tail, _keys_of(f"{section}.{found[0]}")) if found else []
    return f"{found[0]}.{keys[0]}" if keys else ""


def _keys_of(section: str) -> tuple[str, ...]:
    """Return the keys and sections that may stand in a section, or in the file."""
    return sections()[section].names() if section else top_level_keys()


def _top_sections() -> tuple[str, ...]:
    return tuple(path for path in sections() if "." not in path)


def _either(name: str) -> str:
    """Name every place where a key of this name stands."""
    paths = [path for path in (*sections(), *key_table()) if path.rpartition(".")[2] == name]
    return f" (did you mean {_or(tuple(map(repr, paths)))}?)"


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
