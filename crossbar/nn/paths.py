"""Whether a file can be opened at all, told apart from what is in it."""

from __future__ import annotations

import os

from crossbar.errors import DataError

__all__ = ["check_readable"]


def check_readable(path: str | os.PathLike[str]) -> None:
    """Refuse a file that is missing or cannot be opened.

    Parameters
    ----------
    path : path

    Raises
    ------
    DataError
        Saying why, e.g. that permission is denied, so that a sound file is not called damaged.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb"):
            return
    except FileNotFoundError:
        raise DataError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{name}: a folder, not a file") from None
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
