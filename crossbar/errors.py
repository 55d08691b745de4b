"""What can go wrong, in the user's words.

Every message is one line a problem: where, the value, what is allowed, the nearest name.  The
command line prints an `InputError` without a traceback and exits with 2; anything else exits with
1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CaptureError",
    "CaptureWarning",
    "ConfigError",
    "CrossbarError",
    "DataError",
    "DeadlockError",
    "DoesNotFitError",
    "InputError",
    "RunError",
    "SchemaVersionError",
    "UnknownNameError",
    "UntraceableError",
    "WorkloadError",
    "did_you_mean",
]


class CrossbarError(Exception):
    """Base of every error this package raises on purpose."""


class InputError(CrossbarError, ValueError):
    """The user's input is wrong (exit code 2)."""


class RunError(CrossbarError, RuntimeError):
    """A run failed although its input was right (exit code 1)."""


class DeadlockError(RunError):
    """Positions of a schedule that wait for one another in a circle."""


class ConfigError(InputError):
    """One or more problems in a hardware description; all of a file at once.

    Parameters
    ----------
    problems : iterable of str
        One line each, e.g. ``"isaac.yaml: adc.bit: unknown key (did you mean 'bits'?)"``.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnknownNameError(InputError):
    """A name of a preset, workload, layer or key that does not exist.

    Parameters
    ----------
    what : str
        The sort of name, e.g. ``"workload"``.
    name : str
        What the user wrote.
    allowed : iterable of str
        The names that exist.
    near : int, optional
        List so many of the nearest names only, where there are any: for hundreds of names.
    more : int
        Names that exist beside these.
    """

    def __init__(
        self,
        what: str,
        name: str,
        allowed: Iterable[str],
        *,
        near: int | None = None,
        more: int = 0,
    ) -> None:
        names = sorted(allowed)
        nearest = difflib.get_close_matches(name, names, n=near, cutoff=0.5) if near else []
        listed = f"near: {', '.join(nearest)}" if nearest else f"known: {', '.join(names)}"
        listed += f" and {more:,} more" if more else ""
        super().__init__(f"unknown {what} {name!r}{did_you_mean(name, names)}; {listed}")


class WorkloadError(InputError):
    """One or more problems in the graph of a network; all of them at once.

    Parameters
    ----------
    problems : iterable of str
        One line each, e.g. ``"net.json: nodes.1 (conv1): kind: unknown kind 'conv'"``.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(InputError):
    """Images, labels or calibration data that cannot be used."""


class CaptureError(InputError):
    """A model that cannot be captured or mapped."""


class UntraceableError(CaptureError):
    """A model that `torch.export` refuses, or whose sizes depend on the values of its input."""


class CaptureWarning(UserWarning):
    """Something of a model that its capture could not see."""


class DoesNotFitError(InputError):
    """A network that needs more hardware than the chip has."""


class SchemaVersionError(InputError):
    """A file written by a newer version of this package."""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return ``" (did you mean 'bits'?)"``, or ``""`` when nothing is near."""
    names = list(allowed)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near and len(name) > 2:  # the first word alone, "isac" for "isaac_8bit"
        first = {word.partition("_")[0] for word in names if "_" in word}
        words = difflib.get_close_matches(name, first, n=1, cutoff=0.75)
        near = [min((n for n in names if n.startswith(f"{word}_")), key=len) for word in words]
    return f" (did you mean {near[0]!r}?)" if near else ""
