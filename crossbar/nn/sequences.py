"""Padded sentences: which tokens are real, and how only those go through the arrays.

Layers of which each input vector is a token get the real ones alone; the results of the others are
zeros, which nothing reads: the network masks them.  Where it does not (`padding_share`, asked of
the first batch with padding), all tokens are computed and count.  Everything else (first tokens,
convolutions over tokens, recurrent layers) is computed as the batch has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils import _pytree as pytree

from crossbar.errors import DataError, InputError, UnknownNameError
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.program import Program, Step
from crossbar.nn.layers import MappedLayer, Place, Recorder
from crossbar.nn.padding import gives_tokens, padding_share
from crossbar.workload.graph import Node, Workload
from crossbar.workload.lengths import LENGTHS, tokens_of

if TYPE_CHECKING:
    from crossbar.nn.mapped import MappedModel

__all__ = ["MASK", "LengthsOf", "Order", "RealTokens", "Sentences"]

MASK = "attention_mask"
"""The input whose ones are counted where nothing else is asked for."""

LengthsOf = str | Callable[[Any], Any]
"""Name of an input that is not 0 where a token is real, or ``lengths(batch) -> int[samples]``."""

_ROOM = 1 << 16
"""Numbers of input vectors kept for each sample, so that noise belongs to samples."""


@dataclass(frozen=True, eq=False)
class RealTokens:
    """Which tokens of a batch are real.

    Parameters
    ----------
    keep : bool[samples, tokens]
    turned : mapping of str to bool
        Steps of which each input vector is a token: whether all samples of the first token come
        first, then those of the second.
    given : bool[samples, tokens], optional
        What the data calls real, where all are computed because the network reads its padding.
    """

    keep: torch.Tensor
    turned: Mapping[str, bool]
    given: torch.Tensor | None = None

    @property
    def real(self) -> NDArray[np.bool_]:
        """What the data calls real: ``bool[samples, tokens]``."""
        found: NDArray[np.bool_] = (self.keep if self.given is None else self.given).numpy()
        return found

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Real tokens of each sample."""
        return tuple(int(n) for n in self.keep.sum(1))

    def concerns(self, step: str, x: torch.Tensor) -> bool:
        """Whether the input vectors of a step are the tokens."""
        return step in self.turned and x.numel() == self.keep.numel() * x.shape[-1]

    def run(
        self,
        layer: MappedLayer,
        x: torch.Tensor,
        product: Product,
        *,
        digital: bool,
        recorder: Recorder | None,
        place: Place,
    ) -> torch.Tensor:
        """Compute a layer for the real tokens; the results of the others are zeros."""
        rows = self.rows(product.step)
        vectors = x.reshape(-1, x.shape[-1])[rows]
        ideal = digital or (layer.programmed.copies == 1 and not layer.programmed.reasons)
        if ideal:
            results = layer.run(vectors, product, digital=digital, recorder=recorder, place=place)
        else:  # copies take stripes of a sentence, and noise belongs to it
            parts = []
            for number, tokens in enumerate(torch.split(vectors, list(self.lengths))):
                here = Place(place.first + number, 1, place.use, _ROOM)
                one = layer.run(tokens[None], product, recorder=recorder, place=here)
                parts.append(one[0])
            results = torch.cat(parts)
        out = results.new_zeros(self.keep.numel(), results.shape[-1])
        out[rows] = results
        return out.reshape(*x.shape[:-1], results.shape[-1])

    def rows(self, step: str) -> torch.Tensor:
        """Numbers of the real vectors of a step, sample by sample."""
        turned = self.turned[step]
        samples, tokens = self.keep.shape
        number = torch.arange(samples * tokens)
        number = number.reshape(tokens, samples).t() if turned else number.reshape(samples, tokens)
        return number[self.keep]


class Sentences:
    """How long the samples of a run are.

    Parameters
    ----------
    mapped : MappedModel
    lengths : str or callable, optional
        See `LengthsOf`; the input `MASK` where there is one.

    Raises
    ------
    UnknownNameError
        No input has this name.
    InputError
        ``lengths`` is given for a network that was captured for one length only.
    """

    def __init__(self, mapped: MappedModel, lengths: LengthsOf | None) -> None:
        program, workload = mapped.body.program, mapped.workload
        inputs = program.signature.inputs
        if isinstance(lengths, str) and lengths not in inputs:
            raise UnknownNameError("input (lengths)", lengths, inputs)
        if lengths is not None and not isinstance(lengths, str) and not callable(lengths):
            raise InputError(f"lengths: {lengths!r} is neither an input's name nor a function")
        self.known = tokens_of(workload) is not None and "tokens" in _axes(program)
        if lengths is not None and not self.known:
            raise InputError(
                f"lengths: {workload.name} was captured for one length only; its inputs are"
                f" {program.signature.shapes}"
            )
        self.by_token = self.known and gives_tokens(workload)
        self._of = MASK if lengths is None and MASK in inputs else lengths
        self._order = Order(program, workload)
        self._body = mapped.body
        self._padding: float | None = None

    def remarks(self) -> tuple[str, ...]:
        """Say that tokens of padding count, where the network reads them."""
        if not self._padding:
            return ()
        return (
            f"Its outputs depend on padding tokens (up to {100 * self._padding:.2g} % of the"
            " largest): all tokens are computed and counted.",
        )

    def of(
        self, raw: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], first: int
    ) -> RealTokens | None:
        """Tell the real tokens of a batch; None for a network without tokens.

        Parameters
        ----------
        raw
            The batch as the loader yields it.
        args, kwargs
            The inputs of the network in it.
        first : int
            Samples before it, for errors.

        Raises
        ------
        DataError
            A sample without a token, or lengths that do not fit the batch.
        """
        if not self.known:
            return None
        signature = self._order.program.signature
        tensors = signature.bind(args, kwargs)
        name = next(n for n, shape in signature.shapes.items() if "tokens" in shape)
        tokens = tensors[name].shape[signature.shapes[name].index("tokens")]
        samples = tensors[name].shape[0]
        if self._of is None:
            keep = torch.ones(samples, tokens, dtype=torch.bool)
        elif isinstance(self._of, str):
            keep = _mask(self._of, tensors[self._of], samples, tokens)
        else:
            keep = _counted(self._of(raw), samples, tokens)
        for number, real in enumerate(keep.any(1).tolist()):
            if not real:
                what = f"its {self._of} is all zeros" if isinstance(self._of, str) else "length 0"
                raise DataError(f"data: sample {first + number} holds no token ({what})")
        if bool(keep.all()):
            return RealTokens(keep, {})
        real = RealTokens(keep, self._order.find(args, kwargs, samples))
        if self._padding is None:
            self._padding = padding_share(self._body, args, kwargs, real)
        return RealTokens(torch.ones_like(keep), {}, keep) if self._padding else real


