"""What a processor's matrix tiles do when nothing else stands in the loop."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from crossbar.kernels._tiles import _call, configure, release

__all__ = ["PRODUCTS", "multiply_tiles"]

_EIGHTS = 20000
PRODUCTS = 8 * _EIGHTS
"""Products of 16 x 64 by 64 x 16 bytes that `multiply_tiles` computes."""


@intrinsic
def _eight_products(typingctx):
    """Eight products of tiles that stay in their registers."""

    def codegen(context, builder, signature, args):
        for k in range(8):
            _call(builder, "tdpbusd", k % 4, 4 + k % 2, 6 + k % 2)
        return context.get_dummy_value()

    return types.void(), codegen


@njit(nogil=True)
def _multiply(numbers, eights):
    configure(numbers)
    for _ in range(eights):
        _eight_products()
    release()


def multiply_tiles() -> None:
    """Multiply tiles only: the ceiling of every kernel that uses them."""
    _multiply(np.zeros(64, np.uint8), _EIGHTS)
