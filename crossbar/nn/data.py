"""The forms in which data arrives, and their one inner form: batches of inputs with targets.

A loader is anything that can be iterated and yields batches.  A batch is ``(inputs, targets)``,
inputs alone (a tensor, or a tuple of exactly one), or a dictionary of keyword inputs that may hold
its targets under one of `TARGET_KEYS`.  ``inputs`` is a tensor, a tuple of positional inputs or a
dictionary of keyword inputs.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from crossbar.errors import DataError
from crossbar.nn.batch_checks import (
    as_tensors,
    check_finite,
    refuse_columns,
    refuse_text,
    tensors_in,
    with_lists,
)
from crossbar.nn.slicing import slice_batch

__all__ = [
    "TARGET_KEYS",
    "Batch",
    "Head",
    "as_batches",
    "as_loader",
    "count_samples",
    "first_batch",
    "inputs_for",
    "is_whole",
    "split_batch",
]

TARGET_KEYS = ("labels", "label", "targets", "target", "y")
"""Keys of a dictionary batch that hold targets, the first one present counts."""
_COLLATE = (
    "no batches; give a torch.utils.data.DataLoader of it (of texts: with"
    " collate_fn=transformers.DataCollatorWithPadding(tokenizer))"
)
_SEVERAL = (
    "expected (inputs, targets), or inputs alone; several inputs go as a dictionary or as a loader"
    " of ((a, b), targets)"
)


@dataclass(frozen=True)
class Batch:
    """One batch, split.

    Parameters
    ----------
    args : tuple
        Positional inputs of the network.
    kwargs : dict
        Keyword inputs.
    targets : Tensor or None
        One entry a sample; None where the data has none.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    targets: torch.Tensor | None

    @property
    def samples(self) -> int:
        """Number of samples: the length of axis 0 of the first input."""
        return _samples((self.args, self.kwargs))


def split_batch(batch: Any, keywords: Collection[str] | None = None, where: str = "data") -> Batch:
    """Split a batch of any allowed form.

    Parameters
    ----------
    batch
        ``(inputs, targets)``, inputs alone, or a dictionary.
    keywords : collection of str, optional
        The only keys of a dictionary that are passed on (what the network was captured with); all
        where None.  Others are passed over, unless one is nearly the name of an input.
    where : str
        What errors call the data.

    Raises
    ------
    DataError
        For another form, targets of another length than the inputs, or an empty batch.
    """
    targets: Any = None
    if isinstance(batch, (tuple, list)):
        if len(batch) not in (1, 2):
            raise DataError(
                f"{where}: a batch is a {type(batch).__name__} of {len(batch)}, {_SEVERAL}"
            )
        inputs = batch[0]
        targets = batch[1] if len(batch) == 2 else None
    else:
        inputs = batch
    inputs = with_lists(inputs, where) if isinstance(inputs, Mapping) else as_tensors(inputs)
    kwargs: dict[str, Any] = {}
    args: tuple[Any, ...] = ()
    if isinstance(inputs, Mapping):
        kwargs = {str(key): value for key, value in inputs.items()}
        for key in TARGET_KEYS:
            if targets is None and key in kwargs:
                targets = kwargs.pop(key)
        if keywords is not None:
            _refuse_misspelt(kwargs, keywords, where)
            kwargs = {key: value for key, value in kwargs.items() if key in keywords}
    else:
        args = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    if not any(True for _ in tensors_in((args, kwargs))):
        refuse_text(inputs, where)
        found = type(inputs).__name__ if not kwargs else f"dictionary of {', '.join(kwargs)}"
        raise DataError(f"{where}: a batch holds no tensor (its inputs are a {found})")
    for key, value in kwargs.items():
        refuse_columns(value, f"{where}: {key!r}")
    split = Batch(args, kwargs, _targets(targets, where))
    if split.samples == 0:
        raise DataError(f"{where}: a batch is empty")
    if split.targets is not None and len(split.targets) != split.samples:
        of = "1 sample" if split.samples == 1 else f"{split.samples} samples"
        targets = "1 target" if len(split.targets) == 1 else f"{len(split.targets)} targets"
        raise DataError(f"{where}: a batch has {of} and {targets}")
    return split


def as_batches(
    data: Any, keywords: Collection[str] | None = None, where: str = "data"
) -> Iterator[Batch]:
    """Iterate over data as a verb of the library takes it.

    Parameters
    ----------
    data
        A tensor, a tuple of positional inputs or a dictionary of keyword inputs, each one batch; or
        a loader.
    keywords : collection of str, optional
        As for `split_batch`.
    where : str
        What errors call the data.

    Raises
    ------
    DataError
        For another form, or a loader without batches.
    """
    if isinstance(data, (torch.Tensor, Mapping)):
        yield split_batch(data, keywords, where)
    elif isinstance(data, tuple):
        yield split_batch((data,), keywords, where)
    elif isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
        empty = True
        for batch in data:
            empty = False
            yield split_batch(batch, keywords, where)
        if empty:
            raise DataError(f"{where}: it holds no batches")
    else:
        raise DataError(
            f"{where}: {type(data).__name__} is not data; allowed: a tensor, a tuple or dictionary"
            " of inputs, or a loader"
        )


