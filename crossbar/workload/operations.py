"""Scalar operations of digital nodes, for one sample: the ``operations`` attribute.

One operation is one element through one lane of a vector unit: a multiply-add, comparison, table
look-up, reciprocal ...  Element-wise kinds (activation, add, mul, an unfolded batch normalisation)
need no function: one operation an element, which is what `Node.operations` assumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

__all__ = [
    "attention_operations",
    "matmul_operations",
    "norm_operations",
    "pool_operations",
    "softmax_operations",
]


def pool_operations(shape: Sequence[int], kernel: Sequence[int]) -> int:
    """Return the operations of a pool: outputs times kernel area (compares or adds).

    Parameters
    ----------
    shape : sequence of int
        Output of the pool.
    kernel : sequence of int
        Window; of a global pool the whole map.
    """
    return prod(shape) * prod(kernel)


def matmul_operations(shape: Sequence[int], inner: int) -> int:
    """Return the multiply-accumulates of a product of two activations.

    Parameters
    ----------
    shape : sequence of int
        Output ``(..., m, n)``.
    inner : int
        Length of the axis that is summed over.
    """
    return prod(shape) * inner


def softmax_operations(shape: Sequence[int]) -> int:
    """Return the operations of a softmax over the last axis.

    A row of n takes n - 1 comparisons, n subtractions, n exponentials, n - 1 additions, one
    reciprocal and n multiplications: 5 n - 1.
    """
    n = shape[-1]
    return prod(shape[:-1]) * (5 * n - 1)


def norm_operations(shape: Sequence[int], size: int | None = None, affine: bool = True) -> int:
    """Return the operations of a layer (or group, or instance) normalisation.

    n elements that are normalised together take n additions (mean), n multiply-adds (sum of
    squares), one reciprocal square root, n multiply-adds (centre and scale) and, if ``affine``,
    n more: 4 n + 1.

    Parameters
    ----------
    shape : sequence of int
        Output of the node.
    size : int, optional
        Elements normalised together; the last axis by default.
    affine : bool
        Whether a learned scale and shift follow.
    """
    n = shape[-1] if size is None else size
    return prod(shape) // n * ((4 if affine else 3) * n + 1)


def attention_operations(
    heads: int, queries: int, keys: int, width: int, value_width: int | None = None
) -> int:
    """Return the operations of fused attention: scores, their scale, softmax, weighted values.

    Parameters
    ----------
    heads : int
        Attention heads.
    queries, keys : int
        Tokens that ask and tokens that are looked at.
    width : int
        Features of a head in queries and keys.
    value_width : int, optional
        Features of a head in the values; ``width`` by default.
    """
    scores = (heads, queries, keys)
    values = (heads, queries, width if value_width is None else value_width)
    return (
        matmul_operations(scores, width)
        + prod(scores)
        + softmax_operations(scores)
        + matmul_operations(values, keys)
    )
