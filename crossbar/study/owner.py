"""Who computes a point: a process that is alive as long as it holds the lock on its own file.

A process number would not do: numbers are given anew, and two containers that share a folder do not
see each other's.  The kernel drops a lock with its process, however that ended.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from crossbar.errors import InputError

__all__ = ["Owner", "gone", "sweep"]

_PREFIX = ".claims-"


def gone(folder: Path, name: str) -> bool:
    """Whether the process of this name has ended; its file is then removed."""
    path = folder / f"{_PREFIX}{name}"
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def sweep(folder: Path) -> None:
    """Remove the files of processes that were killed."""
    for path in folder.glob(f"{_PREFIX}*"):
        gone(folder, path.name.removeprefix(_PREFIX))


class Owner:
    """A process that claims points of a store: the one that makes this.

    Parameters
    ----------
    folder : Path
        Of the store.

    Raises
    ------
    InputError
        The folder takes no files, or its file system has no locks.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._path = folder / f"{_PREFIX}{self.name}"
        self._handle = -1
        try:
            while not self._holds():
                self.leave()
                self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
                fcntl.flock(self._handle, fcntl.LOCK_EX)
        except OSError as error:
            self.leave()
            raise InputError(f"{folder}: cannot be written: {error.strerror}") from error

    def leave(self) -> None:
        """Give up the lock: what is claimed under this name is free again."""
        if self._handle >= 0:
            if self._holds():
                self._path.unlink()
            os.close(self._handle)
            self._handle = -1

    def _holds(self) -> bool:
        """Whether the file that is locked is still there: another process sweeps unlocked ones."""
        if self._handle < 0:
            return False
        try:
            return os.path.samestat(os.fstat(self._handle), self._path.stat())
        except FileNotFoundError:
            return False
