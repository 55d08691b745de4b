"""The workload of a captured network: its operations as nodes, its data flow as edges."""

from __future__ import annotations

from math import prod
from typing import Any

from crossbar.errors import CaptureError
from crossbar.nn.graph.draft import Draft, Lowered
from crossbar.nn.graph.families import PASSED
from crossbar.nn.graph.ops import PRODUCTS, RECURRENCE
from crossbar.nn.graph.product import Product
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import refs
from crossbar.workload.graph import Node, Workload
from crossbar.workload.shapes import infer_shape

__all__ = ["build_workload"]

_WINDOW = ("kernel", "stride", "padding", "dilation", "ceil_mode")
_SPLITS = ("chunk", "split", "split_with_sizes", "tensor_split", "unbind", "unsafe_chunk")


def build_workload(
    graph: Lowered,
    shapes: SampleShapes,
    names: dict[str, str],
    kinds: dict[str, tuple[str, dict[str, Any]]],
    products: dict[str, Product],
) -> Workload:
    """Build the workload of a graph.

    Sizes, copies and operations on constants have no node; edges lead through them.

    Parameters
    ----------
    graph : Lowered
    shapes : SampleShapes
    names : dict
        Draft or input name -> name of the node.
    kinds : dict
        Draft name -> kind and attributes (`crossbar.nn.graph.kinds.classify`).
    products : dict
        Node name -> product.

    Raises
    ------
    CaptureError
        When no output depends on an input.
    """
    return _Builder(graph, shapes, names, kinds, products).workload()


def _fits(
    kind: str, attrs: dict[str, Any], inputs: list[tuple[int, ...]], shape: tuple[int, ...]
) -> bool:
    try:
        expected = infer_shape(kind, attrs, inputs)
    except ValueError:
        return False
    return expected is None or expected == shape


class _Builder:
    """``stands_for`` maps a value to the nodes that computed it: one, or none for constants."""

    def __init__(
        self,
        graph: Lowered,
        shapes: SampleShapes,
        names: dict[str, str],
        kinds: dict[str, tuple[str, dict[str, Any]]],
        products: dict[str, Product],
    ) -> None:
        self.graph = graph
        self.shapes = shapes
        self.names = names
        self.kinds = kinds
        self.products = products
        self.drafts = {d.name: d for d in graph.drafts}
        self.nodes: dict[str, Node] = {}
        self.stands_for: dict[str, tuple[str, ...]] = dict.fromkeys(graph.constants, ())

    def workload(self) -> Workload:
        used = {u for d in self.graph.drafts for u in d.uses} | set(refs(self.graph.output))
        for name, tensor in self.graph.inputs.items():
            if name in used:
                shape = self.shapes.shape(name, tensor)
                self._add(name, Node(self.names[name], "input", (), shape))
        for draft in self.graph.drafts:
            self._draft(draft)
        outputs = [n for ref in refs(self.graph.output) for n in self.stands_for[ref]]
        if not outputs:
            raise CaptureError(
                f"{self.graph.model_name}: no output depends on an input; there is nothing to map"
            )
        return Workload(
            self.graph.model_name, tuple(self.nodes.values()), tuple(dict.fromkeys(outputs))
        )

    def _add(self, name: str, node: Node) -> None:
        self.nodes[node.name] = node
        self.stands_for[name] = (node.name,)

    def _draft(self, draft: Draft) -> None:
        if draft.op in PRODUCTS:
            self._product(draft)
            return
        inputs = tuple(n for use in draft.uses for n in self.stands_for[use])
        if draft.name not in self.kinds:  # a size
            self.stands_for[draft.name] = ()
        elif draft.base in PASSED or draft.base in _SPLITS or not inputs:
            # Without a producer it is made of constants and sizes: the same for every sample.
            self.stands_for[draft.name] = inputs
        else:
            self._digital(draft, inputs)

    def _digital(self, draft: Draft, inputs: tuple[str, ...]) -> None:
        name = self.names[draft.name]
        kind, attrs = self.kinds[draft.name]
        shape = self._shape(draft)
        if draft.op == "_operator.getitem":
            source = self.drafts[draft.uses[0]]
            if source.base not in _SPLITS and shape == self.nodes[inputs[0]].shape:
                self.stands_for[draft.name] = inputs
                return
        if attrs.get("axes") == tuple(range(len(shape))):
            self.stands_for[draft.name] = inputs  # only the batch has moved
            return
        known = [self.nodes[n].shape for n in inputs]
        if not _fits(kind, attrs, known, shape):
            # The shape rules of a workload do not cover it (odd axes, a reduction): say less.
            attrs = {k: v for k, v in attrs.items() if k not in (*_WINDOW, "axis")}
            if kind in ("add", "mul"):
                attrs.setdefault("operations", prod(shape))
            if not _fits(kind, attrs, known, shape):
                kind = "other"
        self._add(draft.name, Node(name, kind, inputs, shape, attrs))

    def _product(self, draft: Draft) -> None:
        name = self.names[draft.name]
        product = self.products[name]
        x = draft.uses[0]  # a recurrence: what the products are added to
        if not self.stands_for[x]:
            # A learned tensor, stretched to the batch: the layer still needs a producer.
            origin = self.drafts[x]
            operator = {"operator": "constant"}
            node = Node(self.names[x], "reshape", (), self._shape(origin), operator)
            self._add(x, node)
        inputs = self.stands_for[x]
        is_recurrent = draft.op == RECURRENCE
        shape = self.nodes[inputs[0]].shape if is_recurrent else self._shape(draft)
        node = Node(name, product.kind, inputs, shape, product.attrs, product.weight_key)
        self._add(draft.name, node)

    def _shape(self, draft: Draft) -> tuple[int, ...]:
        return self.shapes.shape(self.names[draft.name], draft.first)
