"""How a command hands over its report: files in a folder, and a table or JSON on stdout."""

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

__all__ = ["print_report", "report_file", "save_report"]


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
        for each, what in ((file, "report"), (_page(file), "report's page")):
            if each.is_dir():
                raise InputError(f"--out {out}: {each} is a folder, where the {what} would go")
        yield file


def save_report(report: Report, file: Path) -> None:
    """Write ``report.json`` and its page ``report.html`` beside it, each whole or not at all.

    Raises
    ------
    InputError
        When either cannot be written.
    """
    from crossbar.files import write_whole
    from crossbar.report import html_page

    drawn = html_page(report)  # before anything is written: a page that fails leaves no new report
    report.save(file)
    write_whole(_page(file), drawn)


def print_report(report: Report, file: Path, as_json: bool, note: str = "") -> None:
    """Print a report as JSON and nothing else, or as a table, a note and where it is saved.

    Where it is saved, for people: the page to look at, then the file for programs.
    """
    if as_json:
        import json

        typer.echo(json.dumps(report.to_dict(), indent=1, allow_nan=False))
        return
    from crossbar.report import report_table

    typer.echo(report_table(report))
    if note:
        typer.echo(f"\n{note}\n")
    typer.echo(f"{_page(file)} (to look at)")
    typer.echo(str(file))


def _page(file: Path) -> Path:
    return file.with_suffix(".html")
