"""The architect's daily question: which array size, cell and converter, for these networks.

Accuracy, energy, latency and area of the bundled ResNet-20 (500 images of Fashion-MNIST), and the
cost of VGG8, over array size x ADC bits x bits a cell, with the cells of the chip held equal.  Both
studies are kept under ``--out``; a second run takes seconds.
"""

from __future__ import annotations

import time
from pathlib import Path

from harness import options, write

from crossbar.study.description import make_study
from crossbar.study.page import save_study_page
from crossbar.sweeping import Outcome, run_study


def grid(quick: bool) -> dict[str, object]:
    """Array sizes x ADC bits x bits a cell."""
    sides = (64, 128) if quick else (64, 128, 256)
    return {
        "array.rows/array.cols": [(side, side) for side in sides],
        "adc.bits": [6, 8] if quick else [6, 7, 8, 9],
        "cell.bits": [2] if quick else [1, 2],
    }


def study(name: str, out: Path, quick: bool, **words: object) -> tuple[Outcome, float]:
    """Compute what is missing of a study; returns it and the seconds that took."""
    described = make_study({"name": name, "axes": grid(quick), "iso": "cells", **words})
    start = time.perf_counter()
    outcome = run_study(described, out / name, jobs=1 if quick else 2)
    spent = time.perf_counter() - start
    save_study_page(outcome.table, out / name / "study.html")
    return outcome, spent


def front(outcome: Outcome) -> list[dict[str, object]]:
    """Points that no other beats in energy and accuracy, the cheapest first."""
    rows = sorted(
        (row for row in outcome.table if row["status"] == "done"),
        key=lambda row: (row["energy"], -(row["accuracy"] or 0)),
    )
    best, found = -1.0, []
    for row in rows:
        if row["accuracy"] > best:
            best = row["accuracy"]
            found.append(row)
    return found


def main() -> None:
    """Run both studies, print tables and the Pareto front."""
    args = options(__doc__, "05_array_size_sweep")
    images = 50 if args.quick else None
    accuracy, first = study(
        "resnet20", args.out, args.quick, measure="accuracy", images=images, seed=args.seed
    )
    cost, second = study("vgg8", args.out, args.quick, workload="vgg8")
    print(accuracy.table)
    print()
    print(cost.table)
    print("\nenergy against accuracy, resnet20: no other point is better in both")
    for row in front(accuracy):
        size = f"{row['array.rows']} x {row['array.cols']}"
        print(
            f"  {size:>9}, {row['adc.bits']} b ADC, {row['cell.bits']} b cells:"
            f" {1e6 * row['energy']:.1f} uJ, {100 * row['accuracy']:.2f} %"
        )
    print(
        f"\n{len(accuracy.table)} points with accuracy {first:.1f} s,"
        f" {len(cost.table)} of cost {second:.1f} s"
    )
    print(
        write(
            args.out,
            "array_size_sweep",
            {
                "resnet20": accuracy.table.rows,
                "vgg8": cost.table.rows,
                "held": [accuracy.table.held, cost.table.held],
                "seconds": [first, second],
            },
        )
    )


if __name__ == "__main__":
    main()
