"""Lines of a report's texts, which are 80 columns wide."""

from __future__ import annotations

import re
import textwrap

__all__ = ["WIDTH", "broken_line", "clean", "cut_line", "tail", "wrapped"]

WIDTH = 80
"""Characters a line of every text about a report."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no terminal, page or picture may be given: control, halves of pairs, none."""


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
        clean(line),
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )


def cut_line(line: str) -> str:
    """Cut a line that is too long, and show that it was."""
    line = clean(line)
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def clean(text: str) -> str:
    """Replace what no reader can be shown, such as control characters in the name of a layer."""
    return _UNSEEN.sub("\ufffd", text)


def tail(name: str, room: int) -> str:
    """Keep the end of a long name, which tells the layers of a block apart."""
    name = clean(name)
    return name if len(name) <= room else f"...{name[3 - room :].lstrip('.')}"


def wrapped(name: str, room: int) -> str:
    """Break a long name into lines behind its points; a longer word is broken anywhere.

    Parameters
    ----------
    name : str
    room : int
        Characters of a line.
    """
    lines = [""]
    for word in re.findall(r"[^.]*\.|[^.]+$", clean(name)):
        if lines[-1] and len(lines[-1]) + len(word) > room:
            lines.append("")
        lines[-1] += word
    cut = (line[start : start + room] for line in lines for start in range(0, len(line), room))
    return "\n".join(cut)
