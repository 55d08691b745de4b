"""A mapped model under changed conditions, layer by layer, and what of it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from crossbar.arch import Arch
from crossbar.arch.cell_effects import NoDrift, PowerLawDrift
from crossbar.array.conditions import EFFECTS, MOST_SEED, Conditions, seen
from crossbar.array.path import has_own_cells
from crossbar.device.faults import FaultMap, FaultSet, breaks_cells
from crossbar.errors import InputError
from crossbar.nn.mapped import MappedModel
from crossbar.study.harm import check_drift_time

__all__ = [
    "check_seeds",
    "check_time",
    "conditions_of",
    "is_random",
    "pick",
    "reasons_of",
    "redrawn",
    "restated",
    "state_words",
]

Change = Callable[[str, Conditions], Conditions]
"""``change(layer name, its conditions) -> conditions``."""


def restated(mapped: MappedModel, change: Change) -> MappedModel:
    """Return the model with each layer under its own conditions, changed.

    Layers that compute the same under the new conditions keep what they have programmed.

    Parameters
    ----------
    mapped : MappedModel
        Left as it is.
    change : callable
        ``change(layer name, its conditions)``; for the model as a whole the name is ``""``.
    """
    body = mapped.body
    decided: dict[str, Conditions | None] = {}
    for layer in body.every_layer:
        name, own = layer.programmed.plan.name, layer.programmed.conditions
        new = change(name, own)
        same = _decisive(body.arch, new) == _decisive(body.arch, own)
        decided[name] = None if same else new
    whole = change("", body.conditions)
    if whole == body.conditions and not any(decided.values()):
        return mapped
    changed = body.with_layers(lambda layer: decided[layer.programmed.plan.name])
    return MappedModel(replace(changed, conditions=whole))


def redrawn(
    mapped: MappedModel, seed: int, t_inference: float | None = None, *, faults: bool = False
) -> MappedModel:
    """Return the model with everything random drawn anew.

    Parameters
    ----------
    mapped : MappedModel
    seed : int
    t_inference : float, optional
        Time since programming [s]; that of the model's conditions when None.
    faults : bool
        Draw the faults anew as well.
    """

    def change(_: str, own: Conditions) -> Conditions:
        return replace(
            own,
            seed=seed,
            fault_seed=seed if faults else own.fault_seed,
            t_inference=own.t_inference if t_inference is None else t_inference,
        )

    return restated(mapped, change)


def conditions_of(mapped: MappedModel) -> dict[str, Conditions]:
    """Return the conditions of every layer by its name."""
    programmed = (layer.programmed for layer in mapped.body.every_layer)
    return {each.plan.name: each.conditions for each in programmed}


def is_random(mapped: MappedModel) -> bool:
    """Whether another seed can give other numbers: anything is drawn in any layer."""
    return any(_draws(mapped.arch, state) for state in conditions_of(mapped).values())


def reasons_of(mapped: MappedModel) -> tuple[str, ...]:
    """Name what makes column sums real numbers in any layer (`ProgrammedLayer.reasons`)."""
    layers = mapped.body.every_layer
    return tuple(dict.fromkeys(why for layer in layers for why in layer.programmed.reasons))


def state_words(mapped: MappedModel) -> dict[str, object]:
    """Return conditions that are not the usual ones, JSON-able, for the report's header.

    ``t_inference`` [s]; ``effects`` that take part where some do not; ``layers`` whose conditions
    are their own.
    """
    whole = mapped.body.conditions
    words: dict[str, object] = {}
    if whole.t_inference is not None:
        words["t_inference"] = whole.t_inference
    if set(whole.effects) != set(EFFECTS):
        words["effects"] = list(whole.effects)
    own = [name for name, state in conditions_of(mapped).items() if _differ(state, whole, mapped)]
    if own:
        words["layers"] = own
    return words


def check_seeds(seed: int, trials: int | None = None) -> None:
    """Refuse seeds that nothing can be drawn with, and a number of trials below one.

    Raises
    ------
    InputError
    """
    if trials is not None and (type(trials) is not int or not 1 <= trials <= 1_000_000):
        raise InputError(f"trials: {trials!r} is not a whole number in 1..1000000")
    last = MOST_SEED - ((trials or 1) - 1)
    if type(seed) is not int or not 0 <= seed <= last:
        raise InputError(f"seed {seed!r} is not a whole number in 0..{last}")


def check_time(mapped: MappedModel, t_inference: float | None) -> None:
    """Refuse a time that is none, or before the drift of the cells begins.

    Raises
    ------
    InputError
        Naming ``t_inference`` and ``t0``.
    """
    if t_inference is not None:
        if isinstance(t_inference, bool) or not isinstance(t_inference, int | float):
            raise InputError(f"t_inference: {t_inference!r} is not a time in seconds")
        Conditions(t_inference=float(t_inference))
    check_drift_time(mapped.arch, t_inference)


def _draws(arch: Arch, state: Conditions) -> bool:
    """Whether anything is drawn under these conditions."""
    if state.has("faults") and state.faults is not None:
        parts = FaultSet((state.faults,)).parts
        if any(breaks_cells(part) for part in parts if not isinstance(part, FaultMap)):
            return True
    visible = seen(arch, state)
    drift = visible.cell.drift
    if isinstance(drift, PowerLawDrift) and not drift.nu_sigma:
        # every cell falls alike
        without = visible.cell.model_copy(update={"drift": NoDrift()})
        visible = visible.model_copy(update={"cell": without})
    return has_own_cells(visible, False)


def _decisive(arch: Arch, state: Conditions) -> Conditions:
    """Return the conditions without what has no say: seeds of nothing, the time without drift."""
    if isinstance(arch.cell.drift, NoDrift) or not state.has("drift"):
        state = replace(state, t_inference=None)
    return state if _draws(arch, state) else replace(state, seed=0, fault_seed=0)


def _differ(state: Conditions, whole: Conditions, mapped: MappedModel) -> bool:
    return _decisive(mapped.arch, state) != _decisive(mapped.arch, whole)


def pick(effects: Iterable[str], state: Conditions) -> Conditions:
    """Return conditions with only these of their effects."""
    return replace(state, **state.only(set(effects) & set(state.effects)))
