"""A study whose points take no time, and a program that runs it: ``python -m tests.study.toy``."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from crossbar.study.runner import run_points
from crossbar.study.store import Store

ABOUT = {"name": "toy", "measure": "cost"}
ROOT = Path(__file__).parents[2]

Points = list[tuple[str, dict[str, Any]]]


def grid(n: int) -> Points:
    return [(f"key{place:05d}", {"array.rows": place, "adc.bits": place % 5}) for place in range(n)]


def answer(values: dict[str, Any]) -> dict[str, Any]:
    """A report of some size that depends on every value."""
    words = [hashlib.sha256(f"{sorted(values.items())}{k}".encode()).hexdigest() for k in range(40)]
    rows = values["array.rows"]
    return {
        "energy": 1e-12 * (rows + 1) / 3,
        "latency": 1e-6 / (rows + 1),
        "throughput": 1e3 * (rows + 1),
        "area": 1e-6 * (rows + 1),
        "accuracy": None,
        "power": {"average": 0.1 * rows, "peak": None},
        "words": words,
    }


def logged(log: Path, seconds: float, values: dict[str, Any]) -> dict[str, Any]:
    """Say that a point begins, take a while, answer."""
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{values['array.rows']}\n")
    time.sleep(seconds)
    return answer(values)


def contents(folder: Path) -> list[tuple[Any, ...]]:
    """Everything that two runs of one study must agree on."""
    with Store.open(folder, ABOUT) as store:
        return [
            (row["key"], row["values"], row["status"], row["numbers"], store.report(row["key"]))
            for row in store.rows()
        ]


def run(folder: Path, n: int, jobs: int, seconds: float, tell: Callable[[str], None]) -> str:
    tell("began")
    with Store.open(folder, ABOUT) as store:
        store.add(grid(n))
        work = partial(logged, folder / "log.txt", seconds)
        told = run_points(store, work, jobs=jobs, progress=lambda done, *_: tell(f"at {done}"))
    return json.dumps({"done": told.done, "reused": told.reused, "failed": told.failed})


def main() -> None:
    folder, n, jobs, seconds = sys.argv[1:]
    # a shell that runs the tests in the background has SIGINT ignored by all that they start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        told = run(
            Path(folder),
            int(n),
            int(jobs),
            float(seconds),
            lambda line: print(line, flush=True),  # noqa: T201
        )
    except KeyboardInterrupt:
        os._exit(130)
    print(told)  # noqa: T201


def command(folder: Path, n: int, jobs: int, seconds: float) -> list[str]:
    words = [folder, n, jobs, seconds]
    return [sys.executable, "-m", "tests.study.toy", *map(str, words)]


if __name__ == "__main__":
    main()
