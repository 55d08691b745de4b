"""What several commands read from their words: overrides, faults, names to complete, folders."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossbar.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from crossbar.arch import Arch

__all__ = [
    "check_module",
    "complete_axes",
    "complete_keys",
    "complete_numbers",
    "complete_observers",
    "complete_presets",
    "complete_workloads",
    "find_hardware",
    "only_stderr",
    "output_folder",
    "read_fault_words",
    "read_overrides",
    "read_time",
]


_FILE = re.compile(r"(?:\./)?(?P<far>(?:/|\.\./).*/)?(?P<module>.+)\.py:(?P<name>[\w.]+)")
"""``my_net.py:net``; a path that leaves this folder is no module of it."""


def read_overrides(words: Sequence[str]) -> dict[str, str]:
    """Read ``KEY=VALUE`` words of ``--set``; values stay text, `load_arch` reads them as YAML.

    Raises
    ------
    InputError
        For a word without ``=`` or a key that stands twice.
    """
    found: dict[str, str] = {}
    for word in words:
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not key:
            raise InputError(f"--set {word}: expected KEY=VALUE, e.g. --set adc.bits=7")
        if key in found:
            raise InputError(f"--set {word}: {key} is already set to {found[key]!r}")
        found[key] = value
    return found


def find_hardware(name: str, overrides: Sequence[str] | None) -> Arch:
    """Load the ARCH of a command with its ``--set`` words.

    Raises
    ------
    InputError
        As `load_arch`; what is no hardware but something else of a command line is told as such.
    """
    from crossbar.arch import load_arch, preset_names

    words = read_overrides(overrides or [])
    if name not in preset_names() and not name.endswith((".yaml", ".yml")):
        from crossbar.workload import zoo_names

        if name in zoo_names():
            raise InputError(
                f"{name}: a workload, not hardware; its cost: crossbar estimate isaac_8bit {name}"
            )
        check_module("ARCH", name)
        module, colon, path = name.partition(":")
        if colon and all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
            raise InputError(f"{name}: a network, not hardware; give it as --model {name}")
        if name.endswith(".pt2"):
            raise InputError(f"{name}: a network, not hardware; give it as --model {name}")
        if name.endswith(".npz"):
            raise InputError(f"{name}: data, not hardware; give it as --data {name}")
    return load_arch(name, words)


def check_module(option: str, spec: str) -> None:
    """Refuse ``my_net.py:net``, where a module was to be named and not its file.

    Raises
    ------
    InputError
        With the words that were meant.
    """
    match = _FILE.fullmatch(spec)
    if match is not None:
        meant = f"{match['module'].replace('/', '.')}:{match['name']}"
        option = "--model" if option == "ARCH" else option
        place = f", in {match['far']}" if match["far"] else ""
        raise InputError(f"{spec}: name the module and not its file: {option} {meant}{place}")


def read_fault_words(text: str) -> dict[str, Any]:
    """Read the value of ``--inject``: ``on=0.09,off=0.017``, any of its words may be left out.

    ``on``, ``off``: shares of cells; ``size``: cells of a cluster; ``row_on``, ``row_off``,
    ``col_on``, ``col_off``: shares of whole rows and columns; or ``map=FILE`` alone.

    Raises
    ------
    InputError
        Naming the part that is wrong.
    """
    from crossbar.study.harm import FAULT_WORDS, make_faults

    words: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        where = f"--inject {text}: {part.strip()!r}"
        if not equals:
            raise InputError(
                f"{where}: expected on=RATE or off=RATE, e.g. on=0.09,off=0.017, or map=FILE.npz"
            )
        if key not in (*FAULT_WORDS, "map"):
            near = did_you_mean(key, (*FAULT_WORDS, "map"))
            raise InputError(
                f"{where}: unknown part {key!r}{near}; allowed: on (stuck at the top level), off"
                " (stuck at level 0), size (cells of a cluster), row_on, row_off, col_on, col_off,"
                " map (a file)"
            )
        if key in words:
            raise InputError(f"{where}: {key!r} is given twice")
        words[key] = value if key == "map" else _fault_number(where, key, value)
    if "size" in words and not ("on" in words or "off" in words):
        raise InputError(f"--inject {text}: size: clusters of what? give on=RATE or off=RATE")
    try:
        make_faults(words)
    except InputError as error:
        raise InputError(f"--inject {text}: {error}") from None
    return words


def _fault_number(where: str, key: str, text: str) -> float:
    is_rate = key != "size"
    try:
        value = float(text)
    except ValueError:
        allowed = "a rate is 0..1" if is_rate else "a size is 1 or more cells"
        raise InputError(f"{where}: {text!r} is not a number; {allowed}") from None
    if is_rate and not 0.0 <= value <= 1.0:
        raise InputError(f"{where}: {text} is not a rate in 0..1")
    if not is_rate and not 1.0 <= value <= 4096.0:
        raise InputError(f"{where}: {text} is not a size in 1..4096 cells")
    return value


def read_time(arch: Arch, text: str) -> float:
    """Read the value of ``--t-inference``, a time with its unit such as ``1 day`` [s].

    Raises
    ------
    InputError
        No time, or one before the drift of the cells begins.
    """
    from crossbar.study.axis_keys import find_axis_key
    from crossbar.study.harm import check_drift_time

    try:
        seconds = float(find_axis_key("t_inference").check(text))
        check_drift_time(arch, seconds)
    except InputError as error:
        raise InputError(f"--t-inference {text}: {error}") from None
    return seconds


@contextmanager
def only_stderr() -> Iterator[None]:
    """Send everything that is printed to stderr: by Python, by libraries, by child processes.

    What a command prints afterwards is then all that stands on stdout.
    """
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # a process without a stdout
        with redirect_stdout(sys.stderr):
            yield
        return
    held = sys.stdout
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if held is not None:
            held.flush()  # whoever kept the old sys.stdout has written to its buffer
        os.dup2(kept, 1)
        os.close(kept)


@contextmanager
def output_folder(path: Path, option: str = "--out") -> Iterator[Path]:
    """Make a folder for results before the work that fills it, and check that it can be written.

    Folders that are made here go again when the work fails before anything is in them.

    Parameters
    ----------
    path : Path
    option : str
        What errors call it.

    Raises
    ------
    InputError
        When it cannot be made or written.
    """
    made: list[Path] = []
    try:
        try:
            _make(path, made)
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            reason = _reason(path, error)
            raise InputError(f"{option} {path}: cannot be written: {reason}") from error
        yield path
    except BaseException:
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()
        raise


def complete_presets(incomplete: str) -> Iterator[str]:
    """Complete the name of a hardware preset."""
    from crossbar.arch import preset_names

    yield from _starting(preset_names, incomplete)


def complete_workloads(incomplete: str) -> Iterator[str]:
    """Complete the name of a network of the zoo."""
    from crossbar.workload import zoo_names

    yield from _starting(zoo_names, incomplete)


def complete_keys(incomplete: str) -> Iterator[str]:
    """Complete the key of a ``--set``."""
    from crossbar.arch.keys import settable_keys

    yield from _starting(lambda: [f"{key}=" for key in settable_keys()], incomplete)


def complete_axes(incomplete: str) -> Iterator[str]:
    """Complete the key of an ``--axis``."""
    from crossbar.study.axis_keys import axis_key_names

    yield from _starting(lambda: [f"{key}=" for key in axis_key_names()], incomplete)


def complete_numbers(incomplete: str) -> Iterator[str]:
    """Complete the name of a number of a report; those of its layers are in the file only."""
    from crossbar.energy import COMPONENTS
    from crossbar.timing import ACTIONS

    totals = ("accuracy", "energy", "latency", "throughput", "area", "power.average")
    yield from _starting(lambda: [*totals, *COMPONENTS, *ACTIONS], incomplete)


def complete_observers(incomplete: str) -> Iterator[str]:
    """Complete the name of an observer."""
    from crossbar.mapping.precision import OBSERVERS

    yield from _starting(lambda: OBSERVERS, incomplete)


def _starting(names: Callable[[], Sequence[str]], incomplete: str) -> Iterator[str]:
    return (name for name in names() if name.startswith(incomplete))


def _make(path: Path, made: list[Path]) -> None:
    if path.is_dir():
        return
    if path.parent != path:
        _make(path.parent, made)
    path.mkdir()
    made.append(path)


def _reason(path: Path, error: OSError) -> str:
    blocking = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), None)
    if blocking is not None:
        return f"{os.fspath(blocking)} is a file"
    return error.strerror or type(error).__name__
