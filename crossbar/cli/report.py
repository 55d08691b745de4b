"""``crossbar report``: what a run has written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Show saved reports.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Keep `show` a command of its own although it is the only one."""


@app.command()
def show(file: Annotated[Path, typer.Argument(metavar="FILE", help="A report.json.")]) -> None:
    """Print a saved report as the table that the run printed."""
    from crossbar.report import Report, report_table

    typer.echo(report_table(Report.load(file)))
