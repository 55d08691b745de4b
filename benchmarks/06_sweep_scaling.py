"""What a sweep costs beside its points: 200 points of VGG8, the store alone, and a second run."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from harness import options, write

from crossbar.study.axes import make_axes
from crossbar.study.points import grid
from crossbar.study.runner import run_points
from crossbar.study.store import Store
from crossbar.sweeping import sweep
from crossbar.tables import table

AXES = {
    "array.rows": [64, 128, 192, 256, 512],
    "array.cols": [64, 128, 256, 512],
    "adc.bits": "4..8",
    "cell.bits": [1, 2],
}


def nothing(values: dict[str, object]) -> dict[str, object]:
    """Stand for a point that takes no time."""
    return {"energy": 1.0, "values": len(values)}


def timed(axes: dict[str, object], folder: Path, jobs: int) -> tuple[float, int]:
    """Sweep VGG8 on chips that grow with it; returns seconds and points that are done."""
    from crossbar import load_arch

    start = time.perf_counter()
    found = sweep(
        load_arch("isaac_8bit", {"chip.tiles": "auto"}), "vgg8", axes, store=folder, jobs=jobs
    )
    return time.perf_counter() - start, found.column("status").count("done")


def empty(folder: Path, points: int) -> float:
    """Seconds a point of store and scheduling when the points themselves take no time."""
    values = [point.values for point in grid(make_axes({"seed": f"0..{points - 1}"}))]
    with Store.open(folder, {"name": "empty"}) as store:
        store.add([(f"{i:08x}", each) for i, each in enumerate(values)])
        start = time.perf_counter()
        run_points(store, nothing)
        return (time.perf_counter() - start) / points


def main() -> None:
    """Measure and print."""
    args = options(__doc__, "06_sweep_scaling")
    axes = {**AXES, "array.rows": [128], "array.cols": [128]} if args.quick else AXES
    shutil.rmtree(args.out, ignore_errors=True)
    rows = []
    for jobs in (1, 2):
        spent, done = timed(axes, args.out / f"jobs{jobs}", jobs)
        rows.append([f"{jobs} process{'es' * (jobs > 1)}", str(done), f"{spent:.2f} s"])
    again, done = timed(axes, args.out / "jobs1", 1)
    rows.append(["again", str(done), f"{again:.2f} s"])
    count = 200 if args.quick else 2000
    alone = empty(args.out / "empty", count)
    rows.append(["store and scheduling alone, a point", str(count), f"{1e3 * alone:.2f} ms"])
    print(table(["<what", "points", "time"], rows, title="cost sweep of vgg8"))
    result = {"rows": rows, "store_s_per_point": alone, "again_s": again}
    print(write(args.out, "sweep_scaling", result))


if __name__ == "__main__":
    main()
