"""Intrinsics on a processor's matrix tiles (Intel AMX): 16 x 64 bytes times 64 x 16 bytes.

The LLVM intrinsics that name tile registers themselves are used: nothing else in a process does, so
there is nothing to allocate.  Linux grants the registers once a process asks; every thread that
uses them configures them first (`configure`) and gives them back (`release`).

Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18;
Linux, Documentation/arch/x86/xstate.rst.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import lru_cache

from llvmlite import binding, ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic

from crossbar.kernels._lanes import ANY, I32, I64, LANES, WHOLE, pointer, spread, whole

__all__ = ["TILE", "configure", "cut_digits", "read_tile", "release", "tiles_refused"]

TILE = 1024
"""Bytes of a tile."""
_ROW = 64  # bytes of one of its sixteen rows
_SYSTEM_CALL, _REQUEST, _FEATURE = 158, 0x1023, 18  # arch_prctl, ARCH_REQ_XCOMP_PERM, tile data
_BYTE = ir.IntType(8)
_BYTES = ir.VectorType(_BYTE, _ROW)
_LONG = ir.VectorType(I64, LANES)
_CODES, _DIGITS = 6, 4  # first tiles of the codes and of the digits; sums are below


@lru_cache(maxsize=1)
def tiles_refused():
    """Say why this process cannot use tiles, ``""`` when it can; asks Linux on the first call."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "only Linux on x86-64 has them"
    given = config.CPU_FEATURES
    if given is None:
        found = binding.get_host_cpu_features()
        able = found.get("amx-int8", False) and found.get("avx512f", False) and config.ENABLE_AVX
    else:
        able = "+amx-int8" in given and "+avx512f" in given
    if not able:
        return "the processor has no amx-int8"
    if ctypes.CDLL(None).syscall(_SYSTEM_CALL, _REQUEST, _FEATURE) != 0:
        return "Linux does not grant amx-int8"
    return ""


def _call(builder, name, *arguments):
    """Call an LLVM intrinsic of the tiles; a plain int is the number of a tile."""
    values = [ir.Constant(_BYTE, a) if isinstance(a, int) else a for a in arguments]
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}"), values)


def _after(builder, place, number):
    return builder.gep(place, [ir.Constant(I64, number)])


@intrinsic
def configure(typingctx, numbers):
    """Make all eight tiles 16 rows of 64 bytes, and zero; ``numbers`` is uint8[64]."""

    def codegen(context, builder, signature, args):
        zero = ir.Constant(I64, 0)
        place = pointer(context, builder, signature.args[0], args[0], zero, _BYTE)
        shape = [0] * _ROW
        shape[0], shape[48:56] = 1, [16] * 8  # palette; rows
        shape[16:32:2] = [_ROW] * 8  # bytes of a row
        for k, value in enumerate(shape):
            builder.store(ir.Constant(_BYTE, value), _after(builder, place, k))
        _call(builder, "ldtilecfg", place)
        return context.get_dummy_value()

    return types.void(numbers), codegen


