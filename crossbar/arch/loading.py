"""From a preset's name, a file or plain data to an `Arch`: extends, overrides, every error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crossbar.arch import strict_yaml
from crossbar.arch.fields import shown
from crossbar.arch.keys import key_table, sections
from crossbar.arch.problems import find_problems
from crossbar.arch.schema import Arch
from crossbar.errors import ConfigError, InputError, UnknownNameError, did_you_mean

__all__ = ["load_arch", "preset_names"]

_PRESETS = "crossbar.arch_configs"
_SUFFIXES = (".yaml", ".yml")
_OVERRIDE = "override"
_OWN_KEYS = ("name", "description")
"""Keys that say what one file is: a file that extends another does not inherit them."""
_TEXT_KEYS = ("name", "description", "source")


def load_arch(
    arch: str | os.PathLike[str] | Mapping[str, Any] | Arch,
    overrides: Mapping[str, Any] | None = None,
) -> Arch:
    """Load a hardware description.

    Parameters
    ----------
    arch : str, path, mapping or Arch
        A preset's name (see `preset_names`); the path of a YAML file (anything that ends in .yaml
        or .yml or holds a path separator); plain data as `Arch.to_dict` gives it; or an Arch.
    overrides : mapping, optional
        Dotted key -> value, e.g. ``{"array.rows": 256, "array.cycle": "50 ns"}``.  Values are
        Python values or text as in a file; a quantity carries its unit; None (or ``"null"``)
        removes a value, so that the default holds.  ``replication.LAYER`` sets one layer's copies.

    Returns
    -------
    Arch
        Checked and frozen, SI inside.

    Raises
    ------
    UnknownNameError
        If there is no such preset.
    InputError
        If a file cannot be read.
    ConfigError
        If anything in it is wrong; `problems` holds every problem.
    """
    if isinstance(arch, Arch) and not overrides:
        return arch
    layers = _Layers()
    if isinstance(arch, Arch):
        layers.add(arch.to_dict(), arch.name)
    elif isinstance(arch, Mapping):
        layers.add({"name": "custom"} | dict(arch), str(arch.get("name", "custom")))
    elif isinstance(arch, (str, os.PathLike)):
        layers.add_file(_Source.find(arch, None), ())
    else:
        raise InputError(
            f"{shown(arch)} is not a hardware description: give a preset's name, a YAML file, "
            "a mapping or an Arch"
        )
    layers.override(overrides or {})
    return layers.checked()


def preset_names() -> tuple[str, ...]:
    """Return the names of the hardware descriptions that ship with the package, sorted."""
    names = (entry.name for entry in files(_PRESETS).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


class _Source:
    """One file of a chain: its text, its label in error lines, its identity."""

    def __init__(self, label: str, identity: str, text: str, folder: Path | None) -> None:
        self.label = label
        self.identity = identity
        self.text = text
        self.folder = folder

    @classmethod
    def find(cls, given: str | os.PathLike[str], folder: Path | None) -> _Source:
        """Find a preset by name, or a file by path (relative to `folder`)."""
        name = os.fspath(given)
        is_path = isinstance(given, os.PathLike) or name.endswith(_SUFFIXES) or "/" in name
        if is_path or os.sep in name:
            return cls._from_file(name, folder)
        if name not in preset_names():
            raise UnknownNameError("preset", name, preset_names())
        text = files(_PRESETS).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        return cls(f"{name}.yaml", f"preset {name}", text, None)

    @classmethod
    def _from_file(cls, name: str, folder: Path | None) -> _Source:
        path = Path(name) if folder is None else folder / name
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            hint = did_you_mean(path.stem, preset_names()).replace("mean", "mean the preset")
            raise InputError(f"{name}: no such file{hint}") from None
        except IsADirectoryError:
            raise InputError(f"{name}: a folder, not a YAML file") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{name}: not UTF-8 text (byte {error.start})") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(f"{name}: cannot be read ({reason})") from None
        return cls(path.name, str(path.resolve()), text, path.parent)


class _Layers:
    """A description under construction: data, and which file decided each key."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.labels: list[str] = []
        self.origins: dict[str, int] = {}
        self.problems: list[str] = []
        self.is_complete = True

    def add_file(self, source: _Source, chain: tuple[_Source, ...]) -> None:
        """Add a file on top of the files that it extends."""
        data, problems = strict_yaml.read(source.text, source.label)
        self.problems += problems
        if not isinstance(data, dict):
            if not problems:
                what = "empty" if data is None else f"{shown(data)} is not a mapping"
                keys = ", ".join(key for key in key_table() if "." not in key)
                self.problems.append(f"{source.label}: {what} (keys: {keys}, {_sections()})")
            self.is_complete = False
            return
        base = data.pop("extends", None)
        if base is not None:
            self._add_base(base, source, (*chain, source))
        for key in _OWN_KEYS:
            self.data.pop(key, None)
        self.add({"name": source.label.rpartition(".")[0]} | data, source.label)

    def add(self, data: Mapping[str, Any], label: str) -> None:
        """Add keys on top; sections are merged, everything else is replaced."""
        self.labels.append(label)
        for key, value in data.items():
            if key in sections() and isinstance(value, Mapping):
                for inner, item in value.items():
                    self._set((str(key), str(inner)), item)
                self.data.setdefault(key, {})
                self.origins.setdefault(key, len(self.labels) - 1)
            else:
                self._set((str(key),), value)

    def override(self, overrides: Mapping[str, Any]) -> None:
        """Add dotted keys on top."""
        self.labels.append(_OVERRIDE)
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
                present = self.data.get(section)
                copies = dict(present) if isinstance(present, Mapping) else {}
                self._set((section,), copies | {inner: value})
            elif section in sections() and inner:
                self._set((section, inner), value)
            elif section in sections() and isinstance(value, Mapping):
                for name, item in value.items():
                    self._set((section, str(name)), item)
            else:
                self._set((key,), value)

    def checked(self) -> Arch:
        """Return the description, or raise every problem at once."""
        if self.is_complete:
            try:
                arch = Arch.model_validate(self.data)
            except ValidationError as error:
                self.problems += find_problems(error, self.data, self._label)
            else:
                if not self.problems:
                    return arch
        raise ConfigError(dict.fromkeys(self.problems))

    def _add_base(self, base: object, source: _Source, chain: tuple[_Source, ...]) -> None:
        """Add the file that `source` extends."""
        where = f"{source.label}: extends"
        if not isinstance(base, str):
            self.problems.append(f"{where}: {shown(base)} is not a preset's name or a file")
            self.is_complete = False
            return
        try:
            found = _Source.find(base, source.folder)
        except InputError as error:
            self.problems.append(f"{where}: {error}")
            self.is_complete = False
            return
        if any(found.identity == link.identity for link in chain):
            cycle = " -> ".join(link.label for link in (*chain, found))
            self.problems.append(f"{where}: {base!r} comes back to itself ({cycle})")
            self.is_complete = False
            return
        self.add_file(found, chain)

    def _set(self, path: tuple[str, ...], value: Any) -> None:
        """Set one key; None removes it."""
        self.origins[".".join(path)] = len(self.labels) - 1
        target = self.data
        if len(path) == 2:
            present = target.get(path[0])
            if not isinstance(present, dict):
                present = target[path[0]] = {}
            target = present
        if value is None:
            target.pop(path[-1], None)
        else:
            target[path[-1]] = value

    def _label(self, paths: tuple[str, ...]) -> str:
        """Return who decided these keys: the last of the files that touched one of them."""
        last = len(self.labels) - 2  # where nobody did, the file itself (overrides come after it)
        parts = (part for path in paths for part in (path, path.partition(".")[0]))
        touched = [self.origins[part] for part in parts if part in self.origins]
        return self.labels[max(touched, default=last)]


def _sections() -> str:
    return ", ".join(sections())
