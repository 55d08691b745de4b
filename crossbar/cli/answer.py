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
    from crossbar.nn.explaining import Explanation
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
        page, more = _page(file), _explained(file)
        places = ((file, "report"), (page, "report's page"), (more, "explanation"))
        for each, what in places:
            if each.is_dir():
                raise InputError(f"--out {out}: {each} is a folder, where the {what} would go")
        yield file


def save_report(report: Report, file: Path, found: Explanation | None = None) -> None:
    """Write ``report.json`` and its page ``report.html`` beside it, each whole or not at all.

    What was found about where accuracy goes stands in the page, and in ``explain.json``.

    Raises
    ------
    InputError
        When either cannot be written.
    """
    from crossbar.files import write_whole
    from crossbar.report import html_page

    more: list[str] = []
    if found is not None:
        from crossbar.nn.explain_text import explanation_markup

        more = explanation_markup(found)
    drawn = html_page(report, more)  # before anything is written: none is left half new
    report.save(file)
    if found is not None:
        found.save(_explained(file))
    write_whole(_page(file), drawn)


def print_report(
    report: Report,
    file: Path,
    as_json: bool,
    note: str = "",
    found: Explanation | None = None,
) -> None:
    """Print a report as JSON and nothing else, or as a table, a note and where it is saved.

    With what was found about where accuracy goes, behind the table or as ``explanation``.

    Where it is saved, for people: the page to look at, then the file for programs.
    """
    if as_json:
        import json

        document = report.to_dict()
        if found is not None:
            document["explanation"] = found.to_dict()
        typer.echo(json.dumps(document, indent=1, allow_nan=False))
        return
    from crossbar.report import report_table

    typer.echo(report_table(report))
    if found is not None:
        typer.echo(f"\n{found}\n")
    if note:
        typer.echo(f"\n{note}\n")
    typer.echo(f"{_page(file)} (to look at)")
    if found is not None:
        typer.echo(str(_explained(file)))
    typer.echo(str(file))


def _explained(file: Path) -> Path:
    return file.with_name("explain.json")


def _page(file: Path) -> Path:
    return file.with_suffix(".html")
