"""``points.csv``: one line a point, every digit, for any program."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["POINTS", "cell_text", "csv_text"]

POINTS = "points.csv"
"""Name of the file beside a store."""


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows as comma-separated values; what was not measured is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell_text(row[name]) for name in columns] for row in rows)
    return out.getvalue()


def cell_text(value: Any) -> str:
    """Write one value on one line: floats with every digit, words as YAML has them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "; ".join(value.splitlines())
    return json.dumps(value)
