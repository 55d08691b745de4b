"""One point of the GLUE table: a task on a chip, mapped, run and put into a file of JSON lines."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import crossbar as xb
from benchmarks.glue_bert import Batches, Embedder, batches_of, cosine_spearman, encoder
from benchmarks.glue_files import Split, load
from benchmarks.glue_tasks import Task, task_of
from benchmarks.glue_train import RECIPES, find, fine_tune, training_data
from crossbar.errors import DataError

__all__ = ["DESIGNS", "OBSERVER", "OBSERVERS", "Lines", "Subject", "compute", "subject_of"]

PRESET = "isaac_8bit"

PAIRS = {
    "array.encoding": "differential",
    "array.subtract": "analog",
    "array.flip_columns": False,
    "dac.signed": "sign_magnitude",
}
"""Two columns a weight, subtracted before one conversion, and rows driven with either polarity:
what is near zero gives a current near zero, so that a converter of few bits clips little."""

DESIGNS: Mapping[str, Mapping[str, Any]] = {
    "8 b": {},
    "7 b": {"adc.bits": 7},
    "6 b": {"adc.bits": 6},
    "64 rows 7 b": {"array.rows": 64, "array.cols": 64, "adc.bits": 7},
    "256 rows 9 b": {"array.rows": 256, "array.cols": 256, "adc.bits": 9},
    "pairs 6 b": {**PAIRS, "adc.bits": 6},
    "pairs 5 b": {**PAIRS, "adc.bits": 5},
    "pairs 4 b": {**PAIRS, "adc.bits": 4},
}
"""Chips by what differs from `PRESET`: 128 x 128 arrays, weights stored with an offset, and ADCs of
8 bits, which clip nothing at that size (nor do 7 bits with 64 rows and 9 with 256)."""

OBSERVERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "minmax": ("minmax", {}),
    "percentile 99.9": ("percentile", {}),
    "percentile 99.99": ("percentile:99.99", {}),
    "mse": ("mse", {}),
    "minmax, zero points": ("minmax", {"zero_point": True}),
    "mse, zero points": ("mse", {"zero_point": True}),
    "scale by token": ("minmax", {"activation_scale": "token"}),
    "minmax, 10-bit inputs": ("minmax", {"input_bits": 10}),
}
"""Ways to choose the integers of activations: the observer, and keys of ``precision``."""

OBSERVER = "mse"
"""The one of the table; ``--observers`` compares them."""

_BATCH = 16


@dataclass(frozen=True, eq=False)
class Subject:
    """A task with its network, and the samples it is calibrated and scored with.

    Parameters
    ----------
    task : Task
    model : Module
        Takes ``input_ids``, ``attention_mask``, ``token_type_ids``.
    known : mapping
        What tells it from others: data and weights by their digests.
    data : str
        What the samples are, in words.
    calibration, samples : Batches
    """

    task: Task
    model: nn.Module
    known: Mapping[str, Any]
    data: str
    calibration: Batches
    samples: Batches

    @property
    def tokens(self) -> float:
        """Tokens of an inference, on average, without padding."""
        return self.samples.tokens / self.samples.samples


@dataclass(frozen=True)
class Lines:
    """Rows that are computed already: a file of JSON lines, added to one by one.

    Parameters
    ----------
    path : Path
    rows : dict of str to dict
        By digest.
    """

    path: Path
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Lines:
        """Read a file, where there is one; a last line that was cut off is taken away."""
        found = cls(path)
        if path.is_file():
            whole, end, rest = path.read_bytes().rpartition(b"\n")
            if rest:
                os.truncate(path, len(whole + end))
            for text in whole.decode(errors="replace").split("\n") if end else ():
                try:
                    row = json.loads(text)
                    found.rows[row["digest"]] = row
                except (ValueError, TypeError, KeyError):
                    raise DataError(
                        f"{path}: a line is no row of this benchmark; delete it"
                    ) from None
        return found

    def add(self, row: dict[str, Any]) -> None:
        """Keep a row."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.rows[row["digest"]] = row


