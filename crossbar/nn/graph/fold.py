"""Batch normalisation: in inference a scale and a shift, folded into the layer before it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import torch

from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.values import Ref, fill, refs

__all__ = ["fold_batch_norms"]


def fold_batch_norms(graph: Lowered, found: dict[str, Found]) -> None:
    """Fold every batch normalisation that is the only user of a product; both are changed in place.

    Layers that share one weight are folded only when all of them are followed by the same
    normalisation: otherwise they could no longer share arrays.
    """
    drafts = {draft.name: draft for draft in graph.drafts}
    while True:
        pairs = _foldable(graph, found)
        if not pairs:
            return
        replaced = {}
        for norm, product in pairs:
            last = norm.args[0].name
            _fold(graph, norm, found[product], None if last == product else drafts[last])
            replaced[norm.name] = Ref(last)
        graph.drafts = [d for d in graph.drafts if d.name not in replaced]

        def new(name: str, replaced: dict[str, Ref] = replaced) -> Ref:
            return replaced.get(name, Ref(name))

        for draft in graph.drafts:
            draft.args, draft.kwargs = fill(draft.args, new), fill(draft.kwargs, new)
        graph.output = fill(graph.output, new)


def _foldable(graph: Lowered, found: dict[str, Found]) -> list[tuple[Draft, str]]:
    users = Counter(refs(graph.output))
    for draft in graph.drafts:
        users.update(draft.uses)
    norms: dict[str, Draft] = {}
    lapped = {d.name: d.uses[0] for d in graph.drafts if d.op == "crossbar.overlap_add"}
    for draft in graph.drafts:
        if draft.base == "batch_norm" and _is_constant_norm(draft, graph):
            x = draft.args[0].name
            if users[x] == 1 and x in lapped:  # a transposed convolution: its products
                x = lapped[x]
            # The channel is axis 1, which is a linear layer's last only without tokens.
            fits = x in found and (found[x].kind != "linear" or graph.values[x].axes == 2)
            if fits and users[x] == 1:
                norms[x] = draft
    layers = defaultdict(list)
    for name, product in found.items():
        layers[product.weight_name].append(name)
    return [
        (norm, name)
        for name, norm in norms.items()
        if all(_same_norm(norm, norms.get(n)) for n in layers[found[name].weight_name])
    ]


def _is_constant_norm(draft: Draft, graph: Lowered) -> bool:
    named = draft.named
    tensors = [named[k] for k in ("weight", "bias", "running_mean", "running_var")]
    return (
        not named["training"]
        and isinstance(draft.args[0], Ref)
        and all(t is None or t.name in graph.constants for t in tensors)
    )


def _same_norm(a: Draft, b: Draft | None) -> bool:
    return b is not None and a.args[1:] == b.args[1:] and a.kwargs == b.kwargs


def _fold(graph: Lowered, norm: Draft, product: Found, lapped: Draft | None) -> None:
    """Scale and shift; of a transposed convolution each tap is scaled, the sum is shifted."""
    named = norm.named

    def tensor(key: str) -> Any:
        ref = named[key]
        return None if ref is None else graph.constants[ref.name].double()

    weight, bias = product.weight.double(), product.bias
    if lapped is not None and lapped.args[1] is not None:
        bias = graph.constants[lapped.args[1].name]
    scale = torch.rsqrt(tensor("running_var") + named["eps"])
    if named["weight"] is not None:
        scale = scale * tensor("weight")
    shift = -tensor("running_mean") if bias is None else bias.double() - tensor("running_mean")
    shift = shift * scale
    if named["bias"] is not None:
        shift = shift + tensor("bias")
    dtype = product.weight.dtype
    if lapped is not None:
        scale = scale.repeat_interleave(len(weight) // len(scale))
    product.weight = (weight * scale.view(-1, *[1] * (weight.dim() - 1))).to(dtype)
    if lapped is None:
        product.bias = shift.to(dtype)
        return
    new = f"{lapped.name}.bias"
    graph.constants[new] = shift.to(dtype)
    graph.origins[new] = ()
    lapped.args = (lapped.args[0], Ref(new), *lapped.args[2:])
