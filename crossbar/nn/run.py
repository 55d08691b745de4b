"""Run a mapped model over data and report accuracy, energy and latency together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import DataError
from crossbar.nn.batch_checks import check_finite
from crossbar.nn.data import as_loader, count_samples, split_batch
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.layers import Recorder
from crossbar.nn.mapped import MappedModel, check_mapped
from crossbar.nn.metrics import Metric, choose_metric, logits_of
from crossbar.nn.outputs import agreement, join, join_tokens, to_numpy
from crossbar.nn.sequences import LengthsOf, Sentences
from crossbar.nn.states import (
    check_seeds,
    check_time,
    is_random,
    reasons_of,
    redrawn,
    state_words,
)
from crossbar.nn.trials import mean_activity, trials_block
from crossbar.report import Report
from crossbar.report.sequences import reporter
from crossbar.timing import Activity

__all__ = ["Outputs", "Progress", "simulate", "simulate_beside"]

Progress = Callable[[int, int], None]
"""Told of finished work in samples: ``progress(done, total)``; ``total`` is 0 when unknown."""

Outputs = dict[str, NDArray[np.floating]]
"""Outputs of the network by mode: ``"crossbar"``, ``"float"``, ``"digital"``."""

_BATCH = 50


def simulate(
    mapped: MappedModel,
    loader: Any,
    *,
    metric: str | Metric = "accuracy",
    baselines: bool = True,
    progress: Progress | None = None,
    seed: int = 0,
    trials: int | None = None,
    t_inference: float | None = None,
    lengths: LengthsOf | None = None,
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
        Of everything that is drawn: programming error, drift, noise, mismatch of converters.
        Faults keep the seed that `inject` was given.
    trials : int, optional
        Draw everything anew, faults too, with the seeds ``seed .. seed + trials - 1``.  The numbers
        of the report are then means, and ``report.trials`` has spread, worst and every value.
        Where nothing is drawn one run is made and ``report.trials["identical"]`` is true.
    t_inference : float, optional
        Time between programming and the run [s]; cells are as programmed when None.
    lengths : str or callable, optional
        How long each sample is, in networks of tokens: an input that is not 0 where a token is real
        (``attention_mask`` where there is one), or ``lengths(batch) -> int[samples]``.  Padding is
        not sent through the arrays; energy and times are those of the real tokens.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        Data of a wrong shape or type, empty, or with NaN; a sample without a token.
    InputError
        A seed or a number of trials out of range, a time before the t0 of ``cell.drift``.
    """
    report, _ = simulate_beside(
        mapped,
        loader,
        metric=metric,
        baselines=baselines,
        progress=progress,
        seed=seed,
        trials=trials,
        t_inference=t_inference,
        lengths=lengths,
    )
    return report


@dataclass(frozen=True)
class _Pass:
    """One pass of the data through one chip.

    Parameters
    ----------
    outputs : Outputs
    targets : array[images, ...] or None
    activity : Activity
    images : int
    lengths : tuple of int
        Real tokens of each; empty for a network without tokens.
    """

    outputs: Outputs
    targets: NDArray[Any] | None
    activity: Activity
    images: int
    lengths: tuple[int, ...] = ()


