"""The names users see: module paths where there are modules, else names of parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from crossbar.nn.graph.draft import Draft, Found, Lowered
from crossbar.nn.graph.families import label
from crossbar.nn.graph.ops import PRODUCTS

__all__ = ["Layer", "Naming", "assign_names"]

# Modules of torch that run several operations: their path alone does not name one of them.
_CONTAINERS = ("Sequential", "MultiheadAttention", "Transformer")


def assign_names(graph: Lowered, found: dict[str, Found], kinds: dict[str, str]) -> Naming:
    """Name every value of a graph.

    Parameters
    ----------
    graph : Lowered
    found : dict
        Draft name -> product.
    kinds : dict
        Draft name -> workload kind, of the drafts that are no product and have a node.
    """
    naming = Naming()
    weights = _Weights()
    owners: dict[str, str] = {}
    modules = {draft.path for draft in graph.drafts}
    for draft in graph.drafts:
        if draft.op in PRODUCTS:
            product = found[draft.name]
            origins = graph.origins[product.weight_name]
            base = _layer_name(draft.path, origins, product.kind, modules)
            step = naming.unique(base)
            source = origins[0] if len(origins) == 1 else f"{base}.weight"
            key, weight = weights.share(source, product.weight)
            # The same layer once more, or another layer that would bear its name?
            layer = base if owners.setdefault(base, key) == key else step
            naming.names[draft.name] = step
            naming.layers[draft.name] = Layer(layer, key, weight)
    for name in graph.inputs:
        naming.names[name] = naming.unique(name)
    for draft in graph.drafts:
        if draft.name in kinds:
            base = _operation_name(draft, kinds[draft.name])
            naming.names[draft.name] = naming.unique(base)
    for draft in graph.drafts:
        if draft.name not in naming.names:
            naming.names[draft.name] = naming.unique(draft.name)
    for name in graph.constants:
        origins = graph.origins[name]
        naming.names[name] = naming.unique(origins[0] if len(origins) == 1 else name)
    return naming


def _layer_name(path: str, origins: tuple[str, ...], kind: str, modules: set[str]) -> str:
    """Return the name of a layer, from where it runs and the parameters its weight comes from.

    A parameter called ``weight`` belongs to the module it sits in (`MultiheadAttention` runs the
    weight of its ``out_proj`` itself), unless that module runs for another purpose (an embedding);
    any other is a layer of its own (``"block.w"``). A weight that belongs to a module elsewhere,
    such as a tied one, is called after the module that runs it.
    """
    if not origins or (len(origins) > 1 and path):
        return path or kind
    name = origins[0].partition(".parametrizations.")[0]
    if name.removesuffix(".weight") == path or name.removesuffix(".weight") not in modules:
        name = name.removesuffix(".weight")
    if name == "weight":
        name = kind
    if path and not (name == path or name.startswith(f"{path}.")):
        return path
    return name


def _operation_name(draft: Draft, kind: str) -> str:
    operator = draft.title or label(draft.op.split(".")[1])
    if not draft.path:
        return operator
    if draft.title:
        return f"{draft.path}.{operator}"
    package, _, module = draft.module_type.rpartition(".")
    is_layer = package.startswith("torch.nn.modules.") and not module.startswith(_CONTAINERS)
    return draft.path if is_layer and kind != "reshape" else f"{draft.path}.{operator}"


@dataclass(frozen=True, eq=False)
class Layer:
    """A product's layer, the key of its weight, and the weight itself (one tensor a key)."""

    name: str
    weight_key: str
    weight: torch.Tensor


@dataclass
class Naming:
    """Old name -> new name of every value, and the layer of every product (by old name)."""

    names: dict[str, str] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def unique(self, wanted: str) -> str:
        """Return ``wanted``, or ``wanted@2``, ``wanted@3`` ... if it is taken."""
        name, n = wanted, 1
        while name in self.taken:
            n += 1
            name = f"{wanted}@{n}"
        self.taken.add(name)
        return name


class _Weights:
    """Weights by the parameter they come from: equal ones are one tensor with one key."""

    def __init__(self) -> None:
        self.known: dict[str, list[tuple[str, torch.Tensor]]] = {}

    def share(self, source: str, weight: torch.Tensor) -> tuple[str, torch.Tensor]:
        variants = self.known.setdefault(source, [])
        for key, tensor in variants:
            if tensor.shape == weight.shape and torch.equal(tensor, weight):
                return key, tensor
        key = source if not variants else f"{source}@{len(variants) + 1}"
        # A copy: training the user's model on does not change what was captured.
        variants.append((key, weight.detach().clone(memory_format=torch.contiguous_format)))
        return variants[-1]
