"""Intrinsics on sixteen columns at a time, written as vector instructions.

LLVM's loop vectoriser keeps column sums in memory and Numba widens 32-bit integers to 64 bits; both
cost a factor of two to eight here.  A vector of sixteen 32-bit lanes is one AVX-512 register; LLVM
cuts it into the registers that a narrower processor has.  Arrays are one-dimensional and offsets
count elements; arrays made by `aligned` are read and written by whole cache lines.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "ANY",
    "I32",
    "I64",
    "LANES",
    "LINE",
    "REAL",
    "WHOLE",
    "add_wide",
    "aligned",
    "convert_reads",
    "full_registers",
    "pointer",
    "search_steps",
    "spread",
    "sum_entries",
    "whole",
]

LANES = 16
"""Columns of a block."""

I32, I64 = ir.IntType(32), ir.IntType(64)
WHOLE, REAL = ir.VectorType(I32, LANES), ir.VectorType(ir.FloatType(), LANES)
LINE = 64
"""Bytes of a cache line, where arrays had better begin."""
ANY = 4
"""Alignment that is relied on: copies of an array, as a pickle makes them, are right too."""


def aligned(shape, dtype):
    """Return zeros that begin at a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + LINE, np.uint8)
    start = -raw.ctypes.data % LINE
    return raw[start : start + size].view(dtype).reshape(shape)


def whole(number):
    """Sixteen times the same 32-bit integer."""
    signed = (number & 0xFFFFFFFF) - ((number & 0x80000000) << 1)
    return ir.Constant(WHOLE, [ir.Constant(I32, signed)] * LANES)


def spread(builder, value):
    """Sixteen times a scalar."""
    kind = ir.VectorType(value.type, LANES)
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(WHOLE, None))


