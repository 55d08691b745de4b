"""What runs outside the arrays, and why."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.workload.graph import Node

__all__ = ["Unmapped", "describe_unmapped"]


def describe_unmapped(node: Node) -> Unmapped:
    """Say why a node that is no product runs outside the arrays."""
    weights = int(node.attrs.get("weights", 0))
    if node.kind == "other":
        why = "holds weights of a kind not mapped" if weights else "not known to the digital units"
    else:
        why = "no constant weight matrix"
    operator = str(node.attrs.get("operator", node.kind))
    return Unmapped(node.name, node.kind, operator, node.operations, weights, why)


@dataclass(frozen=True)
class Unmapped:
    """A node that runs outside the arrays.

    Parameters
    ----------
    name, kind : str
    operator : str
        Its name in the framework.
    operations : int
        Scalar operations of one inference.
    weights : int
        Weights that it holds and that are on no crossbar.
    why : str
        Why it is not on crossbars.
    """

    name: str
    kind: str
    operator: str
    operations: int
    weights: int
    why: str
    mapped: bool = False
