"""What does a user see while a long command works?"""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from crossbar.cli import progress
from crossbar.cli.progress import Stages


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def written(work: object, **options: object) -> str:
    out = io.StringIO()
    with Stages(Console(file=out, width=100, **options)) as stages:
        work(stages)
    return out.getvalue()


def test_a_terminal_shows_a_bar_with_count_rate_and_time_left() -> None:
    def work(stages: Stages) -> None:
        stages.begin("mapping it")
        bars = stages._view.progress
        began = bars.get_time()
        bars.get_time = lambda: began + 4.0
        stages.begin("on the crossbars")
        bars.get_time = lambda: began + 6.0
        stages.count("on the crossbars", 100, 500)
        bars.get_time = lambda: began + 8.0
        stages.count("on the crossbars", 200, 500)

    text = written(work, force_terminal=True, color_system=None)
    assert "mapping it" in text
    assert "200/500" in text
    assert "50/s" in text
    assert "0:00:06 left" in text


def test_a_file_gets_one_line_a_stage_and_then_one_every_ten_seconds(clock: Clock) -> None:
    def work(stages: Stages) -> None:
        stages.begin("mapping it")
        clock.now += 30
        for stage in ("on the crossbars", "in float"):
            for done in range(0, 501, 50):
                stages.count(stage, done, 500)
                clock.now += 2

    assert written(work).splitlines() == [
        "mapping it",
        "on the crossbars: 500 samples",
        "on the crossbars: 250/500, 25/s, 10 s left",
        "on the crossbars: 500/500, 25/s, 0 s left",
        "in float: 500 samples",
        "in float: 250/500, 25/s, 10 s left",
        "in float: 500/500, 25/s, 0 s left",
    ]


def test_an_unknown_total_still_tells_the_rate(clock: Clock) -> None:
    def work(stages: Stages) -> None:
        for done in (0, 30, 60):
            stages.count("on the crossbars", done, 0)
            clock.now += 6

    assert written(work).splitlines()[-1] == "on the crossbars: 60, 5/s"


def test_nothing_is_left_running_after_an_error() -> None:
    out = io.StringIO()
    stages = Stages(Console(file=out, force_terminal=True, color_system=None))

    def work() -> None:
        with stages:
            stages.begin("mapping it")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert not stages._view.progress.live.is_started
