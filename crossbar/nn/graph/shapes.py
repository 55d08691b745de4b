"""Shapes of one sample, from the traced shapes of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from crossbar.errors import UntraceableError
from crossbar.nn.graph.draft import Traced
from crossbar.nn.graph.signature import Shape

__all__ = ["SampleShapes", "input_shapes"]


def input_shapes(
    inputs: Mapping[str, Traced], axes: Mapping[str, int] | None = None
) -> dict[str, Shape]:
    """Return the sizes of each input, with a name for the axes that may differ from call to call.

    Axes that have to be equal bear the same name; the first is ``"batch"``, the first that is no
    batch ``"tokens"``.

    Parameters
    ----------
    inputs : mapping of str to Traced
    axes : mapping of str to int, optional
        Input -> the axis that counts its samples; axis 0 where None.
    """
    samples = _symbols(_of_samples(inputs, axes))
    names: dict[str, str] = {}
    shapes: dict[str, Shape] = {}
    for name, tensor in inputs.items():
        sizes: list[int | str] = []
        for axis, size in enumerate(tensor.shape):
            if isinstance(size, int):
                sizes.append(size)
            else:
                is_batch = axis == 0 if axes is None else size.free_symbols <= samples
                sort = "batch" if is_batch else "tokens"
                new = f"{sort} of {name}" if sort in names.values() else sort
                sizes.append(names.setdefault(str(size), new))
        shapes[name] = tuple(sizes)
    return shapes


def _of_samples(inputs: Mapping[str, Traced], axes: Mapping[str, int] | None) -> list[Any]:
    """Return the sizes of the axes that count samples."""
    if axes is None:
        return [tensor.shape[0] for tensor in inputs.values() if tensor.shape]
    return [tensor.shape[axes[name]] for name, tensor in inputs.items() if name in axes]


def _symbols(sizes: Iterable[Any]) -> frozenset[Any]:
    return frozenset(s for size in sizes if not isinstance(size, int) for s in size.free_symbols)


class SampleShapes:
    """Turns traced shapes into those of one sample.

    Parameters
    ----------
    model_name : str
        For error messages.
    inputs : mapping of str to Traced
        The inputs.  An axis of ``axes`` of free size is the batch; where all of them are numbers,
        the first one is the fixed batch size and an axis 0 of that length is taken for the batch.
        Any other axis of free size counts tokens.
    examples : mapping of str to int
        Free size -> what it was in the example: that is the length of one sample.
    axes : mapping of str to int, optional
        Input -> the axis that counts its samples, absent where all samples share it; axis 0 of
        every input where None.
    """

    def __init__(
        self,
        model_name: str,
        inputs: Mapping[str, Traced],
        examples: Mapping[str, int] | None = None,
        axes: Mapping[str, int] | None = None,
    ) -> None:
        samples = _of_samples(inputs, axes)
        self._model = model_name
        self._symbols = _symbols(samples)
        self._fixed = int(samples[0]) if samples and not self._symbols else None
        others = _symbols(size for t in inputs.values() for size in t.shape) - self._symbols
        known = examples or {}
        self._lengths = {s: known[str(s)] for s in others if str(s) in known}

    @property
    def fixed(self) -> int | None:
        """Samples of the example, where the model takes exactly so many."""
        return self._fixed

    @property
    def tokens(self) -> int | None:
        """Length of the example where exactly one length is free, else None."""
        return next(iter(self._lengths.values())) if len(self._lengths) == 1 else None

    def at(self, tokens: int) -> SampleShapes:
        """Return the shapes of a sample of another length; only where `tokens` is a number."""
        other = copy(self)
        other._lengths = dict.fromkeys(self._lengths, tokens)
        return other

    def shape(self, where: str, tensor: Traced) -> tuple[int, ...]:
        """Return the shape of one sample: ``(2 * batch, 5, 8)`` is ``(2, 5, 8)``.

        Raises
        ------
        CaptureError
            When the shape depends on the values of the input, not only on its sizes.
        """
        axis = self.batch_axis(tensor)
        sizes = [self.size(where, s) for i, s in enumerate(tensor.shape) if i != axis]
        if self._fixed is not None and axis is None and sizes and sizes[0] % self._fixed == 0:
            sizes[0] //= self._fixed
        return tuple(sizes)

    def batch_axis(self, tensor: Traced) -> int | None:
        """Return the axis that counts samples and nothing else, if there is one."""
        for axis, size in enumerate(tensor.shape):
            if isinstance(size, int):
                if axis == 0 and size == self._fixed:
                    return axis
            elif size in self._symbols:
                return axis
        return None

    def parts(self, where: str, size: Any) -> int | None:
        """Return how many of an axis belong to one sample; None where it counts no samples.

        Nor where it counts tokens, too: how many, is known in the call alone.
        """
        if isinstance(size, int):
            is_whole = self._fixed is not None and size % self._fixed == 0
            return size // self._fixed if is_whole and self._fixed is not None else None
        if size.free_symbols & self._symbols and len(size.free_symbols) == 1:
            one = self.size(where, size)
            return one if not (size / one).subs(dict.fromkeys(self._symbols, 0)) else None
        return None

    def size(self, where: str, size: Any) -> int:
        """Return one size for a single sample; raises CaptureError as `shape` does."""
        if isinstance(size, int):
            return size
        one = size.subs({**dict.fromkeys(self._symbols, 1), **self._lengths})
        if one.free_symbols:
            raise UntraceableError(
                f"{self._model}: {where}: the shape of its result depends on the values of the"
                " input, which no schedule can foresee"
            )
        return int(one)
