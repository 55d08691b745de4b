"""One point computed, in this process or in a worker: what comes of it is told, never raised."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from crossbar.study.packing import Packed, pack

__all__ = ["Outcome", "Work", "compute", "serve"]

Work = Callable[[dict[str, Any]], Mapping[str, Any]]
"""From the values of a point's axes to its report, as plain data."""


@dataclass(frozen=True)
class Outcome:
    """What became of a point: its report, or why there is none."""

    key: str
    packed: Packed | None
    error: str | None
    seconds: float


def compute(work: Work, key: str, values: dict[str, Any]) -> Outcome:
    """Compute one point; whatever its work raises is kept as words."""
    began = time.perf_counter()
    packed, error = None, None
    try:
        packed = pack(work(values))
    except (Exception, SystemExit) as raised:  # a model's file may call sys.exit
        error = f"{type(raised).__name__}: {raised}"
    return Outcome(key, packed, error, time.perf_counter() - began)


def serve(connection: Connection, sent: bytes, parent: int) -> None:
    """Compute the points that come, in a worker, until nobody is at the other end.

    Parameters
    ----------
    connection : Connection
        Points come and outcomes go through it.
    sent : bytes
        The work, pickled.
    parent : int
        Number of the process that has started this one.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    unpacked: list[Work] = []

    def work(values: dict[str, Any]) -> Mapping[str, Any]:
        if not unpacked:  # with the first point, so that an import that fails is told as its error
            import cloudpickle

            unpacked.append(cloudpickle.loads(sent))
        return unpacked[0](values)

    while True:
        try:
            key, values = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(compute(work, key, values))


def _watch(parent: int) -> None:
    """End a worker whose parent was killed: nobody waits for its results any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
