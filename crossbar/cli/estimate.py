"""``crossbar estimate``: energy, latency and area of a network, without weights, data or torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossbar.cli.answer import print_report, report_file, save_report
from crossbar.cli.arch import Overrides
from crossbar.cli.options import (
    complete_presets,
    complete_workloads,
    find_hardware,
)
from crossbar.cli.precision import Precision, read_precision
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.arch import Arch
    from crossbar.workload import Workload

__all__ = ["estimate"]


def estimate(
    arch: Annotated[
        str,
        typer.Argument(
            metavar="ARCH",
            help="The hardware: a preset (see `crossbar arch list`) or FILE.yaml.",
            autocompletion=complete_presets,
        ),
    ],
    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD",
            help="The network: a name (see `crossbar workload list`) or FILE.json.",
            autocompletion=complete_workloads,
        ),
    ],
    overrides: Overrides = None,
    input_density: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the input bits that are one, for the energy of the cells. Default: 0.5;"
            " networks with ReLUs have about 0.15.",
        ),
    ] = None,
    code_density: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Mean stored code over the largest, for the energy of the cells. Default: 0.5"
            " (array.encoding differential: 0.25).",
        ),
    ] = None,
    precision: Precision = None,
    tokens: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Length of the sequence, for networks of tokens. Default: the network's own.",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder for report.json and report.html; made when absent."
        ),
    ] = Path("out"),
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the schedule of one inference as Chrome trace JSON, to be opened in"
            " Perfetto (ui.perfetto.dev).",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON and nothing else.")
    ] = False,
) -> None:
    """Estimate energy, latency and area of a network from its shapes, on assumed activity.

    No weights, no data: nothing is computed, so there is no accuracy. The report is printed and
    saved as out/report.json and, to look at, out/report.html.
    """
    from crossbar.estimator import INPUT_DENSITY
    from crossbar.estimator import estimate as estimated
    from crossbar.workload import find_workload

    for option, density in (("input", input_density), ("code", code_density)):
        if density is not None and not 0 <= density <= 1:
            raise InputError(f"--{option}-density {density:g}: not a share in 0..1")
    hardware, asked = find_hardware(arch, overrides), read_precision(precision or [])
    with report_file(out) as file:
        report = estimated(
            hardware,
            workload,
            input_density=INPUT_DENSITY if input_density is None else input_density,
            code_density=code_density,
            precision=asked,
            tokens=tokens,
        )
        save_report(report, file)
    if trace is not None:
        _write_trace(hardware, find_workload(workload, tokens), asked, trace)
    print_report(report, file, as_json, _assumed(report.scenario["activity"]))


def _write_trace(hardware: Arch, workload: Workload, precision: dict[str, Any], path: Path) -> None:
    from crossbar.mapping import build_plan
    from crossbar.timing import schedule
    from crossbar.timing.chrome import write_trace

    write_trace(schedule(build_plan(workload, hardware, precision=precision)), path)


def _assumed(activity: dict[str, Any]) -> str:
    """Say in a line what the numbers rest on."""
    inputs, codes = activity["input_density"], activity["code_density"]
    signed = activity["signed_inputs"]
    layers = f"{len(signed)} layer{'' if len(signed) == 1 else 's'}"
    parts = [f"inputs of {layers} signed" if signed else "all inputs unsigned"]
    if inputs is not None:  # energy.array: data
        parts += [f"{100 * inputs:g} % of their bits one", f"codes at {100 * codes:g} % of the top"]
    return f"assumed     {', '.join(parts)}"
