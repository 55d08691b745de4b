"""The points of a study: every combination of its axes that meets its conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from crossbar.arch import Arch, load_arch
from crossbar.arch.fields import shown
from crossbar.arch.keys import arch_values, key_table
from crossbar.errors import InputError
from crossbar.study.axes import Axis, twice
from crossbar.study.conditions import Condition, parse_condition

__all__ = ["MOST_POINTS", "Point", "arch_values", "grid"]

MOST_POINTS = 1_000_000
"""Points of a study, at most, unless the user says that more are meant."""

_MOST_TRIED = 4_000_000


@dataclass(frozen=True)
class Point:
    """One combination of values.

    Parameters
    ----------
    values : mapping
        Dotted axis key -> value as a file would say it, in the order of the axes.
    """

    values: Mapping[str, Any]

    def __str__(self) -> str:
        """Write the point on one line: ``array.rows=64 array.cycle='50 ns'``."""
        return " ".join(f"{key}={shown(value)}" for key, value in self.values.items())


def grid(
    axes: Sequence[Axis],
    conditions: Iterable[Condition | str] = (),
    *,
    arch: Arch | None = None,
    base: Mapping[str, Any] | None = None,
    yes: bool = False,
) -> tuple[Point, ...]:
    """Make the points of a study.

    Parameters
    ----------
    axes : sequence of Axis
        The first one changes slowest.
    conditions : iterable of Condition or str
        What every point must meet.
    arch : Arch, optional
        Hardware that gives the keys of conditions that are no axis; where ``arch`` is an axis, the
        hardware of the point does.
    base : mapping, optional
        Values of other keys that are no axis, e.g. ``{"seed": 0, "workload": "vgg8"}``.
    yes : bool
        Make more than a million points.

    Returns
    -------
    tuple of Point

    Raises
    ------
    InputError
        No axis, a key in two axes, no point left (with the condition that left none), more than a
        million points, a condition on a key that has no value.
    """
    if not axes:
        raise InputError("grid: no axis; a study varies one key at least (e.g. array.rows=64,128)")
    problems = [f"axis {problem}" for problem in twice(axis.keys for axis in axes)]
    problems += [f"axis {axis.label}: no values" for axis in axes if not axis.values]
    if problems:
        raise InputError("\n".join(problems))
    wanted = [c if isinstance(c, Condition) else parse_condition(c) for c in conditions]
    count = prod(len(axis) for axis in axes)
    if count > MOST_POINTS and not wanted and not yes:
        raise _too_many(axes, f"{count:,} points")
    walk = _Walk(axes, wanted, arch, base or {})
    limit = None if yes else MOST_POINTS
    points = []
    for values in walk.run(limit if limit is None else _MOST_TRIED):
        points.append(Point(values))
        if limit is not None and len(points) > limit:
            raise _too_many(axes, f"too many points left of {count:,}")
    if not points:
        raise InputError(f"grid: no point is left of {count:,}: {walk.culprit()}")
    return tuple(points)


class _Walk:
    """Goes through the combinations and leaves a branch as soon as a condition fails."""

    def __init__(
        self,
        axes: Sequence[Axis],
        conditions: Sequence[Condition],
        arch: Arch | None,
        base: Mapping[str, Any],
    ) -> None:
        self.axes = axes
        self.place = {key: i for i, axis in enumerate(axes) for key in axis.keys}
        self.archs: dict[str, dict[str, Any]] = {}
        needed = dict.fromkeys(key for condition in conditions for key in condition.keys)
        loose = [key for key in needed if key not in self.place]
        self.from_arch = [key for key in loose if key in key_table() and key not in base]
        self.values: dict[str, Any] = {key: base[key] for key in loose if key in base}
        if self.from_arch and "arch" not in self.place and arch is not None:
            given = arch_values(arch)
            self.values |= {key: given[key] for key in self.from_arch}
        self._check_values(conditions)
        self.tests: list[list[Condition]] = [[] for _ in axes]
        for condition in conditions:
            self.tests[max((self._depth(key) for key in condition.keys), default=0)].append(
                condition
            )
        self.held = {id(test): 0 for tests in self.tests for test in tests}
        self.tried = 0

    def run(self, most: int | None) -> Iterator[dict[str, Any]]:
        """Yield the values of the points, at most so many branches being looked at."""
        keys = list(self.place)
        for _ in self._branch(0, most):
            yield {key: self.values[key] for key in keys}

    def culprit(self) -> str:
        """Name the condition that left no point, and those that were met before it."""
        met: list[str] = []
        for test in (test for tests in self.tests for test in tests):
            if self.held[id(test)] == 0:
                among = f" that meets {' and '.join(map(repr, met))}" if met else ""
                return f"{test.text!r} holds for no combination{among}"
            met.append(test.text)
        return "no condition is to blame"

    def _branch(self, depth: int, most: int | None) -> Iterator[None]:
        if depth == len(self.axes):
            yield
            return
        axis = self.axes[depth]
        for row in axis.values:
            self.tried += 1
            if most is not None and self.tried > most:
                raise _too_many(self.axes, f"no end after {most:,} combinations")
            self.values.update(zip(axis.keys, row, strict=True))
            if "arch" in axis.keys and self.from_arch:
                self._use_arch(self.values["arch"])
            if all(self._holds(test) for test in self.tests[depth]):
                yield from self._branch(depth + 1, most)

    def _holds(self, test: Condition) -> bool:
        found = test.holds(self.values)
        self.held[id(test)] += found
        return found

    def _use_arch(self, name: str) -> None:
        if name not in self.archs:
            self.archs[name] = arch_values(load_arch(name))
        self.values |= {key: self.archs[name][key] for key in self.from_arch}

    def _depth(self, key: str) -> int:
        """Return the first axis at which the value of a key is known."""
        if key in self.place:
            return self.place[key]
        return self.place.get("arch", 0) if key in self.from_arch else 0

    def _check_values(self, conditions: Sequence[Condition]) -> None:
        problems = []
        for condition in conditions:
            for key in condition.keys:
                from_axis = key in self.place or (key in self.from_arch and "arch" in self.place)
                if not from_axis and key not in self.values:
                    problems.append(
                        f"where {condition.text!r}: {key} is no axis, and nothing else says what"
                        " it is"
                    )
        if problems:
            raise InputError("\n".join(dict.fromkeys(problems)))


def _too_many(axes: Sequence[Axis], what: str) -> InputError:
    lengths = " x ".join(f"{len(axis):,}" for axis in axes)
    return InputError(
        f"grid: {what} (axes of {lengths} values); more than {MOST_POINTS:,} points need --yes, or"
        " yes=True"
    )
