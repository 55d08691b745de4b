"""The fields of a study, read one by one and then together: every problem, one line each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from crossbar.arch import Arch, load_arch
from crossbar.arch.fields import Whole, shown
from crossbar.errors import ConfigError, InputError, did_you_mean
from crossbar.study.axes import Axis, read_axes
from crossbar.study.axis_keys import RUN_KEYS, beside, find_axis_key
from crossbar.study.conditions import parse_condition
from crossbar.study.harm import FAULT_WORDS, make_faults
from crossbar.study.held import HELD
from crossbar.workload import find_workload, zoo_names

__all__ = ["FIELDS", "MEASURES", "read_fields"]

MEASURES = ("cost", "accuracy")
"""What a study can measure at each point."""

FIELDS = (
    "name", "arch", "workload", "model", "data", "axes", "where", "iso", "measure", "seed",
    "images", "faults", "trials", "t_inference",
)  # fmt: skip
"""The keys of a study file."""

_IMAGES = Whole(1, 1_000_000_000, "image")
_TRIALS = Whole(1, 1_000_000, "trial")
_SUFFIXES = {
    "arch": (".yaml", ".yml"),
    "workload": (".json",),
    "model": (".pt2",),
    "data": (".npz",),
}


def read_fields(
    data: Mapping[str, Any],
    label: str,
    folder: Path | None = None,
    elsewhere: set[str] | frozenset[str] = frozenset(),
) -> tuple[dict[str, Any], list[str]]:
    """Read and check the fields of a study.

    Parameters
    ----------
    data : mapping
        Known fields -> values, none of them None.
    label : str
        Put before every problem.
    folder : path, optional
        Where files lie that are named relatively.
    elsewhere : set of str
        Fields that `folder` is not for.

    Returns
    -------
    tuple
        The fields that could be read, and the problems.
    """
    fields: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in data.items():
        place = None if key in elsewhere else folder
        try:
            fields[key] = _READERS[key](value, place)
        except ConfigError as error:
            problems += [f"{label}: {key}: {line}" for line in error.problems]
        except InputError as error:
            problems += [f"{label}: {key}: {line}" for line in str(error).splitlines()]
    problems += [f"{label}: {line}" for line in _contradictions(fields, data)]
    return fields, problems


def _contradictions(fields: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """Return what is right field by field and wrong together."""
    axes: tuple[Axis, ...] = fields.get("axes", ())
    keys = [key for axis in axes for key in axis.keys]
    measure = fields.get("measure", "cost")
    problems = []
    if "axes" not in given:
        problems.append("axes: missing; a study varies one key at least (e.g. array.rows: 64,128)")
    for key in ("workload", "seed", "t_inference"):
        if key in keys and fields.get(key):  # seed 0 is what holds unless one is given
            problems.append(f"{key}: given as {shown(given[key])}, and as an axis; take one out")
    for key in fields.get("faults", {}):
        if f"faults.{key}" in keys:
            problems.append(f"faults: {key} is given, and faults.{key} is an axis; take one out")
    if "model" in given and ("workload" in given or "workload" in keys):
        problems.append("model: a study runs a model or a workload, not both")
    if measure == "accuracy" and ("workload" in given or "workload" in keys):
        problems.append("workload: it has no weights; accuracy needs a model (or neither)")
    if measure == "accuracy" and "tokens" in keys:
        problems.append("tokens: the data has its own lengths; tokens are for measure: cost")
    if measure == "cost":
        problems += [
            f"axes: {key} changes no cost (measure: accuracy looks at it)"
            for key in keys
            if key in RUN_KEYS
        ]
    return problems + _about_size(fields, keys)


def _about_size(fields: Mapping[str, Any], keys: list[str]) -> list[str]:
    """Return why the size of the chip cannot be held."""
    iso = fields.get("iso")
    if iso is None:
        return []
    if "chip.tiles" in keys:
        return [f"iso: {iso} chooses chip.tiles, which is an axis; take one out"]
    if "arch" in fields:
        base = load_arch(fields["arch"])
        if base.chip.tiles == "auto":
            return [f"iso: chip.tiles of {base.name} is auto: no size to hold (give a number)"]
    return []


def _name(value: Any, folder: Path | None) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InputError(f"{shown(value)} is not a name (one line of text)")
    return value.strip()


def _arch(value: Any, folder: Path | None) -> str | Arch:
    if isinstance(value, Arch):
        return value
    if isinstance(value, Mapping):
        return load_arch(value)
    if not isinstance(value, str | os.PathLike):
        raise InputError(f"{shown(value)} is not {find_axis_key('arch').allowed()}")
    path = _beside(value, folder, "arch")
    load_arch(path)
    return path


def _workload(value: Any, folder: Path | None) -> str:
    if not isinstance(value, str | os.PathLike):
        raise InputError(f"{shown(value)} is not {find_axis_key('workload').allowed()}")
    path = _beside(value, folder, "workload")
    find_workload(path)
    return path


def _model(value: Any, folder: Path | None) -> str:
    if value in zoo_names():
        raise InputError(f"{value!r} is a workload (no weights); write workload: {value}")
    return _spec(value, folder, "model", "my_net:net")


def _data(value: Any, folder: Path | None) -> str:
    return _spec(value, folder, "data", "my_net:data")


def _spec(value: Any, folder: Path | None, key: str, example: str) -> str:
    """Return ``pkg.mod:name`` or a file."""
    suffix = _SUFFIXES[key][0]
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if text.endswith(suffix):
            return _beside(text, folder, key)
        module, colon, name = text.partition(":")
        if module.endswith(".py"):
            meant = f"{module.removesuffix('.py').replace('/', '.')}:{name}"
            raise InputError(f"{text}: name the module and not its file (e.g. {meant})")
        if colon and all(p.isidentifier() for p in (*module.split("."), *name.split("."))):
            return text
    raise InputError(f"{shown(value)} is neither pkg.mod:name (e.g. {example}) nor FILE{suffix}")


def _beside(value: str | os.PathLike[str], folder: Path | None, key: str) -> str:
    text = os.fspath(value)
    if isinstance(value, os.PathLike):
        return text if folder is None else os.fspath(folder / text)
    return beside(text, folder, _SUFFIXES[key])


def _axes(value: Any, folder: Path | None) -> tuple[Axis, ...]:
    if not isinstance(value, Mapping | list | tuple | str | Axis):
        raise InputError(f"{shown(value)} is not a mapping (e.g. array.rows: [64, 128])")
    made, problems = read_axes(value, "", folder)
    if problems:
        raise ConfigError(problems)
    if not made:
        raise InputError("none; a study varies one key at least (e.g. array.rows: [64, 128])")
    return made


def _where(value: Any, folder: Path | None) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple):
        raise InputError(f"{shown(value)} is not a condition or a list of them")
    problems = []
    for text in value:
        try:
            parse_condition(text)
        except InputError as error:
            problems.append(str(error).removeprefix("where "))
    if problems:
        raise ConfigError(problems)
    return tuple(value)


def _iso(value: Any, folder: Path | None) -> str:
    return _word(value, HELD)


def _measure(value: Any, folder: Path | None) -> str:
    return _word(value, MEASURES)


def _word(value: Any, allowed: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in allowed:
        return value
    near = did_you_mean(value, allowed) if isinstance(value, str) else ""
    raise InputError(f"{shown(value)} is not one of {', '.join(allowed)}{near}")


def _seed(value: Any, folder: Path | None) -> Any:
    return find_axis_key("seed").check(value)


def _images(value: Any, folder: Path | None) -> Any:
    return _IMAGES.check(value)


def _trials(value: Any, folder: Path | None) -> Any:
    return _TRIALS.check(value)


def _t_inference(value: Any, folder: Path | None) -> str:
    seconds = f"{value!r} s" if isinstance(value, int | float) else value
    if isinstance(value, bool):
        seconds = value
    find_axis_key("t_inference").check(seconds)
    return str(seconds)


def _faults(value: Any, folder: Path | None) -> dict[str, Any]:
    """Read which cells are broken."""
    if not isinstance(value, Mapping):
        raise InputError(f"{shown(value)} is not a mapping (e.g. {{on: 0.09, off: 0.017}})")
    words: dict[str, Any] = {}
    problems = []
    known = (*FAULT_WORDS, "map")
    for key, given in value.items():
        if key not in known:
            near = did_you_mean(str(key), known)
            problems.append(f"{key}: unknown key{near} ({', '.join(known)})")
            continue
        try:
            words[key] = (
                _fault_map(given, folder) if key == "map" else FAULT_WORDS[key].check(given)
            )
        except InputError as error:
            problems.append(f"{key}: {error}")
    sums = (("on", "off"), ("row_on", "row_off"), ("col_on", "col_off"))
    for pair in sums:
        total = sum(words.get(key, 0.0) for key in pair)
        if total > 1:
            problems.append(f"{' + '.join(pair)} is {total:g}, more than all cells")
    if not problems:
        try:
            make_faults(words)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError(problems)
    return words


def _fault_map(value: Any, folder: Path | None) -> str:
    if not isinstance(value, str | os.PathLike):
        raise InputError(f"{shown(value)} is not a file (.npz or .csv)")
    return os.fspath(value if folder is None else folder / os.fspath(value))


_READERS: dict[str, Callable[[Any, Path | None], Any]] = {
    "name": _name,
    "arch": _arch,
    "workload": _workload,
    "model": _model,
    "data": _data,
    "axes": _axes,
    "where": _where,
    "iso": _iso,
    "measure": _measure,
    "seed": _seed,
    "images": _images,
    "faults": _faults,
    "trials": _trials,
    "t_inference": _t_inference,
}
