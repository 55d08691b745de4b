"""What an operation is to the hardware: its workload kind and its facts.

Counts of operations follow `crossbar.workload.operations`: one is a multiply-add, a comparison, a
table look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from crossbar.nn.graph.draft import Draft, Lowered
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.workload import operations as count

__all__ = ["PASSED", "classify", "label"]

PASSED = ("clone", "contiguous", "to", "_to_copy", "type_as")
"""Operations that move no data between components: their users take the producer's result."""

_BASES = {
    "activation": """
        abs ceil celu clamp clamp_max clamp_min cos elu erf exp expm1 floor gelu hardshrink
        hardsigmoid hardswish hardtanh leaky_relu log log1p log_sigmoid mish neg pow prelu
        reciprocal relu relu6 round rrelu rsqrt selu sigmoid sign silu sin softplus softshrink
        sqrt square tanh threshold
    """,
    "add": "add rsub sub sum",
    "attention": "scaled_dot_product_attention",
    "batchnorm": "batch_norm",
    "concat": "cat concat stack",
    "embedding": "embedding",
    "matmul": "addmm baddbmm bmm einsum linear matmul mm",
    "mul": "div mul",
    "norm": """
        group_norm instance_norm layer_norm native_group_norm native_layer_norm rms_norm
    """,
    "pool_avg": """
        _adaptive_avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        avg_pool1d avg_pool2d avg_pool3d mean
    """,
    "pool_max": """
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax amin max max_pool1d
        max_pool2d max_pool2d_with_indices max_pool3d min
    """,
    "reshape": """
        _reshape_copy _unsafe_view arange as_strided broadcast_to channel_shuffle chunk
        constant_pad_nd copy diagonal empty empty_like expand expand_as eye fill flatten flip
        full full_like gather index index_select linspace masked_select movedim narrow new_empty
        new_full new_ones new_zeros ones ones_like pad permute pixel_shuffle pixel_unshuffle
        reflection_pad1d reflection_pad2d repeat repeat_interleave replication_pad1d
        replication_pad2d reshape roll scalar_tensor scatter select select_scatter slice
        slice_scatter split split_with_sizes squeeze swapaxes t tensor_split tile transpose tril
        triu unbind unflatten unfold unsafe_chunk unsafe_split unsqueeze upsample_nearest1d
        upsample_nearest2d view view_as zeros zeros_like
    """,
    "softmax": "_log_softmax _safe_softmax _softmax log_softmax softmax",
}
_KINDS = {base: kind for kind, bases in _BASES.items() for base in bases.split()}

_LABELS = {
    "constant_pad_nd": "pad",
    "max_pool2d_with_indices": "max_pool2d",
    "scaled_dot_product_attention": "attention",
}


def label(base: str) -> str:
    """Return the name that users know an operator by."""
    return _LABELS.get(base, base.lstrip("_").removeprefix("native_").removeprefix("unsafe_"))


def classify(draft: Draft, graph: Lowered, shapes: SampleShapes) -> tuple[str, dict[str, Any]]:
    """Return the workload kind of an operation (no product) and the attributes of its node.

    An operation of unknown sort is ``"other"``. Those of kind ``"other"`` and ``"matmul"`` that use
    constant weights say how many in ``weights``.
    """
    if draft.op == "_operator.getitem":
        return "reshape", {"operator": "getitem"}
    kind = _KINDS.get(draft.base, "other")
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
    return {"operations": count.softmax_operations((prod(facts.output) // n, n))}


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
    return {
        "operations": count.attention_operations(
            prod(query[:-2]), query[-2], key[-2], query[-1], value[-1]
        )
    }


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


def _sum(facts: _Facts) -> dict[str, Any]:
    if facts.draft.base != "sum":
        return {}
    return {"operations": prod(facts.input("self"))}


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

    def axis_size(self, axis: int) -> int:
        """Size of one axis of the result."""
        return self.shapes.size(self.draft.name, self.draft.value.shape[axis])


_RULES: dict[str, Callable[[_Facts], dict[str, Any]]] = {
    "add": _sum,
    "attention": _attention,
    "concat": _concat,
    "embedding": _embedding,
    "matmul": _matmul,
    "norm": _norm,
    "pool_avg": _pool,
    "pool_max": _pool,
    "softmax": _softmax,
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