def subject_of(
    name: str, store: Path, *, samples: int, calibration: int, seed: int, train: bool
) -> Subject | None:
    """Prepare a task; None where its network is not in the store and must not be trained.

    Parameters
    ----------
    name : str
    store : Path
        Of fine-tuned networks.
    samples, calibration : int
        Drawn from the evaluation and the training samples.
    seed : int
    train : bool
        Train what is missing.
    """
    task = task_of(name)
    if not task.labels:
        train_part, dev = load(task, "train"), load(task, "dev")
        model: nn.Module = Embedder(encoder()).eval()
        words, network, whole = "GLUE dev, no training", "as it is", None
    else:
        recipe = RECIPES[task.key]
        found = fine_tune(recipe, store) if train else find(recipe, store)
        if found is None:
            return None
        train_part, dev, words = training_data(recipe)
        model, network, whole = found.model, found.folder.name, found.facts["dev_score"]
    chosen = dev.sample(samples, seed)
    known = {
        "task": task.key,
        "network": network,
        "float_of_all": whole,
        "of": len(dev),
        "samples": len(chosen),
        "data_digest": chosen.digest,
        "calibration": calibration,
        "seed": seed,
    }
    return Subject(
        task,
        model,
        known,
        words,
        _batches(train_part.sample(calibration, seed), _BATCH),
        _batches(chosen, _BATCH),
    )


def _batches(split: Split, size: int) -> Batches:
    return batches_of(split, size, joined=bool(split.task.labels))


def compute(
    subject: Subject,
    overrides: Mapping[str, Any],
    lines: Lines,
    *,
    observer: str = OBSERVER,
    precision: Mapping[str, Any] | None = None,
    baselines: bool = True,
) -> dict[str, Any]:
    """Return the row of a point: out of the file, or mapped, run and added to it.

    Parameters
    ----------
    subject : Subject
    overrides : mapping
        Keys of the arch.
    lines : Lines
    observer, precision
        As `crossbar.map_model` takes them.
    baselines : bool
        Run the float network and the integer twin beside; they do not depend on the arch.
    """
    known = {
        **subject.known,
        "preset": PRESET,
        "overrides": dict(overrides),
        "observer": observer,
        "precision": dict(precision or {}),
        "baselines": baselines,
        "crossbar": xb.__version__,
    }
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
    if digest in lines.rows:
        return lines.rows[digest]
    start = time.perf_counter()
    mapped = xb.map_model(
        subject.model,
        xb.load_arch(PRESET, dict(overrides)),
        calibration=[inputs for inputs, _ in subject.calibration],
        example_inputs=_typical(subject.samples),
        observer=observer,
        precision=precision,
    )
    mapping = time.perf_counter() - start
    metric = subject.task.metric if subject.task.labels else cosine_spearman
    report = xb.simulate(mapped, subject.samples, metric=metric, baselines=baselines)
    facts = report.to_dict()
    row = {
        "digest": digest,
        **known,
        "data": subject.data,
        "metric": subject.task.metric,
        "inferences": subject.samples.samples,
        "tokens": subject.tokens,
        "float": facts["float_accuracy"],
        "digital": facts["digital_accuracy"],
        "score": facts["accuracy"],
        "seconds": {"map": mapping, "run": time.perf_counter() - start - mapping},
        "arrays": facts["chip"]["arrays"],
        "saturations": facts["counts"]["saturations"] / facts["counts"]["adc_conversions"],
        **{key: facts[key] for key in ("energy", "latency", "throughput", "area")},
        "components": {name: part["energy"] for name, part in facts["components"].items()},
        "attention": _attention(facts),
        "unpriced": sorted({part["kind"] for part in facts["unpriced"]}),
    }
    lines.add(row)
    return row


def _attention(facts: Mapping[str, Any]) -> dict[str, float | None]:
    """Return what attention takes of an inference, as the report's digital units say it.

    ``energy`` is a share of all energy; ``time`` is the clocks for which units multiply, scale and
    normalise for attention, as a share of the latency.
    """
    parts = [part for part in facts.get("digital") or () if part["kind"] == "attention"]
    if not parts:
        return {"energy": None, "time": None}
    busy = sum(sum(part["units"].values()) for part in parts)
    return {
        "energy": sum(part["energy"] for part in parts) / facts["energy"],
        "time": busy / facts["cycles"],
    }


def _typical(samples: Batches) -> Mapping[str, Any]:
    """Pick two inferences of about the mean length, without padding: what is captured."""
    lengths = [inputs["attention_mask"].sum(1).numpy() for inputs in samples.inputs]
    flat = np.concatenate(lengths)
    wanted = round(float(flat.mean()))
    nearest = int(flat[np.argmin(np.abs(flat - wanted))])
    for inputs, count in zip(samples.inputs, lengths, strict=True):
        (rows,) = np.nonzero(count == nearest)
        if len(rows):
            both = np.resize(rows, 2)
            return {key: tensor[both, :nearest] for key, tensor in inputs.items()}
    raise DataError("data: it holds no samples")
