"""How often rows are driven together: the second moments that energy through wires needs."""

from __future__ import annotations

from llvmlite import ir
from numba import int64, types
from numba.extending import intrinsic

from crossbar.kernels._jit import jit

__all__ = ["add_moments"]


@intrinsic
def _popcount(typingctx, word):
    """Count the set bits of a uint64."""

    def codegen(context, builder, signature, args):
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(ctpop, args)

    return types.uint64(types.uint64), codegen


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
