"""Run a mapped model over data and report accuracy, energy and latency together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.nn.data import as_loader, count_samples
from crossbar.nn.eager.program import EagerProgram
from crossbar.nn.mapped import MappedModel, check_mapped
from crossbar.nn.metrics import Metric, choose_metric
from crossbar.nn.outputs import agreement
from crossbar.nn.passes import Outputs, Pass, Progress, run_pass
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
        y)``, ``x`` or a dictionary.  Here a tuple ``(a, b)`` is inputs and targets; a network of
        several inputs takes a dictionary, or a loader of ``((a, b), targets)``.  Without targets
        the report has energy, latency and the agreement with the float model instead of an
        accuracy.
    metric : str or callable
        ``"accuracy"``, ``"f1"``, ``"matthews"`` (which leave targets of -100 out), ``"spearman"``,
        or ``metric(outputs, targets) -> float``.  Batches of sentences padded to different lengths
        are joined at the longest: outputs with 0, targets with -100 (real numbers with 0).
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
        not sent through the arrays, and energy and times are those of the real tokens, unless the
        network reads its padding (found in float, on the first batch that has some; a note of the
        report says so): then all tokens count.  Outputs for each token are 0 at padding in every
        mode, and agreement leaves them out.

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
    data: Iterable[Any] = as_loader(loader, _BATCH, axes=mapped.body.program.signature.axes)
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
        one = run_pass(chip, data, sentences, baselines, answers, _shifted(progress, begun, total))
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
        scenario=scenario(first, one.images, name, trials, seed) | _tokens(one),
        seed=seed,
    )
    remarks = (*sentences.remarks(), *_notes(first, t_inference))
    report = replace(report, notes=(*report.notes, *remarks))
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


def _tokens(one: Pass) -> dict[str, int]:
    """Say how long the samples are where all are of one length."""
    found = set(one.lengths)
    return {"tokens": found.pop()} if len(found) == 1 else {}


def _scores(one: Pass, score: Metric) -> dict[str, float]:
    """Score each mode by its name; nothing without targets."""
    if one.targets is None:
        return {}
    return {mode: score(values, one.targets) for mode, values in one.outputs.items()}


def _metrics(one: Pass, name: str, scores: Mapping[str, float]) -> dict[str, float]:
    """Name the metric of the crossbars, and whether they and the digital twin agree with float."""
    metrics = {name: scores["crossbar"]} if scores else {}
    if "float" in one.outputs:
        metrics["agreement"] = agreement(one.real("crossbar"), one.real("float"))
        if "digital" in one.outputs:  # what integers lose is no fault of the hardware
            metrics["digital_agreement"] = agreement(one.real("digital"), one.real("float"))
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
