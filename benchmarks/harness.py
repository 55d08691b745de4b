"""What the numbered scripts share: their options, interleaved timing, and where results go."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["options", "race", "write"]


def options(
    doc: str | None,
    name: str,
    more: Callable[[argparse.ArgumentParser], None] | None = None,
) -> argparse.Namespace:
    """Parse ``--quick --out --seed`` and what ``more`` adds to the parser.

    ``--out`` is ``out/bench/<name>`` unless given.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smaller run for smoke tests")
    parser.add_argument("--out", type=Path, default=Path("out/bench") / name)
    parser.add_argument("--seed", type=int, default=0)
    if more is not None:
        more(parser)
    return parser.parse_args()


def race(
    entries: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Time several functions in turn, A B C A B C ..., and keep each one's best [s].

    Taking turns lets a change of the machine's speed hit all of them alike, so that ratios hold.
    ``time.process_time`` as ``clock`` counts the processor's time, of all threads, and not what
    others on the machine take.
    """
    best = {name: float("inf") for name in entries}
    for _ in range(rounds + 1):  # the first round warms caches and compiles
        for name, function in entries.items():
            start = clock()
            function()
            best[name] = min(best[name], clock() - start)
    return best


def write(out: Path, name: str, result: Mapping[str, Any]) -> Path:
    """Write ``<out>/<name>.json`` with what the machine is; returns its path."""
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    path = out / f"{name}.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"schema": 1, "about": about, **result}, indent=2) + "\n")
    os.replace(temporary, path)
    return path
