"""Rows to a table that fits a terminal, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["table"]


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
        Characters a line; the terminal's width, or 100 where there is none.

    Returns
    -------
    str
        Without a trailing line end; no colours.
    """
    import io
    import os
    import shutil

    from rich import box
    from rich.console import Console
    from rich.table import Table

    if width is None:
        columns_set = int(os.environ.get("COLUMNS", "0") or "0")
        width = columns_set or shutil.get_terminal_size((100, 24)).columns
    grid = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for heading in columns:
        left = heading.startswith("<")
        grid.add_column(
            heading.lstrip("<"), justify="left" if left else "right", overflow="fold" if left else "ellipsis"
        )
    for row in rows:
        grid.add_row(*row)
    out = io.StringIO()
    Console(file=out, width=max(width, 60), no_color=True, highlight=False, markup=False).print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())
