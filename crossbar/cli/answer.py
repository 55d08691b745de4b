"""How a command hands over its report: a file in a folder, and a table or JSON on stdout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crossbar.cli.options import output_folder
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.report import Report

__all__ = ["print_report", "report_file"]


@contextmanager
def report_file(out: Path) -> Iterator[Path]:
    """Yield ``out/report.json`` for writing; the folder is `output_folder`'s.

    Raises
    ------
    InputError
        The folder cannot be written to, or a folder stands where the file would go.
    """
    with output_folder(out) as folder:
        file = folder / "report.json"
        if file.is_dir():
            raise InputError(f"--out {out}: {file} is a folder, where the report would go")
        yield file


def print_report(report: Report, file: Path, as_json: bool, note: str = "") -> None:
    """Print a report as JSON and nothing else, or as a table, a note and where it is saved."""
    if as_json:
        import json

        typer.echo(json.dumps(report.to_dict(), indent=1, allow_nan=False))
        return
    from crossbar.report import report_table

    typer.echo(report_table(report))
    if note:
        typer.echo(f"\n{note}\n")
    typer.echo(str(file))
