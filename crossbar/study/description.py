"""A study as data: what is run, what varies, what is held equal; its YAML file.

The keys of the file are the options of the command::

    name: array size
    arch: isaac_8bit
    workload: vgg8
    axes:
      array.rows/array.cols: [[64, 64], [128, 128], [256, 256]]
      adc.bits: 4..8
    where: adc.bits <= 8
    iso: cells
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar.arch import Arch, load_arch, strict_yaml
from crossbar.arch.fields import shown
from crossbar.errors import ConfigError, InputError, did_you_mean
from crossbar.study.axes import Axis
from crossbar.study.fields import FIELDS, MEASURES, read_fields
from crossbar.study.harm import FAULT_WORDS

__all__ = ["MEASURES", "Study", "load_study", "make_study"]


@dataclass(frozen=True)
class Study:
    """What a study runs; `load_study` and `make_study` check it.

    Parameters
    ----------
    arch : str or Arch
        A preset, a file or an Arch: the hardware whose keys the axes change, and whose size
        `iso` holds.
    workload : str, optional
        A network of the zoo or a JSON file.
    model : str, optional
        ``"pkg.mod:factory"`` or FILE.pt2.
    data : str, optional
        ``"pkg.mod:loader"`` or FILE.npz.
    axes : tuple of Axis
    where : tuple of str
        Conditions that every point meets.
    iso : str, optional
        ``"cells"``, ``"area"`` or ``"arrays"`` of the chip, held equal.
    measure : str
        ``"cost"`` or ``"accuracy"``.
    seed : int
    images : int, optional
        How many samples; by default all.
    faults : mapping
        ``{"on": rate, "off": rate, "size": cells ...}`` (`crossbar.study.harm`), or ``{"map":
        FILE}``.
    trials : int, optional
        Draws of everything random at each point.
    t_inference : str, optional
        Time between programming and the run, with its unit: ``"1 day"``.
    name : str
    """

    arch: str | Arch = "isaac_8bit"
    workload: str | None = None
    model: str | None = None
    data: str | None = None
    axes: tuple[Axis, ...] = ()
    where: tuple[str, ...] = ()
    iso: str | None = None
    measure: str = "cost"
    seed: int = 0
    images: int | None = None
    faults: Mapping[str, Any] = field(default_factory=dict)
    trials: int | None = None
    t_inference: str | None = None
    name: str = "study"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `make_study` turns into an equal study; defaults are left out."""
        written: dict[str, Any] = {"name": self.name, "measure": self.measure}
        written["arch"] = self.arch.to_dict() if isinstance(self.arch, Arch) else self.arch
        for key, value in (
            ("workload", self.workload),
            ("model", self.model),
            ("data", self.data),
            ("axes", {axis.label: axis.to_plain() for axis in self.axes}),
            ("where", list(self.where)),
            ("iso", self.iso),
            ("images", self.images),
            ("faults", dict(self.faults)),
            ("trials", self.trials),
            ("t_inference", self.t_inference),
        ):
            if value not in (None, [], {}):
                written[key] = value
        if self.seed:
            written["seed"] = self.seed
        return written

    def base_arch(self) -> Arch:
        """Load the hardware that the axes change."""
        return load_arch(self.arch)

    def base_values(self) -> dict[str, Any]:
        """Return what the keys of a run are where they are no axis, for conditions on them."""
        values: dict[str, Any] = {"seed": self.seed}
        values |= {
            f"faults.{key}": self.faults.get(key, 1.0 if key == "size" else 0.0)
            for key in FAULT_WORDS
        }
        if self.t_inference is not None:
            values["t_inference"] = self.t_inference
        if self.workload is not None:
            values["workload"] = self.workload
        if isinstance(self.arch, str):
            values["arch"] = self.arch
        return values


def load_study(path: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None) -> Study:
    """Read a study from its YAML file.

    Parameters
    ----------
    path : path
        Files that it names (hardware, network, data) lie relative to it.
    overrides : mapping, optional
        Fields that replace those of the file, e.g. ``{"measure": "accuracy"}``.

    Raises
    ------
    InputError
        If the file cannot be read.
    ConfigError
        Everything that is wrong in it, one line each.
    """
    name = os.fspath(path)
    label = Path(name).name
    data, problems = strict_yaml.read(_text(name), label)
    if not isinstance(data, dict):
        if not problems:
            what = "empty" if data is None else f"{shown(data)} is not a mapping"
            problems = [f"{label}: {what} (keys: {', '.join(FIELDS)})"]
        raise ConfigError(problems)
    data = {"name": Path(name).stem} | data | dict(overrides or {})
    own = set(overrides or {})
    try:
        study = make_study(data, label=label, folder=Path(name).parent, elsewhere=own)
    except ConfigError as error:
        raise ConfigError((*problems, *error.problems)) from None
    if problems:
        raise ConfigError(problems)
    return study


def make_study(
    data: Mapping[str, Any],
    *,
    label: str = "study",
    folder: Path | None = None,
    elsewhere: set[str] | frozenset[str] = frozenset(),
) -> Study:
    """Make a study from plain data, e.g. from `Study.to_dict` or from the options of a command.

    Parameters
    ----------
    data : mapping
        Field -> value.  ``axes`` is a mapping (key -> values) or a list of Axis or of
        ``KEY=VALUES``; ``where`` a condition or a list of them.
    label : str
        Put before every problem.
    folder : path, optional
        Where files lie that are named relatively; by default the working directory.
    elsewhere : set of str
        Fields whose files lie in the working directory all the same.

    Raises
    ------
    ConfigError
        Everything that is wrong, one line each.
    """
    problems = []
    for key in data:
        if key not in FIELDS:
            near = did_you_mean(str(key), FIELDS) or f" (keys: {', '.join(FIELDS)})"
            problems.append(f"{label}: {key}: unknown key{near}")
    known = {key: data[key] for key in FIELDS if data.get(key) is not None}
    fields, found = read_fields(known, label, folder, elsewhere)
    problems += found
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    names = {entry.name for entry in dataclasses.fields(Study)}
    return Study(**{key: value for key, value in fields.items() if key in names})


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{name}: no such file (a study is a YAML file)") from None
    except IsADirectoryError:
        raise InputError(f"{name}: a folder, not a YAML file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start})") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{name}: cannot be read ({reason})") from None
