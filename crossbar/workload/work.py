"""The digital work of a node: how many scalar operations of which action, for one sample.

One table for all: the schedule adds up what a unit has to do, the counts price it, and reports name
it.  What an operation is follows `crossbar.workload.operations`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from crossbar.workload.graph import Node
from crossbar.workload.operations import matmul_operations, softmax_operations

__all__ = ["CELL_WORK", "UNITS", "digital_work", "is_known"]

UNITS: Mapping[str, str | None] = {
    "activations": "vector",
    "pool_ops": "vector",
    "adds": "vector",
    "multiplies": "vector",
    "norm_ops": "vector",
    "softmax_ops": "vector",
    "macs": "matmul",
    "embedding_reads": None,
}
"""Action -> the unit of a tile that does it: its vector unit or its matmul unit.  Embedding vectors
are fetched from a table outside of the tiles; no unit of a tile is busy with them."""

CELL_WORK: Mapping[str, Mapping[str, int]] = {
    "lstm": {"activations": 5, "multiplies": 3, "adds": 5},
    "gru": {"activations": 3, "multiplies": 3, "adds": 5},
    "rnn_tanh": {"activations": 1, "adds": 1},
    "rnn_relu": {"activations": 1, "adds": 1},
}
"""Operations of one hidden element of a recurrent cell: gate functions, products of gates and
states, and sums, those of the two products of its gates included."""


def digital_work(node: Node) -> dict[str, int]:
    """Count a node's scalar operations by action; empty for products, moves and unknown kinds.

    Parameters
    ----------
    node : Node

    Returns
    -------
    dict of str to int
        Actions as in `UNITS`.
    """
    rule = _RULES.get(node.kind)
    return {} if rule is None else {k: n for k, n in rule(node).items() if n}


def is_known(node: Node) -> bool:
    """Whether a unit and a price are known for a digital node."""
    return node.kind in _RULES


def _all(action: str) -> Callable[[Node], dict[str, int]]:
    return lambda node: {action: node.operations}


def _attention(node: Node) -> dict[str, int]:
    """Scores, their scale, softmax, weighted values; a node that gives no sizes is all products."""
    a = node.attrs
    if "queries" not in a:
        return {"macs": node.operations}
    scores = (int(a["heads"]), int(a["queries"]), int(a["keys"]))
    values = (*scores[:2], int(a["value_width"]))
    return {
        "macs": matmul_operations(scores, int(a["width"])) + matmul_operations(values, scores[2]),
        "multiplies": prod(scores),
        "softmax_ops": softmax_operations(scores),
    }


def _cell(node: Node) -> dict[str, int]:
    elements = prod(node.shape)
    return {k: n * elements for k, n in CELL_WORK[str(node.attrs["operator"])].items()}


def _token_scale(node: Node) -> dict[str, int]:
    """The largest magnitude of each vector, and its elements times one over the scale."""
    elements = prod(node.shape)
    return {"pool_ops": elements, "multiplies": elements}


def _embedding(node: Node) -> dict[str, int]:
    return {"embedding_reads": prod(node.shape)}


_RULES: dict[str, Callable[[Node], dict[str, int]]] = {
    "activation": _all("activations"),
    "add": _all("adds"),
    "attention": _attention,
    "batchnorm": _all("multiplies"),
    "cell": _cell,
    "embedding": _embedding,
    "interpolate": _all("multiplies"),
    "logic": _all("adds"),
    "matmul": _all("macs"),
    "mul": _all("multiplies"),
    "norm": _all("norm_ops"),
    "overlap_add": _all("adds"),
    "pool_avg": _all("adds"),
    "pool_max": _all("pool_ops"),
    "softmax": _all("softmax_ops"),
    "token_scale": _token_scale,
}
