"""Pieces of an HTML page: escaped text, tables, lists, embedded pictures."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Sequence

from crossbar.report.lines import clean

__all__ = ["data_table", "document", "escaped", "items", "listing", "picture", "tiles"]

_STYLE = """
body { margin: 0 auto; padding: 1.5rem; max-width: 62rem; background: #fff; color: #1a1a1a;
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid #bbb; }
p, li { overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .6rem;
  margin: 1.2rem 0; }
.tiles div { border: 1px solid #bbb; border-radius: 4px; padding: .5rem .7rem; }
.tiles b { display: block; font-size: 1.25rem; }
.tiles span { display: block; color: #444; font-size: .85rem; overflow-wrap: anywhere; }
figure { margin: 1.2rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption { color: #444; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding: .3rem 0; }
th, td { padding: .15rem .6rem; border-bottom: 1px solid #ddd; text-align: right;
  vertical-align: top; white-space: nowrap; }
th.text, td.text { text-align: left; white-space: normal; overflow-wrap: anywhere;
  min-width: 8rem; }
.sortable th[aria-sort="ascending"]::after { content: " \\25b2"; }
.sortable th[aria-sort="descending"]::after { content: " \\25bc"; }
pre { background: #f6f6f6; padding: .7rem; font-size: .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
""".strip()

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""The page may load nothing and run nothing but its own script, whatever stands in it."""


def escaped(text: object) -> str:
    """Return text that no browser takes for markup."""
    return html.escape(clean(str(text)))


def document(title: str, parts: Iterable[str], *, script: str = "") -> str:
    """Put parts, which are markup, into a page of its own that loads nothing.

    Parameters
    ----------
    title : str
    parts : iterable of str
    script : str
        The only one that a browser runs: the page names it by its hash.
    """
    policy = _POLICY
    if script:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
        policy += f"; script-src 'sha256-{digest}'"
        parts = [*parts, f"<script>{script}</script>"]
    head = (
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escaped(title)}</title>",
        f"<style>\n{_STYLE}\n</style>",
    )
    lines = ("<!DOCTYPE html>", '<html lang="en">', "<head>", *head, "</head>", "<body>")
    return "\n".join([*lines, *parts, "</body>", "</html>", ""])


def tiles(facts: Iterable[tuple[str, str, str]]) -> str:
    """Write the answers: what, how much, a remark."""
    boxes = (
        f"<div><span>{escaped(what)}</span><b>{escaped(value)}</b><span>{escaped(more)}</span></div>"
        for what, value, more in facts
    )
    return '<div class="tiles">\n' + "\n".join(boxes) + "\n</div>"


def items(lines: Iterable[str]) -> str:
    """Write a list of sentences."""
    return "<ul>\n" + "\n".join(f"<li>{escaped(line)}</li>" for line in lines) + "\n</ul>"


def listing(text: str) -> str:
    """Write lines as they are."""
    return "<pre>" + "\n".join(escaped(line) for line in text.split("\n")) + "</pre>"


def data_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table.

    Parameters
    ----------
    title : str
    columns : sequence of str
        Headings; one that starts with ``<`` is of text, the others are of numbers.
    rows : iterable of sequence of str
    """
    kinds = [' class="text"' if heading.startswith("<") else "" for heading in columns]
    heads = "".join(
        f'<th scope="col"{kind}>{escaped(heading.removeprefix("<"))}</th>'
        for kind, heading in zip(kinds, columns, strict=True)
    )
    lines = [
        "<tr>"
        + "".join(f"<td{kind}>{escaped(cell)}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    ]
    return "\n".join(
        (
            f'<div class="wide"><table><caption>{escaped(title)}</caption>',
            f"<thead><tr>{heads}</tr></thead>",
            "<tbody>",
            *lines,
            "</tbody></table></div>",
        )
    )


def picture(svg: bytes, alt: str, caption: str) -> str:
    """Embed an SVG as an image: its names and styles meet nothing else of the page."""
    data = base64.b64encode(svg).decode("ascii")
    return (
        f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escaped(alt)}">'
        f"<figcaption>{escaped(caption)}</figcaption></figure>"
    )
