"""Which inputs each position sees, and how positions are cut for cache and threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError

__all__ = ["Span", "Window", "map_parts", "spans", "thread_count"]

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """The sliding window of a convolution; a linear layer has a window of one, and tokens across.

    Parameters
    ----------
    kernel, stride, padding, dilation : pair of int
        Down and across; the padding is the same on both sides.
    size : pair of int
        Height and width of the output.
    tokens : bool
        The layer is linear: its inputs and outputs lie in memory token by token.
    """

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    size: tuple[int, int] = (1, 1)
    tokens: bool = False

    @property
    def positions(self) -> int:
        """Input vectors an image."""
        return self.size[0] * self.size[1]

    def geometry(self, first_channel: int, channels: int) -> NDArray[np.int64]:
        """Arguments of the unfolding kernels (`crossbar.kernels.inputs.unfold`)."""
        return np.array(
            [first_channel, channels, *self.kernel, *self.stride, *self.dilation, self.size[1]],
            dtype=np.int64,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """Some positions of some images: ``images`` from ``image``, ``positions`` from ``position``."""

    image: int
    images: int
    position: int
    positions: int

    @property
    def rows(self) -> int:
        """Input vectors in it."""
        return self.images * self.positions

    def numbers(self) -> NDArray[np.int64]:
        """As the kernels take it."""
        return np.array([self.image, self.images, self.position, self.positions], dtype=np.int64)


def spans(images: int, first: int, positions: int, target: int) -> Iterator[Span]:
    """Cut ``images`` times ``positions`` from ``first`` on into spans of about ``target`` rows."""
    if positions <= target:
        step = max(1, target // max(1, positions))
        for image in range(0, images, step):
            yield Span(image, min(step, images - image), first, positions)
    else:
        parts = -(-positions // target)
        bounds = [positions * k // parts for k in range(parts + 1)]
        for image in range(images):
            for a, b in zip(bounds, bounds[1:], strict=False):
                yield Span(image, 1, first + a, b - a)


def thread_count() -> int:
    """Threads to use: ``CROSSBAR_THREADS``, else the processors this process may run on.

    Raises
    ------
    InputError
        ``CROSSBAR_THREADS`` is not a whole number of 1 or more.
    """
    given = os.environ.get("CROSSBAR_THREADS")
    if given:
        if not given.isdecimal() or int(given) < 1:
            raise InputError(f"CROSSBAR_THREADS: {given!r} is not a number of threads, 1 or more")
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="crossbar")


@lru_cache(maxsize=1)
def _blas() -> object:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def map_parts(work: Callable[[S], T], cut: list[S]) -> list[T]:
    """Run ``work`` on every part over Python threads; the kernels and BLAS release the GIL.

    BLAS is held to one thread meanwhile, unless there is a single part for several threads.
    Results come in the order of ``cut``; they are exact integers or elementwise, so they do not
    depend on the number of threads.
    """
    threads = thread_count()
    if threads > 1 and len(cut) == 1:
        return [work(part) for part in cut]  # BLAS may take the other threads
    with _blas().limit(limits=1, user_api="blas"):  # type: ignore[attr-defined]
        if threads == 1:
            return [work(part) for part in cut]
        return list(_pool(threads).map(work, cut))
