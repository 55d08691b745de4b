"""The nine GLUE tasks: sentences, labels, score, official splits, and the columns of their files.

Wang et al., "GLUE: a multi-task benchmark and analysis platform for natural language
understanding", ICLR 2019.  The order of the labels is the one of Hugging Face's ``glue`` data set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossbar.errors import UnknownNameError

__all__ = ["SPLITS", "TASKS", "Columns", "Task", "task_of"]

SPLITS = ("train", "dev", "test")
"""What a split is called; MNLI's dev and test sets have ``_matched`` and ``_mismatched`` ones."""


@dataclass(frozen=True)
class Columns:
    """Where the parts of a sample stand in a file with tabs.

    Parameters
    ----------
    sentences : tuple of str
        Names of the columns that hold the sentences.
    label : str
    all : tuple of str
        Every column of a file without a header row; empty where there is one.
    """

    sentences: tuple[str, ...]
    label: str
    all: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One task.

    Parameters
    ----------
    name, key, folder : str
        ``SST-2``, ``sst2`` (what options and the files of ``$CROSSBAR_DATA`` say), and the folder
        of the standard layout.
    labels : tuple of str
        Names of the classes in order; empty where the target is a score of 0 to 5.
    metric : str
        One of `crossbar.nn.metrics.METRICS`; GLUE's own where it has several, its first.
    columns : Columns
        Of ``train.tsv`` and ``dev.tsv`` in the standard layout.
    rows : mapping of str to int
        Samples of the official splits.
    words : tuple of str
        The classes as files spell them, where they are not numbers.
    untagged : Columns, optional
        Of ``test.tsv``, where its sentences have other names.
    broken_rows : int
        Rows of the published files that lack columns and are left out, at most.
    """

    name: str
    key: str
    folder: str
    labels: tuple[str, ...]
    metric: str
    columns: Columns
    rows: Mapping[str, int]
    words: tuple[str, ...] = ()
    untagged: Columns | None = None
    broken_rows: int = field(default=0)

    @property
    def sentences(self) -> int:
        """Sentences of a sample: 1 or 2."""
        return len(self.columns.sentences)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the official splits."""
        return tuple(self.rows)


_PAIR = ("sentence1", "sentence2")
_ENTAILMENT = ("entailment", "not_entailment")
_STRINGS = ("#1 String", "#2 String")

_ALL = (
    Task(
        "CoLA",
        "cola",
        "CoLA",
        ("unacceptable", "acceptable"),
        "matthews",
        Columns(("sentence",), "label", ("source", "label", "mark", "sentence")),
        {"train": 8551, "dev": 1043, "test": 1063},
        untagged=Columns(("sentence",), ""),
    ),
    Task(
        "SST-2",
        "sst2",
        "SST-2",
        ("negative", "positive"),
        "accuracy",
        Columns(("sentence",), "label"),
        {"train": 67349, "dev": 872, "test": 1821},
    ),
    Task(
        "MRPC",
        "mrpc",
        "MRPC",
        ("not_equivalent", "equivalent"),
        "f1",
        Columns(_STRINGS, "Quality"),
        {"train": 3668, "dev": 408, "test": 1725},
    ),
    Task(
        "STS-B",
        "stsb",
        "STS-B",
        (),
        "spearman",
        Columns(_PAIR, "score"),
        {"train": 5749, "dev": 1500, "test": 1379},
    ),
    Task(
        "QQP",
        "qqp",
        "QQP",
        ("not_duplicate", "duplicate"),
        "f1",
        Columns(("question1", "question2"), "is_duplicate"),
        {"train": 363846, "dev": 40430, "test": 390965},
        broken_rows=10,
    ),
    Task(
        "MNLI",
        "mnli",
        "MNLI",
        ("entailment", "neutral", "contradiction"),
        "accuracy",
        Columns(_PAIR, "gold_label"),
        {
            "train": 392702,
            "dev_matched": 9815,
            "dev_mismatched": 9832,
            "test_matched": 9796,
            "test_mismatched": 9847,
        },
        words=("entailment", "neutral", "contradiction"),
    ),
    Task(
        "QNLI",
        "qnli",
        "QNLI",
        _ENTAILMENT,
        "accuracy",
        Columns(("question", "sentence"), "label"),
        {"train": 104743, "dev": 5463, "test": 5463},
        words=_ENTAILMENT,
    ),
    Task(
        "RTE",
        "rte",
        "RTE",
        _ENTAILMENT,
        "accuracy",
        Columns(_PAIR, "label"),
        {"train": 2490, "dev": 277, "test": 3000},
        words=_ENTAILMENT,
    ),
    Task(
        "WNLI",
        "wnli",
        "WNLI",
        ("not_entailment", "entailment"),
        "accuracy",
        Columns(_PAIR, "label"),
        {"train": 635, "dev": 71, "test": 146},
    ),
)

TASKS: Mapping[str, Task] = {task.key: task for task in _ALL}
"""By key."""


def task_of(name: str) -> Task:
    """Find a task by its key, or its name in any case.

    Raises
    ------
    UnknownNameError
    """
    for task in _ALL:
        if name.lower() in (task.key, task.name.lower()):
            return task
    raise UnknownNameError("GLUE task", name, tuple(TASKS))
