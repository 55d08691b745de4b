"""Fine-tune the 6-layer BERT on GLUE tasks, in minutes each, and keep the networks in a store.

    export CROSSBAR_DATA=/path/to/data                      # or GLUE_FOLDER
    python benchmarks/glue_train.py --tasks sst2 mrpc       # all of them without --tasks

A network is found again by the digest of its recipe, which names its data by their digest.  The
texts have licences of their own (``docs/bert.md``), so what is trained on them is not shipped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.glue_bert import PACKAGE, Batches, Classifier, batches_of, encoder, model_folder
from benchmarks.glue_files import Split, train_and_dev
from benchmarks.glue_tasks import TASKS, task_of
from crossbar.errors import DataError
from crossbar.nn.metrics import METRICS

__all__ = [
    "RECIPES",
    "TRAINED",
    "Recipe",
    "Trained",
    "find",
    "fine_tune",
    "score_of",
    "training_data",
]

TRAINED = ["sst2", "mrpc", "rte", "cola", "qnli", "wnli"]
"""Tasks whose texts are in ``$CROSSBAR_DATA``."""

_SHUFFLED = 32  # batches whose samples are sorted by length together


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a fine-tuned network, besides its data.

    Parameters
    ----------
    task : str
    samples : int
        Training samples, drawn at random; all of them where there are not more.
    epochs, batch : int
    rate : float
        Highest learning rate of AdamW, after warming up; it falls linearly to 0.
    warm_up : float
        Share of the steps.
    decay : float
        Weight decay, of matrices only.
    dropout : float
        Before the head; the encoder has its own.
    bfloat16 : bool
        Matrix products of the training in bfloat16, the weights themselves in float32.
    seed : int
        Of the head, the order of the samples, dropout, and what is drawn from the data.
    """

    task: str
    samples: int = 12_000
    epochs: int = 4
    batch: int = 16
    rate: float = 1e-4
    warm_up: float = 0.1
    decay: float = 0.01
    dropout: float = 0.1
    bfloat16: bool = False
    seed: int = 0


RECIPES: Mapping[str, Recipe] = {
    "sst2": Recipe("sst2", epochs=3, batch=32),
    "mrpc": Recipe("mrpc"),
    "rte": Recipe("rte", bfloat16=True),
    "cola": Recipe("cola", epochs=6, batch=32, rate=2e-4, bfloat16=True),
    "qnli": Recipe("qnli", epochs=3, bfloat16=True),
    "wnli": Recipe("wnli", epochs=2),
    "qqp": Recipe("qqp", epochs=3, batch=32),
    "mnli": Recipe("mnli", epochs=3, batch=32),
}
"""By task; STS-B needs none, its score is a cosine of what the encoder gives as it is."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A network out of the store.

    Parameters
    ----------
    model : Classifier
        In evaluation mode, on the CPU.
    facts : mapping
        What its ``recipe.json`` says.
    folder : Path
    """

    model: Classifier
    facts: Mapping[str, Any]
    folder: Path


def _known(recipe: Recipe, train: Split, dev: Split) -> dict[str, Any]:
    """What the digest of a network is made of."""
    return {
        "recipe": asdict(recipe),
        "encoder": PACKAGE,
        "encoder_digest": hashlib.sha256(
            (model_folder() / "model.safetensors").read_bytes()
        ).hexdigest(),
        "train_digest": train.digest,
        "dev_digest": dev.digest,
    }


