"""Are points computed whatever some of them do, and kept?"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossbar.errors import DoesNotFitError, InputError, RunError
from crossbar.study.runner import Summary, run_points
from crossbar.study.store import Store
from crossbar.study.table import StudyTable, load_table
from crossbar.study.workers import processors
from tests.study.toy import ABOUT, ROOT, answer, contents, grid

Work = Callable[[dict[str, Any]], dict[str, Any]]


def study(
    folder: Path, work: Work, n: int = 6, jobs: int = 1, lots: list[str] | None = None
) -> tuple[Summary, StudyTable]:
    with Store.open(folder, ABOUT) as store:
        store.add(grid(n), lots)
        told = run_points(store, work, jobs=jobs)
    return told, load_table(folder)


def test_more_processes_find_the_same(tmp_path: Path) -> None:
    alone, _ = study(tmp_path / "1", answer, 40)
    together, _ = study(tmp_path / "3", answer, 40, jobs=3)
    assert (alone.done, alone.failed) == (together.done, together.failed) == (40, 0)
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    study(tmp_path, answer)
    told, _ = study(tmp_path, lambda values: pytest.fail("computed again"))
    assert (told.done, told.reused, told.failed) == (0, 6, 0)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_point_that_raises_keeps_its_error_and_stops_nothing(tmp_path: Path, jobs: int) -> None:
    def work(values: dict[str, Any]) -> dict[str, Any]:
        match values["array.rows"]:
            case 1:
                raise DoesNotFitError("needs 12 tiles, the chip has 4")
            case 2:
                return {"energy": float("nan")}
            case 3:
                sys.exit("no model")
        return answer(values)

    told, table = study(tmp_path, work, jobs=jobs)
    assert (told.done, told.reused, told.failed) == (3, 0, 3)
    assert table.column("error")[:2] == [None, "DoesNotFitError: needs 12 tiles, the chip has 4"]
    assert table.column("error")[2].startswith("ValueError: Out of range float")
    assert table.column("error")[3] == "SystemExit: no model"
    assert table.column("status") == ["done", "failed", "failed", "failed", "done", "done"]


def test_a_worker_that_dies_fails_its_point_alone(tmp_path: Path) -> None:
    def work(values: dict[str, Any]) -> dict[str, Any]:
        if values["array.rows"] in (2, 3, 9):
            os.kill(os.getpid(), signal.SIGKILL)
        if values["array.rows"] == 5:
            os._exit(3)
        return answer(values)

    told, table = study(tmp_path, work, 30, jobs=2)
    assert (told.done, told.failed) == (26, 4)
    errors = {row["array.rows"]: row["error"] for row in table if row["status"] == "failed"}
    killed = "WorkerDied: the process of this point was ended by SIGKILL (out of memory, or killed)"
    assert errors == {
        2: killed,
        3: killed,
        5: "WorkerDied: the process of this point ended with exit code 3",
        9: killed,
    }


def test_a_worker_that_dies_while_idle_costs_no_point(tmp_path: Path) -> None:
    def work(values: dict[str, Any]) -> dict[str, Any]:
        if values["array.rows"] == 0:  # after its outcome was told
            threading.Timer(0.2, lambda: os._exit(1)).start()
        return answer(values)

    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(1))
        assert run_points(store, work, jobs=2).done == 1
    told, _ = study(tmp_path, work, 4, jobs=2)
    assert (told.done, told.reused, told.failed) == (3, 1, 0)


def test_a_dead_worker_is_noticed_although_it_left_a_child_behind(tmp_path: Path) -> None:
    def work(values: dict[str, Any]) -> dict[str, Any]:
        if values["array.rows"] == 1:
            if os.fork() == 0:
                while not (tmp_path / "over").exists():
                    time.sleep(0.1)
                os._exit(0)
            os._exit(4)
        return answer(values)

    told, _ = study(tmp_path, work, 4, jobs=2)
    (tmp_path / "over").touch()  # the child was there all the time
    assert (told.done, told.failed) == (3, 1)


def test_points_of_one_lot_go_to_one_process(tmp_path: Path) -> None:
    lots = [f"lot {place // 4}" for place in range(24)]
    study(tmp_path, lambda values: {"process": os.getpid()}, 24, jobs=2, lots=lots)
    with Store.open(tmp_path, ABOUT) as store:
        reports = [store.report(row["key"]) or {} for row in store.rows()]
    found = [report["process"] for report in reports]
    assert all(len(set(found[first : first + 4])) == 1 for first in range(0, 24, 4))
    assert os.getpid() not in found


def test_workers_share_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    names = ("CROSSBAR_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    study(tmp_path, lambda values: {name: os.environ[name] for name in names}, 4, jobs=2)
    share = str(max(1, processors() // 2))
    with Store.open(tmp_path, ABOUT) as store:
        assert store.report("key00000") == dict(zip(names, (share, share, "1"), strict=True))


def test_progress_counts_the_points_that_were_open(tmp_path: Path) -> None:
    study(tmp_path, answer, 2)
    heard: list[tuple[int, int, int]] = []

    def work(values: dict[str, Any]) -> dict[str, Any]:
        if values["array.rows"] == 3:
            raise ValueError("no")
        return answer(values)

    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(5))
        run_points(store, work, progress=lambda *told: heard.append(told))
    assert list(dict.fromkeys(heard)) == [(0, 3, 0), (1, 3, 0), (2, 3, 1), (3, 3, 1)]


def test_an_interrupted_run_goes_on_in_the_same_session(tmp_path: Path) -> None:
    def work(values: dict[str, Any]) -> dict[str, Any]:
        if values["array.rows"] == 3 and not (tmp_path / "again").exists():
            raise KeyboardInterrupt
        return answer(values)

    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(6))
        with pytest.raises(KeyboardInterrupt):
            run_points(store, work)
        assert store.counted().done == 3
        assert (tmp_path / "points.csv").read_text().count(",pending,") == 3
        (tmp_path / "again").touch()
        told = run_points(store, work)
    assert (told.done, told.reused) == (3, 3)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    def work(values: dict[str, Any]) -> dict[str, Any]:
        noise = random.Random(values["array.rows"]).randbytes(20_000).hex()
        return answer(values) | {"noise": noise}

    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(30))
        store._db.execute("PRAGMA max_page_count = 50")  # of 4 KiB
        with pytest.raises(RunError, match="the disk is full; finished points are kept: make room"):
            run_points(store, work)
    done = load_table(tmp_path).column("status").count("done")
    assert 3 < done < 15
    told, _ = study(tmp_path, work, 30)
    assert (told.done, told.reused, told.failed) == (30 - done, done, 0)
    study(tmp_path / "calm", work, 30)
    assert contents(tmp_path) == contents(tmp_path / "calm")


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, "2"])
def test_jobs_is_a_number_of_processes(tmp_path: Path, jobs: Any) -> None:
    with (
        Store.open(tmp_path, ABOUT) as store,
        pytest.raises(InputError, match="jobs: .* is not a number of processes, 1 or more"),
    ):
        run_points(store, answer, jobs=jobs)


def test_work_that_cannot_be_sent_is_said_before_anything_runs(tmp_path: Path) -> None:
    lock = threading.Lock()
    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(2))
        with pytest.raises(InputError, match=r"jobs: 2 needs work .* pickle.*; jobs=1 does not"):
            run_points(store, lambda values: {"lock": str(lock)}, jobs=2)
        assert run_points(store, lambda values: {"lock": str(lock)}).done == 2


SCRIPT = """
from crossbar.study.runner import run_points
from crossbar.study.store import Store

print("script runs")
factor = 3

def work(values):
    return {"energy": factor * values["array.rows"] + 0.5}

with Store.open("study", {"name": "script"}) as store:
    store.add([(f"k{n}", {"array.rows": n}) for n in range(4)])
    print(run_points(store, work, jobs=2).done)
"""


def test_a_function_of_an_unguarded_script_reaches_the_workers(tmp_path: Path) -> None:
    (tmp_path / "sweep.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, "sweep.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (told.stdout, told.stderr) == ("script runs\n4\n", "")
    assert load_table(tmp_path / "study").column("energy") == [0.5, 3.5, 6.5, 9.5]
