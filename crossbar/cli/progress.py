"""What a long command is doing, on stderr: bars with rate and time left, or plain lines.

A terminal gets one bar a stage; a file or a pipe gets a line when a stage begins and one every ten
seconds.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

__all__ = ["Stages"]

_EVERY = 10.0  # seconds between the plain lines of one stage


class Stages:
    """Stages of a command, one after the other; a context manager.

    Parameters
    ----------
    console : Console, optional
        Where to write; stderr when None.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        live = self._console.is_terminal and not self._console.is_dumb_terminal
        self._view: _Bars | _Lines = _Bars(self._console) if live else _Lines(self._console)

    def __enter__(self) -> Self:
        self._view.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._view.stop()

    def begin(self, stage: str) -> None:
        """Say that a stage without a count begins; the one before it has ended."""
        self._view.show(stage, 0, 0)

    def count(self, stage: str, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` of a stage are ready (``total`` 0: not known)."""
        self._view.show(stage, done, total)

    def note(self, line: str) -> None:
        """Write a line that stays."""
        self._console.print(line, markup=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """Samples a second since the stage began."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Write the rate, or nothing where nothing is counted."""
        if task.total is None or not task.completed or not task.elapsed:
            return Text("")
        return Text(f"{_rate(task.completed / task.elapsed)}/s")


class _Counted(MofNCompleteColumn):
    """``64/500``, or nothing where nothing is counted."""

    def render(self, task: Task) -> Text:
        """Write how many are ready."""
        return super().render(task) if task.total else Text("")


class _Left(TimeRemainingColumn):
    """Time left, or nothing where nothing is counted or all is done."""

    def __init__(self) -> None:
        super().__init__(table_column=Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Write the time left."""
        if task.total is None or task.finished or not task.completed:
            return Text("")
        left = super().render(task).plain
        return Text("" if left.startswith("-") else f"{left} left")  # "-:--:--": not known yet


class _Bars:
    """One bar a stage."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=24),
            _Counted(table_column=Column(no_wrap=True)),
            _Rate(),
            TimeElapsedColumn(),
            _Left(),
            console=console,
        )
        self.stage = ""
        self.task: TaskID | None = None
        self.heard: float | None = None

    def start(self) -> None:
        self.progress.start()

    def stop(self) -> None:
        self._finish()
        self.progress.stop()

    def show(self, stage: str, done: int, total: int) -> None:
        if stage != self.stage or self.task is None:
            self._finish()
            self.stage = stage
            self.task = self.progress.add_task(stage, total=total or None)
            if done:  # the stage began when the one before it ended, not with its first result
                self._task().start_time = self.heard
        if total:
            self.progress.update(self.task, completed=done, total=total)
        self.heard = self.progress.get_time()

    def _finish(self) -> None:
        """Stop the clock of the last stage; one that was not counted is full when it ends."""
        if self.task is None:
            return
        if self._task().total is None:
            # a total of 0 draws a full bar and counts nothing
            self.progress.update(self.task, total=0, completed=0)
        self.progress.stop_task(self.task)
        self.task = None

    def _task(self) -> Task:
        return next(task for task in self.progress.tasks if task.id == self.task)


class _Lines:
    """Plain lines, few of them."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.stage = ""
        self.began = self.told = self.heard = time.monotonic()

    def start(self) -> None:
        """Nothing to prepare."""

    def stop(self) -> None:
        """Nothing to undo."""

    def show(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self.stage:
            self.stage, self.began, self.told = stage, self.heard if done else now, now
            unit = "" if stage.startswith("point") else f" sample{'' if total == 1 else 's'}"
            of = f": {total}{unit}" if total else ""
            self._write(f"{stage}{of}")
        elif done and now - self.told >= _EVERY:
            self.told = now
            rate = done / (now - self.began)
            left = f", {max(total - done, 0) / rate:.0f} s left" if total else ""
            of = f"/{total}" if total else ""
            self._write(f"{stage}: {done}{of}, {_rate(rate)}/s{left}")
        self.heard = now

    def _write(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
