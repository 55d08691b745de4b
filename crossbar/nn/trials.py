"""Several draws of the same chip: means, spread and the worst of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crossbar.timing import Activity

__all__ = ["histogram", "mean_activity", "spread", "trials_block"]

_MOST_BINS = 12
_NARROW = 0.005


def mean_activity(parts: Sequence[Activity]) -> Activity:
    """Average what the data did on several chips.

    Parameters
    ----------
    parts : sequence of Activity
        Over the same images.
    """
    if len(parts) == 1:
        return parts[0]
    return Activity(
        _mean_of([part.array_energy for part in parts]),
        _mean_of([part.saturations for part in parts]),
        parts[0].images,
    )


def spread(values: Sequence[float | None], *, lowest_is_worst: bool = True) -> dict[str, Any]:
    """Return mean, standard deviation (n - 1), worst and all of some values.

    Parameters
    ----------
    values : sequence of float or None
        None and what is not finite (undefined) makes mean, std and worst None.
    lowest_is_worst : bool

    Returns
    -------
    dict
        ``mean``, ``std`` (None for a single value), ``worst``, ``values``.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    listed = [value if value is None or math.isfinite(value) else None for value in values]
    if len(known) < len(values) or not known:
        return {"mean": None, "std": None, "worst": None, "values": listed}
    return {
        "mean": float(np.mean(known)),
        "std": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "worst": min(known) if lowest_is_worst else max(known),
        "values": listed,
    }


def histogram(values: Sequence[float]) -> dict[str, list[float]]:
    """Count values in bins of one width: ``counts``, and ``edges``, of which there is one more."""
    low, high = min(values), max(values)
    if high - low < _NARROW:  # one bar, in the middle of what the figure shows
        low, high = low - _NARROW, high + _NARROW
        bins = 1
    else:
        bins = min(_MOST_BINS, 1 + math.ceil(math.log2(len(values)) * 1.5))
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    return {"counts": [int(n) for n in counts], "edges": [float(edge) for edge in edges]}


def trials_block(
    accuracies: Sequence[float],
    metrics: Sequence[Mapping[str, float]],
    energies: Sequence[float],
    seed: int,
    number: int,
    *,
    identical: bool,
) -> dict[str, Any]:
    """Write down what several draws gave.

    Parameters
    ----------
    accuracies : sequence of float
        On the crossbars; empty without targets.
    metrics : sequence of mapping of str to float
        By name.
    energies : sequence of float
        [J]
    seed : int
        Of the first draw.
    number : int
        Draws that were asked for.
    identical : bool
        Nothing is drawn, so that one run stands for all.

    Returns
    -------
    dict
        As ``Report.trials``.
    """
    block: dict[str, Any] = {
        "number": number,
        "identical": identical,
        "seeds": list(range(seed, seed + number)),
        "accuracy": spread(accuracies) if len(accuracies) else None,
        "energy": spread(energies, lowest_is_worst=False),
        "metrics": {name: spread([each[name] for each in metrics]) for name in metrics[0]},
        "histogram": histogram(accuracies) if len(accuracies) else None,
    }
    if identical:
        for part in (block["accuracy"], block["energy"], *block["metrics"].values()):
            if part is not None and part["mean"] is not None:
                part["std"] = 0.0
    return block


def _mean_of(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([part[key] for part in parts])) for key in parts[0]}
