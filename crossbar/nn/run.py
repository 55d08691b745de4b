"""Run a mapped model over data and report accuracy, energy and latency together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError
from crossbar.nn.data import as_loader, check_finite, count_samples, split_batch
from crossbar.nn.layers import Recorder
from crossbar.nn.mapped import MappedModel, check_mapped
from crossbar.nn.metrics import Metric, choose_metric, logits_of
from crossbar.report import Report, build_report
from crossbar.timing.counts import Activity

__all__ = ["Progress", "simulate", "simulate_beside"]

Progress = Callable[[int, int], None]
"""Told of finished work in samples: ``progress(done, total)``; ``total`` is 0 when unknown."""

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
        Run the float model and the integer twin without cells too, on the same batches.
    progress : callable, optional
        ``progress(done, total)``; ``total`` is 0 when unknown.
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
    report, _ = simulate_beside(
        mapped, loader, metric=metric, baselines=baselines, progress=progress, seed=seed
    )
    return report


def simulate_beside(
    mapped: MappedModel,
    loader: Any,
    *,
    metric: str | Metric = "accuracy",
    baselines: bool = True,
    progress: Progress | None = None,
    seed: int = 0,
    known: Mapping[str, NDArray[np.floating]] | None = None,
) -> tuple[Report, dict[str, NDArray[np.floating]]]:
    """Run data through the crossbars beside answers that are known already; see `simulate`.

    Parameters
    ----------
    mapped, loader, metric, baselines, progress, seed
        As for `simulate`.
    known : mapping of str to float[images, ...], optional
        Outputs of ``"float"`` and ``"digital"`` for the same data, which are not computed again.

    Returns
    -------
    Report
    dict of str to float[images, ...]
        Outputs by mode, ``"crossbar"`` among them.
    """
    check_mapped("simulate", mapped)
    known = dict(known or {})
    name, score = choose_metric(metric)
    data = as_loader(loader, _BATCH)
    total = count_samples(data) or 0
    recorder = Recorder()
    parts: dict[str, list[NDArray[np.floating]]] = {}
    given: list[NDArray[Any] | None] = []
    images = 0
    for raw in data:
        batch = split_batch(raw, mapped.body.program.signature.arguments)
        check_finite((batch.args, batch.kwargs), "data: sample", images)
        modes = ["crossbar"]
        if baselines or batch.targets is None:
            modes.append("float")
        if baselines:
            modes.append("digital")
        for mode in modes:
            if mode in known:
                continue
            measure = recorder if mode == "crossbar" else None
            output = mapped.execute(batch.args, batch.kwargs, mode=mode, recorder=measure)
            parts.setdefault(mode, []).append(_numpy(logits_of(output)))
        given.append(None if batch.targets is None else _numpy(batch.targets))
        images += batch.samples
        if progress is not None:
            progress(images, total)
    if not images:
        raise DataError("data: it holds no samples")
    outputs = {mode: _join(values) for mode, values in parts.items()} | known
    labels = [values for values in given if values is not None]
    if labels and len(labels) < len(given):
        raise DataError("data: some batches have targets and some have none")
    targets = _join(labels) if labels else None
    metrics: dict[str, float] = {}
    scores: dict[str, float] = {}
    if targets is not None:
        scores = {mode: score(values, targets) for mode, values in outputs.items()}
        metrics[name] = scores["crossbar"]
    if "float" in outputs:
        metrics["agreement"] = _agreement(outputs["crossbar"], outputs["float"])
    report = build_report(
        mapped.plan,
        activity(mapped, recorder, images),
        accuracy=scores.get("crossbar"),
        float_accuracy=scores.get("float"),
        digital_accuracy=scores.get("digital"),
        metrics=metrics,
        images=images,
        scenario=scenario(mapped, images, name),
        seed=seed,
    )
    return report, outputs


def activity(mapped: MappedModel, recorder: Recorder, images: int) -> Activity:
    """Average what a run measured over its images."""
    layers = {x.programmed.plan.name: x.programmed for x in mapped.body.layers.values()}
    return Activity(
        array_energy={k: layers[k].energy_of(v) / images for k, v in recorder.drives.items()},
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


def _numpy(tensor: torch.Tensor) -> NDArray[Any]:
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