class Order:
    """In which order the input vectors of each layer are the tokens of samples.

    Parameters
    ----------
    program : Program or EagerProgram
    workload : Workload
    """

    def __init__(self, program: Program | EagerProgram, workload: Workload) -> None:
        self.program = program
        nodes = workload.products
        recurrent = any("recurrent" in node.attrs for node in nodes)
        self._steps = () if recurrent else tuple(n.name for n in nodes if _is_token(n))
        self._found: dict[str, bool] | None = None

    def find(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], samples: int
    ) -> dict[str, bool]:
        """Run the float network twice, with another last sample, and see which vectors change.

        The shapes alone do not tell ``(samples, tokens)`` from ``(tokens, samples)``, as they are
        inside of `torch.nn.MultiheadAttention`.

        Parameters
        ----------
        args, kwargs
            A batch.
        samples : int
            In it.

        Returns
        -------
        dict of str to bool
            Step -> whether all samples of the first token come first.
        """
        if self._found is None and samples > 1:
            size = self.program.signature.batch or 2
            alike = self._inputs(args, kwargs, samples, size, roll=False)
            other = self._inputs(args, kwargs, samples, size, roll=True)
            self._found = {
                step: _is_turned((alike[step] != x).any(1), size)
                for step, x in other.items()
                if step in alike and len(alike[step]) == len(x)
            }
        return dict.fromkeys(self._steps, False) if self._found is None else self._found

    def _inputs(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        samples: int,
        size: int,
        *,
        roll: bool,
    ) -> dict[str, torch.Tensor]:
        """Collect the input vectors of each step for copies of the first sample."""
        signature = self.program.signature
        axes = {id(x): signature.axis_of(n) for n, x in signature.bind(args, kwargs).items()}

        def copies(leaf: Any) -> Any:
            axis = axes.get(id(leaf))
            if axis is None or leaf.shape[axis] != samples:
                return leaf
            one = torch.cat([leaf.narrow(axis, 0, 1)] * size, axis)
            if leaf.dim() > 1 and not leaf.is_floating_point() and _is_mask(leaf):
                return torch.ones_like(one)
            if roll and leaf.dim() > 1:
                one.select(axis, -1).copy_(one.select(axis, -1).roll(1, 0))
            return one

        found: dict[str, torch.Tensor] = {}

        def watch(step: Step, step_args: tuple[Any, ...], _: dict[str, Any]) -> torch.Tensor:
            product = self.program.products[step.name]
            if step.name in self._steps:
                x = step_args[0]
                found[step.name] = x.reshape(-1, x.shape[-1])
            return product.compute(step_args[0])

        changed = pytree.tree_map(copies, (args, dict(kwargs)))
        with torch.no_grad():
            self.program.run(changed[0], changed[1], watch)
        return found


def _axes(program: Program | EagerProgram) -> set[Any]:
    return {axis for shape in program.signature.shapes.values() for axis in shape}


def _is_token(node: Node) -> bool:
    """Whether each input vector of a product is a token."""
    rule = node.attrs.get(LENGTHS, {})
    return node.kind == "linear" and len(node.shape) == 2 and rule.get("shape") == ((0, 1, 0),)


def _is_mask(tensor: torch.Tensor) -> bool:
    return bool(((tensor == 0) | (tensor == 1)).all())


def _is_turned(changed: torch.Tensor, samples: int) -> bool:
    """Whether the vectors that another last sample changes are every ``samples``-th one."""
    rows = changed.nonzero()[:, 0]
    of_last = rows >= len(changed) - len(changed) // samples
    return bool(len(rows)) and not bool(of_last.all())


def _mask(name: str, given: torch.Tensor, samples: int, tokens: int) -> torch.Tensor:
    if given.dim() == 2 and given.shape[0] == 1:
        given = given.expand(samples, -1)
    if tuple(given.shape) != (samples, tokens):
        raise DataError(
            f"input {name!r}: shape {tuple(given.shape)}, lengths are counted in a mask of shape"
            f" {(samples, tokens)}"
        )
    return given != 0


def _counted(given: Any, samples: int, tokens: int) -> torch.Tensor:
    """Real are the first tokens of each sample."""
    counts: NDArray[Any] = np.asarray(given)
    if counts.shape != (samples,) or not np.issubdtype(counts.dtype, np.integer):
        raise DataError(
            f"lengths: {counts.dtype} of shape {counts.shape}, expected {samples} whole numbers"
        )
    if counts.min() < 0 or counts.max() > tokens:
        raise DataError(f"lengths: {counts.min()}..{counts.max()}, a batch has {tokens} tokens")
    return torch.arange(tokens)[None] < torch.from_numpy(counts.astype(np.int64))[:, None]
