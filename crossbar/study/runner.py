"""Points of a store, computed here or in processes beside, and kept as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from crossbar.errors import InputError
from crossbar.study.compute import Outcome, Work
from crossbar.study.store import Store
from crossbar.study.table import POINTS, table_of
from crossbar.study.workers import Crew, Here, Processes

__all__ = ["Progress", "Summary", "run_points"]

Progress = Callable[[int, int, int], None]
"""Is told ``done``, ``total``, ``failed``: points that have ended since the run began, points that
were open then, and how many of those that ended have failed."""

_EVERY = 5.0
"""Seconds between the writings of the table while points are computed."""

_SHARE = 20
"""A table that takes long to write is written less often: for 1 / 20 of the time."""

_LOOK = 0.2
"""Seconds between looks at a store whose last points another process computes."""


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Parameters
    ----------
    done : int
        Points that it computed.
    reused : int
        Points that were finished before, or by another process meanwhile.
    failed : int
        Points of the study that have an error instead of a report.
    seconds : float
        How long it took [s].
    """

    done: int
    reused: int
    failed: int
    seconds: float


def run_points(
    store: Store, work: Work, *, jobs: int = 1, progress: Progress | None = None
) -> Summary:
    """Compute every point of a store that is pending.

    Parameters
    ----------
    store : Store
        Its points were added.
    work : callable
        From the values of a point's axes to its report, JSON-able.  What it raises is kept as the
        point's error, and stops nothing.
    jobs : int
        1: in this process; more: so many processes beside it, each with its share of the
        processors.  One that dies fails the point it computed.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    Summary
        When every point is done or failed, also those that other processes compute.

    Raises
    ------
    InputError
        ``jobs`` is no number of processes, or the work cannot be sent to one.
    RunError
        The store was locked for too long, or its disk is full; what was finished is kept.
    KeyboardInterrupt
        After the processes have ended and what was finished was kept; the rest is pending.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise InputError(f"jobs: {jobs!r} is not a number of processes, 1 or more")
    run = _Run(store, progress)
    crew = Here(work) if jobs == 1 else Processes(work, jobs)
    try:
        store.release()  # of a run of this process that was interrupted
        with crew:
            run.through(crew)
    except KeyboardInterrupt:
        store.release()
        run.write()
        raise
    run.write()
    return run.summary()


class _Run:
    """One run: what it counts and tells."""

    def __init__(self, store: Store, progress: Progress | None) -> None:
        self.store = store
        self.progress = progress
        self.began = self.written = time.monotonic()
        self.pause = _EVERY
        self.before = store.counted()
        self.total = self.before.pending + self.before.running
        self.done = self.failed = 0

    def through(self, crew: Crew) -> None:
        """Hand out points until none is left."""
        self.tell(0, 0)
        while True:
            while n := crew.wanted():
                points = self.store.claim(n)
                if not points:
                    break
                crew.give(points)
            if crew.busy():
                for outcome in crew.told():
                    self.keep(outcome)
            elif not self.others_compute():
                return
            if time.monotonic() - self.written > self.pause:
                self.write()

    def keep(self, outcome: Outcome) -> None:
        """Store what became of a point."""
        if outcome.packed is not None:
            self.store.finish(outcome.key, outcome.packed, outcome.seconds)
            self.done += 1
        else:
            self.store.fail(outcome.key, outcome.error or "", outcome.seconds)
            self.failed += 1
        self.tell(self.done + self.failed, self.failed)

    def others_compute(self) -> bool:
        """Wait a moment for points that another process has claimed; False: there are none."""
        now = self.store.counted()
        left = now.pending + now.running
        self.tell(self.total - left, now.failed - self.before.failed)
        if left:
            time.sleep(_LOOK)
        return left > 0

    def tell(self, done: int, failed: int) -> None:
        if self.progress is not None:
            self.progress(done, self.total, failed)

    def write(self) -> None:
        """Write the table beside the store."""
        began = time.monotonic()
        table_of(self.store).to_csv(self.store.folder / POINTS)
        self.written = time.monotonic()
        self.pause = max(_EVERY, _SHARE * (self.written - began))

    def summary(self) -> Summary:
        now = self.store.counted()
        return Summary(self.done, now.done - self.done, now.failed, time.monotonic() - self.began)
