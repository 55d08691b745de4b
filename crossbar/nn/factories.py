"""What ``pkg.mod:name`` on a command line stands for: the user's own Python, imported or called."""

from __future__ import annotations

import importlib
import inspect
import linecache
import os
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from crossbar.errors import CrossbarError, InputError, did_you_mean

__all__ = ["call", "find", "is_factory", "search_here"]

_SHOWN = 12


def is_factory(spec: str) -> bool:
    """Whether ``spec`` has the form ``pkg.mod:name`` (and is no path)."""
    module, colon, name = spec.partition(":")
    parts = [*module.split("."), *name.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)


def find(spec: str) -> Any:
    """Import what ``pkg.mod:name`` names.

    The current folder is searched first, as ``python -m`` does.

    Parameters
    ----------
    spec : str
        A module and a name in it, which may be dotted.

    Raises
    ------
    InputError
        When the module is not found (with the nearest name) or fails while it is imported, or has
        no such name.
    """
    module_name, _, path = spec.partition(":")
    value: Any = _import(module_name)
    where = module_name
    for name in path.split("."):
        if not hasattr(value, name):
            names = _public(value)
            shown = f"; it has {_some(names)}" if names else ""
            raise InputError(f"{spec}: {where} has no {name!r}{did_you_mean(name, names)}{shown}")
        value = getattr(value, name)
        where = f"{where}.{name}"
    return value


def call(spec: str, factory: Any) -> Any:
    """Call a factory without arguments.

    Parameters
    ----------
    spec : str
        What errors call it.
    factory : callable

    Raises
    ------
    InputError
        When it needs arguments or raises; an error of this package passes as it is.
    """
    try:
        needed = [
            parameter.name
            for parameter in inspect.signature(factory).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):  # callables written in C may have no signature
        needed = []
    if needed:
        raise InputError(
            f"{spec}: it needs {', '.join(map(repr, needed))}, but is called without arguments;"
            " give them defaults or name a function that fills them in"
        )
    try:
        return factory()
    except CrossbarError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise InputError(f"{spec}: raised {_told(error)}") from error


def search_here() -> str:
    """Put the current folder on the import path, first, as ``python -m`` does, and return it."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()  # the file may be younger than the folder's listing
    return here


def _import(name: str) -> ModuleType:
    here = search_here()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise InputError(f"{name}: importing it failed: {_told(error)}") from error
        parent, _, last = missing.rpartition(".")
        paths = _search_path(parent, here)
        near = did_you_mean(last, [found.name for found in pkgutil.iter_modules(paths or [])])
        place = f"in package {parent!r}" if parent else "in this folder or the installed packages"
        if paths is None:
            place = f"in {parent!r}, which is a module and no package"
        raise InputError(f"{name}: there is no module {last!r}{near} {place}") from None
    except CrossbarError:
        raise
    except (Exception, SystemExit) as error:  # importing runs the user's code
        raise InputError(f"{name}: importing it failed: {_told(error)}") from error


def _search_path(parent: str, here: str) -> list[str] | None:
    """Return where a missing module would have stood; None below what is no package."""
    package = sys.modules.get(parent)
    if package is None or not parent:
        return [here]
    path = getattr(package, "__path__", None)
    return None if path is None else list(path)


def _public(value: Any) -> list[str]:
    """Return the names of a module or class that a user would call."""
    listed: Iterable[str] | None = getattr(value, "__all__", None)
    if listed is not None:
        return sorted(listed)
    own = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "")
    return [
        name
        for name in dir(value)
        if not name.startswith("_")
        and not isinstance(getattr(value, name), ModuleType)
        and getattr(getattr(value, name), "__module__", own) == own
    ]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _told(error: BaseException) -> str:
    """Say in one line what was raised and where in the user's code."""
    # that of a SyntaxError names its place as well, which stands at the end here
    message = str(error.msg if isinstance(error, SyntaxError) else error)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = type(error).__name__ + (f": {lines[0][:240]}" if lines else "")
    traceback, place = error.__traceback__, ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith((str(Path(__file__).parents[1]), "<")):
            source = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
            if source and str(Path.cwd()) in code.co_filename:
                place = f" ({Path(code.co_filename).name} line {traceback.tb_lineno}: {source})"
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({Path(error.filename).name} line {error.lineno})"
    return text + place
