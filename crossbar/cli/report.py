"""``crossbar report``: what a run has written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossbar.cli.options import complete_numbers
from crossbar.cli.plot import is_study, plot
from crossbar.errors import InputError

__all__ = ["app"]

app = typer.Typer(
    help="Show, draw, explain and compare saved reports.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command()(plot)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report.json.")],
    why: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Trace one number to its formula, inputs and source instead: energy, latency,"
            " area, adc, conv1, conv1.adc, adc_conversions, ... as docs/report.md lists them.",
            autocompletion=complete_numbers,
        ),
    ] = None,
) -> None:
    """Print a saved report as the table that the run printed, or trace one of its numbers."""
    from crossbar.report import Report, explain_number, report_table

    report = Report.load(file)
    if why is None:
        typer.echo(report_table(report))
        return
    typer.echo(str(explain_number(report, why, source=str(file))))


@app.command()
def page(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE_OR_STUDY", help="A report.json, or the folder that a sweep has written."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="The page; replaced when it is there. Default: beside the report, under its name;"
            " study.html in the folder of a study.",
        ),
    ] = None,
) -> None:
    """Write a report or a study as an HTML page: answers, figures, tables.

    One file that loads nothing from elsewhere.
    """
    if is_study(file):
        from crossbar.study.page import save_study_page
        from crossbar.study.table import load_table

        folder = file if file.is_dir() else file.parent
        target = folder / "study.html" if out is None else out
        if target.name == "study.sqlite":
            raise InputError(f"{target}: is a store's name; name another file: --out FILE.html")
        save_study_page(load_table(folder), target)
        typer.echo(str(target))
        return
    from crossbar.report import Report, save_page

    file = file / "report.json" if file.is_dir() else file
    target = file.with_suffix(".html") if out is None else out
    if target.resolve() == file.resolve():
        raise InputError(f"{target}: is the report itself; name another file: --out FILE.html")
    save_page(Report.load(file), target)
    typer.echo(str(target))


@app.command()
def diff(
    a: Annotated[Path, typer.Argument(metavar="A.json", help="A report.")],
    b: Annotated[Path, typer.Argument(metavar="B.json", help="Another one.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the comparison as JSON and nothing else.")
    ] = False,
    complete: Annotated[
        bool, typer.Option("--all", help="List every change, not only the largest of each table.")
    ] = False,
) -> None:
    """Compare two saved reports: what was changed, then what came of it.

    Changes are B - A, relative to A. Equal numbers are counted, not listed. The exit code is 0
    whether the reports differ or not.
    """
    from crossbar.report import Report, compare_reports, difference_table

    names = str(a), str(b)
    found = compare_reports(Report.load(a), Report.load(b), names=names)
    if as_json:
        import json

        typer.echo(json.dumps(found.to_dict(), indent=1, allow_nan=False))
        return
    typer.echo(difference_table(found, names=names, complete=complete))
