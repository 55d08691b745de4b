"""Rows to a table that fits a terminal, as text."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence

__all__ = ["line_width", "table"]

_NARROWEST = 60


def line_width(width: int | None = None) -> int:
    """Characters a line: ``width``, else the terminal's, else 100; never below 60."""
    if width is None:
        columns_set = int(os.environ.get("COLUMNS", "0") or "0")
        width = columns_set or shutil.get_terminal_size((100, 24)).columns
    return max(width, _NARROWEST)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", width: int | None = None
) -> str:
    """Lay out ``rows`` under ``columns``.

    Parameters
    ----------
    columns : sequence of str
        Headings; one that starts with ``<`` is aligned left, the others right.
    rows : iterable of sequence of str
    title : str
    width : int, optional
        Characters a line, as `line_width` takes it.

    Returns
    -------
    str
        Without a trailing line end; no colours.
    """
    import io

    from rich import box
    from rich.console import Console
    from rich.table import Table

    width = line_width(width)
    cells = [[heading.lstrip("<") for heading in columns], *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    is_text = [heading.startswith("<") for heading in columns]
    least = sum(8 if text else n for n, text in zip(widths, is_text, strict=True)) + len(widths)
    grid = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        pad_edge=False,
        padding=(0, 1 if sum(widths) + 3 * len(widths) <= width else 0),
    )
    for heading, text in zip(cells[0], is_text, strict=True):
        # text is broken over lines before numbers are, and nothing is cut off
        grid.add_column(
            heading,
            justify="left" if text else "right",
            overflow="fold",
            no_wrap=not text and least <= width,
        )
    for row in cells[1:]:
        grid.add_row(*row)
    out = io.StringIO()
    Console(file=out, width=width, no_color=True, highlight=False, markup=False).print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())
