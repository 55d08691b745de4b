"""``crossbar report plot``: one figure of a study or of a report, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from crossbar.errors import InputError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from crossbar.report.figures import Picture

__all__ = ["DPI", "figure_format", "is_study", "plot"]

Format = Literal["png", "svg", "pdf"]

_FORMATS = ("png", "svg", "pdf")
_KINDS = ("line", "heat", "pareto", "breakdown")
_STORE = "study.sqlite"
_REPORT = "report.json"
DPI = 200
"""Pixels an inch of a PNG."""


def is_study(path: Path) -> bool:
    """Tell whether a path is a study (its folder or its store) and not a report."""
    return path.name == _STORE or (path.is_dir() and not _holds_report(path))


def _complete_kinds(incomplete: str) -> Iterator[str]:
    return (kind for kind in _KINDS if kind.startswith(incomplete))


def _complete_numbers(incomplete: str) -> Iterator[str]:
    from crossbar.study.quantities import QUANTITIES

    return (name for name in QUANTITIES if name.startswith(incomplete))


def plot(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FILE_OR_STUDY", help="A report.json, or the folder that a sweep has written."
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="line|heat|pareto|breakdown",
            help="A number over an axis, over two axes, the front of two numbers, or the energy by"
            " component. Default: line; breakdown for a report.",
            autocompletion=_complete_kinds,
        ),
    ] = None,
    x: Annotated[
        str | None,
        typer.Option("--x", metavar="KEY", help="The axis across; for pareto a number."),
    ] = None,
    y: Annotated[
        str | None,
        typer.Option(
            "--y",
            metavar="NUMBER",
            help="energy (the default), latency, throughput, area, accuracy, power.average or"
            " power.peak.",
            autocompletion=_complete_numbers,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="The axis of the colours; for heat the one upwards. For a report: component or"
            " layer.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png|svg|pdf",
            help="The figure; replaced when it is there. Default: a PNG beside what is drawn, named"
            " by its kind.",
        ),
    ] = None,
) -> None:
    """Draw one figure: a number of a study over its axes, a front, or where energy goes.

    What is held equal between the points stands in the figure. Prints what it leaves out, and
    where it is.
    """
    from crossbar.files import write_whole
    from crossbar.report.drawing import drawn

    study = is_study(path)
    options = {"x": x, "y": y, "by": by}
    chosen = kind or ("line" if study else "breakdown")
    stem = "_".join([chosen, *(value for value in options.values() if value)])
    stem = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in stem)
    if path.is_dir() and not study:
        path /= _REPORT
    folder = path if path.is_dir() else path.parent
    target = folder / f"{stem if study else f'{path.stem}_{stem}'}.png" if out is None else out
    ending = figure_format(target)
    found = _of_study(path, chosen, options) if study else _of_report(path, chosen, options)
    image = drawn(found.figure, ending, dpi=DPI)

    def write(file: Path) -> None:
        file.write_bytes(image)

    write_whole(target, write)
    if found.caption:
        typer.echo(found.caption)
    typer.echo(str(target))


def _of_study(path: Path, kind: str, options: dict[str, str | None]) -> Picture:
    from crossbar.study.plots import draw_plot
    from crossbar.study.table import load_table

    return draw_plot(
        load_table(path if path.is_dir() else path.parent),
        kind,
        x=options["x"],
        y=options["y"],
        by=options["by"],
    )


def _of_report(path: Path, kind: str, options: dict[str, str | None]) -> Picture:
    """Draw where the energy of one report goes."""
    from crossbar.report import Report
    from crossbar.report.drawing import style
    from crossbar.report.figures import energy_by_component, energy_by_layer

    if kind not in _KINDS:
        raise UnknownNameError("kind of plot", kind, _KINDS)
    if kind != "breakdown":
        raise InputError(f"{path}: --kind {kind}: a report is one point; allowed: breakdown")
    for name in ("x", "y"):
        if options[name] is not None:
            raise InputError(f"{path}: --{name} {options[name]}: a report has no axes")
    ways = {"component": energy_by_component, "layer": energy_by_layer}
    by = options["by"] or "component"
    if by not in ways:
        raise UnknownNameError("--by of a report", by, ways)
    report = Report.load(path)
    with style():
        return ways[by](report)


def figure_format(target: Path) -> Format:
    """Tell the format of a figure by the ending of its name."""
    ending = target.suffix.removeprefix(".").lower()
    if ending not in _FORMATS:
        near = did_you_mean(ending, _FORMATS)
        also = "; a page: crossbar report page" if ending in ("html", "htm") else ""
        raise InputError(
            f"--out {target}: the name of a figure ends in .png, .svg or .pdf{near}{also}"
        )
    return cast(Format, ending)


def _holds_report(folder: Path) -> bool:
    return (folder / _REPORT).is_file() and not (folder / _STORE).exists()
