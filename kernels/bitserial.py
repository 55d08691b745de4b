"""Reads of bit-sliced crossbars: popcounts, one conversion a read, shift-and-add.

The innermost loop runs over columns with every other extent a compile-time constant, so that the
sum of popcounts, the conversion and the shift-and-add of up to eight reads are one vector
expression.
"""

from __future__ import annotations

from functools import cache

from llvmlite import ir
from numba import int64, types, uint64
from numba.extending import intrinsic

from crossbar.kernels._jit import jit

__all__ = ["reader"]


@intrinsic
def _popcount(typingctx, word):
    """Count the set bits of a uint64."""

    def codegen(context, builder, signature, args):
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(ctpop, args)

    return types.uint64(types.uint64), codegen


@intrinsic
def _full_registers(typingctx):
    """Let LLVM use 512-bit vectors in the calling function; its default on recent CPUs is half."""

    def codegen(context, builder, signature, args):
        # llvmlite's attribute set only knows LLVM's enumerated attributes; this is a string
        # attribute
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@cache
def reader(words, dac_planes, cell_planes, reads, full, paired, count, bipolar=0):
    """Build the kernel that reads one slice of a programmed matrix.

    Parameters
    ----------
    words : int
        64-row words of a row group.
    dac_planes, cell_planes : int
        Bits of a DAC digit and of a stored code.
    reads : int
        Reads joined in one call (the caller goes on for more).
    full, paired, count : int
        1 for an ADC range stretched over s_max; for currents subtracted before conversion; for
        counting saturations.
    bipolar : int
        1 for inputs driven with their sign, positive and negative parts in planes of their own.

    Returns
    -------
    callable
        ``kernel(x, plus, minus, flip, adc, plan, out) -> saturations`` with

        - x : uint64[positions, row_groups, planes, words], bit planes of the inputs
        - plus, minus : uint64[row_groups, cell_planes, words, cols], bit planes of the codes
        (``minus``
          is used when paired)
        - flip : int64[row_groups, cols], 0, or -1 where the column's result is negated
        - adc : int64[6], low, high, factor, bias, shift of ``code = (s * factor + bias) >> shift``
          and s_max (full with sums of either sign, paired or bipolar: of ``s + s_max``, then minus
          ``high``)
        - plan : int64[3], first plane, left shift of the first read, -1 to negate all (sign read);
          bipolar: int64[4], planes from a positive part to its negative one
        - out : int64[positions, cols], added to

        ``out[p, c] += sum_g sum_t +-clip(adc(sum_r digit[t, r] * code[r, c])) << (t * dac_planes)``
    """
    signed = int(bool(paired or bipolar))

    @jit
    def read_slice(x, plus, minus, flip, adc, plan, out):
        _full_registers()
        n_groups = x.shape[1]
        n_cols = out.shape[1]
        low, high, factor, bias, right, s_max = adc[0], adc[1], adc[2], adc[3], adc[4], adc[5]
        first, left, negate = plan[0], plan[1], plan[2]
        between = plan[3] if bipolar else 0
        saturations = 0
        sign_bit = uint64(63)
        for p in range(x.shape[0]):
            for g in range(n_groups):
                for c in range(n_cols):
                    total = 0
                    for t in range(reads):
                        s = 0
                        for d in range(dac_planes):
                            for q in range(cell_planes):
                                ones = 0
                                for i in range(words):
                                    word = x[p, g, first + t * dac_planes + d, i]
                                    ones += int64(_popcount(word & plus[g, q, i, c]))
                                    if paired:
                                        ones -= int64(_popcount(word & minus[g, q, i, c]))
                                    if bipolar:
                                        word = x[p, g, first + between + t * dac_planes + d, i]
                                        ones -= int64(_popcount(word & plus[g, q, i, c]))
                                        if paired:
                                            ones += int64(_popcount(word & minus[g, q, i, c]))
                                s += ones << (d + q)
                        if full:
                            if signed:
                                s = (((s + s_max) * factor + bias) >> right) - high
                            else:
                                s = (s * factor + bias) >> right
                        if count:
                            # the sign bit of the room left: a comparison would take the popcounts'
                            # port
                            saturations += int64(uint64(high - s) >> sign_bit)
                            if signed:
                                saturations += int64(uint64(s - low) >> sign_bit)
                        if signed:
                            s = max(s, low)
                        total += min(s, high) << (t * dac_planes)
                    sign = flip[g, c] ^ negate
                    out[p, c] += ((total ^ sign) - sign) << left
        return saturations

    return read_slice
