"""The graph of a network: nodes, edges, shapes and operation kinds; no torch, no weights.

A `Workload` is what the mapper, the cost model and the timing engine know of a network.  Shapes are
those of *one sample*: the batch axis is left out everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

__all__ = [
    "CONVOLUTIONS",
    "DIGITAL_KINDS",
    "KINDS",
    "MOVE_KINDS",
    "PRODUCT_KINDS",
    "Matrix",
    "Node",
    "Workload",
]

CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
"""Kinds whose weight matrix slides over a map of one, two or three axes."""

PRODUCT_KINDS = (*CONVOLUTIONS, "linear", "dynamic")
"""Kinds that crossbars compute: products with a constant weight matrix, and ``dynamic`` ones, whose
matrix is itself computed by the network and programmed while it runs."""

DIGITAL_KINDS = (
    "activation",
    "add",
    "attention",
    "batchnorm",
    "cell",
    "embedding",
    "interpolate",
    "logic",
    "matmul",
    "mul",
    "norm",
    "overlap_add",
    "pool_avg",
    "pool_max",
    "softmax",
    "token_scale",
)
"""Kinds that a digital unit computes.  cell: gates and state of a recurrent layer; interpolate:
up-sampling with weights; logic: comparisons, masks, choices; overlap_add: what a transposed
convolution does with the products of its inputs; token_scale: the scale of each input vector of a
layer, found and applied at run time."""

MOVE_KINDS = ("input", "concat", "reshape")
"""Kinds that move data and compute nothing (reshape stands for view, pad, slice, transpose ...)."""

KINDS = (*PRODUCT_KINDS, *DIGITAL_KINDS, *MOVE_KINDS, "other")


@dataclass(frozen=True, slots=True)
class Matrix:
    """The weight matrix of a product layer: ``groups`` independent blocks of ``rows x cols``.

    ``rows`` are inputs (wordlines; a convolution has kernel height * width * input channels of a
    group), ``cols`` are outputs of one group.
    """

    groups: int
    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    Parameters
    ----------
    name : str
        Unique; the module path where there is one (``"layer1.0.conv1"``).
    kind : str
        One of `KINDS`.
    inputs : tuple of str
        Names of the producers, in argument order.
    shape : tuple of int
        Output of one sample: ``(channels, height, width)``, ``(tokens, features)`` or
        ``(features,)``.
    attrs : mapping
        JSON-able facts; sequences are tuples.  Convolutions: ``in_channels out_channels kernel
        stride padding dilation`` (one number an axis of the last four) ``groups bias``; linear:
        ``in_features out_features bias``, and ``recurrent`` (``"forward"`` or ``"backward"``) where
        each position multiplies the state that the one before it has left: its input is then what
        its products are added to, of its own shape; dynamic: ``groups rows cols`` of the matrix
        that its second input is and its first one drives; cell: ``operator``; attention: ``heads
        queries keys width value_width``; pools: ``kernel stride padding`` (all or none;
        ``dilation`` and ``ceil_mode`` where they are not 1 and false); any digital node may give
        ``operations`` (count for one sample) and ``operator`` (its name in the framework).
    weight : str or None
        Key of the constant weight of a product; nodes with equal keys share one set of arrays.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    weight: str | None = None

    @property
    def is_product(self) -> bool:
        """Whether the node multiplies its input by a matrix in crossbars."""
        return self.kind in PRODUCT_KINDS

    @property
    def is_dynamic(self) -> bool:
        """Whether its matrix is programmed anew for every sample."""
        return self.kind == "dynamic"

    @property
    def matrix(self) -> Matrix:
        """The weight matrix of a product node."""
        if self.kind in CONVOLUTIONS:
            groups = int(self.attrs["groups"])
            kernel = prod(self.attrs["kernel"])
            return Matrix(
                groups,
                kernel * int(self.attrs["in_channels"]) // groups,
                int(self.attrs["out_channels"]) // groups,
            )
        if self.kind == "linear":
            return Matrix(1, int(self.attrs["in_features"]), int(self.attrs["out_features"]))
        if self.kind == "dynamic":
            return Matrix(*(int(self.attrs[key]) for key in ("groups", "rows", "cols")))
        raise TypeError(f"{self.name}: {self.kind} has no weight matrix")

    @property
    def positions(self) -> int:
        """Input vectors of one sample: output pixels of a convolution, tokens of a linear layer."""
        if self.kind in CONVOLUTIONS:
            return prod(self.shape[1:])
        if self.kind == "linear":
            return prod(self.shape[:-1])
        if self.kind == "dynamic":
            return prod(self.shape) // (int(self.attrs["groups"]) * int(self.attrs["cols"]))
        raise TypeError(f"{self.name}: {self.kind} has no positions")

    @property
    def weights(self) -> int:
        """Constant weights of a product node (biases not counted), 0 elsewhere."""
        return 0 if self.is_dynamic else self._matrix_size

    @property
    def _matrix_size(self) -> int:
        if not self.is_product:
            return 0
        m = self.matrix
        return m.groups * m.rows * m.cols

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample in a product node, 0 elsewhere."""
        return self._matrix_size * self.positions if self.is_product else 0

    @property
    def operations(self) -> int:
        """Scalar operations of one sample in a digital node (0 for products and moves)."""
        if self.is_product or self.kind in MOVE_KINDS:
            return 0
        return int(self.attrs.get("operations", prod(self.shape)))


