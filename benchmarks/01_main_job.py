"""The main job as a user runs it: `crossbar run` in a process of its own, timed, cold and warm.

Cold has an empty folder of compiled kernels, as on the first call ever; warm has them cached.
Time is wall clock of the whole process, imports included; memory is its peak.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import options, write

from crossbar.tables import table


def run(cache: Path, out: Path, extra: list[str]) -> tuple[float, dict[str, object]]:
    """Run the command once; returns seconds and its report."""
    command = [sys.executable, "-m", "crossbar", "run", "--json", "--out", str(out), *extra]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "CROSSBAR_CACHE": str(cache)},
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start, json.loads(done.stdout)


def main() -> None:
    """Run cold once and warm several times; check that all reports agree."""
    args = options(__doc__, "01_main_job")
    extra = ["--seed", str(args.seed), *(["--images", "20"] if args.quick else [])]
    with tempfile.TemporaryDirectory() as folder:
        cache, out = Path(folder) / "cache", Path(folder) / "out"
        cold, first = run(cache, out, extra)
        warm_runs = [run(cache, out, extra) for _ in range(1 if args.quick else 5)]
    warm = statistics.median(seconds for seconds, _ in warm_runs)
    same = all(report == first for _, report in warm_runs)
    peak = (
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    )  # largest child; Linux: KiB
    rows = [
        ["images", str(first["images"]), ""],
        ["float accuracy", f"{100 * first['float_accuracy']:.2f} %", ""],
        ["8-bit digital accuracy", f"{100 * first['digital_accuracy']:.2f} %", ""],
        [
            "accuracy on the crossbars",
            f"{100 * first['accuracy']:.2f} %",
            "within 1 point of float",
        ],
        ["first call ever", f"{cold:.1f} s", "warm + 60 s"],
        ["warm", f"{warm:.1f} s", "15 s"],
        ["peak memory", f"{peak / 1e9:.2f} GB", "1.5 GB"],
        ["same report every time", str(same), "True"],
    ]
    print(table(["<crossbar run", "measured", "target"], rows))
    path = write(
        args.out,
        "main_job",
        {"cold_s": cold, "warm_s": warm, "peak_bytes": peak, "same": same, "report": first},
    )
    print(f"wrote {path}")
    if not same:
        raise SystemExit("the reports differ")


if __name__ == "__main__":
    main()
