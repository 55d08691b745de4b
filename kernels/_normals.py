"""Normals by counter on sixteen columns at a time (intrinsics; see `crossbar.kernels._lanes`).

The counter is (key, input vector, row group, read, column).  A scalar hash of all but the column
gives 64 bits; each lane hashes its column number into them, twice 32 bits, and the two uniforms
become the normals of two successive reads.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from crossbar.kernels._lanes import ANY, I32, I64, LANES, REAL, WHOLE, pointer, spread, whole

__all__ = ["add_deviation", "add_variance", "noise_base", "normal_pair"]


def _real(number):
    """Sixteen times the same float32."""
    return ir.Constant(REAL, [ir.Constant(ir.FloatType(), float(np.float32(number)))] * LANES)


def _call(builder, name, *arguments):
    """One of LLVM's functions of float32 lanes: fma, sqrt, rint."""
    kind = ir.FunctionType(REAL, [REAL] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32")
    return builder.call(function, arguments)


def _horner(builder, x, *factors):
    """Value of a polynomial, highest power first."""
    y = _real(factors[0])
    for factor in factors[1:]:
        y = _call(builder, "fma", y, x, _real(factor))
    return y


@intrinsic
def noise_base(typingctx, key, vector, group, pair):
    """64 random bits of (key, vector, row group, pair of reads): two SplitMix64 finalisers."""

    def codegen(context, builder, signature, args):
        def number(value):
            return ir.Constant(I64, value)

        def mix(z):
            z = builder.xor(z, builder.lshr(z, number(30)))
            z = builder.mul(z, number(0xBF58476D1CE4E5B9))
            z = builder.xor(z, builder.lshr(z, number(27)))
            z = builder.mul(z, number(0x94D049BB133111EB))
            return builder.xor(z, builder.lshr(z, number(31)))

        key, vector, group, pair = args
        z = mix(builder.add(key, builder.mul(vector, number(0x9E3779B97F4A7C15))))
        place = builder.add(builder.shl(group, number(16)), pair)
        return mix(builder.add(z, builder.mul(place, number(0xD1B54A32D192ED03))))

    return types.uint64(types.uint64, types.uint64, types.uint64, types.uint64), codegen


def _two_hashes(builder, cols, low, high):
    """Two 32-bit hashes of a column number and a 64-bit base (multiply and fold, four times)."""

    def fold(h, bits):
        return builder.xor(h, builder.lshr(h, whole(bits)))

    def times(h, factor):
        return builder.mul(h, whole(factor))

    h = builder.add(times(cols, 0x9E3779B9), low)
    h = times(fold(h, 16), 0x21F0AAAD)
    h = times(builder.add(fold(h, 15), high), 0x735A2D97)
    h = fold(h, 15)
    g = times(fold(times(h, 0x85EBCA6B), 13), 0xC2B2AE35)
    return h, fold(g, 16)


def _radius(builder, h):
    """``sqrt(-2 ln u)`` of ``u = (h + 1/2) / 2**32``; logarithm as in Cephes' logf."""
    u = _call(builder, "fma", builder.uitofp(h, REAL), _real(2.0**-32), _real(2.0**-33))
    bits = builder.bitcast(u, WHOLE)
    exponent = builder.ashr(builder.sub(bits, whole(0x3F3504F3)), whole(23))
    mantissa = builder.bitcast(builder.sub(bits, builder.shl(exponent, whole(23))), REAL)
    m = builder.fsub(mantissa, _real(1))  # sqrt(1/2) - 1 .. sqrt(2) - 1
    y = _horner(
        builder, m, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
        1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )  # fmt: skip
    y = _call(builder, "fma", m, y, _real(-0.5))
    y = _call(builder, "fma", builder.fmul(m, m), y, m)
    log = _call(builder, "fma", builder.sitofp(exponent, REAL), _real(math.log(2)), y)
    return _call(builder, "sqrt", builder.fmul(_real(-2), log))


def _cosine_and_sine(builder, g):
    """Cosine and sine of ``g / 2**32`` of a turn (Cephes' cosf and sinf in each quarter)."""
    quarter = builder.ashr(builder.add(g, whole(0x20000000)), whole(30))
    rest = builder.sub(g, builder.shl(quarter, whole(30)))
    f = builder.fmul(builder.sitofp(rest, REAL), _real(math.pi / 2 / 2**30))
    ff = builder.fmul(f, f)
    sine = _horner(builder, ff, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
    sine = _call(builder, "fma", builder.fmul(sine, ff), f, f)
    cosine = _horner(
        builder, ff, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2, -0.5, 1.0
    )
    odd = builder.icmp_signed("!=", builder.and_(quarter, whole(1)), whole(0))

    def signed(value, turn):
        bit = builder.and_(builder.add(quarter, whole(turn)), whole(2))
        bits = builder.xor(builder.bitcast(value, WHOLE), builder.shl(bit, whole(30)))
        return builder.bitcast(bits, REAL)

    return (
        signed(builder.select(odd, sine, cosine), 1),
        signed(builder.select(odd, cosine, sine), 0),
    )


@intrinsic
def normal_pair(typingctx, base, cols, at, out, to):
    """Two standard normals for each of sixteen columns (Box and Muller 1958).

    Those of the even read go to ``out[to:to + 16]``, those of the odd one to the next sixteen.
    Tails reach 6.76, where 2**32 uniforms end.

    Parameters
    ----------
    base : uint64
        From `noise_base`.
    cols : int32[...]
        Global column numbers.
    at : int
    out : float32[...]
    to : int
    """

    def codegen(context, builder, signature, args):
        base, kinds = args[0], signature.args
        cols = builder.load(pointer(context, builder, kinds[1], args[1], args[2], WHOLE), align=ANY)
        low = spread(builder, builder.trunc(base, I32))
        high = spread(builder, builder.trunc(builder.lshr(base, ir.Constant(I64, 32)), I32))
        h, g = _two_hashes(builder, cols, low, high)
        radius = _radius(builder, h)
        target = pointer(context, builder, kinds[3], args[3], args[4], REAL)
        for k, value in enumerate(_cosine_and_sine(builder, g)):
            place = builder.gep(target, [ir.Constant(I32, k)])
            builder.store(builder.fmul(radius, value), place, align=ANY)
        return context.get_dummy_value()

    return types.void(types.uint64, cols, types.intp, out, types.intp), codegen


def _add_rounded(builder, sums_at, value):
    steps = builder.fptosi(_call(builder, "rint", value), WHOLE)
    builder.store(builder.add(builder.load(sums_at, align=ANY), steps), sums_at, align=ANY)


@intrinsic
def add_deviation(typingctx, sums, to, normals, at, deviation, first):
    """``sums[to:][:16] += rint(normals[at:] * deviation[first:])`` (int32; float32, float32)."""

    def codegen(context, builder, signature, args):
        kinds = signature.args
        sums_at = pointer(context, builder, kinds[0], args[0], args[1], WHOLE)
        z = pointer(context, builder, kinds[2], args[2], args[3], REAL)
        s = pointer(context, builder, kinds[4], args[4], args[5], REAL)
        _add_rounded(
            builder,
            sums_at,
            builder.fmul(builder.load(z, align=ANY), builder.load(s, align=ANY)),
        )
        return context.get_dummy_value()

    w = types.intp
    return types.void(sums, w, normals, w, deviation, w), codegen


@intrinsic
def add_variance(typingctx, sums, to, normals, at, variances, constant, first):
    """``sums[to:][:16] += rint(normals[at:] * sqrt(variances[to:] + constant[first:]))``."""

    def codegen(context, builder, signature, args):
        kinds = signature.args
        sums_at = pointer(context, builder, kinds[0], args[0], args[1], WHOLE)
        z = pointer(context, builder, kinds[2], args[2], args[3], REAL)
        v = pointer(context, builder, kinds[4], args[4], args[1], REAL)
        c = pointer(context, builder, kinds[5], args[5], args[6], REAL)
        both = builder.fadd(builder.load(v, align=ANY), builder.load(c, align=ANY))
        value = builder.fmul(builder.load(z, align=ANY), _call(builder, "sqrt", both))
        _add_rounded(builder, sums_at, value)
        return context.get_dummy_value()

    w = types.intp
    return types.void(sums, w, normals, w, variances, constant, w), codegen
