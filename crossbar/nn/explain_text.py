"""Where accuracy goes, as data and as text for a terminal."""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossbar.files import write_whole
from crossbar.mapping.plan_text import counted, shortened
from crossbar.report.head import duration
from crossbar.report.lines import WIDTH, clean
from crossbar.report.markup import data_table, escaped
from crossbar.tables import table

__all__ = ["LADDER", "Explanation", "explanation_markup"]

LADDER: Mapping[str, str] = {
    "quantised": "weights and inputs as integers",
    "converters": "slices, DACs and ADCs",
    "faults": "broken cells",
    "variation": "programming error",
    "drift": "time since programming",
    "wires": "resistance of wires",
    "noise": "fresh noise of every read",
}
"""Steps from the float network to the hardware, in order, and what each adds."""

FORMAT = "crossbar.explanation"
_SHORT = {"converters": "convert"}
_LAYER = 14


@dataclass(frozen=True)
class Explanation:
    """Where accuracy goes: step by step and layer by layer.

    Parameters
    ----------
    workload, arch : str
        Names.
    measure : str
        What is lost: ``"accuracy"`` or another metric; ``"agreement"`` with the float model where
        the data has no targets.
    images, seed : int
    t_inference : float or None
        Time since programming [s].
    steps : tuple of dict
        ``float`` and each of `LADDER`: ``name``, ``what``, ``present`` (whether the hardware has
        it), ``so_far`` (the measure with all steps up to here), ``lost`` (by this step), ``alone``
        (the measure with this step only, on integers).  None where the step is absent.
    rows : tuple of dict
        Layers in network order: ``layer``, ``snr`` (step -> signal-to-noise ratio [dB] of its
        outputs against the float network, all steps up to there switched on; None where the step is
        absent, infinite where it is exact), ``own`` (the same [dB] of this layer alone with
        everything on: it gets the clean inputs of the integer network, and its integer twin is what
        it ought to give).
    guilty : dict or None
        None where nothing is lost: ``step`` and ``lost`` (by it); ``layer`` and ``own`` (its
        signal-to-noise ratio when only this step is on [dB]); ``regained`` when the step spares
        this layer; ``spared`` (layer -> regained of all that were tried); ``by_chance`` (whether
        so few images may differ by chance; None where not known); ``try`` (keys to change).
    reasons : tuple of str
        What makes column sums real numbers.
    sentence : str
    runs : int
        Runs of the network that it took.
    """

    workload: str
    arch: str
    measure: str
    images: int
    seed: int
    t_inference: float | None
    steps: tuple[dict[str, Any], ...]
    rows: tuple[dict[str, Any], ...]
    guilty: dict[str, Any] | None
    reasons: tuple[str, ...]
    sentence: str
    runs: int

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON-able data; a ratio without any error is ``"exact"``."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain = _plain({"format": FORMAT, "schema": 1, **data})
        assert isinstance(plain, dict)
        return plain

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, whole or not at all.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        write_whole(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")


def explanation_markup(found: Explanation) -> list[str]:
    """Return it as a part of an HTML page."""
    shown = [step["name"] for step in found.steps[1:] if step["present"]]
    return [
        "<h2>Where accuracy goes</h2>",
        f"<p>{escaped(found.sentence)}</p>",
        data_table(
            f"Steps from the float network to the hardware: {_what(found)}",
            ["<step", "so far", "lost here", "alone", "<what it adds"],
            [_step_cells(step) for step in found.steps],
        ),
        data_table(
            "Signal-to-noise ratio of each layer's outputs against the float network [dB], steps"
            " switched on in turn; own: everything on in this layer alone, on clean inputs",
            ["<layer", *shown, "own"],
            [
                [row["layer"], *(_decibels(row["snr"][s]) for s in shown), _decibels(row["own"])]
                for row in found.rows
            ],
        ),
    ]


def _lines(found: Explanation) -> list[str]:
    title = f"where {found.measure} goes: {found.workload} on {found.arch}, {_what(found)}"
    lines = textwrap.wrap(clean(title), WIDTH)
    columns = ["<step", "so far", "lost here", "alone", "<what it adds"]
    lines += [table(columns, [_step_cells(step) for step in found.steps], width=WIDTH), ""]
    heads = [_SHORT.get(name, name) for name in LADDER]
    cells = [
        [*(_decibels(row["snr"][name]) for name in LADDER), _decibels(row["own"])]
        for row in found.rows
    ]
    taken = [max(map(len, column)) for column in zip([*heads, "own"], *cells, strict=True)]
    room = max(_LAYER, WIDTH - sum(taken) - len(taken) - 2)
    names = shortened([clean(row["layer"]) for row in found.rows], room)
    lines += [
        table(
            ["<layer", *heads, "own"],
            [[name, *row] for name, row in zip(names, cells, strict=True)],
            title="signal-to-noise ratio of each layer [dB]",
            width=WIDTH,
        ),
        "of its outputs against the float network, steps switched on in turn; own: with",
        "everything on in this layer alone, on clean inputs; -: there is no such effect",
        "(drift needs a time, t_inference)",
        "",
        *textwrap.wrap(clean(found.sentence), WIDTH, break_on_hyphens=False),
    ]
    return lines


def _what(found: Explanation) -> str:
    words = [counted(found.images, "sample"), f"seed {found.seed}"]
    if found.t_inference is not None:
        words.append(f"{duration(found.t_inference)} after programming")
    return ", ".join(words)


def _step_cells(step: Mapping[str, Any]) -> list[str]:
    numbers = (share_text(step[key]) for key in ("so_far", "lost", "alone"))
    return [step["name"], *numbers, step["what"]]


def share_text(value: float | None) -> str:
    """Write a share in per cent, ``"-"`` where there is none."""
    return "-" if value is None else f"{100 * value + 0.0:.2f} %"


def _decibels(value: float | None) -> str:
    if value is None:
        return "-"
    return "exact" if math.isinf(value) else f"{value:.1f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return "exact" if isinstance(value, float) and math.isinf(value) else value