def simulate_beside(
    mapped: MappedModel,
    loader: Any,
    *,
    metric: str | Metric = "accuracy",
    baselines: bool = True,
    progress: Progress | None = None,
    seed: int = 0,
    trials: int | None = None,
    t_inference: float | None = None,
    lengths: LengthsOf | None = None,
    known: Mapping[str, NDArray[np.floating]] | None = None,
) -> tuple[Report, Outputs]:
    """Run data through the crossbars beside answers that are known already; see `simulate`.

    Parameters
    ----------
    mapped, loader, metric, baselines, progress, seed, trials, t_inference, lengths
        As for `simulate`.
    known : mapping of str to float[images, ...], optional
        Outputs of ``"float"`` and ``"digital"`` for the same data, which are not computed again.

    Returns
    -------
    Report
    dict of str to float[images, ...]
        Outputs by mode, ``"crossbar"`` among them: those of the last trial.
    """
    check_mapped("simulate", mapped)
    check_seeds(seed, trials)
    check_time(mapped, t_inference)
    name, score = choose_metric(metric)
    data: Iterable[Any] = as_loader(loader, _BATCH)
    first = redrawn(mapped, seed, t_inference, faults=trials is not None)
    sentences = Sentences(mapped, lengths)
    runs = trials if trials is not None and is_random(first) else 1
    if runs > 1:
        data = list(data)  # a loader that shuffles would give each trial other batches
    total = (count_samples(data) or 0) * runs
    if isinstance(mapped.body.program, EagerProgram):
        mapped.body.program.forget()
    answers: Outputs = dict(known or {})
    activities: list[Activity] = []
    scores: list[dict[str, float]] = []
    metrics: list[dict[str, float]] = []
    for number in range(runs):
        chip = redrawn(first, seed + number, faults=True) if number else first
        begun = number * (total // runs)
        one = _passed(chip, data, sentences, baselines, answers, _shifted(progress, begun, total))
        activities.append(one.activity)
        scores.append(_scores(one, score))
        metrics.append(_metrics(one, name, scores[-1]))
        answers = {mode: each for mode, each in one.outputs.items() if mode != "crossbar"}
    reported = reporter(first.plan, activities[0], one.lengths)
    mean = {**scores[-1]}
    if scores[-1]:  # the others do not depend on the seed
        mean["crossbar"] = float(np.mean([each["crossbar"] for each in scores]))
    report = reported(
        mean_activity(activities),
        accuracy=mean.get("crossbar"),
        float_accuracy=mean.get("float"),
        digital_accuracy=mean.get("digital"),
        metrics=_mean(metrics),
        images=one.images,
        scenario=scenario(first, one.images, name, trials, seed),
        seed=seed,
    )
    report = replace(report, notes=(*report.notes, *_notes(first, t_inference)))
    if trials is None:
        return report, one.outputs
    energies = [report.energy]
    if runs > 1:
        energies = [reported(done).energy for done in activities]
    block = trials_block(
        [each["crossbar"] for each in scores if "crossbar" in each],
        metrics,
        energies,
        seed,
        trials,
        identical=not is_random(first),
    )
    return replace(report, trials=block), one.outputs


def _passed(
    mapped: MappedModel,
    data: Iterable[Any],
    sentences: Sentences,
    baselines: bool,
    known: Mapping[str, NDArray[np.floating]],
    progress: Progress | None,
) -> _Pass:
    """Run all batches, through the crossbars and what of float and digital is not known."""
    total = count_samples(data) or 0
    recorder = Recorder()
    parts: dict[str, list[NDArray[np.floating]]] = {}
    given: list[NDArray[Any] | None] = []
    kept: list[NDArray[np.bool_] | None] = []
    lengths: list[int] = []
    images = 0
    for raw in data:
        batch = split_batch(raw, mapped.body.program.signature.arguments)
        check_finite((batch.args, batch.kwargs), "data: sample", images)
        real = sentences.of(raw, batch.args, batch.kwargs, images)
        kept.append(None if real is None else real.keep.numpy())
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
            parts.setdefault(mode, []).append(to_numpy(logits_of(output)))
        given.append(None if batch.targets is None else to_numpy(batch.targets))
        images += batch.samples
        if progress is not None:
            progress(images, total)
    if not images:
        raise DataError("data: it holds no samples")
    labels = [values for values in given if values is not None]
    outputs = {m: join(x) if labels else join_tokens(x, kept) for m, x in parts.items()}
    outputs |= dict(known)
    if labels and len(labels) < len(given):
        raise DataError("data: some batches have targets and some have none")
    done = activity(mapped, recorder, images)
    return _Pass(outputs, join(labels) if labels else None, done, images, tuple(lengths))


def _scores(one: _Pass, score: Metric) -> dict[str, float]:
    """Score each mode by its name; nothing without targets."""
    if one.targets is None:
        return {}
    return {mode: score(values, one.targets) for mode, values in one.outputs.items()}


def _metrics(one: _Pass, name: str, scores: Mapping[str, float]) -> dict[str, float]:
    """Name the metric of the crossbars, and whether they and the digital twin agree with float."""
    metrics = {name: scores["crossbar"]} if scores else {}
    if "float" in one.outputs:
        metrics["agreement"] = agreement(one.outputs["crossbar"], one.outputs["float"])
        if "digital" in one.outputs:  # what integers lose is no fault of the hardware
            metrics["digital_agreement"] = agreement(one.outputs["digital"], one.outputs["float"])
    return metrics


def _mean(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    if len(parts) == 1:
        return dict(parts[0])
    return {key: float(np.mean([each[key] for each in parts])) for key in parts[0]}


def _shifted(progress: Progress | None, begun: int, total: int) -> Progress | None:
    """Count on from earlier trials."""
    if progress is None:
        return None
    tell = progress
    return lambda done, _: tell(begun + done, total)


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


def scenario(
    mapped: MappedModel, images: int, metric: str, trials: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Write down what decides the result, JSON-able."""
    body = mapped.body
    effects = dict(body.effects)
    if trials is not None:  # faults have the seeds of the trials, not the one of `inject`
        last = seed + trials - 1
        effects = {
            kind: {**facts, "seed": f"{seed}..{last}"} if "seed" in facts else facts
            for kind, facts in effects.items()
        }
    return {
        "workload": body.workload.name,
        "arch": body.arch.to_dict(),
        "precision": dict(body.precision),
        "observer": body.observer,
        "effects": effects,
        "conditions": state_words(mapped),
        "metric": metric,
        "images": images,
    }


def _notes(mapped: MappedModel, t_inference: float | None) -> tuple[str, ...]:
    """Say what of the cells is in the numbers, and what was asked for in vain."""
    program = mapped.body.program
    reasons = reasons_of(mapped)
    notes = list(program.remarks()) if isinstance(program, EagerProgram) else []
    if reasons:
        notes.append(f"Column sums are real numbers, because of: {', '.join(reasons)}.")
    if t_inference is not None and mapped.arch.cell.drift.kind == "none":
        notes.append("t_inference changes nothing here: the cells do not drift (cell.drift).")
    return tuple(notes)
