"""How often rows are driven together: the second moments that energy through wires needs."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import int64, types
from numba.extending import intrinsic

from crossbar.kernels._jit import jit

__all__ = ["add_moments", "pack_rows"]


@intrinsic
def _popcount(typingctx, word):
    """Count the set bits of a uint64."""

    def codegen(context, builder, signature, args):
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(ctpop, args)

    return types.uint64(types.uint64), codegen


@jit
def pack_rows(columns, raised, negate, out):
    """Cut inputs into bits, 64 input vectors a word.

    Parameters
    ----------
    columns : float32[rows, vectors]
        Whole numbers, from `crossbar.kernels.inputs.unfold`.
    raised : int
        Added to each.
    negate : int
        0: the bits of the number (of two's complement where it is negative); 1: the bits of
        ``max(x, 0)``; -1: those of ``max(-x, 0)``.
    out : uint64[bits, rows, words]
        Filled; bit k of a row's vector v is bit ``v % 64`` of ``out[k, row, v // 64]``.
    """
    bits, rows, words = out.shape
    vectors = columns.shape[1]
    for r in range(rows):
        for w in range(words):
            for k in range(bits):
                out[k, r, w] = 0
            first = 64 * w
            for i in range(min(64, vectors - first)):
                x = int64(columns[r, first + i]) + raised
                if negate:
                    x = max(x * negate, 0)
                lane = np.uint64(i)
                for k in range(bits):
                    out[k, r, w] |= np.uint64((x >> k) & 1) << lane


@jit
def add_moments(one, other, weight, out):
    """Count the input vectors in which a bit of one row and a bit of another are both set.

    ``out[r, q] += weight * sum over vectors of one[r] & other[q]``

    Parameters
    ----------
    one, other : uint64[rows, words]
        A bit of each row, 64 input vectors a word.
    weight : int
    out : int64[rows, rows]
        Added to.
    """
    for r in range(one.shape[0]):
        for q in range(other.shape[0]):
            both = 0
            for k in range(one.shape[1]):
                both += int64(_popcount(one[r, k] & other[q, k]))
            out[r, q] += weight * both
