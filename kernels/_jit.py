"""The one way kernels are compiled: without the GIL, cached in a folder named by their sources.

Numba's cache does not notice an edited callee in another file; a folder that carries a hash of
every kernel file does.  Kernels are serial and release the GIL; callers split the work over Python
threads, so no threading layer (and no OpenMP runtime beside torch's) is ever started.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from numba import config, njit

__all__ = ["cache_folder", "cache_problem", "jit", "jit_uncounted"]


def cache_folder():
    """Name the folder of compiled code: ``$CROSSBAR_CACHE`` or the user's cache, and a hash."""
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    base = os.environ.get("CROSSBAR_CACHE")
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        base = Path(home) / "crossbar"
    return Path(base) / f"kernels-{digest.hexdigest()[:12]}"


@lru_cache(maxsize=1)
def cache_problem():
    """Say why `cache_folder` cannot be written, ``""`` when it can; makes the folder."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


_FOLDER = str(cache_folder())


def jit(function):
    """Compile ``function`` on first call, without the GIL, cached in `cache_folder`.

    Where that cannot be written it is not cached at all: numba would choose a folder without a hash
    beside the sources, and stop where that cannot be written either.
    """
    return _compile(function)


def jit_uncounted(function):
    """Compile as `jit` does, without counting references; the function may make no arrays.

    Functions that hand tuples of arrays to one another spend most of their time counting otherwise
    (the event loop: 0.8 instead of 8.8 million events a second).
    """
    return _compile(function, _nrt=False)


def _compile(function, **options):
    if cache_problem():
        return njit(function, nogil=True, **options)
    before = config.CACHE_DIR
    config.CACHE_DIR = _FOLDER  # read by numba when the decorator runs, not later
    try:
        return njit(function, nogil=True, cache=True, **options)
    finally:
        config.CACHE_DIR = before
