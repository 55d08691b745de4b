"""Where points are computed: in this process, or in processes beside it.

Each process has a queue and a connection of its own.  So when one dies, the point that it computed
is known and the others do not notice; an executor, loky's too, breaks as a whole.  Processes are
started as loky starts them: without forking, and without running the user's script again.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Protocol, Self

from crossbar.errors import InputError
from crossbar.study.compute import Outcome, Work, compute, serve

__all__ = ["Crew", "Here", "Processes", "processors"]

_THREADS = (
    "CROSSBAR_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)
"""What the libraries of a worker take their number of threads from."""

_QUEUED = 0.5
"""Work that waits in a worker's queue [s]: so none idles while its results are written."""

_PATIENCE = 5.0
"""How long a process may take to end when it has nothing more to do [s]."""

_MOST = 16
"""Most points that wait in a worker's queue, unless they are of one lot."""


class Crew(Protocol):
    """Whoever computes points."""

    def wanted(self) -> int:
        """How many points to hand over next; 0: none now."""

    def give(self, points: list[tuple[str, dict[str, Any]]]) -> None:
        """Hand over points: keys and values."""

    def busy(self) -> bool:
        """Whether there are points whose outcome was not told."""

    def told(self) -> list[Outcome]:
        """Wait for outcomes; an empty list when there was none for a second."""


def processors() -> int:
    """Processors that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


class Here:
    """The process itself computes, one point after the other."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self._waiting.clear()

    def wanted(self) -> int:
        """One at a time, so that others who share the store find some."""
        return 0 if self._waiting else 1

    def give(self, points: list[tuple[str, dict[str, Any]]]) -> None:
        """Line them up."""
        self._waiting.extend(points)

    def busy(self) -> bool:
        """Whether points wait."""
        return bool(self._waiting)

    def told(self) -> list[Outcome]:
        """Compute the next one."""
        return [compute(self._work, *self._waiting.popleft())]


class Processes:
    """Processes beside this one compute; functions of scripts and notebooks reach them.

    Parameters
    ----------
    work : callable
    jobs : int
        How many processes.

    Raises
    ------
    InputError
        The work cannot be sent to another process.
    """

    def __init__(self, work: Work, jobs: int) -> None:
        import cloudpickle

        try:
            sent = cloudpickle.dumps(work)
        except Exception as error:  # whatever an object's own pickling raises
            raise InputError(
                f"jobs: {jobs} needs work that can be sent to other processes"
                f" ({type(error).__name__}: {error}); jobs=1 does not"
            ) from error
        _start_trackers()
        threads = max(1, processors() // jobs)
        env = {name: _fewer(os.environ.get(name), threads) for name in _THREADS}
        self._places = [_Place(sent, env) for _ in range(jobs)]
        self._next = self._places[0]
        self._mean = _QUEUED  # seconds a point, of the latest ones

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for place in self._places:
            place.dismiss(at_once=kind is not None)
        for place in self._places:
            place.join()

    def wanted(self) -> int:
        """Half a second of work for the process that has the least left."""
        self._next = min(self._places, key=lambda place: len(place.queue))
        # of points that take long none waits: another process may be free for it sooner
        if len(self._next.queue) > (self._mean < _QUEUED):
            return 0
        return max(1, min(_MOST, int(_QUEUED / max(self._mean, 1e-6))))

    def give(self, points: list[tuple[str, dict[str, Any]]]) -> None:
        """Hand them to that process."""
        self._next.queue.extend(points)
        self._next.feed()

    def busy(self) -> bool:
        """Whether any process has points."""
        return any(place.queue for place in self._places)

    def told(self) -> list[Outcome]:
        """Wait for outcomes, and for processes that die."""
        working = {place.connection: place for place in self._places if place.queue}
        ready = wait(list(working), timeout=1.0)
        # what a dead process has forked may hold its end of the connection: ask the system
        places = [working[each] for each in ready] or [
            place for place in working.values() if not place.lives()
        ]
        found = [place.told() for place in places]
        for outcome in found:
            self._mean += (outcome.seconds - self._mean) / 8
        return found


class _Place:
    """One worker process, and another one when it dies."""

    def __init__(self, sent: bytes, env: dict[str, str]) -> None:
        self.queue: deque[tuple[str, dict[str, Any]]] = deque()
        self._sent = sent
        self._env = env
        self._given = 0  # how many of the queue the process has
        self._began = 0.0
        self._process: Any = None  # until there is something to do
        self.connection: Any = None

    def lives(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and bool(self._process.is_alive())

    def feed(self) -> None:
        """Give the process a point to compute and one to go on with; the rest waits here."""
        if self.queue and not self._given and not self.lives():
            self._start()  # the first one, or one instead of one that died
        while self._given < min(2, len(self.queue)):
            if not self._given:
                self._began = time.perf_counter()
            with suppress(BrokenPipeError, ConnectionResetError):  # `told` finds that it is dead
                self.connection.send(self.queue[self._given])
            self._given += 1

    def told(self) -> Outcome:
        """Return what became of the first point; the process has told, or is dead."""
        outcome = self._received()
        if outcome is None:
            self.dismiss(at_once=True)
            self.join()
            seconds = time.perf_counter() - self._began
            error = f"WorkerDied: {_how(self._process.exitcode)}"
            outcome = Outcome(self.queue[0][0], None, error, seconds)
            self._given = 1
        self.queue.popleft()
        self._given -= 1
        self._began = time.perf_counter()
        self.feed()
        return outcome

    def dismiss(self, *, at_once: bool) -> None:
        """Let the process end, when it has told what it computes or at once."""
        if self._process is not None:
            self.connection.close()
        if at_once and self.lives():
            os.kill(self._process.pid, signal.SIGKILL)

    def join(self) -> None:
        """Wait until the process has ended; what it left running may not hold it up."""
        if self._process is not None:
            self._process.join(_PATIENCE)
            self.dismiss(at_once=True)
            self._process.join()

    def _received(self) -> Outcome | None:
        """Return what the process has told; None: it is dead."""
        try:
            # one that is dead says so by the end of its messages, unless it left a child behind
            outcome: Outcome | None = self.connection.recv() if self.connection.poll() else None
        except (EOFError, OSError):
            return None
        return outcome

    def _start(self) -> None:
        from joblib.externals.loky.backend.context import get_context

        if self._process is not None:
            self.dismiss(at_once=True)
            self.join()
        with _without_interrupts():  # the new process keeps to this
            ours, other = Pipe()
            process = get_context("loky").Process(
                target=serve, args=(other, self._sent, os.getpid()), env=self._env
            )
            process.start()
            other.close()
            self.connection, self._process = ours, process


def _fewer(given: str | None, threads: int) -> str:
    """Return a worker's share of the processors, or what the user has set where that is less."""
    if given and not given.isdecimal():
        return given  # whoever reads it has rules of its own, or says what is wrong with it
    return str(min(int(given or threads), threads))


def _how(code: int | None) -> str:
    """Say how a process ended."""
    if code is None or code >= 0:
        return f"the process of this point ended with exit code {code}"
    name = {each.value: each.name for each in signal.Signals}.get(-code, f"signal {-code}")
    why = " (out of memory, or killed)" if name == "SIGKILL" else ""
    return f"the process of this point was ended by {name}{why}"


def _start_trackers() -> None:
    """Start the two helpers of multiprocessing, which lets interrupts through: before workers."""
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as tracker_of_loky

    resource_tracker.ensure_running()
    tracker_of_loky.ensure_running()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold back Ctrl-C: a process started meanwhile never hears it, this one does afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