def _place(store: Path, known: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return store / f"{known['recipe']['task']}-{digest[:12]}"


def training_data(recipe: Recipe) -> tuple[Split, Split, str]:
    """Return training and evaluation samples of a recipe, and in words what they are."""
    train, dev, words = train_and_dev(recipe.task, recipe.seed)
    if recipe.samples < len(train):
        words += f", {recipe.samples:,} training samples of {len(train):,}"
    return train.sample(recipe.samples, recipe.seed), dev, words


def find(recipe: Recipe, store: Path) -> Trained | None:
    """Return the network of a recipe, None where the store has none.

    Raises
    ------
    DataError
        For a broken one.
    """
    train, dev, _ = training_data(recipe)
    folder = _place(store, _known(recipe, train, dev))
    if not (folder / "recipe.json").is_file():
        return None
    model = Classifier(encoder(), len(task_of(recipe.task).labels), recipe.dropout)
    try:
        facts = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{folder}: not a stored network ({reason}); delete it") from None
    return Trained(model.eval(), facts, folder)


def score_of(model: nn.Module, batches: Batches, metric: str) -> float:
    """Score a network in float on batches, where it is."""
    device = next(model.parameters()).device
    with torch.no_grad():
        outputs = [model(**_on(inputs, device)).cpu().numpy() for inputs, _ in batches]
    targets = np.concatenate([each.numpy() for each in batches.targets])
    return METRICS[metric](np.concatenate(outputs), targets)


def fine_tune(recipe: Recipe, store: Path) -> Trained:
    """Train the network of a recipe, unless the store has it, and keep it there."""
    found = find(recipe, store)
    if found is not None:
        return found
    task = task_of(recipe.task)
    train, dev, words = training_data(recipe)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    start = time.perf_counter()
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        model = Classifier(encoder(), len(task.labels), recipe.dropout).to(device)
        _train(model, recipe, train, device)
    seconds = time.perf_counter() - start
    model = model.cpu().eval()
    score = score_of(model, batches_of(dev, 64), task.metric)
    known = _known(recipe, train, dev)
    facts = {
        **known,
        "data": words,
        "metric": task.metric,
        "dev_score": score,
        "train_samples": len(train),
        "dev_samples": len(dev),
        "seconds": round(seconds, 1),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
    }
    folder = _place(store, known)
    _keep(model, facts, folder)
    return Trained(model, facts, folder)


def _keep(model: nn.Module, facts: Mapping[str, Any], folder: Path) -> None:
    """Write a network so that it is there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        save_file(model.state_dict(), temporary / "model.safetensors")
        text = json.dumps(dict(facts), indent=2) + "\n"
        (temporary / "recipe.json").write_text(text, encoding="utf-8")
        if not folder.exists():
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _on(inputs: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    return {key: value.to(device) for key, value in inputs.items()}


def _epoch(
    train: Split, recipe: Recipe, rng: np.random.Generator
) -> Iterator[tuple[dict[str, torch.Tensor], torch.Tensor]]:
    """Yield the batches of an epoch: random, but of like lengths, in random order."""
    order = rng.permutation(len(train))
    span = _SHUFFLED * recipe.batch
    batches: list[Any] = []
    for first in range(0, len(order), span):
        batches += list(batches_of(train.take(order[first : first + span]), recipe.batch))
    for k in rng.permutation(len(batches)):
        yield batches[k]


def _train(model: nn.Module, recipe: Recipe, train: Split, device: torch.device) -> None:
    """Train by AdamW with linear warm-up and decay."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate, fused=True)
    span = _SHUFFLED * recipe.batch
    whole, rest = divmod(len(train), span)
    steps = recipe.epochs * (whole * _SHUFFLED + -(-rest // recipe.batch))
    warm = max(1, round(recipe.warm_up * steps))
    ramp = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / warm, (steps - k) / max(1, steps - warm))
    )
    rng = np.random.default_rng(recipe.seed)
    tell = _Progress(recipe.task, recipe.epochs * len(train))
    model.train()
    for _ in range(recipe.epochs):
        for inputs, targets in _epoch(train, recipe, rng):
            with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bfloat16):
                logits = model(**_on(inputs, device))
            loss = functional.cross_entropy(logits.float(), targets.to(device))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            ramp.step()
            tell(len(targets), loss.item())
    tell.end()


class _Progress:
    """A line with rate and time left: rewritten on a terminal, now and then into a file."""

    def __init__(self, task: str, total: int) -> None:
        self.task, self.total, self.done, self.loss = task, total, 0, float("nan")
        self.start = self.last = time.perf_counter()
        self.live = sys.stderr.isatty()

    def __call__(self, samples: int, loss: float) -> None:
        self.done += samples
        self.loss = loss if np.isnan(self.loss) else 0.98 * self.loss + 0.02 * loss
        now = time.perf_counter()
        if now - self.last < (0.5 if self.live else 20.0):
            return
        self.last = now
        rate = self.done / (now - self.start)
        line = (
            f"{self.task}: {self.done:,} of {self.total:,} samples, loss {self.loss:.3f},"
            f" {rate:.0f}/s, {(self.total - self.done) / rate:.0f} s left"
        )
        print(
            f"\r{line:<78}" if self.live else line,
            end="" if self.live else "\n",
            file=sys.stderr,
            flush=True,
        )

    def end(self) -> None:
        """Clear the line."""
        if self.live:
            print(f"\r{'':<78}\r", end="", file=sys.stderr, flush=True)


def main() -> None:
    """Train what the store does not have, and print what it has."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", default=TRAINED)
    parser.add_argument("--store", type=Path, default=Path("out/glue"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--rate", type=float, help="instead of the recipe's")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in args.tasks:
        recipe = replace(RECIPES[task_of(name).key], seed=args.seed)
        changed = {key: getattr(args, key) for key in ("epochs", "rate")}
        recipe = replace(recipe, **{key: v for key, v in changed.items() if v is not None})
        found = fine_tune(recipe, args.store)
        facts = found.facts
        score = f"{facts['metric']} {facts['dev_score']:.3f} on {facts['dev_samples']:,}"
        print(f"{TASKS[recipe.task].name}: {score} ({facts['data']}), {facts['seconds']:.0f} s,")
        print(f"  {found.folder}", flush=True)


if __name__ == "__main__":
    main()
