"""Write a network down as its paper does; the shapes are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from crossbar.errors import InputError, UnknownNameError
from crossbar.workload import operations as count
from crossbar.workload.checks import validate
from crossbar.workload.graph import CONVOLUTIONS, Node, Workload
from crossbar.workload.shapes import Shape, infer_shape, matmul_shape, shape_text

__all__ = ["Pair", "WorkloadBuilder"]

Pair = int | tuple[int, ...]
"""One number for all axes of a map (height and width, say), or one of each."""


def _each(value: Pair, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


class WorkloadBuilder:
    """A network in the making.

    Every method adds one node and returns its name, which the next ones take as their input::

        net = WorkloadBuilder("small")
        x = net.input("input", (1, 28, 28))
        x = net.relu("relu", net.conv("conv", x, 8, 3, padding=1))
        x = net.linear("fc", net.flatten("flatten", x), 10)
        work = net.build(x)

    Batch normalisation in inference is a scale and shift per channel, folded into the convolution
    before it: leave it out (and leave ``bias=True``).

    Parameters
    ----------
    name : str
        Name of the workload.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: dict[str, Node] = {}

    def shape(self, name: str) -> Shape:
        """Return the output shape of a node added before."""
        if name not in self._nodes:
            raise UnknownNameError("node", name, self._nodes)
        return self._nodes[name].shape

    def build(self, *outputs: str) -> Workload:
        """Return the finished workload.

        Parameters
        ----------
        outputs : str
            Names of the nodes whose values leave the network.

        Raises
        ------
        WorkloadError
            If something in it does not make sense, all problems at once.
        """
        workload = Workload(self.name, tuple(self._nodes.values()), outputs)
        validate(workload)
        return workload

    def input(self, name: str, shape: Sequence[int]) -> str:
        """Add an input of the network; ``shape`` is that of one sample."""
        return self._add(name, "input", (), tuple(shape))

    def conv(
        self,
        name: str,
        x: str,
        channels: int,
        kernel: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> str:
        """Add a convolution; ``channels`` are its outputs.

        The input is ``(channels, length)``, ``(channels, height, width)`` or ``(channels, depth,
        height, width)``: the kind follows from its axes.
        """
        given = self._map(name, x)
        axes = len(given) - 1
        attrs = {
            "in_channels": given[0],
            "out_channels": channels,
            "kernel": _each(kernel, axes),
            "stride": _each(stride, axes),
            "padding": _each(padding, axes),
            "dilation": _each(dilation, axes),
            "groups": groups,
            "bias": bias,
        }
        return self._infer(name, CONVOLUTIONS[axes - 1], (x,), attrs, weight=f"{name}.weight")

    def linear(self, name: str, x: str, features: int, *, bias: bool = True) -> str:
        """Add a fully connected layer over the last axis; ``features`` are its outputs."""
        attrs = {"in_features": self._axes(name, x)[-1], "out_features": features, "bias": bias}
        return self._infer(name, "linear", (x,), attrs, weight=f"{name}.weight")

    def max_pool(
        self, name: str, x: str, kernel: Pair, *, stride: Pair | None = None, padding: Pair = 0
    ) -> str:
        """Add max pooling; the stride is the kernel unless given."""
        return self._pool(name, "pool_max", x, kernel, stride, padding)

    def avg_pool(
        self, name: str, x: str, kernel: Pair, *, stride: Pair | None = None, padding: Pair = 0
    ) -> str:
        """Add average pooling; the stride is the kernel unless given."""
        return self._pool(name, "pool_avg", x, kernel, stride, padding)

    def global_avg_pool(self, name: str, x: str) -> str:
        """Add the average of each channel's whole map: ``(c, h, w) -> (c, 1, 1)``."""
        return self.avg_pool(name, x, self._map(name, x)[1:])

    def relu(self, name: str, x: str) -> str:
        """Add max(x, 0)."""
        return self.activation(name, x, "relu")

    def activation(self, name: str, x: str, operator: str) -> str:
        """Add an element-wise function such as ``"relu6"``, ``"gelu"`` or ``"tanh"``."""
        return self._infer(name, "activation", (x,), {"operator": operator})

    def add(self, name: str, *inputs: str) -> str:
        """Add the sum of nodes (NumPy's broadcasting)."""
        return self._infer(name, "add", inputs, {}, at_least=2)

    def mul(self, name: str, *inputs: str) -> str:
        """Add the element-wise product of nodes, or of one node and a constant."""
        if len(inputs) == 1:
            return self._add(name, "mul", inputs, self.shape(inputs[0]))
        return self._infer(name, "mul", inputs, {}, at_least=2)

    def matmul(self, name: str, left: str, right: str) -> str:
        """Add the product of two activations, ``(..., m, k) @ (..., k, n)``."""
        shapes = self.shape(left), self.shape(right)
        shape = self._shaped(name, lambda: matmul_shape(*shapes))
        operations = count.matmul_operations(shape, shapes[0][-1])
        return self._add(name, "matmul", (left, right), shape, {"operations": operations})

    def softmax(self, name: str, x: str) -> str:
        """Add a softmax over the last axis."""
        operations = count.softmax_operations(self._axes(name, x))
        return self._infer(name, "softmax", (x,), {"operations": operations})

    def norm(
        self,
        name: str,
        x: str,
        *,
        operator: str = "layer_norm",
        operations: int | None = None,
    ) -> str:
        """Add a normalisation; of the last axis with learned scale and shift unless counted."""
        counted = operations
        if counted is None:
            counted = count.norm_operations(self._axes(name, x))
        return self._infer(name, "norm", (x,), {"operator": operator, "operations": counted})

    def embedding(self, name: str, x: str, entries: int, features: int) -> str:
        """Add a table look-up: a vector of ``features`` for every index in ``x``."""
        attrs = {"entries": entries, "features": features}
        return self._add(name, "embedding", (x,), (*self.shape(x), features), attrs)

    def concat(self, name: str, *inputs: str, axis: int = 0) -> str:
        """Join nodes along an axis."""
        return self._infer(name, "concat", inputs, {"axis": axis}, at_least=2)

    def reshape(
        self,
        name: str,
        x: str,
        shape: Sequence[int],
        operator: str = "view",
        axes: Sequence[int] | None = None,
    ) -> str:
        """Add a view, transposition, slice or padding: data moves, nothing is computed.

        ``axes`` are the permutation of a transposition; a view may go before or follow, where that
        has more axes than the input or the result.
        """
        self.shape(x)
        attrs: dict[str, Any] = {"operator": operator}
        if axes is not None:
            attrs["axes"] = tuple(axes)
        return self._add(name, "reshape", (x,), tuple(shape), attrs)

    def flatten(self, name: str, x: str) -> str:
        """Make one axis of all."""
        return self.reshape(name, x, (prod(self.shape(x)),), "flatten")

    def digital(
        self, name: str, kind: str, inputs: Sequence[str], shape: Sequence[int], operations: int
    ) -> str:
        """Add any other digital node, with its count of scalar operations."""
        for x in inputs:
            self.shape(x)
        return self._add(name, kind, tuple(inputs), tuple(shape), {"operations": operations})

    def _pool(
        self, name: str, kind: str, x: str, kernel: Pair, stride: Pair | None, padding: Pair
    ) -> str:
        given = self._map(name, x)
        axes = len(given) - 1
        attrs: dict[str, Any] = {
            "kernel": _each(kernel, axes),
            "stride": _each(kernel if stride is None else stride, axes),
            "padding": _each(padding, axes),
        }
        shape = self._shaped(name, lambda: infer_shape(kind, attrs, [given]))
        attrs["operations"] = count.pool_operations(shape, attrs["kernel"])
        return self._add(name, kind, (x,), shape, attrs)

    def _infer(
        self,
        name: str,
        kind: str,
        inputs: Sequence[str],
        attrs: dict[str, Any],
        *,
        weight: str | None = None,
        at_least: int = 1,
    ) -> str:
        if len(inputs) < at_least:
            raise InputError(
                f"{self.name}: {name}: {len(inputs)} inputs, {kind} takes {at_least} or more"
            )
        shapes = [self.shape(x) for x in inputs]
        shape = self._shaped(name, lambda: infer_shape(kind, attrs, shapes))
        return self._add(name, kind, tuple(inputs), shape, attrs, weight)

    def _axes(self, name: str, x: str) -> Shape:
        """Shape of ``x``, which ``name`` needs to have at least one axis."""
        shape = self.shape(x)
        if not shape:
            raise InputError(
                f"{self.name}: {name}: input {x!r} is {shape_text(shape)}, needs at least one axis"
            )
        return shape

    def _map(self, name: str, x: str) -> Shape:
        """Shape of ``x``, which ``name`` needs to be channels and one to three axes."""
        shape = self.shape(x)
        if not 2 <= len(shape) <= 4:
            raise InputError(
                f"{self.name}: {name}: input {x!r} is {shape_text(shape)}, needs 2 to 4 axes:"
                " channels and a map"
            )
        return shape

    def _shaped(self, name: str, rule: Callable[[], Shape | None]) -> Shape:
        try:
            shape = rule()
        except ValueError as error:
            raise InputError(f"{self.name}: {name}: {error}") from error
        if shape is None:
            raise InputError(f"{self.name}: {name}: its shape does not follow from its inputs")
        return shape

    def _add(
        self,
        name: str,
        kind: str,
        inputs: tuple[str, ...],
        shape: Shape,
        attrs: dict[str, Any] | None = None,
        weight: str | None = None,
    ) -> str:
        if name in self._nodes:
            raise InputError(
                f"{self.name}: {name}: the {self._nodes[name].kind} of shape"
                f" {shape_text(self._nodes[name].shape)} has this name; names are unique"
            )
        self._nodes[name] = Node(name, kind, inputs, shape, attrs or {}, weight)
        return name