@intrinsic
def release(typingctx):
    """Give the tiles back."""

    def codegen(context, builder, signature, args):
        _call(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic(prefer_literal=True)
def cut_digits(typingctx, reads, bipolar, values, at, masks, digits, to, row):
    """``digits[to + row * t:][:64] = values[at:at + 64] & masks[t]`` for each of the reads.

    Bipolar bytes keep their sign; ``reads`` and ``bipolar`` are literal, ``masks`` is int64[reads].
    """
    n_reads, has_sign = reads.literal_value, bool(bipolar.literal_value)

    def codegen(context, builder, signature, args):
        kinds = signature.args
        _, _, values, at, masks, digits, to, row = args
        value = builder.load(pointer(context, builder, kinds[2], values, at, _BYTES), align=1)
        masks_at = pointer(context, builder, kinds[4], masks, ir.Constant(I64, 0), I64)
        digits_at = pointer(context, builder, kinds[5], digits, to, _BYTE)
        empty, zero = ir.Constant(_BYTES, ir.Undefined), ir.Constant(_BYTES, None)
        lanes = ir.Constant(ir.VectorType(I32, _ROW), None)
        negative = builder.icmp_signed("<", value, zero)
        size = builder.select(negative, builder.sub(zero, value), value) if has_sign else value
        for t in range(n_reads):
            mask = builder.trunc(builder.load(_after(builder, masks_at, t)), _BYTE)
            first = builder.insert_element(empty, mask, ir.Constant(I32, 0))
            part = builder.and_(size, builder.shuffle_vector(first, empty, lanes))
            if has_sign:
                part = builder.select(negative, builder.sub(zero, part), part)
            place = builder.gep(digits_at, [builder.mul(row, ir.Constant(I64, t))])
            builder.store(part, builder.bitcast(place, _BYTES.as_pointer()), align=1)
        return context.get_dummy_value()

    w = types.intp
    return types.void(reads, bipolar, values, w, masks, digits, w, w), codegen


class _Converter:
    """Emits the conversion of sums of sixteen columns: scaled sums to scaled, clipped codes."""

    def __init__(self, builder, options, numbers):
        self.builder, self.options = builder, options
        self.factor, self.bias, self.right, self.s_max, self.high = numbers

    def _stretched(self, sums, local):
        """Codes, not yet clipped, of sums scaled by ``2**local``."""
        builder, wide = self.builder, self.options["full"] == 2
        kind = I64 if wide else I32

        def every(value):
            return spread(builder, value if wide else builder.trunc(value, I32))

        value = builder.ashr(sums, spread(builder, local))
        if wide:
            value = builder.sext(value, _LONG)
        if self.options["signed"]:
            value = builder.add(value, every(self.s_max))
        value = builder.add(builder.mul(value, every(self.factor)), every(self.bias))
        value = builder.ashr(value, every(self.right))
        if self.options["signed"]:
            value = builder.sub(value, every(self.high))
        return builder.trunc(value, WHOLE) if kind is I64 else value

    def convert(self, sums, plan, count):
        """Return the clipped codes times ``2**local``, and the count of those outside."""
        builder = self.builder
        local, top, bottom = (builder.load(_after(builder, plan, k)) for k in range(3))
        if self.options["full"]:
            sums = builder.shl(self._stretched(sums, local), spread(builder, local))
        highest, lowest = spread(builder, top), spread(builder, bottom)
        inside = builder.select(builder.icmp_signed("<", sums, highest), sums, highest)
        if self.options["signed"]:
            inside = builder.select(builder.icmp_signed(">", inside, lowest), inside, lowest)
        if self.options["count"]:
            outside = builder.icmp_signed("!=", inside, sums)
            count = builder.sub(count, builder.sext(outside, WHOLE))
        return inside, count


def _sum_tiles(reads):
    """Tiles of sums in turn, chosen so that one is stored ``tiles - 1`` reads after its product.

    The last of a block are stored during the first reads of the next: they must not meet.
    """
    return next(n for n in (4, 3, 2) if reads % n in (0, n - 1))


_OPTIONS = ("steps", "reads", "full", "signed", "count", "bipolar", "negative", "wide")


@intrinsic(prefer_literal=True)
def read_tile(
    typingctx, steps, reads, full, signed, count, bipolar, negative, wide,
    digits, digits_at, codes, codes_at, n_steps, sums, new, old,
    plan, adc, flip, flip_at, left, out, out_at, out_row, clipped,
):  # fmt: skip
    """Multiply the digits of all reads with sixteen columns; convert and add the block before.

    Products of this block and conversions of the last one keep different parts of the processor
    busy, read by read.  ``sums[new:]`` gets the products, but for those of the last reads, which
    the next call stores there (as its ``old``).

    Parameters
    ----------
    steps, reads, full, signed, count, bipolar, negative, wide : int, literal
        Tiles of a row group (1, 2, or 0 for ``n_steps``); reads; fixed-point quotient (0 none,
        1 in 32 bits, 2 in 64 bits); sums of either sign; count saturations; digits of either sign;
        last read counts negatively; out is int64 instead of int32.
    digits, codes, sums : uint8[...]
        Tiles; ``digits`` [read, step, position, 64 rows], ``codes`` [step, 16 fours of rows,
        column, 4 rows], ``sums`` [read, position, column] of int32.
    digits_at, codes_at, new, old : int
        Bytes.
    n_steps : int
    plan : int32[3 * reads]
        Shift of each read's digits in their byte; largest and smallest code, shifted as much.
    adc : int64[6]
        As in `crossbar.kernels.bitserial.reader`.
    flip : int32[...]
        0, or -1 where the column's result is negated.
    left : int
        Shift of the result.
    out : int32 or int64[...]
        ``[positions, columns]`` in rows of ``out_row``; added to.
    clipped : int32[16]
        Added to.
    """
    literal = dict(
        zip(_OPTIONS, (steps, reads, full, signed, count, bipolar, negative, wide), strict=True)
    )
    options = {name: kind.literal_value for name, kind in literal.items()}

    def codegen(context, builder, signature, args):
        kinds = signature.args[len(_OPTIONS) :]
        digits, digits_at, codes, codes_at, n_steps, sums, new, old = args[8:16]
        plan, adc, flip, flip_at, left, out, out_at, out_row, clipped = args[16:]
        reads, fixed = options["reads"], options["steps"]
        zero, row = ir.Constant(I64, 0), ir.Constant(I64, _ROW)
        product = "tdpbssd" if options["bipolar"] else "tdpbusd"
        digits_at = pointer(context, builder, kinds[0], digits, digits_at, _BYTE)
        codes_at = pointer(context, builder, kinds[2], codes, codes_at, _BYTE)
        new_at = pointer(context, builder, kinds[5], sums, new, _BYTE)
        old_at = pointer(context, builder, kinds[5], sums, old, _BYTE)
        plan_at = pointer(context, builder, kinds[8], plan, zero, I32)
        adc_at = pointer(context, builder, kinds[9], adc, zero, I64)
        flip_at = pointer(context, builder, kinds[10], flip, flip_at, WHOLE)
        count_at = pointer(context, builder, kinds[16], clipped, zero, WHOLE)
        width = _LONG if options["wide"] else WHOLE
        out_at = pointer(context, builder, kinds[13], out, out_at, width.element)
        numbers = [builder.load(_after(builder, adc_at, k)) for k in (2, 3, 4, 5, 1)]
        converter = _Converter(builder, options, numbers)
        tiles = _sum_tiles(reads)

        def multiply(t):
            target = t % tiles
            _call(builder, "tilezero", target)
            if fixed:
                for k in range(fixed):
                    place = _after(builder, digits_at, (t * fixed + k) * TILE)
                    _call(builder, "tileloadd64", _DIGITS + k, place, row)
                    _call(builder, product, target, _DIGITS + k, _CODES + k)
                return
            with cgutils.for_range(builder, n_steps) as loop:
                at = builder.mul(loop.index, ir.Constant(I64, TILE))
                skipped = builder.mul(n_steps, ir.Constant(I64, t * TILE))
                place = builder.gep(digits_at, [builder.add(at, skipped)])
                _call(builder, "tileloadd64", _DIGITS, place, row)
                _call(builder, "tileloadd64", _CODES, builder.gep(codes_at, [at]), row)
                _call(builder, product, target, _DIGITS, _CODES)

        def store(t):
            place = _after(builder, new_at if t >= 0 else old_at, t % reads * TILE)
            _call(builder, "tilestored64", t % reads % tiles, place, row)

        for k in range(fixed):
            place = _after(builder, codes_at, k * TILE)
            _call(builder, "tileloadd64", _CODES + k, place, row)
        total = [whole(0)] * 16
        outside = builder.load(count_at, align=ANY) if options["count"] else whole(0)
        for t in range(reads):
            store(t - tiles + 1)
            multiply(t)
            for i in range(16):
                place = _after(builder, old_at, t * TILE + i * _ROW)
                value = builder.load(builder.bitcast(place, WHOLE.as_pointer()), align=ANY)
                code, outside = converter.convert(value, _after(builder, plan_at, 3 * t), outside)
                last = options["negative"] and t == reads - 1
                total[i] = (builder.sub if last else builder.add)(total[i], code)
        if options["count"]:
            builder.store(outside, count_at, align=ANY)
        sign = builder.load(flip_at, align=ANY)
        for i in range(16):
            value = builder.sub(builder.xor(total[i], sign), sign)
            if options["wide"]:
                value = builder.shl(builder.sext(value, _LONG), spread(builder, left))
            else:
                value = builder.shl(value, spread(builder, builder.trunc(left, I32)))
            place = builder.gep(out_at, [builder.mul(out_row, ir.Constant(I64, i))])
            place = builder.bitcast(place, width.as_pointer())
            builder.store(builder.add(builder.load(place, align=ANY), value), place, align=ANY)
        return context.get_dummy_value()

    w = types.intp
    kinds = (digits, w, codes, w, w, sums, w, w, plan, adc, flip, w, w, out, w, w, clipped)
    return types.void(*literal.values(), *kinds), codegen
