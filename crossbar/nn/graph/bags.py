"""Bags of embeddings: a look-up, and the sum, mean or maximum of what was found."""

from __future__ import annotations

from typing import Any

from crossbar.nn.graph.rewrite import Expansion, Rule, is_constant
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["RULES"]

_REDUCTIONS = ("aten.sum.dim_IntList", "aten.mean.dim", "aten.amax.default")


def _embedding_bag(
    expansion: Expansion, named: dict[str, Any], shapes: SampleShapes
) -> list[Ref] | None:
    """Write bags of equal size out: rows of indices, as `nn.EmbeddingBag` takes them."""
    graph, origin = expansion.graph, expansion.origin
    weight = named["weight"]
    padding = named.get("padding_idx")
    rows = _rows(expansion, named["indices"])
    offsets = expansion.made.get(getattr(named["offsets"], "name", ""))
    asked = {d.args[1] for d in graph.drafts if d.base == "getitem" and d.uses[0] == origin.name}
    known = (
        is_constant(weight, graph, 2)
        and rows is not None
        and offsets is not None
        and offsets.base == "arange"
        and asked <= {0}
        and not named["include_last_offset"]
        and (padding is None or (padding < 0 and named["mode"] == 0))
    )
    if not known or rows is None:
        return None
    batch, size = expansion.value(rows).shape
    step = offsets.args[2] if offsets is not None and len(offsets.args) > 2 else 1
    if isinstance(step, Ref):  # the size of the rows, where it is free
        of = expansion.made[step.name]
        if of.base not in ("int", "sym_size") or of.args != (rows, 1):
            return None
    elif step != size:
        return None
    features = graph.constants[weight.name].shape[1]
    found = expansion.add("aten.embedding.default", (weight, rows), (batch, size, features))
    if named["per_sample_weights"] is not None:
        each = _rows(expansion, named["per_sample_weights"])
        if each is None:
            return None
        each = expansion.add("aten.unsqueeze.default", (each, -1), (batch, size, 1))
        found = expansion.add("aten.mul.Tensor", (found, each), (batch, size, features))
    reduction = _REDUCTIONS[named["mode"]]
    return [expansion.add(reduction, (found, [1]), (batch, features), "bag")]


def _rows(expansion: Expansion, flat: Any) -> Ref | None:
    """Return the rows of which a flat tensor was made."""
    draft = expansion.made.get(getattr(flat, "name", ""))
    if draft is None or draft.base not in ("reshape", "view", "flatten"):
        return None
    rows = draft.args[0]
    return rows if isinstance(rows, Ref) and expansion.value(rows).axes == 2 else None


RULES: dict[str, Rule] = {"embedding_bag": _embedding_bag}