@dataclass(frozen=True)
class Workload:
    """A network as a graph, in topological order.

    Parameters
    ----------
    name : str
    nodes : tuple of Node
        Every node stands after its producers.
    outputs : tuple of str
        Names of the nodes whose values leave the network.
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def __iter__(self) -> Iterator[Node]:
        """Iterate over the nodes, producers first."""
        return iter(self.nodes)

    def __getitem__(self, name: str) -> Node:
        """Return the node of that name (KeyError if there is none)."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def products(self) -> tuple[Node, ...]:
        """The nodes that crossbars compute, in order."""
        return tuple(n for n in self.nodes if n.is_product)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(n.macs for n in self.nodes)

    @property
    def weights(self) -> int:
        """Weights; those shared by several nodes are counted once."""
        return sum({n.weight or n.name: n.weights for n in self.products}.values())

    def __str__(self) -> str:
        """Show the products with their matrices, then the digital work by kind."""
        inputs = ", ".join(_by(n.shape) for n in self.nodes if n.kind == "input")
        outputs = ", ".join(_by(n.shape) for n in self.nodes if n.name in self.outputs)
        rows = [("layer", "kind", "output", "matrix", "weights", "MAC")]
        for node in self.products:
            matrix = node.matrix
            groups = f"{matrix.groups} of " if matrix.groups > 1 else ""
            rows.append(
                (
                    node.name,
                    node.kind,
                    _by(node.shape),
                    f"{groups}{matrix.rows} x {matrix.cols}",
                    _count(node.weights),
                    _count(node.macs),
                )
            )
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 4 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        digital: dict[str, list[int]] = {}
        for node in self.nodes:
            if not node.is_product and node.kind not in MOVE_KINDS:
                digital.setdefault(node.kind, []).append(node.operations)
        lines += [
            f"digital: {kind} x{len(counts)}, {_count(sum(counts))} operations"
            for kind, counts in digital.items()
        ]
        title = (
            f"{self.name}: {inputs} -> {outputs}, {len(self.products)} layers on arrays,"
            f" {_count(self.weights)} weights, {_count(self.macs)} MAC"
        )
        return "\n".join([title, *lines])


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _count(number: int) -> str:
    """Show a count with four digits: ``864``, ``11.68 M``."""
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= scale:
            return f"{number / scale:.4g} {letter}"
    return str(number)
