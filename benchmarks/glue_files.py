"""Loaders of GLUE: the standard folder of the nine tasks, and the files of ``$CROSSBAR_DATA/glue``.

    split = load("sst2", "dev")

The standard folder (``CoLA/train.tsv``, ``MNLI/dev_matched.tsv``, ...) is ``$GLUE_FOLDER``, and is
taken first; ``$CROSSBAR_DATA/glue`` holds ``<task>.<split>.tsv.gz`` with a header row, the label
first.  Both are split on tabs, without quoting.  The texts have licences of their own
(``docs/bert.md``), so none of them comes with the package.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.glue_tasks import Columns, Task, task_of
from crossbar.errors import DataError, InputError, UnknownNameError

__all__ = ["Split", "load", "read_shared", "read_standard", "train_and_dev"]

_MRPC_DEV, _QNLI_TEST = 408, 1000
_TOP = 5.0  # of STS-B's scores


@dataclass(frozen=True, eq=False)
class Split:
    """Samples of a task.

    Parameters
    ----------
    task : Task
    name : str
        ``train``, ``dev``, ``test``, or what was cut out of them.
    sentences : tuple of tuple of str
        One or two sentences a sample.
    targets : int64[samples], or float64[samples] for scores, or None
        None in the test sets whose labels GLUE keeps.
    path : Path
        The file.
    skipped : int
        Rows left out because columns are missing (QQP has a few).
    """

    task: Task
    name: str
    sentences: tuple[tuple[str, ...], ...]
    targets: NDArray[np.generic] | None
    path: Path
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def digest(self) -> str:
        """SHA-256 of sentences and targets, in order."""
        found = hashlib.sha256()
        for k, sentences in enumerate(self.sentences):
            target = "" if self.targets is None else str(self.targets[k])
            found.update("\t".join((target, *sentences)).encode() + b"\n")
        return found.hexdigest()

    def take(self, rows: Iterable[int], name: str | None = None) -> Split:
        """Return some of the samples, in the order of ``rows``."""
        chosen = np.fromiter(rows, np.int64)
        return replace(
            self,
            name=name or self.name,
            sentences=tuple(self.sentences[k] for k in chosen),
            targets=None if self.targets is None else self.targets[chosen],
        )

    def sample(self, count: int, seed: int) -> Split:
        """Return a random subset in random order, the whole split where it is not larger."""
        order = np.random.default_rng(seed).permutation(len(self))
        return self.take(order[:count])


def load(task: str | Task, split: str) -> Split:
    """Read a split from ``$GLUE_FOLDER``, or from ``$CROSSBAR_DATA/glue`` where that is not set.

    Raises
    ------
    InputError
        When neither is set.
    DataError
        For a missing or broken file.
    """
    if os.environ.get("GLUE_FOLDER"):
        return read_standard(Path(os.environ["GLUE_FOLDER"]), task, split)
    if os.environ.get("CROSSBAR_DATA"):
        return read_shared(Path(os.environ["CROSSBAR_DATA"]) / "glue", task, split)
    raise InputError(
        "GLUE_FOLDER is not set, nor CROSSBAR_DATA: the folder with CoLA/train.tsv ..., or the one"
        " with glue/cola.train.tsv.gz ... (docs/bert.md)"
    )


def read_standard(folder: Path, task: str | Task, split: str) -> Split:
    """Read a split of the standard layout.

    Parameters
    ----------
    folder : Path
        The one that holds ``CoLA``, ``SST-2``, ...
    task : str or Task
    split : str
        One of the task's; for MNLI ``dev`` is ``dev_matched`` and ``test`` is ``test_matched``.

    Raises
    ------
    DataError
        For a missing or broken file, naming line and columns.
    """
    task = task if isinstance(task, Task) else task_of(task)
    split = f"{split}_matched" if f"{split}_matched" in task.rows else split
    if split not in task.rows:
        raise UnknownNameError(f"split of {task.name}", split, task.rows)
    place = folder / task.folder
    if task.key == "mrpc" and not (place / f"{split}.tsv").is_file():
        return _original_mrpc(place, task, split)
    path = place / f"{split}.tsv"
    if split.startswith("test"):
        columns = task.untagged or Columns(task.columns.sentences, "")
        return _read(path, task, split, columns, labelled=False)
    return _read(path, task, split, task.columns)


def read_shared(folder: Path, task: str | Task, split: str) -> Split:
    """Read ``<task>.<split>.tsv.gz``: a header row, the label, then the sentences.

    Parameters
    ----------
    folder : Path
    task : str or Task
    split : str
        ``train``, ``dev``, ``test``, as far as there is a file; ``test_labelled`` of SST-2.

    Raises
    ------
    DataError
        For a missing or broken file, naming line and columns.
    """
    task = task if isinstance(task, Task) else task_of(task)
    path = folder / f"{task.key}.{split}.tsv.gz"
    words = {"qnli": ("question", "sentence"), "qqp": ("question1", "question2")}
    pair = words.get(task.key, ("sentence1", "sentence2"))
    names = pair if task.sentences == 2 else ("sentence",)
    columns = Columns(names, "label" if task.labels else "score")
    return _read(path, replace(task, words=()), split, columns, task=task)


def train_and_dev(task: str | Task, seed: int = 0) -> tuple[Split, Split, str]:
    """Return training and evaluation samples of a task, and in words what they are.

    Where a split of GLUE is not at hand, the nearest thing is cut with a seed and named as what it
    is: MRPC's 3,668 and 408 out of the 4,076 training pairs (GLUE's own list of the 408 is not in
    ``$CROSSBAR_DATA``), QNLI's 4,463 and 1,000 out of its dev set.
    """
    task = task if isinstance(task, Task) else task_of(task)
    if task.key == "mnli":
        return load(task, "train"), load(task, "dev_matched"), "GLUE train / dev_matched"
    if not os.environ.get("GLUE_FOLDER") and task.key in ("mrpc", "qnli"):
        whole, held = ("train", _MRPC_DEV) if task.key == "mrpc" else ("dev", _QNLI_TEST)
        rows = load(task, whole)
        order = np.random.default_rng(seed).permutation(len(rows))
        cut = f"{task.name}-{whole} split"
        words = f"{cut}, seed {seed}: {len(rows) - held:,} train / {held:,} test"
        return (
            rows.take(order[held:], f"{cut} train"),
            rows.take(order[:held], f"{cut} test"),
            words,
        )
    return load(task, "train"), load(task, "dev"), "GLUE train / dev"


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, packed or not, without their ends."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    open_it = gzip.open if path.suffix == ".gz" else open
    try:
        with open_it(path, "rt", encoding="utf-8-sig", newline="\n") as stream:
            for line in stream:
                yield line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as text ({error})") from None


def _read(
    path: Path,
    form: Task,
    split: str,
    columns: Columns,
    *,
    labelled: bool = True,
    task: Task | None = None,
) -> Split:
    """Read a file with tabs by the names of its columns."""
    lines = enumerate(_lines(path), 1)
    header = columns.all or tuple(next(lines, (1, ""))[1].split("\t"))
    wanted = (*columns.sentences, *((columns.label,) if labelled else ()))
    missing = [name for name in wanted if name not in header]
    if missing:
        raise DataError(
            f"{path}, line 1: no column {missing[0]!r} among {len(header)}"
            f" (expected {', '.join(wanted)})"
        )
    places = [header.index(name) for name in columns.sentences]
    sentences, targets, skipped = [], [], 0
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) != len(header):
            if skipped < form.broken_rows:
                skipped += 1
                continue
            raise DataError(
                f"{path}, line {number}: {_count(len(cells))}, expected {len(header)}"
                f" ({', '.join(header)})"
            )
        sentences.append(tuple(cells[k] for k in places))
        if labelled:
            cell = cells[header.index(columns.label)]
            targets.append(_target(cell, form, f"{path}, line {number}: {columns.label}"))
    if not sentences:
        raise DataError(f"{path}: no samples (expected columns {', '.join(header)})")
    kind = np.int64 if form.labels else np.float64
    values = np.asarray(targets, dtype=kind) if labelled else None
    return Split(task or form, split, tuple(sentences), values, path, skipped)


def _count(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"


def _target(cell: str, task: Task, where: str) -> float:
    """Read a label, by name or number, or a score."""
    if not task.labels:
        try:
            score = float(cell)
        except ValueError:
            score = -1.0
        if not 0 <= score <= _TOP:
            raise DataError(f"{where} {cell!r} (allowed: a number from 0 to {_TOP:g})")
        return score
    allowed: Sequence[str] = task.words or [str(k) for k in range(len(task.labels))]
    if cell not in allowed:
        raise DataError(f"{where} {cell!r} (allowed: {', '.join(allowed)})")
    return allowed.index(cell)


def _original_mrpc(folder: Path, task: Task, split: str) -> Split:
    """Read Microsoft's files; GLUE cuts its dev set out of the training one by a list of ids."""
    if split == "test":
        return _read(folder / "msr_paraphrase_test.txt", task, split, task.columns)
    path = folder / "msr_paraphrase_train.txt"
    whole = _read(path, task, split, task.columns)
    ids = _read(path, task, split, Columns(("#1 ID", "#2 ID"), "Quality")).sentences
    for name in ("dev_ids.tsv", "mrpc_dev_ids.tsv"):
        if (folder / name).is_file():
            held = {tuple(line.split("\t")[:2]) for line in _lines(folder / name) if line}
            rows = [k for k, pair in enumerate(ids) if (pair in held) == (split == "dev")]
            return whole.take(rows)
    raise DataError(f"{folder}: neither {split}.tsv nor dev_ids.tsv, which cuts {path.name} in two")
