"""Runs of one network under more and more effects, and how far each layer is off in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError
from crossbar.nn.data import Batch, Head, as_loader, split_batch
from crossbar.nn.dynamic import through
from crossbar.nn.graph.program import Step
from crossbar.nn.layers import Place
from crossbar.nn.mapped import MappedModel
from crossbar.nn.metrics import logits_of

__all__ = ["Powers", "Run", "Samples", "read_samples", "run_network", "run_own"]

_BATCH = 50
_LOWEST = -200.0
"""Decibels of an output that has no signal at all."""

Told = Callable[[int], None]
"""Told of samples that are done since the last time."""


@dataclass
class Powers:
    """Power of what layers ought to give and of how far they are off it, summed, by layer."""

    signal: dict[str, float] = field(default_factory=dict)
    error: dict[str, float] = field(default_factory=dict)

    def add(self, layer: str, wanted: torch.Tensor, got: torch.Tensor) -> None:
        """Add the outputs of one batch of one use of a layer."""
        want = wanted.detach().double()
        off = got.detach().double() - want
        self.signal[layer] = self.signal.get(layer, 0.0) + float((want * want).sum())
        self.error[layer] = self.error.get(layer, 0.0) + float((off * off).sum())

    def snr(self) -> dict[str, float]:
        """Signal-to-noise ratio [dB] of each layer; infinite where it is exact."""
        return {layer: decibel(self.signal[layer], self.error[layer]) for layer in self.signal}


def decibel(signal: float, error: float) -> float:
    """Ratio of two powers [dB]: infinite without error, -200 at least."""
    if not error:
        return math.inf
    return max(_LOWEST, 10.0 * math.log10(signal / error)) if signal else _LOWEST


@dataclass(frozen=True)
class Samples:
    """The samples that every run sees, in the same order and cut alike.

    Parameters
    ----------
    batches : tuple of Batch
    targets : array[images, ...] or None
    """

    batches: tuple[Batch, ...]
    targets: NDArray[Any] | None

    @property
    def images(self) -> int:
        """How many."""
        return sum(batch.samples for batch in self.batches)

    def placed(self) -> Iterator[tuple[Batch, int]]:
        """Yield batches, and the samples before each."""
        first = 0
        for batch in self.batches:
            yield batch, first
            first += batch.samples


def read_samples(mapped: MappedModel, loader: Any, images: int | None) -> Samples:
    """Take the first samples of data, as `crossbar.nn.run.simulate` takes it.

    Raises
    ------
    DataError
        Data of a wrong shape or type, empty, with NaN, or with targets in some batches only.
    """
    signature = mapped.body.program.signature
    keywords, axes = signature.arguments, signature.axes
    head = Head(as_loader(loader, _BATCH, axes=axes), images, "data", axes)
    batches = tuple(split_batch(raw, keywords) for raw in head)
    given = [batch.targets for batch in batches if batch.targets is not None]
    if given and len(given) < len(batches):
        raise DataError("data: some batches have targets and some have none")
    targets = np.concatenate([t.detach().cpu().numpy() for t in given]) if given else None
    return Samples(batches, targets)


@dataclass(frozen=True)
class Run:
    """What one run of the samples gave.

    Parameters
    ----------
    outputs : float[images, ...]
    snr : mapping of str to float
        Of each layer's outputs against those of the float network [dB]; empty where not asked for.
    """

    outputs: NDArray[np.floating]
    snr: Mapping[str, float]


def run_network(
    mapped: MappedModel,
    samples: Samples,
    told: Told,
    *,
    mode: str = "crossbar",
    compare: bool = False,
    in_float: str | None = None,
) -> Run:
    """Run the samples through the network.

    Parameters
    ----------
    mapped : MappedModel
    samples : Samples
    told : callable
    mode : {"crossbar", "digital", "float"}
    compare : bool
        Run the float network beside it and compare the outputs of each layer.
    in_float : str, optional
        Name of a layer that is computed in float all the same.
    """
    body, parts, powers = mapped.body, [], Powers()
    steps = body.dynamic_steps
    for batch, first in samples.placed():
        ideal: dict[int | str, torch.Tensor] = {}

        def exact_product(
            name: str,
            driven: torch.Tensor,
            stored: torch.Tensor,
            ideal: dict[int | str, torch.Tensor] = ideal,
        ) -> torch.Tensor:
            ideal[name] = driven @ stored
            return ideal[name]

        def read_product(
            name: str,
            driven: torch.Tensor,
            stored: torch.Tensor,
            ideal: dict[int | str, torch.Tensor] = ideal,
            place: tuple[int, int] = (first, batch.samples),
        ) -> torch.Tensor:
            if mode == "float" or name == in_float:
                out = driven @ stored
            else:
                layer = body.dynamic[name]
                out = layer.run(driven, stored, place=Place(*place), digital=mode == "digital")
            if compare:
                powers.add(name, ideal[name], out)
            return out

        def exact(
            step: Step,
            args: tuple[Any, ...],
            call: dict[str, Any],
            ideal: dict[int | str, torch.Tensor] = ideal,
        ) -> torch.Tensor:
            if step.name in steps:
                return through(step, args, call, steps[step.name], exact_product)
            out = body.program.products[step.name].compute(args[0])
            ideal[body.program.use(step, call)] = out
            return out

        def read(
            step: Step,
            args: tuple[Any, ...],
            call: dict[str, Any],
            ideal: dict[int | str, torch.Tensor] = ideal,
            place: tuple[int, int] = (first, batch.samples),
        ) -> torch.Tensor:
            if step.name in steps:
                return through(step, args, call, steps[step.name], read_product)
            product, use = body.program.products[step.name], body.program.use(step, call)
            layer = body.layers[product.weight_key]
            name = layer.programmed.plan.name
            if mode == "float" or name == in_float:
                out = product.compute(args[0])
            else:
                where = Place(*place, use)
                out = layer.run(args[0], product, digital=mode == "digital", place=where)
            if compare:
                powers.add(name, ideal[use], out)
            return out

        with torch.no_grad():
            if compare:
                body.program.run(batch.args, batch.kwargs, exact, steps)
            output = body.program.run(batch.args, batch.kwargs, read, steps)
        parts.append(logits_of(output).detach().cpu().numpy())
        told(batch.samples)
    return Run(np.concatenate(parts), powers.snr())


def run_own(
    mapped: MappedModel, samples: Samples, told: Told, *, quantised: bool = False
) -> dict[str, float]:
    """Measure what each layer adds by itself, on clean inputs.

    Parameters
    ----------
    mapped : MappedModel
    samples : Samples
    told : callable
    quantised : bool
        Give each layer the float network's inputs and compare its integer twin with the float
        product; else give it the integer network's inputs and compare the crossbars with the twin.

    Returns
    -------
    dict of str to float
        Signal-to-noise ratio of each layer [dB]; infinite where it is exact.
    """
    body, powers = mapped.body, Powers()
    steps = body.dynamic_steps
    for batch, first in samples.placed():

        def multiply(
            name: str,
            driven: torch.Tensor,
            stored: torch.Tensor,
            place: tuple[int, int] = (first, batch.samples),
        ) -> torch.Tensor:
            layer = body.dynamic[name]
            twin = layer.run(driven, stored, digital=True, place=Place(*place))
            if quantised:
                wanted, got = driven @ stored, twin
            else:
                wanted, got = twin, layer.run(driven, stored, place=Place(*place))
            powers.add(name, wanted, got)
            return wanted

        def read(
            step: Step,
            args: tuple[Any, ...],
            call: dict[str, Any],
            place: tuple[int, int] = (first, batch.samples),
        ) -> torch.Tensor:
            if step.name in steps:
                return through(step, args, call, steps[step.name], multiply)
            product = body.program.products[step.name]
            layer = body.layers[product.weight_key]
            where = Place(*place, body.program.use(step, call))
            twin = layer.run(args[0], product, digital=True, place=where)
            if quantised:
                wanted, got = product.compute(args[0]), twin
            else:
                wanted, got = twin, layer.run(args[0], product, place=where)
            powers.add(layer.programmed.plan.name, wanted, got)
            return wanted

        with torch.no_grad():
            body.program.run(batch.args, batch.kwargs, read, steps)
        told(batch.samples)
    return powers.snr()
