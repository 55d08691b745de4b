"""The one way kernels are compiled: without the GIL, cached in a folder named by their sources.

Numba's cache does not notice an edited callee in another file; a folder that carries a hash of
every kernel file does.  Kernels are serial and release the GIL; callers split the work over Python
threads, so no threading layer (and no OpenMP runtime beside torch's) is ever started.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from numba import config, njit

__all__ = ["cache_folder", "jit"]


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


_FOLDER = str(cache_folder())


def jit(function):
    """Compile ``function`` on first call, without the GIL, cached in `cache_folder`."""
    before = config.CACHE_DIR
    config.CACHE_DIR = _FOLDER  # read by numba when the decorator runs, not later
    try:
        return njit(function, nogil=True, cache=True)
    finally:
        config.CACHE_DIR = before