def pointer(context, builder, kind, array, at, element):
    """Where element ``at`` of an array lies, as a pointer to ``element``."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), element.as_pointer())


@intrinsic
def full_registers(typingctx):
    """Let LLVM use 512-bit vectors in the calling function; its default on recent CPUs is half."""

    def codegen(context, builder, signature, args):
        # llvmlite's attribute set only knows LLVM's enumerated attributes; this is a string
        # attribute
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def sum_entries(typingctx, table, first, index, at, count, sums, to, sign):
    """Add up one table entry for each 4-bit index; the only loop that matters.

    ``sums[to:to + 16] = (sign ? sums[to:to + 16] : 0) + (sign < 0 ? -1 : 1) * sum_k
    table[first + 256 k + 16 n_k:][:16]``, ``n_k`` the k-th nibble from ``index[at]`` on.

    Parameters
    ----------
    table : int32 or float32[...]
    first : int
    index : uint64[...]
    at : int
    count : int
        Eights of indices.
    sums : like table
    to : int
    sign : int
        0 to write, 1 to add, -1 to subtract.
    """

    def codegen(context, builder, signature, args):
        kinds = signature.args
        real = kinds[0].dtype is types.float32
        vector = REAL if real else WHOLE
        add, subtract = (builder.fadd, builder.fsub) if real else (builder.add, builder.sub)
        table_at = pointer(context, builder, kinds[0], args[0], args[1], vector)
        index_at = pointer(context, builder, kinds[2], args[2], args[3], I32)
        sums_at = pointer(context, builder, kinds[5], args[5], args[6], vector)
        chains = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(2)]
        for chain in chains:  # a call in a loop starts anew
            builder.store(ir.Constant(vector, None), chain)
        with cgutils.for_range(builder, args[4]) as loop:
            bits = builder.load(builder.gep(index_at, [loop.index]))
            row = builder.gep(table_at, [builder.mul(loop.index, ir.Constant(I64, 8 * 16))])
            for j in range(8):
                nibble = builder.and_(
                    builder.lshr(bits, ir.Constant(I32, 4 * j)), ir.Constant(I32, 15)
                )
                place = builder.add(builder.zext(nibble, I64), ir.Constant(I64, 16 * j))
                entry = builder.load(builder.gep(row, [place]), align=ANY)
                builder.store(add(builder.load(chains[j % 2]), entry), chains[j % 2])
        total = add(builder.load(chains[0]), builder.load(chains[1]))
        before = builder.load(sums_at, align=ANY)
        zero = ir.Constant(args[7].type, 0)
        joined = builder.select(
            builder.icmp_signed("<", args[7], zero), subtract(before, total), add(before, total)
        )
        fresh = builder.icmp_signed("==", args[7], zero)
        builder.store(builder.select(fresh, total, joined), sums_at, align=ANY)
        return context.get_dummy_value()

    w = types.intp
    return types.void(table, w, index, w, w, sums, w, w), codegen


@intrinsic
def convert_reads(typingctx, sums, at, plan, reads, offset, first, frac, low, high, total, clipped):
    """Convert the sums of all reads, shift and add.

    ``code_t = (sums[at + 16 t:] + offset[first:]) >> frac``; ``total = sum_t
    +-clip(code_t, low, high) << shift_t``; ``clipped`` counts the codes outside.

    Parameters
    ----------
    sums : int32[...]
    at : int
    plan : int64[4 * reads]
        Of each read: two numbers not used here, shift, -1 to negate.
    reads : int
    offset : int32[...]
    first : int
    frac, low, high : int
    total : int32[16]
        Written.
    clipped : int32[16]
        Added to.
    """

    def codegen(context, builder, signature, args):
        sums, at, plan, reads, offset, first, frac, low, high, total, clipped = args
        kinds, zero = signature.args, ir.Constant(I64, 0)
        sums_at = pointer(context, builder, kinds[0], sums, at, WHOLE)
        plan_at = pointer(context, builder, kinds[2], plan, zero, I64)
        offset_at = pointer(context, builder, kinds[4], offset, first, WHOLE)
        total_at = pointer(context, builder, kinds[9], total, zero, WHOLE)
        clipped_at = pointer(context, builder, kinds[10], clipped, zero, WHOLE)
        shift, bottom, top = (
            spread(builder, builder.trunc(value, I32)) for value in (frac, low, high)
        )
        raised = builder.load(offset_at, align=ANY)
        joined = cgutils.alloca_once(builder, WHOLE)
        count = cgutils.alloca_once(builder, WHOLE)
        builder.store(whole(0), joined)
        builder.store(builder.load(clipped_at, align=ANY), count)
        with cgutils.for_range(builder, reads) as loop:
            value = builder.load(builder.gep(sums_at, [loop.index]), align=ANY)
            code = builder.ashr(builder.add(value, raised), shift)
            inside = builder.select(builder.icmp_signed("<", code, bottom), bottom, code)
            inside = builder.select(builder.icmp_signed(">", inside, top), top, inside)
            outside = builder.zext(builder.icmp_signed("!=", inside, code), WHOLE)
            builder.store(builder.add(builder.load(count), outside), count)
            place = builder.mul(loop.index, ir.Constant(I64, 4))
            left, negate = (
                spread(
                    builder,
                    builder.trunc(
                        builder.load(
                            builder.gep(plan_at, [builder.add(place, ir.Constant(I64, k))])
                        ),
                        I32,
                    ),
                )
                for k in (2, 3)
            )
            term = builder.sub(builder.xor(builder.shl(inside, left), negate), negate)
            builder.store(builder.add(builder.load(joined), term), joined)
        builder.store(builder.load(joined), total_at, align=ANY)
        builder.store(builder.load(count), clipped_at, align=ANY)
        return context.get_dummy_value()

    w = types.intp
    kinds = (sums, w, plan, w, offset, w, w, w, w, total, clipped)
    return types.void(*kinds), codegen


@intrinsic
def search_steps(typingctx, sums, at, reads, which, first, steps, origin, width, buckets, pieces):
    """Replace sums by codes: a bucket of the sum, then its boundaries, one after the other.

    ``i = clip((sum - origin) >> width, 0, buckets - 1)``; code = ``before`` of entry
    ``which + i``, then ``after`` of each of its pieces whose boundary is not above the sum.

    Parameters
    ----------
    sums : int32[...]
    at, reads : int
        ``reads`` times sixteen sums from ``at`` on.
    which : int32[...]
        First entry of each column's converter.
    first : int
    steps : int32[2 * pieces, entries]
        Of each piece the boundary, and ``before | after << 16``.
    origin, width, buckets, pieces : int
    """

    def codegen(context, builder, signature, args):
        sums, at, reads, which, first, steps, origin, width, buckets, pieces = args
        kinds = signature.args
        sums_at = pointer(context, builder, kinds[0], sums, at, WHOLE)
        which_at = pointer(context, builder, kinds[3], which, first, WHOLE)
        table = context.make_array(kinds[5])(context, builder, steps)
        entries = builder.extract_value(table.shape, 1)
        base = builder.load(which_at, align=ANY)
        start, shift, top = (
            spread(builder, builder.trunc(value, I32))
            for value in (origin, width, builder.sub(buckets, ir.Constant(I64, 1)))
        )
        code = cgutils.alloca_once(builder, WHOLE)

        def gather(row):
            """Sixteen loads: as quick as the instruction, on every processor."""
            data = builder.gep(table.data, [builder.mul(row, entries)])
            out = ir.Constant(WHOLE, ir.Undefined)
            for k in range(LANES):
                lane = ir.Constant(I32, k)
                index = builder.zext(builder.extract_element(place, lane), I64)
                out = builder.insert_element(out, builder.load(builder.gep(data, [index])), lane)
            return out

        with cgutils.for_range(builder, reads) as read:
            value_at = builder.gep(sums_at, [read.index])
            value = builder.load(value_at, align=ANY)
            place = builder.ashr(builder.sub(value, start), shift)
            negative = builder.icmp_signed("<", place, whole(0))
            place = builder.select(negative, whole(0), place)
            place = builder.select(builder.icmp_signed(">", place, top), top, place)
            place = builder.add(place, base)
            builder.store(whole(0), code)
            with cgutils.for_range(builder, pieces) as piece:
                row = builder.mul(piece.index, ir.Constant(I64, 2))
                boundary = gather(row)
                both = gather(builder.add(row, ir.Constant(I64, 1)))
                before = builder.and_(both, whole(0xFFFF))
                is_first = builder.icmp_signed("==", piece.index, ir.Constant(I64, 0))
                below = builder.select(is_first, before, builder.load(code))
                above = builder.lshr(both, whole(16))
                reached = builder.icmp_signed(">=", value, boundary)
                builder.store(builder.select(reached, above, below), code)
            builder.store(builder.load(code), value_at, align=ANY)
        return context.get_dummy_value()

    w = types.intp
    return types.void(sums, w, w, which, w, steps, w, w, w, w), codegen


@intrinsic
def add_wide(typingctx, total, flip, first, left, out, to):
    """``out[to:to + 16] += ((total ^ flip[first:]) - flip[first:]) << left`` in 64 bits."""

    def codegen(context, builder, signature, args):
        total, flip, first, left, out, to = args
        kinds = signature.args
        wide = ir.VectorType(I64, LANES)
        total_at = pointer(context, builder, kinds[0], total, ir.Constant(I64, 0), WHOLE)
        flip_at = pointer(context, builder, kinds[1], flip, first, WHOLE)
        out_at = pointer(context, builder, kinds[4], out, to, wide)
        sign = builder.load(flip_at, align=ANY)
        value = builder.sub(builder.xor(builder.load(total_at, align=ANY), sign), sign)
        moved = builder.shl(builder.sext(value, wide), spread(builder, left))
        builder.store(builder.add(builder.load(out_at, align=8), moved), out_at, align=8)
        return context.get_dummy_value()

    w = types.intp
    return types.void(total, flip, w, w, out, w), codegen
