"""Files of this package: written whole or not at all, refused when a newer version wrote them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crossbar.errors import DataError, InputError, SchemaVersionError

__all__ = ["check_header", "write_whole"]


def write_whole(path: str | os.PathLike[str], write: str | Callable[[Path], None]) -> None:
    """Write a file under a temporary name beside it, then rename it.

    Parameters
    ----------
    path : path
        The file; its folder is made, an existing file is replaced in one step.
    write : str or callable
        The text, or a function that writes the file it is given.

    Raises
    ------
    InputError
        If the file cannot be written; an existing one is then as it was.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.touch()
            mode = temporary.stat().st_mode  # as the user's umask has it; some writers are stricter
            if isinstance(write, str):
                temporary.write_text(write, encoding="utf-8")
            else:
                write(temporary)
            temporary.chmod(mode)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from error


def check_header(source: str, data: dict[str, Any], what: str, format: str, schema: int) -> None:
    """Check the ``format`` and ``schema`` of a file's data, before anything else is read.

    Parameters
    ----------
    source : str
        The file, for the message.
    data : dict
    what : str
        ``"report"``, ``"workload"`` ...
    format : str
        What ``format`` must say.
    schema : int
        Newest version that this package reads.

    Raises
    ------
    DataError
        Another sort of file, or no version.
    SchemaVersionError
        A newer version.
    """
    if data.get("format") != format:
        found = repr(data["format"]) if "format" in data else "missing"
        raise DataError(f"{source}: format: {found}; a {what} file says {format!r}")
    given = data.get("schema")
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise DataError(f"{source}: schema: {given!r} is not a version; this one is {schema}")
    if given > schema:
        raise SchemaVersionError(
            f"{source}: schema: {given} was written by a newer crossbar; this one reads up to"
            f" {schema}"
        )
