"""Run a mapped model over data and report accuracy, energy and latency together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError
from crossbar.nn.data import Batch, as_loader, check_finite, split_batch
from crossbar.nn.layers import Recorder
from crossbar.nn.mapped import MappedModel
from crossbar.nn.metrics import Metric, choose_metric, logits_of
from crossbar.report import Report, build_report
from crossbar.timing.counts import Activity

__all__ = ["Progress", "simulate"]

Progress = Callable[[str, int, int], None]
"""Told of finished work: ``progress(stage, done, total)`` in samples."""

_BATCH = 50


def simulate(
    mapped: MappedModel,
    loader: Any,
    *,
    metric: str | Metric = "accuracy",
    baselines: bool = True,
    progress: Progress | None = None,
    seed: int = 0,
) -> Report:
    """Run data through the crossbars.

    Parameters
    ----------
    mapped : MappedModel
    loader
        A loader of ``(inputs, targets)``, inputs alone or dictionaries; or whole tensors: ``(x,
        y)``, ``x`` or a dictionary.  Without targets the report has energy, latency and the
        agreement with the float model instead of an accuracy.
    metric : str or callable
        ``"accuracy"``, ``"f1"``, ``"matthews"``, ``"spearman"``, or ``metric(outputs, targets) ->
        float``.
    baselines : bool
        Run the float model and the integer twin without cells too, on the same inputs.
    progress : callable, optional
        ``progress(stage, done, total)``.
    seed : int
        Written into the report; fault maps take theirs in `inject`.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        Data of a wrong shape or type, empty, or with NaN.
    """
    name, score = choose_metric(metric)
    batches = _batches(loader, mapped.body.program.signature.arguments)
    with_targets = [b.targets is not None for b in batches]
    if any(with_targets) and not all(with_targets):
        raise DataError("data: some batches have targets and some have none")
    targets = _join([_numpy(b.targets) for b in batches]) if all(with_targets) else None
    images = sum(b.samples for b in batches)
    recorder = Recorder()
    outputs = {"crossbar": _run(mapped, batches, "crossbar", images, progress, recorder)}
    if baselines or targets is None:
        outputs["float"] = _run(mapped, batches, "float", images, progress)
    if baselines:
        outputs["digital"] = _run(mapped, batches, "digital", images, progress)
    metrics: dict[str, float] = {}
    scores: dict[str, float] = {}
    if targets is not None:
        scores = {mode: score(values, targets) for mode, values in outputs.items()}
        metrics[name] = scores["crossbar"]
    if "float" in outputs:
        metrics["agreement"] = _agreement(outputs["crossbar"], outputs["float"])
    return build_report(
        mapped.plan,
        activity(recorder, images),
        accuracy=scores.get("crossbar"),
        float_accuracy=scores.get("float"),
        digital_accuracy=scores.get("digital"),
        metrics=metrics,
        images=images,
        scenario=scenario(mapped, images, name),
        seed=seed,
    )


def activity(recorder: Recorder, images: int) -> Activity:
    """Average what a run measured over its images."""
    return Activity(
        array_energy={k: v / images for k, v in recorder.array_energy.items()},
        saturations={k: v / images for k, v in recorder.saturations.items()},
        images=images,
    )


def scenario(mapped: MappedModel, images: int, metric: str) -> dict[str, Any]:
    """Write down what decides the result, JSON-able."""
    body = mapped.body
    return {
        "workload": body.workload.name,
        "arch": body.arch.to_dict(),
        "precision": dict(body.precision),
        "observer": body.observer,
        "effects": dict(body.effects),
        "metric": metric,
        "images": images,
    }


def _batches(data: Any, keywords: Collection[str]) -> list[Batch]:
    batches: list[Batch] = []
    seen = 0
    for raw in as_loader(data, _BATCH):
        batch = split_batch(raw, keywords)
        check_finite((batch.args, batch.kwargs), "data: sample", seen)
        seen += batch.samples
        batches.append(batch)
    if not batches:
        raise DataError("data: it holds no samples")
    return batches


def _run(
    mapped: MappedModel,
    batches: Sequence[Batch],
    mode: str,
    images: int,
    progress: Progress | None,
    recorder: Recorder | None = None,
) -> NDArray[np.floating]:
    done, parts = 0, []
    for batch in batches:
        output = mapped.execute(batch.args, batch.kwargs, mode=mode, recorder=recorder)
        parts.append(_numpy(logits_of(output)))
        done += batch.samples
        if progress is not None:
            progress(mode, done, images)
    return _join(parts)


def _numpy(tensor: torch.Tensor | None) -> NDArray[Any]:
    assert tensor is not None  # callers have looked
    return np.asarray(tensor.detach().cpu().numpy())


def _join(parts: list[NDArray[Any]]) -> NDArray[Any]:
    if len({part.shape[1:] for part in parts}) > 1:
        raise DataError(f"batches give outputs of shapes {[p.shape for p in parts[:3]]} ...")
    return np.concatenate(parts)


def _agreement(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Share of equal choices, or for single outputs the correlation of the values."""
    if a.ndim > 1 and a.shape[-1] > 1:
        return float((a.argmax(-1) == b.argmax(-1)).mean())
    flat_a, flat_b = a.reshape(-1), b.reshape(-1)
    if flat_a.std() == 0 or flat_b.std() == 0:
        return float(np.array_equal(flat_a, flat_b))
    return float(np.corrcoef(flat_a, flat_b)[0, 1])
