"""What runs outside the arrays, and why."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.errors import InputError
from crossbar.workload.graph import Node, Workload

__all__ = ["Unmapped", "describe_unmapped", "nothing_to_map"]


def nothing_to_map(workload: Workload) -> InputError:
    """Say that a network has no layer for crossbars, and which weights it holds all the same."""
    held = [(n.name, n.attrs.get("operator", n.kind), n.attrs.get("weights")) for n in workload]
    named = [f"{name} ({op}, {weights:,} weights)" for name, op, weights in held if weights]
    if not named:
        return InputError(
            f"{workload.name}: no layer has constant weights, nothing goes on crossbars"
        )
    rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return InputError(
        f"{workload.name}: nothing goes on crossbars: {', '.join(named[:3])}{rest}"
        f" {'hold' if len(named) > 1 else 'holds'} weights of a kind not mapped"
    )


def describe_unmapped(node: Node) -> Unmapped:
    """Say why a node that is no product runs outside the arrays."""
    weights = int(node.attrs.get("weights", 0))
    if weights:
        why = "holds weights of a kind not mapped"
    elif node.kind == "other":
        why = "not known to the digital units"
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
