"""Where accuracy goes: `explain`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.array.conditions import EFFECTS
from crossbar.errors import InputError
from crossbar.mapping.dynamic import laid_out
from crossbar.mapping.precision import layer_precisions
from crossbar.nn.explain_effects import is_present, with_effects
from crossbar.nn.explain_runs import Run, Samples, read_samples, run_network, run_own
from crossbar.nn.explain_text import LADDER, Explanation
from crossbar.nn.explain_words import keys_to_try, sentence
from crossbar.nn.mapped import MappedModel, check_mapped
from crossbar.nn.metrics import Metric, choose_metric
from crossbar.nn.outputs import agreement
from crossbar.nn.run import Progress
from crossbar.nn.states import check_seeds, check_time, reasons_of, redrawn

__all__ = ["IMAGES", "Explanation", "explain"]

IMAGES = 100
"""Samples that are used unless more are asked for."""

_SPARED = 5


def explain(
    mapped: MappedModel,
    loader: Any,
    *,
    images: int | None = IMAGES,
    seed: int = 0,
    t_inference: float | None = None,
    metric: str | Metric = "accuracy",
    progress: Progress | None = None,
) -> Explanation:
    """Find the step and the layer where accuracy goes.

    Steps from the float network to the hardware are switched on one after the other: integers,
    slices and converters, faults, programming error, drift, wires, read noise.  After each the
    outputs of every layer are compared with those of the float network.  The step that loses most
    is then taken from one layer after the other, to see what comes back.

    It costs about as much as 5 + 2 n + 5 simulations of the same images, n being the number of
    effects that the hardware has (steps that it has not are not run).

    Parameters
    ----------
    mapped : MappedModel
        With its faults (`inject`) and conditions (`MappedModel.under`), which it keeps.
    loader
        As `crossbar.simulate` takes it; without targets the agreement with the float model is
        explained.
    images : int, optional
        Use only the first samples; all when None.
    seed : int
        Of everything that is drawn but the faults, as in `crossbar.simulate`.
    t_inference : float, optional
        Time between programming and the run [s]; cells are as programmed when None.
    metric : str or callable
        As for `crossbar.simulate`; higher is better.
    progress : callable, optional
        ``progress(done, total)`` in samples.

    Returns
    -------
    Explanation
        Prints as tables and a sentence; ``.rows``, ``.sentence``, ``.to_dict()``.

    Raises
    ------
    DataError
        Data of a wrong shape or type, empty, or with NaN.
    InputError
        A seed or a number of images out of range, a time before the t0 of ``cell.drift``.
    """
    check_mapped("explain", mapped)
    check_seeds(seed)
    check_time(mapped, t_inference)
    if images is not None and (type(images) is not int or images < 1):
        raise InputError(f"images: {images!r} is not a whole number of 1 or more")
    name, score = choose_metric(metric)
    samples = read_samples(mapped, loader, images)
    state = redrawn(mapped, seed, t_inference)
    work = _Work(state, samples, name, score, progress)
    steps, snr = _climb(work)
    full = with_effects(state, EFFECTS)
    own = work.run_own(full)
    guilty = _find_guilty(work, steps)
    if progress is not None:
        progress(work.total, work.total)
    layers = [row.name for row in state.plan.layers]
    none: Mapping[str, float] = {}
    rows = tuple(
        {
            "layer": layer,
            "snr": {step: snr.get(step, none).get(layer) for step in LADDER},
            "own": own.get(layer, math.inf),
        }
        for layer in layers
    )
    return Explanation(
        workload=state.workload.name,
        arch=state.arch.name,
        measure=work.measure,
        images=samples.images,
        seed=seed,
        t_inference=state.body.conditions.t_inference,
        steps=steps,
        rows=rows,
        guilty=guilty,
        reasons=reasons_of(full),
        sentence=sentence(work.measure, steps, guilty, samples.images),
        runs=work.runs,
    )


@dataclass
class _Work:
    """The network, its samples, and what is known of them by now."""

    mapped: MappedModel
    samples: Samples
    metric: str
    score: Metric
    progress: Progress | None
    present: frozenset[str] = frozenset()
    done: int = 0
    runs: int = 0
    outputs: dict[str, NDArray[np.floating]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.present = frozenset(step for step in LADDER if is_present(self.mapped, step))

    @property
    def measure(self) -> str:
        """What is lost."""
        return self.metric if self.samples.targets is not None else "agreement"

    @property
    def total(self) -> int:
        """Samples of all runs, at most."""
        effects = len(self.present - {"quantised"})
        spared = min(_SPARED, len(self.mapped.plan.layers))
        return self.samples.images * (2 + 2 * effects + 2 + spared)

    def told(self, samples: int) -> None:
        """Count samples of a run."""
        self.done += samples
        if self.progress is not None:
            self.progress(self.done, self.total)

    def run(self, mapped: MappedModel, **how: Any) -> Run:
        """Run all samples once."""
        self.runs += 1
        return run_network(mapped, self.samples, self.told, **how)

    def run_own(self, mapped: MappedModel, *, quantised: bool = False) -> dict[str, float]:
        """Measure what each layer adds by itself."""
        self.runs += 1
        return run_own(mapped, self.samples, self.told, quantised=quantised)

    def value(self, outputs: NDArray[np.floating]) -> float:
        """Score outputs."""
        if self.samples.targets is not None:
            return self.score(outputs, self.samples.targets)
        return agreement(outputs, self.outputs["float"])

    def right(self, outputs: NDArray[np.floating]) -> NDArray[np.bool_] | None:
        """Which samples are right; None where the measure is no share of samples."""
        if outputs.ndim != 2 or outputs.shape[1] < 2 or self.measure not in _COUNTED:
            return None
        targets = self.samples.targets
        wanted = self.outputs["float"].argmax(1) if targets is None else targets
        return np.asarray(outputs.argmax(1) == wanted)


_COUNTED = ("accuracy", "agreement")


def _climb(
    work: _Work,
) -> tuple[tuple[dict[str, Any], ...], dict[str, Mapping[str, float]]]:
    """Run each step that is there: in turn, and by itself."""
    work.outputs["float"] = work.run(work.mapped, mode="float").outputs
    value = work.value(work.outputs["float"])
    empty = dict.fromkeys(("so_far", "lost", "alone"))
    steps: list[dict[str, Any]] = [
        {"name": "float", "what": "the network as it is", "present": True, **empty}
        | {"so_far": value}
    ]
    snr: dict[str, Mapping[str, float]] = {}
    known: dict[tuple[str, ...], float] = {}
    for place, (step, what) in enumerate(LADDER.items()):
        row = {"name": step, "what": what, "present": step in work.present, **empty}
        steps.append(row)
        if step not in work.present:
            continue
        if step == "quantised":
            found = work.run(work.mapped, mode="digital", compare=True)
        else:
            effects = tuple(EFFECTS[:place])
            found = work.run(with_effects(work.mapped, effects), compare=True)
            known[_alike(work, effects)] = work.value(found.outputs)
        work.outputs[step], snr[step] = found.outputs, found.snr
        now = work.value(found.outputs)
        row |= {"so_far": now, "lost": value - now}
        value = now
        if step == "quantised":
            row["alone"] = now
            continue
        single = _alike(work, (step,))
        if single not in known:
            known[single] = work.value(work.run(with_effects(work.mapped, (step,))).outputs)
        row["alone"] = known[single]
    return tuple(steps), snr


def _find_guilty(work: _Work, steps: tuple[dict[str, Any], ...]) -> dict[str, Any] | None:
    """Find the step that loses most, and the layer in which it does, by sparing layers of it."""
    there = [step for step in steps if step["present"]]
    worst = max(there[1:], key=lambda step: float(step["lost"]))
    if there[0]["so_far"] - there[-1]["so_far"] <= 0 or worst["lost"] <= 0:
        return None
    step = worst["name"]
    is_quantised = step == "quantised"
    single = work.mapped if is_quantised else with_effects(work.mapped, (step,))
    own = work.run_own(single, quantised=is_quantised)
    noisiest = sorted((layer for layer in own if not math.isinf(own[layer])), key=own.__getitem__)
    so_far = tuple(EFFECTS[: list(LADDER).index(step)])
    regained: dict[str, float] = {}
    for layer in noisiest[:_SPARED]:
        if is_quantised:
            run = work.run(work.mapped, mode="digital", in_float=layer)
        else:
            run = work.run(with_effects(work.mapped, so_far, spare=(layer, step)))
        regained[layer] = work.value(run.outputs) - worst["so_far"]
    if not regained:
        return None
    layer = max(regained, key=lambda name: (regained[name], -own[name]))
    if regained[layer] <= 0:
        layer = noisiest[0]
    return {
        "step": step,
        "lost": worst["lost"],
        "layer": layer,
        "own": own[layer],
        "regained": regained[layer],
        "spared": regained,
        "by_chance": _by_chance(work, there, step),
        "try": keys_to_try(step, work.mapped.arch, _precision_of(work.mapped, layer)),
    }


def _precision_of(mapped: MappedModel, layer: str) -> dict[str, Any]:
    """Say what the layer's own precision is, by key."""
    body = mapped.body
    workload = laid_out(body.workload, body.arch)
    nodes = {node.name: node for node in workload.products}
    own = layer_precisions(workload, body.arch, body.precision)
    return asdict(own[nodes[layer].weight or layer]) if layer in nodes else {}


def _by_chance(work: _Work, there: list[dict[str, Any]], step: str) -> bool | None:
    """Whether a loss is less than two standard errors of what pairs of answers differ by chance."""
    names = [each["name"] for each in there]
    before = work.right(work.outputs[names[names.index(step) - 1]])
    after = work.right(work.outputs[step])
    if before is None or after is None:
        return None
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    return bool(lost - won < 2.0 * math.sqrt(lost + won))


def _alike(work: _Work, effects: tuple[str, ...]) -> tuple[str, ...]:
    """Return a word that sets of effects with equal results share."""
    # converters that lose nothing may still clip what broken or noisy cells give
    return tuple(effect for effect in effects if effect in work.present or effect == "converters")
