"""The zoo of published networks, and finding a network by name or file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from crossbar.errors import InputError, UnknownNameError
from crossbar.workload.graph import Workload
from crossbar.workload.lengths import with_tokens
from crossbar.workload.networks import plain, residual, transformers
from crossbar.workload.serial import load

__all__ = ["find_workload", "zoo", "zoo_names"]

ZOO: dict[str, Callable[[], Workload]] = {
    "lenet5": plain.lenet5,
    "resnet20": residual.resnet20,
    "vgg8": plain.vgg8,
    "resnet18": residual.resnet18,
    "resnet50": residual.resnet50,
    "vgg11": plain.vgg11,
    "vgg16": plain.vgg16,
    "mobilenet_v2": residual.mobilenet_v2,
    "bert_base": transformers.bert_base,
    "minilm6": transformers.minilm6,
}


def zoo_names() -> tuple[str, ...]:
    """Return the names of the networks that come with the package."""
    return tuple(ZOO)


def zoo(name: str) -> Workload:
    """Return a published network.

    Parameters
    ----------
    name : str
        One of `zoo_names`, e.g. ``"resnet18"``.

    Raises
    ------
    UnknownNameError
        If there is no such network.
    """
    if name not in ZOO:
        raise UnknownNameError("workload", name, ZOO)
    return ZOO[name]()


def find_workload(
    name_or_path: str | os.PathLike[str] | Workload, tokens: int | None = None
) -> Workload:
    """Return a network by its zoo name or from its file.

    Parameters
    ----------
    name_or_path : str, path or Workload
        A zoo name, a file whose name ends in ``.json``, or a workload, which is returned as it is.
    tokens : int, optional
        Length of its sequences; else its own.

    Raises
    ------
    UnknownNameError
        If it is neither a zoo name nor a ``.json`` file name.
    InputError
        If the file cannot be read or is not a sound workload, or its length is fixed.
    """
    if not isinstance(name_or_path, (str, os.PathLike, Workload)):
        raise InputError(
            f"workload: a {type(name_or_path).__name__}, expected a Workload, a zoo name or a JSON"
            " file; xb.capture(model, example_inputs) makes a Workload of a model"
        )
    if isinstance(name_or_path, Workload):
        found = name_or_path
    elif Path(name_or_path).suffix.lower() == ".json":
        found = load(name_or_path)
    else:
        found = zoo(os.fspath(name_or_path))
    return found if tokens is None else with_tokens(found, tokens)
