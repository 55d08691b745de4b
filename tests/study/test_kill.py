"""Is every point there exactly once, however often a run is killed or interrupted?"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from crossbar.study.database import FILE
from crossbar.study.table import load_table
from tests.study import toy


def started(folder: Path, n: int, jobs: int, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        toy.command(folder, n, jobs, seconds),
        cwd=toy.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(child: subprocess.Popen[str], beginning: str) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(beginning):
            return
    raise AssertionError(child.communicate()[1])


def finished(child: subprocess.Popen[str]) -> dict[str, int]:
    out, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    found: dict[str, int] = json.loads(out.splitlines()[-1])
    return found


def done_at(folder: Path) -> dict[str, float]:
    """When the computation began of each point that is done."""
    if not (folder / FILE).exists():
        return {}
    with closing(sqlite3.connect(folder / FILE)) as db:
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        query = "SELECT key, started FROM points WHERE status = 'done'"
        return dict(db.execute(query).fetchall()) if tables else {}  # killed while it was made


def killed_and_resumed(folder: Path, kills: int, jobs: int, seed: int) -> None:
    n, draw = 40 * kills, random.Random(seed)
    before: dict[str, float] = {}
    for _ in range(kills):
        child = started(folder / "killed", n, jobs, 0.004)
        # at any moment: while the store is made or opened, while points are computed and written
        wait_for(child, draw.choice(("began", "at 0", "at")))
        time.sleep(draw.uniform(0.0, 0.08))
        child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL, "the study was over before it was killed"
        now = done_at(folder / "killed")
        assert before.items() <= now.items(), "a finished point was lost or computed again"
        before = now
    told = finished(started(folder / "killed", n, jobs, 0.0))
    assert told == {"done": n - len(before), "reused": len(before), "failed": 0}
    assert before.items() <= done_at(folder / "killed").items()
    assert finished(started(folder / "calm", n, 1, 0.0))["done"] == n
    assert toy.contents(folder / "killed") == toy.contents(folder / "calm")
    assert [row["array.rows"] for row in load_table(folder / "killed")] == list(range(n))
    assert sorted(path.name for path in (folder / "killed").iterdir()) == [
        "log.txt",
        "points.csv",
        FILE,
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_study_that_is_killed_goes_on_where_it_was(tmp_path: Path, jobs: int) -> None:
    killed_and_resumed(tmp_path, kills=4, jobs=jobs, seed=jobs)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_twenty_kills(tmp_path: Path, jobs: int) -> None:
    killed_and_resumed(tmp_path, kills=20, jobs=jobs, seed=10 + jobs)


def test_two_processes_share_a_store_and_compute_every_point_once(tmp_path: Path) -> None:
    children = [started(tmp_path, 60, 1, 0.02) for _ in range(2)]
    told = [finished(child) for child in children]
    assert sum(each["done"] for each in told) == 60
    assert all(each["done"] > 0 and each["done"] + each["reused"] == 60 for each in told)
    log = (tmp_path / "log.txt").read_text().split()
    assert sorted(map(int, log)) == list(range(60))


def test_a_process_takes_over_what_a_killed_one_had_claimed(tmp_path: Path) -> None:
    first = started(tmp_path, 30, 1, 0.05)
    wait_for(first, "at 2")
    second = started(tmp_path, 30, 1, 0.05)
    wait_for(second, "at 1")
    first.kill()
    first.communicate()
    told = finished(second)
    assert told["done"] + told["reused"] == 30
    assert {row["status"] for row in load_table(tmp_path)} == {"done"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(tmp_path: Path, jobs: int) -> None:
    child = started(tmp_path, 200, jobs, 0.02)
    wait_for(child, "at 5")
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    _, errors = child.communicate(timeout=20)
    assert child.returncode == 130
    assert errors == ""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and group_lives(child.pid):
        time.sleep(0.05)
    assert not group_lives(child.pid)
    table = load_table(tmp_path)
    done = table.column("status").count("done")
    assert 5 <= done < 200
    assert set(table.column("status")) == {"done", "pending"}
    assert (tmp_path / "points.csv").read_text().count(",done,") == done
    assert finished(started(tmp_path, 200, 2, 0.0)) == {
        "done": 200 - done,
        "reused": done,
        "failed": 0,
    }


def group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
