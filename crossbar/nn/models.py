"""Find a network by what a command line says: ``pkg.mod:factory`` or ``FILE.pt2``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.export import ExportedProgram

from crossbar.errors import CaptureError, DataError, InputError, did_you_mean
from crossbar.nn.factories import call, find, is_factory, search_here
from crossbar.nn.paths import check_readable
from crossbar.nn.pt2 import load_pt2

__all__ = ["Model", "load_model", "load_weights"]

Model: TypeAlias = nn.Module | ExportedProgram

_PICKLES = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth", ".tar", ".th")
_SHOWN = 4


def load_model(spec: str, *, trust_pickle: bool = False) -> Model:
    """Return the network that ``spec`` names.

    Parameters
    ----------
    spec : str
        ``pkg.mod:factory``, a callable without arguments that returns an nn.Module (the current
        folder is searched first), or an nn.Module itself; or a file that `torch.export.save` wrote
        (``.pt2``).
    trust_pickle : bool
        Also read pickles (``.pt``, ``.pth``, ``.pkl``, ``.bin`` ...), which run any code that is in
        them.

    Returns
    -------
    nn.Module or ExportedProgram
        As it is made: one in training mode is refused where it is captured.

    Raises
    ------
    CaptureError
        For something that is no nn.Module.
    DataError
        For a file that is missing, damaged or truncated.
    InputError
        For a pickle that is not trusted, a file of weights alone, or a factory that is not found or
        fails.
    """
    suffix = Path(spec).suffix.lower()
    if is_factory(spec):
        found = find(spec)
        # a class of networks is a factory, an instance (also callable) is a network
        made = call(spec, found) if callable(found) and not isinstance(found, nn.Module) else found
        return _checked(made, spec)
    if suffix not in (".pt2", ".safetensors", *_PICKLES):
        raise InputError(f"{spec}: neither pkg.mod:factory nor FILE.pt2 (from torch.export.save)")
    check_readable(spec)
    if suffix == ".safetensors":
        raise InputError(
            f"{spec}: holds weights only; give --model pkg.mod:factory, a function that builds the"
            " network and fills it with crossbar.nn.models.load_weights(model, path)"
        )
    if suffix == ".pt2":
        return load_pt2(spec, trust_pickle=trust_pickle)
    if not trust_pickle:
        raise InputError(
            f"{spec}: a pickle, which can run any code when it is read; save the network with"
            " torch.export.save (.pt2), or give --trust-pickle if you made the file"
        )
    return _checked(_unpickled(spec), spec)


def load_weights(model: nn.Module, path: str | os.PathLike[str]) -> None:
    """Fill a network with the weights of a safetensors file; all of them or none.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    path : path
        A safetensors file with the keys of ``model.state_dict()``.

    Raises
    ------
    DataError
        In one line: the file is missing, truncated or no safetensors file; or keys are missing,
        unknown or of another shape (with the nearest names); or a weight is NaN or infinite.
    """
    file = Path(path)
    check_readable(file)
    try:
        given = load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read as safetensors, it is truncated or damaged ({error})"
        ) from error
    wanted = model.state_dict()
    problems = []
    unknown = [key for key in given if key not in wanted]
    # BatchNorm's counter of training batches: of no use to inference, and absent in older files
    missing = [
        key for key in wanted if key not in given and not key.endswith("num_batches_tracked")
    ]
    if missing:
        problems.append(f"{len(missing)} missing: {_some(missing, unknown)}")
    if unknown:
        problems.append(f"{len(unknown)} unknown: {_some(unknown, missing)}")
    shapes = [
        f"{key!r} is {_by(tensor)}, expected {_by(wanted[key])}"
        for key, tensor in given.items()
        if key in wanted and tensor.shape != wanted[key].shape
    ]
    if shapes:
        problems.append(f"{len(shapes)} of another shape: {'; '.join(shapes[:_SHOWN])}")
    problems += [
        f"{key!r} holds NaN or infinite values"
        for key, tensor in given.items()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ][:_SHOWN]
    if problems:
        raise DataError(f"{path}: weights do not fit {type(model).__name__}: {'; '.join(problems)}")
    model.load_state_dict(given, strict=False)


def _checked(model: object, spec: str) -> Model:
    if isinstance(model, ExportedProgram):
        return model
    if isinstance(model, nn.Module):
        return model
    hint = ""
    if isinstance(model, dict):
        hint = "; a dictionary of weights needs a factory that builds the network"
    kind = type(model).__name__
    raise CaptureError(f"{spec}: it is of type {kind}, expected a torch.nn.Module{hint}")


def _unpickled(spec: str) -> object:
    search_here()  # a pickle names the modules of its classes
    try:
        return torch.load(spec, map_location="cpu", weights_only=False)
    except (Exception, SystemExit) as error:  # reading a pickle runs what is in it
        lines = str(error).strip().splitlines()
        raise DataError(
            f"{spec}: cannot be read: {type(error).__name__}: {lines[0][:240] if lines else ''}"
        ) from error


def _some(keys: list[str], others: list[str]) -> str:
    shown = ", ".join(f"{key!r}{did_you_mean(key, others)}" for key in keys[:_SHOWN])
    return shown + (" ..." if len(keys) > _SHOWN else "")


def _by(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"
