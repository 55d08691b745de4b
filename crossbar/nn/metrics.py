"""Scores of a network's outputs against targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError, UnknownNameError

__all__ = ["IGNORED", "METRICS", "Metric", "choose_metric", "logits_of"]

Metric = Callable[[NDArray[np.floating], NDArray[np.generic]], float]
"""``metric(outputs[samples, ...], targets[samples, ...]) -> score``."""

IGNORED = -100
"""Target of what is not scored, as in `torch.nn.CrossEntropyLoss` and in Hugging Face labels."""


def logits_of(output: object) -> torch.Tensor:
    """Pick the tensor to score: the output itself, its ``logits``, or its first tensor."""
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        if isinstance(output.get("logits"), torch.Tensor):
            logits: torch.Tensor = output["logits"]
            return logits
        output = list(output.values())
    if isinstance(output, (tuple, list)):
        for item in output:
            if isinstance(item, torch.Tensor):
                return item
    raise DataError(f"the model returns a {type(output).__name__} without a tensor to score")


def _classes(
    outputs: NDArray[np.floating], targets: NDArray[np.generic]
) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """Choose classes, and return them beside the targets: one axis, without what is `IGNORED`."""
    if outputs.ndim < 2:
        raise DataError(f"outputs of shape {outputs.shape} hold no classes to choose from")
    axis = -1 if outputs.shape[:-1] == targets.shape else 1  # classes last, or channels of an image
    chosen = outputs.argmax(axis)
    if chosen.shape != targets.shape:
        raise DataError(
            f"outputs choose classes of shape {chosen.shape}, targets are {targets.shape}"
        )
    if not np.issubdtype(targets.dtype, np.integer):
        raise DataError(f"targets are {targets.dtype}, classes are integers; choose another metric")
    scored = targets != IGNORED
    if not scored.any():
        raise DataError(f"targets: all of them are {IGNORED}, so nothing is scored")
    chosen = chosen[scored]
    labels, classes = np.asarray(targets, dtype=np.int64)[scored], outputs.shape[axis]
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise DataError(
            f"targets: class {labels[outside][0]}, the network has {classes} (0..{classes - 1})"
        )
    return np.asarray(chosen), labels


def accuracy(outputs: NDArray[np.floating], targets: NDArray[np.generic]) -> float:
    """Share of samples whose largest output is the target class; targets of -100 do not count."""
    chosen, labels = _classes(outputs, targets)
    return float((chosen == labels).mean())


def f1(outputs: NDArray[np.floating], targets: NDArray[np.generic]) -> float:
    """F1 of class 1 (as GLUE scores MRPC and QQP); 0 without a true positive.

    Targets of -100 do not count.
    """
    chosen, labels = _classes(outputs, targets)
    if outputs.shape[-1] != 2:
        raise DataError(f"f1 scores class 1 of two, the network has {outputs.shape[-1]} classes")
    both = int(((chosen == 1) & (labels == 1)).sum())
    return 2.0 * both / max(1, int((chosen == 1).sum()) + int((labels == 1).sum()))


def matthews(outputs: NDArray[np.floating], targets: NDArray[np.generic]) -> float:
    """Matthews correlation of any number of classes (as GLUE scores CoLA); 0 when undefined.

    Targets of -100 do not count.
    """
    chosen, labels = _classes(outputs, targets)
    classes = np.union1d(chosen, labels)
    p = (chosen[:, None] == classes).astype(np.float64)
    t = (labels[:, None] == classes).astype(np.float64)
    p, t = p - p.mean(0), t - t.mean(0)
    spread = float(np.sqrt((p * p).sum() * (t * t).sum()))
    return float((p * t).sum()) / spread if spread else 0.0


def spearman(outputs: NDArray[np.floating], targets: NDArray[np.generic]) -> float:
    """Spearman's rank correlation of one output a sample with its target (as GLUE scores STS-B)."""
    from scipy.stats import spearmanr

    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] != 1:
        raise DataError(f"spearman takes one output a sample, the model gives {flat.shape[1]}")
    return float(spearmanr(flat[:, 0], targets).statistic)


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "f1": f1,
    "matthews": matthews,
    "spearman": spearman,
}


def choose_metric(metric: str | Metric) -> tuple[str, Metric]:
    """Return the metric's name and function; a callable gets NumPy arrays (outputs, targets)."""
    if callable(metric):
        return getattr(metric, "__name__", "metric"), metric
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    return metric, METRICS[metric]
