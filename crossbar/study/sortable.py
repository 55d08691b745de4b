"""A table of an HTML page that is sorted by a click on a heading; whole without its script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crossbar.report.markup import escaped

__all__ = ["SCRIPT", "sortable_table"]

SCRIPT = """
for (const head of document.querySelectorAll("table.sortable th")) {
  const sort = () => {
    const table = head.closest("table"), body = table.tBodies[0], at = head.cellIndex;
    const up = head.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[at].dataset.key;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      const numbers = !isNaN(x) && !isNaN(y);
      const sign = numbers ? x - y : x < y ? -1 : x > y ? 1 : 0;
      return up ? sign : -sign;
    };
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...[...body.rows].sort(order));
  };
  head.tabIndex = 0;
  head.style.cursor = "pointer";
  head.addEventListener("click", sort);
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
"""
"""Numbers before text, what is not there last; the marks are in the style of the page."""


def sortable_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[tuple[str, str | float | None]]]
) -> str:
    """Write a table that `SCRIPT` sorts.

    Parameters
    ----------
    title : str
    columns : sequence of str
        Headings; one that starts with ``<`` is of text, the others are of numbers.
    rows : iterable of sequence of tuple
        For each cell: what stands in it, and what it is sorted by.
    """
    kinds = [' class="text"' if heading.startswith("<") else "" for heading in columns]
    heads = "".join(
        f'<th scope="col"{kind}>{escaped(heading.removeprefix("<"))}</th>'
        for kind, heading in zip(kinds, columns, strict=True)
    )
    lines = [
        "<tr>"
        + "".join(
            f'<td{kind} data-key="{"" if by is None else escaped(by)}">{escaped(words)}</td>'
            for kind, (words, by) in zip(kinds, row, strict=True)
        )
        + "</tr>"
        for row in rows
    ]
    return "\n".join(
        (
            f'<div class="wide"><table class="sortable"><caption>{escaped(title)}</caption>',
            f"<thead><tr>{heads}</tr></thead>",
            "<tbody>",
            *lines,
            "</tbody></table></div>",
        )
    )
