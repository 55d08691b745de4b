"""What `torch.export` says while it traces: kept quiet, and told in one line where it fails.

Torch 2.13 logs, and prints whole graphs to stderr, when tracing fails.
"""

from __future__ import annotations

import io
import linecache
import logging
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from types import TracebackType

import torch

__all__ = ["cause", "first_line", "quiet"]

# Data-dependent control flow surfaces as one of these, by name: their modules are private to torch.
_DATA_DEPENDENT = ("GuardOnDataDependentSymNode", "DataDependentOutputException")

# Not the user's code: frames that an error message should not point at.
_FOREIGN = (
    str(Path(torch.__file__).parent),
    str(Path(__file__).parents[1]),
    sysconfig.get_paths()["stdlib"],
    "<",
)

_NOISE = (
    r"(?s).*were assigned during export.*",  # an LSTM's own bookkeeping
    r".*padding='same' with even kernel.*",  # the padding is a step of its own here
    r".*treespec, LeafSpec.*",  # torch's own use of what it deprecates
)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence torch, which logs and prints whole graphs when tracing fails.

    What matters of them is in the error.  What was printed before a success is passed on.
    """
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    printed = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stderr(printed):
            for message in _NOISE:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(level)
    sys.stderr.write(printed.getvalue())


def cause(error: Exception) -> str:
    """Say in one line why tracing failed, and where in the user's code."""
    if type(error).__name__ in _DATA_DEPENDENT:
        cause = "its control flow depends on the values of a tensor"
    else:
        cause = first_line(error)
    place = _user_line(error.__traceback__)
    return f"{cause} ({place})" if place else cause


def first_line(error: Exception) -> str:
    """Return the first line of an error, or its type."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:240] if lines else type(error).__name__


def _user_line(traceback: TracebackType | None) -> str:
    """Return the innermost line of user code: ``"net.py line 12 in forward: if x.sum() > 0:"``."""
    found = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(_FOREIGN):
            source = linecache.getline(code.co_filename, traceback.tb_lineno).strip()
            name = Path(code.co_filename).name
            found = f"{name} line {traceback.tb_lineno} in {code.co_name}: {source}"
        traceback = traceback.tb_next
    return found
