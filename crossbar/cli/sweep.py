"""``crossbar sweep``: a network on every chip of a grid, each point computed once and kept."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossbar.cli.arch import Overrides
from crossbar.cli.options import (
    check_module,
    complete_axes,
    complete_presets,
    complete_workloads,
    find_hardware,
    only_stderr,
    read_fault_words,
)
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.study.description import Study
    from crossbar.sweeping import Outcome

__all__ = ["sweep"]

_SHOWN, _REASONS = 60, 3


def sweep(
    arch: Annotated[
        str | None,
        typer.Argument(
            metavar="[ARCH]",
            help="The hardware whose keys vary: a preset or FILE.yaml. Default: isaac_8bit.",
            autocompletion=complete_presets,
        ),
    ] = None,
    workload: Annotated[
        str | None,
        typer.Argument(
            metavar="[WORKLOAD]",
            help="For --measure cost: a name (see `crossbar workload list`) or FILE.json.",
            autocompletion=complete_workloads,
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--study", metavar="FILE.yaml", help="A study; options given here replace its own."
        ),
    ] = None,
    axis: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUES",
            help="What varies: array.rows=64,128,256 | adc.bits=4..8 | faults.on=log:1e-4..1e-1:7 |"
            " array.rows/array.cols=64/64,128/128; may be repeated.",
            autocompletion=complete_axes,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="What every point must meet, e.g. 'array.cols == array.rows'; may be repeated.",
        ),
    ] = None,
    iso: Annotated[
        str | None,
        typer.Option(
            metavar="cells|area|arrays",
            help="What of the chip is held equal, by the number of tiles.",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="cost|accuracy",
            help="Cost from shapes alone, or a real run. Default: cost.",
        ),
    ] = None,
    overrides: Overrides = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="PKG.MOD:FACTORY",
            help="For --measure accuracy: the network. Default: the bundled one.",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="PKG.MOD:LOADER|FILE.npz", help="Its data.")
    ] = None,
    images: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Use only the first N samples.")
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(
            "--inject",
            metavar="on=0.09,off=0.017",
            help="Stuck cells at every point, as for `crossbar run`.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1_000_000,
            help="Draws of everything random at every point: mean, accuracy_std, accuracy_worst.",
        ),
    ] = None,
    t_inference: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time between programming and the run, e.g. '1 day'."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Seed of everything that is drawn.")
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of the study: study.sqlite, points.csv, study.html. Points that are"
            " finished there are not computed again.",
        ),
    ] = Path("out/study"),
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Processes.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the study stopped (always done).")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute points that failed again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Allow more than a million points.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the table as JSON and nothing else.")
    ] = False,
) -> None:
    """Sweep keys of the hardware, of the faults or the seed, and compare what comes out.

    The table is printed; out/study/points.csv holds every digit, out/study/study.html the pictures.
    Interrupt it at any time: the same command goes on where it stopped.
    """
    for option, spec in (("--model", model), ("--data", data)):
        if spec is not None:
            check_module(option, spec)
    given: dict[str, Any] = {
        "workload": workload,
        "axes": axis,
        "where": where,
        "iso": iso,
        "measure": measure,
        "model": model,
        "data": data,
        "images": images,
        "seed": seed,
        "trials": trials,
        "t_inference": t_inference,
    }
    if faults is not None:
        given["faults"] = read_fault_words(faults)
    for word in overrides or []:
        key = word.partition("=")[0].strip()
        if any(key in each.partition("=")[0].split("/") for each in axis or []):
            raise InputError(f"--set {word}: {key} is an axis; take one out")
    if arch is not None or overrides or file is None:
        given["arch"] = find_hardware(arch or "isaac_8bit", overrides)
    study = _described(file, {key: value for key, value in given.items() if value is not None})
    if out.is_file():
        raise InputError(f"--out {out}: is a file, and a study is a folder")
    from crossbar.cli.progress import Stages

    with only_stderr() if as_json else nullcontext(), Stages() as stages:
        try:
            outcome = _computed(study, out, stages, jobs, retry_failed, yes)
        except KeyboardInterrupt:
            stages.note(f"interrupted: finished points are kept in {out}; the same command goes on")
            raise typer.Exit(130) from None
    _told(outcome, out, as_json)
    failed = outcome.summary.failed
    if failed:
        raise typer.Exit(1)


def _described(file: Path | None, given: dict[str, Any]) -> Study:
    from crossbar.study.description import load_study, make_study

    if file is not None:
        return load_study(file, given)
    if not given.get("axes"):
        raise InputError("--axis: missing; say what varies, e.g. --axis array.rows=64,128,256")
    return make_study({"name": "sweep", **given}, label="sweep")


def _computed(
    study: Study, out: Path, stages: Any, jobs: int, retry_failed: bool, yes: bool
) -> Outcome:
    from crossbar.study.page import save_study_page
    from crossbar.sweeping import run_study

    def progress(done: int, total: int, failed: int) -> None:
        stages.count(f"points ({failed} failed)" if failed else "points", done, total)

    stages.begin("reading the study")
    outcome = run_study(
        study, out, jobs=jobs, retry_failed=retry_failed, yes=yes, progress=progress
    )
    stages.begin("drawing the pictures")
    save_study_page(outcome.table, out / "study.html")
    return outcome


def _told(outcome: Outcome, out: Path, as_json: bool) -> None:
    from crossbar.mapping.plan_text import counted

    table, summary = outcome.table, outcome.summary
    if as_json:
        document = {
            "schema": 1,
            "name": table.name,
            "held": table.held,
            "axes": list(table.axes),
            "rows": table.rows,
        }
        typer.echo(json.dumps(document, indent=1, allow_nan=False))
        return
    if len(table) <= _SHOWN:
        typer.echo(str(table))
    else:
        typer.echo(f"{table.name}: {len(table):,} points, {table.held}; see points.csv")
    whole = summary.done == len(table) and outcome.schedules
    shared = f", on {counted(outcome.schedules or 0, 'schedule')}" if whole else ""
    again = " (--retry-failed computes them again)" if summary.failed else ""
    typer.echo(
        f"\n{summary.done:,} computed{shared}, {summary.reused:,} known before,"
        f" {summary.failed:,} failed{again}, in {summary.seconds:.1f} s"
    )
    errors = Counter(row["error"] for row in table.rows if row["error"])
    for error, count in errors.most_common(_REASONS):
        typer.echo(f"{count:,} x {error}", err=True)
    if len(errors) > _REASONS:
        typer.echo(f"and {len(errors) - _REASONS:,} other errors, see points.csv", err=True)
    typer.echo(f"{out / 'study.html'} (to look at)")
    typer.echo(str(out / "points.csv"))
