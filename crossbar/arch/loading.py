"""From a preset's name, a file or plain data to an `Arch`: extends, overrides, every error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from crossbar.arch import strict_yaml
from crossbar.arch.fields import shown
from crossbar.arch.keys import top_level_keys
from crossbar.arch.layers import Layers
from crossbar.arch.schema import Arch
from crossbar.errors import InputError, UnknownNameError, did_you_mean

__all__ = ["load_arch", "preset_names"]

_PRESETS = "crossbar.arch_configs"
_SUFFIXES = (".yaml", ".yml")
_OWN_KEYS = ("name", "description")
"""Keys that say what one file is: a file that extends another does not inherit them."""


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
    layers = Layers()
    if isinstance(arch, Arch):
        layers.add(arch.to_dict(), arch.name)
    elif isinstance(arch, Mapping):
        layers.add({"name": "custom"} | dict(arch), str(arch.get("name", "custom")))
    elif isinstance(arch, (str, os.PathLike)):
        _add_file(layers, _Source.find(arch, None), ())
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


def _add_file(layers: Layers, source: _Source, chain: tuple[_Source, ...]) -> None:
    """Add a file on top of the files that it extends."""
    data, problems = strict_yaml.read(source.text, source.label)
    layers.problems += problems
    if not isinstance(data, dict):
        if not problems:
            what = "empty" if data is None else f"{shown(data)} is not a mapping"
            keys = ", ".join(top_level_keys())
            layers.problems.append(f"{source.label}: {what} (keys: {keys})")
        layers.is_complete = False
        return
    base = data.pop("extends", None)
    if base is not None:
        _add_base(layers, base, source, (*chain, source))
    for key in _OWN_KEYS:
        layers.data.pop(key, None)
    layers.add({"name": source.label.rpartition(".")[0]} | data, source.label, source.folder)


def _add_base(layers: Layers, base: object, source: _Source, chain: tuple[_Source, ...]) -> None:
    """Add the file that `source` extends."""
    where = f"{source.label}: extends"
    layers.is_complete = False  # unless all goes well below
    if not isinstance(base, str):
        layers.problems.append(f"{where}: {shown(base)} is not a preset's name or a file")
        return
    try:
        found = _Source.find(base, source.folder)
    except InputError as error:
        layers.problems.append(f"{where}: {error}")
        return
    if any(found.identity == link.identity for link in chain):
        cycle = " -> ".join(link.label for link in (*chain, found))
        layers.problems.append(f"{where}: {base!r} comes back to itself ({cycle})")
        return
    layers.is_complete = True
    _add_file(layers, found, chain)
