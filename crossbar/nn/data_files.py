"""Data files, labels and shapes: everything is checked here, before any long work.

A data file is an ``.npz`` with an array ``x`` (first axis: samples) and, where there are targets,
``y`` (one entry a sample).  ``uint8`` and floating-point ``x`` is passed on as float32 (pixels are
*not* scaled: store what the network takes), every other integer type as int64, which is what an
embedding takes.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from crossbar.errors import DataError, did_you_mean
from crossbar.nn.batch_checks import check_finite
from crossbar.nn.data import as_loader, split_batch
from crossbar.nn.factories import call, find, is_factory
from crossbar.nn.graph.export import parameter_names
from crossbar.nn.paths import check_readable

__all__ = [
    "batches",
    "check_labels",
    "check_model_takes",
    "check_shape",
    "find_data",
    "load_data",
    "load_npz",
]

_UNREADABLE = (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError)


def load_npz(path: str | os.PathLike[str]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Read ``x`` and, where there is one, ``y`` from an ``.npz`` file.

    Parameters
    ----------
    path : path

    Returns
    -------
    x : Tensor
        float32, or int64 for integers that are not uint8 (tokens); axis 0 counts samples.
    y : Tensor or None
        int64 for integers, floating point (float64 stays float64) for scores; None where the file
        has no ``y``.

    Raises
    ------
    DataError
        For a file that cannot be opened, is not an npz, is damaged, has no ``x``, no samples, a
        type that is no number, NaN or infinite values, or as many ``y`` as there are not ``x``.
        Pickled arrays are never loaded.
    """
    name = os.fspath(path)
    check_readable(name)
    if not zipfile.is_zipfile(name):
        raise DataError(f"{name}: not an npz file (numpy.savez writes one: x, and y for labels)")
    try:
        opened = np.load(name, allow_pickle=False)
    except _UNREADABLE as error:
        raise DataError(f"{name}: cannot be read, the file is damaged ({error})") from error
    with opened as file:
        held = list(file.files)
        if "x" not in held:
            near = did_you_mean("x", held)
            raise DataError(f"{name}: no array 'x'{near}; it holds {', '.join(held) or 'nothing'}")
        if "y" not in held and len(held) > 1:
            others = ", ".join(key for key in held if key != "x")
            raise DataError(f"{name}: beside 'x' it holds {others}, but labels must be called 'y'")
        x = _array(file, "x", name)
        y = _array(file, "y", name) if "y" in held else None
    if x.ndim == 0 or x.size == 0:
        raise DataError(f"{name}: x: shape {x.shape} holds no samples")
    inputs = _inputs(x, name)
    if y is None:
        return inputs, None
    if y.ndim == 0 or len(y) != len(x):
        raise DataError(f"{name}: y has shape {y.shape}, but x has {_samples(len(x))}")
    wanted = torch.float64 if y.dtype == np.float64 else torch.float32
    return inputs, _as_tensor(y, wanted if y.dtype.kind == "f" else torch.int64, f"{name}: y")


def load_data(spec: str, size: int) -> Iterable[Any]:
    """Return a loader for what ``--data`` names.

    Parameters
    ----------
    spec : str
        ``FILE.npz``, or ``pkg.mod:loader``: a loader, ``(x, y)``, ``x`` or a `Dataset`, or a
        callable that returns one.
    size : int
        Samples a batch where the data is not batched yet.

    Raises
    ------
    DataError
        As `load_npz` and `as_loader`.
    InputError
        As `crossbar.nn.factories`.
    """
    return as_loader(find_data(spec), size, spec)


def find_data(spec: str) -> Any:
    """Return what ``--data`` names, not batched yet where it is not; parameters as `load_data`.

    `crossbar.nn.data.as_loader` makes a loader of it, as often as one is wanted.
    """
    if not is_factory(spec):
        if not spec.endswith(".npz"):
            raise DataError(f"{spec}: neither FILE.npz nor pkg.mod:loader")
        x, y = load_npz(spec)
        return x if y is None else (x, y)
    found = find(spec)
    is_data = isinstance(found, (Iterable, torch.utils.data.Dataset))
    if callable(found) and (isinstance(found, type) or not is_data):
        found = call(spec, found)
    # an iterator runs dry after one pass, and every pass must see the same
    return call(spec, lambda: list(found)) if isinstance(found, Iterator) else found


def batches(x: torch.Tensor, y: torch.Tensor | None, size: int) -> list[Any]:
    """Cut samples into batches.

    Parameters
    ----------
    x : Tensor
        Axis 0 counts samples.
    y : Tensor or None
    size : int
        Samples a batch; the last one may be smaller.

    Returns
    -------
    list
        ``(x, y)`` pairs, or ``x`` alone where ``y`` is None; views, not copies.
    """
    starts = range(0, len(x), size)
    if y is None:
        return [x[start : start + size] for start in starts]
    return [(x[start : start + size], y[start : start + size]) for start in starts]


