"""Effects of the hardware: which of them a mapped model has, and the model with some of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from crossbar.arch.cell_effects import NoDrift
from crossbar.array.columns import has_read_noise
from crossbar.array.conditions import Conditions
from crossbar.array.path import has_telegraph
from crossbar.array.physical import has_wires
from crossbar.device.faults import breaks_cells
from crossbar.nn.mapped import MappedModel
from crossbar.nn.states import conditions_of, pick, restated

__all__ = ["is_present", "with_effects"]


def with_effects(
    mapped: MappedModel, effects: tuple[str, ...], spare: tuple[str, str] | None = None
) -> MappedModel:
    """Return the model with only these of its effects; ``spare``: (layer, effect it is without)."""

    def change(layer: str, own: Conditions) -> Conditions:
        kept = effects
        if spare is not None and layer == spare[0]:
            kept = tuple(effect for effect in effects if effect != spare[1])
        return pick(kept, own)

    return restated(mapped, change)


def is_present(mapped: MappedModel, step: str) -> bool:
    """Whether a step can change anything in some layer."""
    return step == "quantised" or _THERE[step](mapped)


def _some(test: Callable[[MappedModel, Conditions], bool], step: str, mapped: MappedModel) -> bool:
    states = conditions_of(mapped).values()
    return any(state.has(step) and test(mapped, state) for state in states)


def _converts(mapped: MappedModel) -> bool:
    """Whether integers are not computed exactly by slices and converters alone."""
    if not any(state.has("converters") for state in conditions_of(mapped).values()):
        layers = with_effects(mapped, ()).body.every_layer
        return any(layer.programmed.reasons for layer in layers)
    layers = with_effects(mapped, ("converters",)).body.every_layer
    return any(layer.programmed.reasons or layer.programmed.collapsed < 1.0 for layer in layers)


def _faulty(_: MappedModel, state: Conditions) -> bool:
    return breaks_cells(state.faults)


def _varies(mapped: MappedModel, _: Conditions) -> bool:
    return mapped.arch.cell.variation.kind != "none"


def _drifts(mapped: MappedModel, state: Conditions) -> bool:
    drift = mapped.arch.cell.drift
    if isinstance(drift, NoDrift) or state.t_inference is None:
        return False
    return state.t_inference > drift.t0


def _wired(mapped: MappedModel, _: Conditions) -> bool:
    return has_wires(mapped.arch)


def _noisy(mapped: MappedModel, _: Conditions) -> bool:
    return has_read_noise(mapped.arch) or has_telegraph(mapped.arch)


_THERE: dict[str, Callable[[MappedModel], bool]] = {
    "converters": _converts,
    "faults": partial(_some, _faulty, "faults"),
    "variation": partial(_some, _varies, "variation"),
    "drift": partial(_some, _drifts, "drift"),
    "wires": partial(_some, _wired, "wires"),
    "noise": partial(_some, _noisy, "noise"),
}
