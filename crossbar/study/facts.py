"""Whose points a store holds: checked when it is opened, kept in it for tables and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossbar.errors import InputError
from crossbar.study.packing import plain_json

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["introduce", "read_facts"]


def read_facts(connection: Connection) -> dict[str, str]:
    """Return what a store says about itself: ``about`` (JSON), ``name``, ``held``."""
    return dict(connection.execute("SELECT name, value FROM facts").fetchall())


def introduce(
    connection: Connection, folder: Path, about: Mapping[str, Any], keys: Sequence[str]
) -> None:
    """Check that a store is of this study, or write into a new one whose it is.

    Parameters
    ----------
    connection : Connection
    folder : Path
        For the message.
    about : mapping
        What must be the same, JSON-able.
    keys : sequence of str
        A store that holds a point of one of these keys passes, whatever it says.

    Raises
    ------
    InputError
        It is of another study.
    """
    told = plain_json(about)
    found = read_facts(connection).get("about")
    if found is not None and not any(_holds(connection, key) for key in keys):
        here, there = json.loads(told), json.loads(found)
        differ = [
            f"{name} {_short(there.get(name))} there, {_short(here.get(name))} here"
            for name in sorted(there.keys() | here.keys())
            if there.get(name) != here.get(name)
        ]
        if differ:
            raise InputError(
                f"{folder}: holds another study ({'; '.join(differ)}); give another folder"
            )
    if found != told:
        connection.execute("INSERT OR REPLACE INTO facts VALUES ('about', ?)", (told,))


def _holds(connection: Connection, key: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM points WHERE key = ?", (key,)).fetchone())


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