def check_labels(targets: torch.Tensor, where: str) -> None:
    """Refuse targets that are no class numbers.

    Parameters
    ----------
    targets : Tensor
    where : str
        What the error calls them.

    Raises
    ------
    DataError
        For floating-point targets, more than one entry a sample, or negative ones.
    """
    if targets.is_floating_point() or targets.dtype == torch.bool:
        kind = str(targets.dtype).removeprefix("torch.")
        how = "; store false and true as 0 and 1" if kind == "bool" else ""
        raise DataError(
            f"{where}: {kind} values are no class numbers; accuracy needs integers 0, 1, 2 ...{how}"
        )
    if targets.dim() != 1:
        raise DataError(
            f"{where}: shape {tuple(targets.shape)}, but accuracy needs one class number a sample"
        )
    if len(targets) and int(targets.min()) < 0:
        raise DataError(f"{where}: {int(targets.min())} is no class number (0 or more)")


def check_shape(shape: Sequence[int], expected: Sequence[int | str], where: str) -> None:
    """Refuse samples of another shape than a network takes.

    Parameters
    ----------
    shape : sequence of int
        Shape of one sample, without the axis of samples.
    expected : sequence of int or str
        What the network takes; a text stands for an axis of any size.
    where : str
        What the error calls the data.

    Raises
    ------
    DataError
        Naming both.
    """
    same = len(shape) == len(expected) and all(
        isinstance(want, str) or want == have for have, want in zip(shape, expected, strict=True)
    )
    if not same:
        raise DataError(
            f"{where}: a sample has shape {_by(shape)}, but the network takes {_by(expected)}"
        )


def check_model_takes(model: nn.Module, batch: Any, where: str) -> None:
    """Run a small batch through a network in float, to find data of a wrong shape or type at once.

    Parameters
    ----------
    model : nn.Module
        In evaluation mode; it is not changed.
    batch
        In any form of a loader.
    where : str
        What the error calls the data.

    Raises
    ------
    DataError
        When the network does not take it, naming the layer that failed and what it was given.
    """
    split = split_batch(batch, parameter_names(model) or None, where)
    running: list[tuple[str, nn.Module, tuple[Any, ...]]] = []

    def enter(name: str) -> Any:
        return lambda module, args: running.append((name, module, args))

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        running.pop()

    leaves = [(name, m) for name, m in model.named_modules() if not any(True for _ in m.children())]
    hooks = [m.register_forward_pre_hook(enter(name)) for name, m in leaves]
    hooks += [m.register_forward_hook(leave) for _, m in leaves]
    try:
        with torch.no_grad():
            model(*split.args, **split.kwargs)
    except Exception as error:  # the user's forward may raise anything
        reason = str(error).strip().splitlines()
        text = reason[0][:240] if reason else type(error).__name__
        given = ", ".join(_described(value) for value in (*split.args, *split.kwargs.values()))
        place = ""
        if running:
            name, module, args = running[-1]
            inner = ", ".join(_described(value) for value in args)
            place = f" at layer {name!r} = {module}, which was given {inner}" if name else ""
        raise DataError(
            f"{where}: {type(model).__name__} does not take a batch of {given}: it fails{place}:"
            f" {text}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def _array(file: Any, key: str, name: str) -> NDArray[Any]:
    """Read one member of an npz file."""
    try:
        array = file[key]
    except _UNREADABLE as error:
        if "allow_pickle" in str(error):
            raise DataError(f"{name}: {key}: holds Python objects; only numbers are read") from None
        raise DataError(f"{name}: {key}: cannot be read, the file is damaged ({error})") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        kind = getattr(array, "dtype", type(array).__name__)
        if kind == np.bool_:
            how = "integers 0 and 1" if key == "y" else "uint8 or float32"
            raise DataError(f"{name}: {key}: bool values are not read; store them as {how}")
        raise DataError(f"{name}: {key}: {kind} is no number; allowed: float, uint8, integer")
    return array


def _inputs(x: NDArray[Any], name: str) -> torch.Tensor:
    if x.dtype.kind != "f" and x.dtype != np.uint8:
        return _as_tensor(x, torch.int64, f"{name}: x")
    return _as_tensor(x, torch.float32, f"{name}: x")


def _as_tensor(array: NDArray[Any], dtype: torch.dtype, where: str) -> torch.Tensor:
    if dtype == torch.int64:
        if array.dtype == np.uint64 and array.max(initial=0) > np.iinfo(np.int64).max:
            raise DataError(f"{where}: {array.max()} is more than 64-bit integers hold")
        return torch.from_numpy(array.astype(np.int64))
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite and is told below
        tensor = torch.from_numpy(
            array.astype(np.float64 if dtype == torch.float64 else np.float32)
        )
    check_finite(tensor, f"{where}: sample", masks=False)
    return tensor


def _samples(count: int) -> str:
    return "1 sample" if count == 1 else f"{count} samples"


def _by(shape: Sequence[int | str]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def _described(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {_by(tuple(value.shape))}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_described(item)}" for key, item in value.items()) + "}"
    return type(value).__name__
