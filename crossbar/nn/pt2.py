"""Files of `torch.export.save`, read only when they are whole and hold no code.

`torch.export.load` of torch 2.13 does not look at the checksums of the archive, and where the
archive asks for it, it unpickles without restriction (weights marked ``use_pickle``, custom
objects, sample inputs) or loads compiled code.  Both are checked here first.  What remains is
torch's own reading of the graph, which was not made for files of unknown origin either.
"""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram

from crossbar.errors import DataError, InputError
from crossbar.nn.factories import search_here
from crossbar.nn.paths import check_readable

__all__ = ["input_shapes_of", "load_pt2"]

_OBJECTS = ("custom_obj_", "opaque_obj_")
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError),
    *(AttributeError, KeyError, TypeError),  # an index of weights that is not what it should be
)


def load_pt2(path: str | os.PathLike[str], *, trust_pickle: bool = False) -> ExportedProgram:
    """Read an exported program.

    Parameters
    ----------
    path : path
    trust_pickle : bool
        Also read a file with pickled objects or compiled code in it.

    Raises
    ------
    DataError
        For a file that cannot be opened, is truncated or damaged, or was not written by
        `torch.export.save`.
    InputError
        For one with pickled objects or compiled code that is not trusted.
    """
    name = os.fspath(path)
    check_readable(name)
    try:
        with zipfile.ZipFile(name) as archive:
            damaged = archive.testzip()
            members = archive.namelist()
            code = "" if trust_pickle or damaged else next(_code(archive), "")
    except _UNREADABLE as error:
        raise DataError(
            f"{name}: it is truncated, damaged or not a file of torch.export.save ({error})"
        ) from error
    if damaged:
        raise DataError(f"{name}: damaged: {damaged!r} does not match its checksum")
    if not any("/models/" in member for member in members):
        raise DataError(
            f"{name}: it is truncated or not a file of torch.export.save (it holds no exported"
            " program)"
        )
    if code:
        raise InputError(
            f"{name}: {code}, which can run any code when it is read; give --trust-pickle if you"
            " made the file"
        )
    if trust_pickle:
        search_here()  # a pickle names the modules of its classes
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)  # what matters of it is in the error below
    try:
        return torch.export.load(name)
    except Exception as error:  # torch raises whatever its readers raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0][:240] if lines else type(error).__name__
        raise DataError(f"{name}: torch {torch.__version__} cannot read it: {reason}") from error
    finally:
        logger.setLevel(level)


def input_shapes_of(program: ExportedProgram) -> dict[str, tuple[int | str, ...]]:
    """Return the sizes of each tensor input; an axis that is free has a name instead."""
    shapes: dict[str, tuple[int | str, ...]] = {}
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs:
            value = node.meta.get("val")
            if isinstance(value, torch.Tensor):
                shapes[node.name] = tuple(s if isinstance(s, int) else "any" for s in value.shape)
    return shapes


def _code(archive: zipfile.ZipFile) -> Iterator[str]:
    """Name what in the archive could run code: pickles of more than tensors, compiled code."""
    for member in archive.namelist():
        _, _, inner = member.partition("/")
        folder, _, last = inner.rpartition("/")
        if inner.startswith("data/aotinductor/"):
            yield "it holds compiled code"
        elif last.startswith(_OBJECTS):
            yield f"{inner} is a pickled object"
        elif inner.endswith(".pt") and not _is_tensors(archive.read(member)):
            yield f"{inner} is a pickle"
        elif inner.endswith("_config.json"):
            prefix = member.removesuffix(last)
            for payload in _pickled_payloads(archive.read(member)):
                if payload.startswith(_OBJECTS):
                    yield f"{folder}/{payload} is a pickled object"
                elif not _is_tensors(archive.read(prefix + payload)):
                    yield f"{folder}/{payload} is a pickle"


def _pickled_payloads(config: bytes) -> Iterator[str]:
    payloads: Any = json.loads(config).get("config", {})
    for entry in payloads.values():
        if entry.get("use_pickle"):
            yield str(entry["path_name"])


def _is_tensors(data: bytes) -> bool:
    """Whether a pickle holds only tensors and plain values, as torch's restricted reader judges."""
    if not data:
        return True
    try:
        torch.load(io.BytesIO(data), weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        return False
    return True
