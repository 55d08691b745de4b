"""What of a captured graph may surprise: a fixed batch, a sequence taken for samples, chance."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

from torch import nn

from crossbar.errors import CaptureWarning
from crossbar.nn.graph.draft import Draft, Lowered
from crossbar.nn.graph.ops import is_random
from crossbar.nn.graph.told import level
from crossbar.nn.graph.values import Ref

__all__ = ["remarks", "warn_of_samples"]

_SAMPLES = "Axis 0 of the inputs is "
_WRAP = "wrapped so that it takes the batch first"


def remarks(graph: Lowered, model: nn.Module | None) -> tuple[str, ...]:
    """Say in notes how a network takes its samples, and whether its outputs are random.

    Parameters
    ----------
    graph : Lowered
        Without what no output needs.
    model : nn.Module or None
        None for a program that was exported elsewhere.
    """
    return tuple([*_of_samples(graph, model), *_of_chance(graph)])


def warn_of_samples(notes: Sequence[str]) -> None:
    """Warn, at the user's call, where the samples may be something else."""
    for note in notes:
        if note.startswith(_SAMPLES):
            warnings.warn(note, CaptureWarning, stacklevel=level())


def _of_samples(graph: Lowered, model: nn.Module | None) -> Iterator[str]:
    axes = graph.axes
    sizes = [
        tensor.shape[axes[name] if axes is not None else 0]
        for name, tensor in graph.inputs.items()
        if tensor.shape and (axes is None or name in axes)
    ]
    are_fixed = bool(sizes) and all(isinstance(size, int) for size in sizes)
    first = next(_sequence_first(graph, model), "") if model is not None else ""
    fixed = f"fixed at {sizes[0]} by the network; it is " if are_fixed and sizes[0] > 1 else ""
    if not fixed and not first:
        return
    who = first or "A network that"
    yield (
        f"{_SAMPLES}{fixed}taken for the samples. {who} takes the sequence first"
        f" (batch_first=False){': it' if first else ''} should be {_WRAP}."
    )


def _sequence_first(graph: Lowered, model: nn.Module) -> Iterator[str]:
    """Name the modules with batch_first=False that an input goes to as it is."""
    counting = {n for n in graph.inputs if graph.axes is None or graph.axes.get(n) == 0}
    modules = dict(model.named_modules())
    for draft in graph.drafts:
        given = draft.args[0] if draft.args else None
        if not isinstance(given, Ref) or given.name not in counting:
            continue
        if graph.inputs[given.name].axes < 2:
            continue
        path = ""
        for part in ("", *draft.path.split(".")):
            path = f"{path}.{part}" if path else part
            module = modules.get(path)
            inner = getattr(module, "self_attn", module)
            if getattr(inner, "batch_first", None) is False:
                yield f"{path!r} ({type(module).__name__})" if path else type(module).__name__
                break


def _of_chance(graph: Lowered) -> Iterator[str]:
    drawn = dict.fromkeys(draft.base for draft in graph.drafts if _is_drawn(draft))
    if drawn:
        yield f"Its outputs are random, those in float too: it uses {', '.join(drawn)}."


def _is_drawn(draft: Draft) -> bool:
    """Whether an operation draws numbers with the arguments that it has."""
    if not draft.op.startswith("aten.") or not (is_random(draft.op) or "dropout" in draft.base):
        return False
    named = draft.named
    training = named.get("train", named.get("training", True))
    share = named.get("dropout_p", named.get("dropout", named.get("p", 1.0)))
    return training is not False and share != 0
