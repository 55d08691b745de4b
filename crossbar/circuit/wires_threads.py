"""BLAS on one thread, for as long as anybody solves an array.

Arrays are solved side by side by the caller's threads.  A product cut over BLAS threads would cost
more than it saves, and its last bits would depend on how many there are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import scipy.linalg  # noqa: F401  its BLAS must be loaded before the controller looks for it
from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]


class _Hold:
    """How many solves are under way, and what is brought back after the last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0
        self.before: list[int] = []


_HOLD = _Hold()


@lru_cache(maxsize=1)
def _libraries() -> list[Any]:
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(limits: list[int]) -> None:
    for library, limit in zip(_libraries(), limits, strict=True):
        # threadpoolctl obeys one thread only, the first to ask, and silently ignores the others;
        # the lock of _HOLD is what keeps threads from contradicting one another here
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(limit)
        release(force=True)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread; holds may overlap, the last to end restores what was before."""
    with _HOLD.lock:
        if _HOLD.users == 0:
            _HOLD.before = [library.num_threads for library in _libraries()]
            _set([1] * len(_HOLD.before))
        _HOLD.users += 1
    try:
        yield
    finally:
        with _HOLD.lock:
            _HOLD.users -= 1
            if _HOLD.users == 0:
                _set(_HOLD.before)
