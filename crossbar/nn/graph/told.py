"""What a capture tells of itself: the warning of a recorded model, and notes for the plan."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from textwrap import shorten

from crossbar.errors import CaptureWarning, UntraceableError
from crossbar.nn.graph.draft import Found, Lowered, Traced
from crossbar.nn.graph.shapes import SampleShapes

__all__ = ["level", "loop_notes", "warn_recorded"]

_TOLD = 100  # characters of what torch says that a warning repeats


def warn_recorded(name: str, refusal: UntraceableError) -> str:
    """Warn, at the user's call, that a model was recorded; returns the note that says all of it.

    Parameters
    ----------
    name : str
        Class of the model.
    refusal : UntraceableError
        What `torch.export` said of it.
    """
    cause = str(refusal).removeprefix(name).removeprefix(" cannot be captured").removeprefix(": ")
    warnings.warn(
        f"{name}: recorded along the example's path, see plan.notes: torch.export refuses it:"
        f" {shorten(cause, _TOLD, placeholder=' ...')}",
        CaptureWarning,
        stacklevel=level(),
    )
    return f"torch.export: {cause}."


def level() -> int:
    """Count the frames of this package above its caller: how far away the user's call is."""
    package, level = str(Path(__file__).parents[2]), 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    return level


def loop_notes(graph: Lowered, found: dict[str, Found], shapes: SampleShapes) -> tuple[str, ...]:
    """Say which layers a loop over the batch runs: a sample is charged with all their uses.

    Parameters
    ----------
    graph : Lowered
        Products found.
    found : dict
        Draft name -> product.
    shapes : SampleShapes
    """
    uses: dict[str, int] = {}
    for draft in graph.drafts:
        if draft.name not in found or not draft.op.endswith(".product"):
            continue
        given = graph.values[draft.uses[0]]
        if not isinstance(given, Traced) or not isinstance(given.shape[0], int):
            continue
        if shapes.batch_axis(given) is None and given.shape[0] == 1:
            origins = graph.origins[found[draft.name].weight_name]
            name = (origins or (draft.path,))[0].removesuffix(".weight")
            uses[name] = uses.get(name, 0) + 1
    looped = [name for name, count in uses.items() if count == shapes.fixed]
    if not looped or shapes.fixed in (None, 1):
        return ()
    return (
        f"A loop over the {shapes.fixed} samples of a batch runs {', '.join(looped)} once a sample:"
        " the time and energy of each sample are those of the whole loop.",
    )
