"""One pass of the data through a chip: outputs by mode, targets, and what the arrays did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import DataError
from crossbar.nn.batch_checks import check_finite
from crossbar.nn.data import count_samples, split_batch
from crossbar.nn.layers import Recorder
from crossbar.nn.mapped import MappedModel
from crossbar.nn.metrics import IGNORED, logits_of
from crossbar.nn.outputs import join, join_padded, join_real, to_numpy
from crossbar.nn.padding import of_tokens, without_padding
from crossbar.nn.sequences import Sentences
from crossbar.timing import Activity

__all__ = ["Outputs", "Pass", "Progress", "activity", "run_pass"]

Progress = Callable[[int, int], None]
"""Told of finished work in samples: ``progress(done, total)``; ``total`` is 0 when unknown."""

Outputs = dict[str, NDArray[np.floating]]
"""Outputs of the network by mode: ``"crossbar"``, ``"float"``, ``"digital"``."""


@dataclass(frozen=True)
class Pass:
    """One pass of the data through one chip.

    Parameters
    ----------
    outputs : Outputs
    targets : array[images, ...] or None
    activity : Activity
    images : int
    lengths : tuple of int
        Computed tokens of each; empty for a network without tokens.
    tokens : bool[images, tokens], optional
        Which outputs are those of real tokens, where each token has one and not all are.
    """

    outputs: Outputs
    targets: NDArray[Any] | None
    activity: Activity
    images: int
    lengths: tuple[int, ...] = ()
    tokens: NDArray[np.bool_] | None = None

    def real(self, mode: str) -> NDArray[np.floating]:
        """Return the outputs of a mode without those of padding."""
        return self.outputs[mode] if self.tokens is None else self.outputs[mode][self.tokens]


def run_pass(
    mapped: MappedModel,
    data: Iterable[Any],
    sentences: Sentences,
    baselines: bool,
    known: Mapping[str, NDArray[np.floating]],
    progress: Progress | None,
) -> Pass:
    """Run all batches, through the crossbars and what of float and digital is not known.

    Parameters
    ----------
    mapped : MappedModel
    data : iterable of batches
    sentences : Sentences
    baselines : bool
        Run float and digital even where there are targets.
    known : mapping of str to float[images, ...]
        Outputs by mode that are not computed again.
    progress : callable, optional

    Raises
    ------
    DataError
        No samples, targets for some batches only, or what the network does not take.
    """
    total = count_samples(data) or 0
    recorder = Recorder()
    parts: dict[str, list[NDArray[np.floating]]] = {}
    given: list[NDArray[Any] | None] = []
    kept: list[NDArray[np.bool_]] = []
    lengths: list[int] = []
    images = 0
    for raw in data:
        batch = split_batch(raw, mapped.body.program.signature.arguments)
        check_finite((batch.args, batch.kwargs), "data: sample", images)
        real = sentences.of(raw, batch.args, batch.kwargs, images)
        if real is not None:
            kept.append(real.real)
        lengths += () if real is None else real.lengths
        modes = ["crossbar"]
        if baselines or batch.targets is None:
            modes.append("float")
        if baselines:
            modes.append("digital")
        for mode in modes:
            if mode in known:
                continue
            output = mapped.execute(
                batch.args,
                batch.kwargs,
                mode=mode,
                recorder=recorder if mode == "crossbar" else None,
                first=images,
                samples=batch.samples,
                real=real,
            )
            values = to_numpy(logits_of(output))
            if sentences.by_token and real is not None:
                values = without_padding(values, real.real)
            parts.setdefault(mode, []).append(values)
        given.append(None if batch.targets is None else to_numpy(batch.targets))
        images += batch.samples
        if progress is not None:
            progress(images, total)
    if not images:
        raise DataError("data: it holds no samples")
    labels = [values for values in given if values is not None]
    if labels and len(labels) < len(given):
        raise DataError("data: some batches have targets and some have none")
    padded = sentences.by_token and all(
        of_tokens(part, mask) for part, mask in zip(parts["crossbar"], kept, strict=True)
    )
    joined: Callable[..., NDArray[Any]] = partial(join_padded, kept=kept) if padded else join
    tokens = joined(kept) if padded and labels else None
    if padded and not labels:  # nobody asks which output is whose
        joined = partial(join_real, kept=kept)
    outputs = {mode: joined(values) for mode, values in parts.items()} | dict(known)
    targets = None
    if labels:
        fill = IGNORED if np.issubdtype(labels[0].dtype, np.integer) else 0
        targets = join_padded(labels, kept, fill) if padded else join(labels)
    done = activity(mapped, recorder, images)
    return Pass(outputs, targets, done, images, tuple(lengths), tokens)


def activity(mapped: MappedModel, recorder: Recorder, images: int) -> Activity:
    """Average what a run measured over its images."""
    layers = {x.programmed.plan.name: x.programmed for x in mapped.body.layers.values()}
    return Activity(
        array_energy={
            **{k: layers[k].energy_of(v) / images for k, v in recorder.drives.items()},
            **{k: energy / images for k, energy in recorder.energies.items()},
        },
        saturations={k: v / images for k, v in recorder.saturations.items()},
        images=images,
    )
