"""Lines of a report's texts, which are 80 columns wide."""

from __future__ import annotations

import textwrap

__all__ = ["WIDTH", "broken_line", "cut_line"]

WIDTH = 80
"""Characters a line of every text about a report."""


def broken_line(start: str, line: str, indent: int) -> list[str]:
    """Break a line at blanks; a name that is longer than a line is broken anywhere.

    Parameters
    ----------
    start : str
        Stands before the first line.
    line : str
    indent : int
        Blanks before the others.
    """
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def cut_line(line: str) -> str:
    """Cut a line that is too long, and show that it was."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."
