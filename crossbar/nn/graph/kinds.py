"""What an operation is to the hardware: its workload kind and its facts.

Counts of operations follow `crossbar.workload.operations`: one is a multiply-add, a comparison, a
table look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from crossbar.nn.graph.cuts import padded, taken
from crossbar.nn.graph.draft import Draft, Lowered, Traced
from crossbar.nn.graph.families import KINDS, PERMUTATIONS, TAPS, label
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref
from crossbar.workload import operations as count

__all__ = ["classify"]


def classify(draft: Draft, graph: Lowered, shapes: SampleShapes) -> tuple[str, dict[str, Any]]:
    """Return the workload kind of an operation (no product) and the attributes of its node.

    An operation of unknown sort is ``"other"``. Those of kind ``"other"`` and ``"matmul"`` that use
    constant weights say how many in ``weights``.
    """
    if draft.op == "_operator.getitem":
        return "reshape", {"operator": "getitem"}
    kind = KINDS.get(draft.base, "other")
    if draft.op.startswith("crossbar."):
        return _own(draft, graph, shapes)
    facts = _Facts(draft, graph, shapes)
    weights = facts.weights
    if kind == "matmul" and draft.base == "linear" and weights:
        kind = "other"  # a layer whose bias is not constant
    rule = _RULES.get(draft.base if kind == "other" else kind)
    attrs: dict[str, Any] = {"operator": label(draft.base)}
    attrs.update(rule(facts) if rule else {})
    if weights and kind in ("matmul", "other"):
        attrs["weights"] = weights
    return kind, attrs


def _own(draft: Draft, graph: Lowered, shapes: SampleShapes) -> tuple[str, dict[str, Any]]:
    """Classify what `crossbar.nn.graph.functions` does."""
    args = draft.args
    if draft.base == "cell":
        return "cell", {"operator": args[0]}
    if draft.base == "states":
        return "cell", {"operator": args[1]}
    products, _, *geometry = args
    keys = ("kernel", "stride", "padding", "output_padding", "dilation")
    return "overlap_add", {
        "operator": f"conv_transpose{len(geometry[0])}d",
        **{key: tuple(sizes) for key, sizes in zip(keys, geometry, strict=True)},
        "operations": prod(shapes.shape(draft.name, graph.values[products.name])),
    }


def _einsum(facts: _Facts) -> dict[str, Any]:
    equation = str(facts.named["equation"]).replace(" ", "").partition("->")[0]
    operands = facts.named["tensors"]
    terms = equation.split(",")
    if "..." in equation or len(terms) != len(operands):
        return {}
    sizes = {
        letter: facts.shapes.size(facts.draft.name, size)
        for term, operand in zip(terms, operands, strict=True)
        for letter, size in zip(term, facts.graph.values[operand.name].shape, strict=True)
    }
    return {"operations": prod(sizes.values())}


def _matmul(facts: _Facts) -> dict[str, Any]:
    if facts.draft.base == "einsum":
        return _einsum(facts)
    left = next(facts.named[k] for k in ("mat1", "batch1", "input", "self") if k in facts.named)
    inner = facts.graph.values[left.name].shape[-1]
    inner = facts.shapes.size(facts.draft.name, inner)
    return {"operations": count.matmul_operations(facts.output, inner)}


def _softmax(facts: _Facts) -> dict[str, Any]:
    n = facts.axis_size(facts.named["dim"])
    counted = {"operations": count.softmax_operations((prod(facts.output) // n, n))}
    axis = facts.own_axis(facts.draft.value, facts.named["dim"])
    return counted if axis is None else {**counted, "axis": axis}


def _norm(facts: _Facts) -> dict[str, Any]:
    named, base = facts.named, facts.draft.base
    if "normalized_shape" in named:
        size = prod(named["normalized_shape"])
    elif base == "instance_norm":
        size = prod(facts.output[1:])
    else:
        groups = named["num_groups"] if "num_groups" in named else named["group"]
        size = prod(facts.output) // groups
    affine = named["weight"] is not None
    return {"operations": count.norm_operations(facts.output, size, affine)}


def _attention(facts: _Facts) -> dict[str, Any]:
    query, key, value = (facts.input(n) for n in ("query", "key", "value"))
    sizes = {
        "heads": prod(query[:-2]),
        "queries": query[-2],
        "keys": key[-2],
        "width": query[-1],
        "value_width": value[-1],
    }
    return {**sizes, "operations": count.attention_operations(**sizes)}


def _embedding(facts: _Facts) -> dict[str, Any]:
    entries, features = facts.graph.values[facts.named["weight"].name].shape
    return {"entries": int(entries), "features": int(features)}


def _concat(facts: _Facts) -> dict[str, Any]:
    traced = facts.draft.value
    axis = facts.named["dim"] % traced.axes
    batch = facts.shapes.batch_axis(traced)
    if facts.draft.base == "stack" or axis == batch:
        return {}
    return {"axis": axis - 1 if batch is not None and batch < axis else axis}


def _pool(facts: _Facts) -> dict[str, Any]:
    named, given = facts.named, facts.input("input" if "input" in facts.named else "self")
    if "kernel_size" in named:
        axes = len(facts.output) - 1
        kernel = _axes(named["kernel_size"], axes)
        window: dict[str, Any] = {
            "kernel": kernel,
            "stride": _axes(named["stride"] or kernel, axes),
            "padding": _axes(named["padding"], axes),
        }
        if any(d != 1 for d in _axes(named.get("dilation", 1), axes)):
            window["dilation"] = _axes(named["dilation"], axes)
        if named["ceil_mode"]:
            window["ceil_mode"] = True
        return {**window, "operations": count.pool_operations(facts.output, kernel)}
    counted = {"operations": prod(given)}
    if "output_size" not in named:
        return counted
    pairs = list(zip(given[1:], facts.output[1:], strict=True))
    if any(size % out for size, out in pairs):
        return counted  # windows of different sizes
    kernel = tuple(size // out for size, out in pairs)
    return {"kernel": kernel, "stride": kernel, "padding": (0,) * len(kernel), **counted}


def _axes(value: Any, axes: int) -> tuple[int, ...]:
    """Write one number, or a list, out for every axis."""
    sizes = (value,) if isinstance(value, int) else tuple(value)
    return sizes * axes if len(sizes) == 1 else sizes


_REDUCTIONS = {
    **dict.fromkeys(("cumsum", "diff", "sum", "trace", "all", "any", "cumprod", "prod", "dist"), 1),
    **dict.fromkeys(("linalg_norm", "linalg_vector_norm", "norm", "frobenius_norm"), 1),
    **dict.fromkeys(("std", "std_mean", "var", "var_mean"), 2),  # a sum, a sum of squares
    **dict.fromkeys(("logsumexp", "logcumsumexp"), 3),  # comparison, exponential, sum
}
"""Operations for each element that is taken in."""

_INTO = {"index_add": "source", "scatter_add": "src", "scatter_reduce": "src"}
_SEARCHES = {"bucketize": "boundaries", "searchsorted": "sorted_sequence"}


def _elements(facts: _Facts) -> dict[str, Any]:
    """One operation for each element of the result, or of what is taken in."""
    base, named = facts.draft.base, facts.named
    if base in _REDUCTIONS:
        return {"operations": _REDUCTIONS[base] * prod(facts.input("self"))}
    if base == "cosine_similarity":  # three sums of products
        return {"operations": 3 * prod(facts.input("x1"))}
    if base in _INTO and isinstance(named[_INTO[base]], Ref):
        return {"operations": prod(facts.input(_INTO[base]))}
    if base in _SEARCHES and isinstance(named[_SEARCHES[base]], Ref):
        entries = facts.input(_SEARCHES[base])[-1]
        return {"operations": prod(facts.output) * max(1, (entries - 1).bit_length())}
    if base in ("addcdiv", "addcmul", "lerp", "glu"):
        return {"operations": 2 * prod(facts.output)}
    return {}


def _interpolation(facts: _Facts) -> dict[str, Any]:
    return {"operations": prod(facts.output) * TAPS[facts.draft.base]}


def _move(facts: _Facts) -> dict[str, Any]:
    """Where the values of a moved map come from, for the moves whose place matters."""
    if facts.draft.base in ("select", "slice"):
        return taken(facts)
    if facts.draft.base in ("constant_pad_nd", "pad"):
        return padded(facts)
    return _permutation(facts)


def _permutation(facts: _Facts) -> dict[str, Any]:
    """Order of the axes of a sample, where it is known where the batch goes."""
    base, named = facts.draft.base, facts.named
    if base not in PERMUTATIONS:
        return {}
    before, after = facts.graph.values[facts.draft.uses[0]], facts.draft.value
    order = list(range(before.axes))
    if base == "permute":
        order = [axis % before.axes for axis in named["dims"]]
    elif base in ("movedim", "moveaxis"):
        taken, put = (_list(named[key], before.axes) for key in ("source", "destination"))
        order = [axis for axis in order if axis not in taken]
        for place, axis in sorted(zip(put, taken, strict=True)):
            order.insert(place, axis)
    elif base == "numpy_T":
        order.reverse()
    elif before.axes > 1:
        keys = next((k for k in _SWAPPED if k[0] in named), None)
        a, b = (0, 1) if keys is None else (named[k] % before.axes for k in keys)
        if base in ("adjoint", "mT", "matrix_H"):
            a, b = before.axes - 2, before.axes - 1
        order[a], order[b] = order[b], order[a]
    batch = facts.shapes.batch_axis(before)
    moved = facts.shapes.batch_axis(after)
    if (None if moved is None else order[moved]) != batch:
        return {}
    rest = [axis for axis in range(before.axes) if axis != batch]
    return {"axes": tuple(rest.index(axis) for axis in order if axis != batch)}


_SWAPPED = (("dim0", "dim1"), ("axis0", "axis1"))


def _list(value: int | Sequence[int], axes: int) -> list[int]:
    return [axis % axes for axis in ([value] if isinstance(value, int) else value)]


def _convolution(facts: _Facts) -> dict[str, Any]:
    """Multiply-adds: of every output with a kernel, or of every input when it is transposed."""
    weight = facts.graph.values[facts.named["weight"].name]
    transposed = facts.named.get("transposed", "transpose" in facts.draft.base)
    shape = facts.input("input") if transposed else facts.output
    kernel = [facts.shapes.size(facts.draft.name, s) for s in weight.shape[1:]]
    return {"operations": prod(shape) * prod(kernel)}


def _recurrent(facts: _Facts) -> dict[str, Any]:
    """Multiply-adds: every weight once a time step."""
    if "input" not in facts.named:
        return {}  # packed sequences: how many steps is in the data
    return {"operations": facts.weights * prod(facts.input("input")[:-1])}


def _bilinear(facts: _Facts) -> dict[str, Any]:
    """Multiply-adds: of both inputs for every weight, and of the sums with the first."""
    first, second = (facts.input(name)[-1] for name in ("input1", "input2"))
    return {"operations": prod(facts.output) * first * (second + 1)}


def _linear(facts: _Facts) -> dict[str, Any]:
    return {"operations": prod(facts.output) * facts.input("input")[-1]}


class _Facts:
    """What the rules ask of an operation."""

    def __init__(self, draft: Draft, graph: Lowered, shapes: SampleShapes) -> None:
        self.draft = draft
        self.graph = graph
        self.shapes = shapes
        self.named = draft.named

    @property
    def weights(self) -> int:
        """How many weights of the model it uses; biases and scales, of one axis, do not count."""
        graph = self.graph
        learned = [graph.constants[u] for u in self.draft.uses if graph.origins.get(u)]
        return sum(t.numel() for t in learned if t.dim() > 1 and t.is_floating_point())

    @property
    def output(self) -> tuple[int, ...]:
        """Shape of the (first) result, of one sample."""
        return self.shapes.shape(self.draft.name, self.draft.first)

    def input(self, name: str) -> tuple[int, ...]:
        """Shape of an argument, of one sample."""
        return self.shapes.shape(self.draft.name, self.graph.values[self.named[name].name])

    def own_axis(self, value: Traced, axis: int) -> int | None:
        """An axis of a value among those of one sample; None for the batch."""
        axis, batch = axis % value.axes, self.shapes.batch_axis(value)
        if axis == batch:
            return None
        return axis - int(batch is not None and batch < axis)

    def axis_size(self, axis: int) -> int:
        """Size of one axis of the result."""
        return self.shapes.size(self.draft.name, self.draft.value.shape[axis])


_RULES: dict[str, Callable[[_Facts], dict[str, Any]]] = {
    **dict.fromkeys(("activation", "add", "logic", "mul"), _elements),
    "interpolate": _interpolation,
    "reshape": _move,
    "attention": _attention,
    "concat": _concat,
    "embedding": _embedding,
    "matmul": _matmul,
    "norm": _norm,
    "pool_avg": _pool,
    "pool_max": _pool,
    "softmax": _softmax,
    "bilinear": _bilinear,
    "linear": _linear,
    **dict.fromkeys(
        (
            *("conv1d", "conv2d", "conv3d", "convolution"),
            *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        ),
        _convolution,
    ),
    **dict.fromkeys(
        (
            *("gru", "lstm", "rnn_relu", "rnn_tanh"),
            *("gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell"),
        ),
        _recurrent,
    ),
}