def first_batch(
    data: Any, keywords: Collection[str] | None = None, where: str = "data"
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the positional and keyword inputs of the first batch; parameters as `as_batches`."""
    batch = next(as_batches(data, keywords, where))
    return batch.args, batch.kwargs


def inputs_for(
    names: Collection[str], data: Any, where: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the inputs of the first batch that a model takes.

    Parameters
    ----------
    names : collection of str
        Parameters of its ``forward``; empty where it takes any.
    data, where
        As for `as_batches`.

    Raises
    ------
    DataError
        Also for a keyword that the model does not take, but that is nearly one that it does.
    """
    args, kwargs = first_batch(data, None, where)
    if not names or not kwargs:
        return args, kwargs
    _refuse_misspelt(kwargs, names, where)
    taken = {key: value for key, value in kwargs.items() if key in names}
    if not any(True for _ in tensors_in(taken)):
        raise DataError(
            f"{where}: a batch holds {', '.join(kwargs)}, of which the model takes none; it takes"
            f" {', '.join(names)}"
        )
    return args, taken


def as_loader(
    data: Any, size: int, where: str = "data", axes: Mapping[str, Any] | None = None
) -> Iterable[Any]:
    """Return a loader that can be iterated many times, from any form of data.

    Parameters
    ----------
    data
        A loader; ``(x, y)`` or ``x`` as whole tensors or NumPy arrays; a dictionary of whole
        tensors; or a `torch.utils.data.Dataset`.
    size : int
        Samples a batch where the data is not batched yet.
    where : str
        What errors call the data.
    axes : mapping, optional
        As for `crossbar.nn.slicing.slice_batch`.

    Raises
    ------
    DataError
        For anything else.
    """
    if isinstance(data, (str, bytes)):
        raise DataError(f"{where}: {type(data).__name__} is not data")
    if isinstance(data, Dataset):
        loader: Iterable[Any] = DataLoader(data, batch_size=size)
        return loader
    if is_whole(data):
        return _cut(as_tensors(data), size, where, axes)
    if isinstance(data, Iterator):
        return list(data)  # it runs dry after one pass, and every pass must see the same
    if isinstance(data, tuple) and len(data) > 2 and isinstance(data[0], torch.Tensor):
        raise DataError(f"{where}: a tuple of {len(data)} tensors, {_SEVERAL}")
    if isinstance(data, Iterable):
        return data
    raise DataError(
        f"{where}: {type(data).__name__} is not data; allowed: a loader, (x, y), x or a Dataset"
    )


def is_whole(data: Any) -> bool:
    """Whether data is whole tensors or arrays, which `as_loader` cuts: x, (x, y), a dictionary."""
    whole = isinstance(data, (torch.Tensor, Mapping)) or hasattr(data, "__array_interface__")
    return whole or (isinstance(data, tuple) and len(data) == 2)


class Head:
    """The first samples of a loader, each batch checked; iterates anew every time.

    Parameters
    ----------
    loader : iterable of batches
    limit : int, optional
        Samples to yield at most; all where None.
    where : str
        What errors call the data.
    axes : mapping, optional
        As for `crossbar.nn.slicing.slice_batch`.

    Raises
    ------
    DataError
        When iterated: for a batch of an unknown form, a NaN or infinite input, or no batch at all.
    """

    def __init__(
        self,
        loader: Iterable[Any],
        limit: int | None = None,
        where: str = "data",
        axes: Mapping[str, Any] | None = None,
    ) -> None:
        self.loader = loader
        self.limit = limit
        self.where = where
        self.axes = axes

    def __iter__(self) -> Iterator[Any]:
        """Yield batches in the loader's own form; the last one may be cut short."""
        done = 0
        for batch in self.loader:
            split = split_batch(batch, where=self.where)
            check_finite((split.args, split.kwargs), f"{self.where}: sample", done)
            left = split.samples if self.limit is None else self.limit - done
            if left < split.samples:
                yield slice_batch(batch, 0, left, split.samples, self.axes)
                return
            yield batch
            done += split.samples
            if done == self.limit:
                return
        if not done:
            raise DataError(f"{self.where}: it holds no samples")


def count_samples(loader: Iterable[Any]) -> int | None:
    """How many samples a loader yields, None where only a pass through it would tell."""
    if isinstance(loader, Head):
        inner = count_samples(loader.loader)
        return inner if inner is None or loader.limit is None else min(inner, loader.limit)
    if isinstance(loader, list):
        return sum(split_batch(batch).samples for batch in loader)
    if isinstance(loader, DataLoader) and hasattr(loader.dataset, "__len__"):
        return len(loader.dataset)
    return None


def _refuse_misspelt(given: Collection[str], names: Collection[str], where: str) -> None:
    """Refuse a key that is nearly that of an input; other keys of a data set are passed over."""
    for key in given:
        near = difflib.get_close_matches(key, set(names) - set(given), 1, 0.85)
        if key not in names and near and near[0] not in TARGET_KEYS:
            raise DataError(f"{where}: unknown input {key!r} (did you mean {near[0]!r}?)")


def _targets(value: Any, where: str) -> torch.Tensor | None:
    if value is None:
        return None
    value = as_tensors(value)
    if isinstance(value, (list, tuple)) and all(isinstance(v, (int, float)) for v in value):
        value = torch.tensor(value)
    if isinstance(value, (int, float)):
        raise DataError(f"{where}: it yields single samples, {_COLLATE}")
    if not isinstance(value, torch.Tensor) or value.dim() == 0:
        kind = type(value).__name__
        raise DataError(f"{where}: the targets of a batch are a {kind}, expected a tensor")
    return value


def _samples(value: Any) -> int:
    return next((int(t.shape[0]) for t in tensors_in(value) if t.dim()), 0)


def _cut(data: Any, size: int, where: str, axes: Mapping[str, Any] | None) -> list[Any]:
    """Cut whole tensors into batches."""
    n = split_batch(data, where=where).samples
    return [slice_batch(data, start, start + size, n, axes) for start in range(0, n, size)]
