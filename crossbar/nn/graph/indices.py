"""What an index outside of a table means to whoever called the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from crossbar.errors import DataError
from crossbar.nn.graph.signature import Signature, too_long

__all__ = ["index_error"]

_WORDS = ("out of bounds", "out of range")


def index_error(
    given: tuple[Any, ...],
    signature: Signature,
    inputs: Mapping[str, torch.Tensor],
    error: Exception,
) -> Exception:
    """Explain the error of a step that looks something up; any other error is returned as it is.

    A table that an input indexes itself has no such entry; a table of positions is too short for
    the sequence, which may be as much shorter as its last position is too far out.

    Parameters
    ----------
    given : tuple
        Arguments of the step.
    signature : Signature
    inputs : mapping of str to Tensor
    error : Exception
    """
    if not any(words in str(error) for words in _WORDS):
        return error
    tensors = [x for x in given if isinstance(x, torch.Tensor)]
    if len(tensors) != 2 or tensors[1].is_floating_point() or not tensors[1].numel():
        return DataError(f"data: {str(error).splitlines()[0]}")
    table, index = tensors
    axis = next((x for x in given if isinstance(x, int)), 0) if given[1] is not index else 0
    entries, largest, least = table.shape[axis], int(index.max()), int(index.min())
    for name, value in inputs.items():
        if value.numel() == index.numel() and torch.equal(value.reshape(-1), index.reshape(-1)):
            wrong = least if least < 0 else largest
            return DataError(f"input {name!r}: index {wrong} is not in 0..{entries - 1}")
    for name, shape in signature.shapes.items():
        if "tokens" in shape and least >= 0:
            tokens = inputs[name].shape[shape.index("tokens")]
            return too_long(name, tokens, tokens - (largest - entries + 1))
    return DataError(f"data: index {largest} is not in 0..{entries - 1}")
