"""Which part of a tensor a slice, a selection or a padding takes, for the axes of one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossbar.nn.graph.kinds import _Facts as Facts

__all__ = ["padded", "taken"]


def taken(facts: Facts) -> dict[str, Any]:
    """Return the axis, and its one index (select), or its first one and the step (slice)."""
    named, before = facts.named, facts.graph.values[facts.draft.uses[0]]
    axis = facts.own_axis(before, named["dim"])
    size = facts.shapes.size(facts.draft.name, before.shape[named["dim"]])
    key = "index" if facts.draft.base == "select" else "start"
    first, step = named[key] or 0, named.get("step") or 1
    if axis is None or not isinstance(first, int) or not isinstance(step, int):
        return {}
    first = min(max(first + size * (first < 0), 0), size)
    return {"axis": axis, key: first, **({"step": step} if key == "start" else {})}


def padded(facts: Facts) -> dict[str, Any]:
    """Return how much stands before each axis; nothing is known where that depends on a size."""
    before = facts.graph.values[facts.draft.uses[0]]
    pads, batch = facts.named["pad"], facts.shapes.batch_axis(before)
    if not all(isinstance(pad, int) for pad in pads):
        return {}
    first = [0] * before.axes
    for place, pad in enumerate(pads[::2]):  # from the last axis on
        first[before.axes - 1 - place] = pad
    return {"before": tuple(pad for axis, pad in enumerate(first) if axis != batch)}
