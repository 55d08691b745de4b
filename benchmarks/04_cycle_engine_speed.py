"""The cycle engine: events a second, growth with the number of images, time of an estimate.

Events are what the loop takes from its queue: the end of a fetch, of a merge, of an activation and
of a store, the last read of a position, and so on; six for a position of a layer that lies in one
tile.  The limit beside it is the same queue with nothing to do: taking out and putting back as many
events in a heap as large, in the same process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from harness import options, race, write
from numba import njit

from crossbar import build_plan, estimate, load_arch
from crossbar.kernels.schedule import pop_event, push_event
from crossbar.tables import table
from crossbar.timing.engine import schedule_machine
from crossbar.timing.machine import build_machine


@njit
def turn(heap, size, steps):
    """Take out the first event and put in its successor, once for each step."""
    for step in steps:
        key = heap[0] + step
        size = pop_event(heap, size)
        size = push_event(heap, size, key)
    return size


def bare_queue(entries: int, events: int) -> Callable[[], object]:
    """Make the run of a heap of so many entries, as large as the engine's, and nothing else."""
    rng = np.random.default_rng(0)
    heap = np.zeros(entries + 1, np.int64)
    steps = rng.integers(1, 1 << 30, events)
    return lambda: turn(heap, np.int64(entries), steps)


def speeds(names: list[str], rounds: int) -> list[dict[str, object]]:
    """Measure one image of each network beside the bare queue."""
    arch = load_arch("isaac_8bit", {"chip.tiles": "auto"})
    rows: list[dict[str, object]] = []
    for name in names:
        plan = build_plan(name, arch)
        machine = build_machine(plan, plan.capacities)
        events = schedule_machine(plan, machine).events
        best = race(
            {
                "engine": lambda p=plan, m=machine: schedule_machine(p, m),
                "queue": bare_queue(2 * len(machine.tasks), events),
            },
            rounds,
        )
        rows.append({"network": name, "events": events, **best})
    return rows


def growth(rounds: int) -> list[dict[str, object]]:
    """Measure 1, 2, 4 and 8 images of one network."""
    plan = build_plan("resnet20", "isaac_8bit")
    machine = build_machine(plan, plan.capacities)
    images = (1, 2, 4, 8)
    best = race({str(n): lambda n=n: schedule_machine(plan, machine, n) for n in images}, rounds)
    return [
        {"images": n, "events": schedule_machine(plan, machine, n).events, "time": best[str(n)]}
        for n in images
    ]


def estimates(rounds: int) -> list[dict[str, object]]:
    """Measure whole estimates: the first of a network, and those after it."""
    rows: list[dict[str, object]] = []
    for name, goal in (("resnet20", 0.1), ("vgg8", 0.2)):
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            estimate("isaac_8bit", name)
            times.append(time.perf_counter() - start)
        again = statistics.median(times[1:])
        rows.append({"network": name, "first": times[0], "again": again, "goal": goal})
    return rows


def main() -> None:
    """Measure, print, write."""
    args = options(__doc__, "04_cycle_engine_speed")
    rounds = 2 if args.quick else 9
    names = ["lenet5", "resnet20"] if args.quick else ["resnet20", "vgg8", "resnet18", "resnet50"]
    engine, images, whole = speeds(names, rounds), growth(rounds), estimates(rounds)
    print(
        table(
            ["<network", "events", "time", "events/s", "of the bare queue"],
            [
                [
                    str(row["network"]),
                    f"{row['events']:,}",
                    f"{1e3 * row['engine']:.1f} ms",
                    f"{row['events'] / row['engine'] / 1e6:.1f} M",
                    f"{row['queue'] / row['engine']:.0%}",
                ]
                for row in engine
            ],
            title="one image on isaac_8bit (goal: 5 M events/s)",
        )
    )
    print()
    print(
        table(
            ["images", "events", "time", "ratio", "ns an event"],
            [
                [
                    str(row["images"]),
                    f"{row['events']:,}",
                    f"{1e3 * row['time']:.1f} ms",
                    f"{row['time'] / images[0]['time']:.2f}",
                    f"{1e9 * row['time'] / row['events']:.0f}",
                ]
                for row in images
            ],
            title="resnet20, images one after the other",
        )
    )
    print()
    print(
        table(
            ["<network", "first", "again", "goal"],
            [
                [
                    str(row["network"]),
                    f"{1e3 * row['first']:.0f} ms",
                    f"{1e3 * row['again']:.1f} ms",
                    f"{1e3 * row['goal']:.0f} ms",
                ]
                for row in whole
            ],
            title="a whole estimate: counts, three schedules, prices, report",
        )
    )
    path = write(
        args.out,
        "04_cycle_engine_speed",
        {"engine": engine, "images": images, "estimates": whole},
    )
    print(path)


if __name__ == "__main__":
    main()
