"""What stands in a batch: nested tensors, and what is no tensor and is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from crossbar.errors import DataError

__all__ = [
    "as_tensors",
    "check_finite",
    "check_masks",
    "refuse_columns",
    "refuse_text",
    "tensors_in",
    "with_lists",
]


def check_finite(values: Any, where: str, first: int = 0, *, masks: bool = True) -> None:
    """Refuse NaN and infinite values in nested tensors.

    Parameters
    ----------
    values : nested tensors
        Axis 0 counts samples; a tuple and a dictionary are the arguments of a call.
    where : str
        What stands before the number of a sample in the error: ``"data: sample"``.
    first : int
        Number of the first sample.
    masks : bool
        Let -inf pass: what masks of attention hold. Where it comes to a layer, that refuses it.

    Raises
    ------
    DataError
        Naming the first sample that has one, and the input, where there are several.
    """
    named = list(_named(values, ""))
    for name, tensor in named:
        if not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()):
            continue
        bad = ~torch.isfinite(tensor)
        if masks:
            bad &= tensor != -torch.inf
        rows = bad.reshape(tensor.shape[0] if tensor.dim() else 1, -1)
        if not bool(bad.any()):
            continue
        row = int(rows.any(dim=1).nonzero()[0])
        own = tensor.reshape(len(rows), -1)[row]
        what = "NaN" if bool(torch.isnan(own).any()) else "an infinite value"
        which = f"{name} of " if len(named) > 1 else ""
        place, _, sort = where.rpartition(" ")
        raise DataError(f"{place}{' ' * bool(place)}{which}{sort} {first + row} holds {what}")


def _named(value: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors in nested containers, each with the key, or the place, that it has."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif not name and isinstance(value, tuple) and [type(v) for v in value] == [tuple, dict]:
        for part in value:  # the arguments of a call
            yield from _named(part, "")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named(item, repr(key))
    elif isinstance(value, (tuple, list)):
        for place, item in enumerate(value):
            yield from _named(item, name or f"input {place}")


def check_masks(kwargs: Mapping[str, Any], where: str, first: int = 0) -> None:
    """Refuse samples whose ``attention_mask`` leaves no token.

    Parameters
    ----------
    kwargs : mapping
        Keyword inputs of a batch.
    where : str
        What stands before the number of a sample in the error.
    first : int
        Number of the first sample.

    Raises
    ------
    DataError
        Naming the first such sample.
    """
    mask = kwargs.get("attention_mask")
    if not isinstance(mask, torch.Tensor) or mask.dim() != 2 or mask.is_floating_point():
        return
    empty = (mask == 0).all(dim=1)
    if bool(empty.any()):
        row = int(empty.nonzero()[0])
        raise DataError(f"{where} {first + row}: 'attention_mask' is all zeros, so no token counts")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in nested mappings, tuples and lists, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item)


def as_tensors(value: Any) -> Any:
    """Turn NumPy arrays into tensors, also inside tuples, lists and dictionaries."""
    if hasattr(value, "__array_interface__"):
        return torch.from_numpy(value)
    if isinstance(value, (tuple, list)):
        items = [as_tensors(item) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        return {key: as_tensors(item) for key, item in value.items()}
    return value


def with_lists(inputs: Mapping[Any, Any], where: str) -> dict[Any, Any]:
    """Turn the arrays of a dictionary into tensors, and its lists of numbers, too."""
    found = {}
    for key, value in inputs.items():
        if isinstance(value, list) and _are_numbers(value):
            try:
                value = torch.tensor(value)
            except ValueError as error:
                raise DataError(
                    f"{where}: the rows of {key!r} have different lengths; pad them:"
                    " tokenizer(..., padding=True, return_tensors='pt')"
                ) from error
        found[key] = as_tensors(value)
    return found


def _are_numbers(value: Any) -> bool:
    """Whether a list holds numbers, or lists of them, and nothing else."""
    if isinstance(value, list):
        return bool(value) and all(_are_numbers(item) for item in value)
    return isinstance(value, (int, float))


def refuse_text(inputs: Any, where: str) -> None:
    """Refuse words where numbers belong."""
    named = inputs.items() if isinstance(inputs, Mapping) else [("", inputs)]
    for key, value in named:
        first = value[0] if isinstance(value, (list, tuple)) and value else value
        if isinstance(first, str):
            what = f" ({key!r})" if key else ""
            raise DataError(
                f"{where}: a batch holds text{what}; tokenise it first: tokenizer(texts,"
                " padding=True, return_tensors='pt')"
            )


def refuse_columns(value: Any, where: str) -> None:
    """Refuse what torch's own collate function makes of rows of lists: a tensor for every token."""
    if not isinstance(value, list) or len(value) < 2:
        return
    if all(
        isinstance(v, torch.Tensor) and v.dim() == 1 and not v.is_floating_point() for v in value
    ):
        raise DataError(
            f"{where} is a list of {len(value)} tensors, one a token; let the data set return"
            " tensors (set_format('torch')) or pad in a collate_fn (DataCollatorWithPadding)"
        )
