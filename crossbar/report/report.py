"""The Report: what one run found, as data that can be saved, loaded and printed."""

from __future__ import annotations

import json
import os
from dataclasses import MISSING, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Self

from crossbar.errors import DataError, InputError
from crossbar.files import check_header, write_whole
from crossbar.report.damage import found, problems_of

__all__ = ["FORMAT", "SCHEMA", "Report"]

FORMAT = "crossbar.report"
"""What the ``format`` key of a report file says."""

SCHEMA = 1
"""Version of the file layout; newer ones are refused."""


@dataclass(frozen=True)
class Report:
    """What one run found.  SI units; what was not measured is None, never 0.

    Parameters
    ----------
    workload, arch : str
        Names.
    accuracy, float_accuracy, digital_accuracy : float or None
        Share of right answers, 0..1: on the crossbars, of the float model, of the integer network
        without crossbars; None without targets.
    metrics : dict
        Every metric of the crossbars by name; None where undefined.
    images : int or None
        Samples that were run.
    precision : dict
        ``weight_bits`` and ``input_bits`` of most layers; ``layers`` has those of each.
    energy : float
        One inference [J], leakage included, programming not.
    cycles : int
        Clocks of the first inference, alone on the chip.
    latency : float
        The same [s].
    latency_kind : str
        ``"schedule"``: of every input vector, to one clock cycle (docs/timing.md).
    throughput : float
        Inferences a second [1/s] of a long stream of images.
    bound : dict
        ``latency`` [s] and ``throughput`` [1/s] with infinite buffers, buses and
        vector lanes and an ADC for every array.
    stream : dict
        ``images`` that were scheduled one behind the other, ``interval`` (clocks between the last
        ones), ``steady`` (whether that had settled), ``limited_by`` (the layer or resource that
        sets the pace), ``load`` (share of the interval in which that is busy), ``waits_for``
        (``cause``, ``layer``, ``clocks`` in an interval: the largest wait of that layer, or None).
    area : float
        Whole chip [m^2], idle tiles and off-chip port included.
    power : dict
        ``average`` = energy x throughput, ``peak`` over any ``window`` [s] of the stream,
        ``nameplate`` (everything at its declared rate), ``leakage`` of the whole chip [W].
    programming : dict
        ``energy`` [J], ``latency`` [s] of loading the weights; ``rows`` that are programmed one
        after another.
    components : dict
        Name -> ``energy`` [J] of one inference, ``leakage`` [J] (the part of it that is no
        action's), ``area`` [m^2].
    layers : tuple of dict
        In network order: ``name``, ``kind``, ``energy`` (dynamic [J]), ``start`` and ``end``
        (clocks of its first issue and its last retire in the first inference), ``cycles`` = end -
        start, ``time`` (the same in seconds), ``busy`` (clocks in which its arrays compute, summed
        over copies), ``idle`` (cause -> clocks, summed over copies; with ``busy`` they make
        cycles of the report x copies), ``waits_for`` (``cause``, ``layer``, ``clocks``: the largest
        of the causes between start and end, or None), ``load`` (share of the stream's interval in
        which its busiest copy computes), ``buffer`` (``need`` and ``given`` [byte] of its inputs),
        ``positions``, ``replicas``, ``arrays``, ``cells`` (that hold weights), ``reads`` (of a row
        group for one position), ``row_groups`` (read one after the other), ``slot_cycles`` (clocks
        of one read), ``ideal_slot_cycles`` (the same with an ADC for every array),
        ``write_cycles`` and ``ideal_write_cycles`` (lost before an image because cells are
        programmed, on the chip and with an ADC for every array), ``components``
        (name -> dynamic energy [J]), ``counts`` (action -> number).
        docs/report.md explains each.
    resources : tuple of dict
        Buses, output ports, vector units and shared ADCs: ``name``, ``kind``, ``tile``, ``busy``,
        ``idle`` (cause -> clocks), which make ``cycles``.
    critical_path : tuple of dict
        What the last output of the first inference had to wait for, one thing after the other:
        ``layer``, ``what``, ``cycles``, which add up to those of the report.
    timeline : dict
        The first inference in ``bins`` of ``window`` clocks; ``layers``: name -> share of each bin
        in which its arrays compute.
    chip : dict
        ``tiles``, ``pes``, ``arrays`` in use, ``chip_tiles``, ``utilisation`` = used / placed
        cells; ``skipped_arrays`` and ``skipped_pes`` left empty among them, because the buffers of
        their tiles are full, and ``lending_tiles`` in use for their buffers alone.
    counts : dict
        Actions of one inference by name; ``cell_writes`` is of programming.
    scenario : dict
        What was run, JSON-able.
    seed : int
    versions : dict
        Package -> version.
    unpriced : tuple of dict
        Operations that have no price: ``name``, ``kind``, ``operator``, ``operations``,
        ``weights`` (on no crossbar).
    notes : tuple of str
        What the numbers leave out or assume.
    trials : dict, optional
        Several draws of the chip, whose means the numbers above are: ``number``, ``identical``
        (nothing is drawn, so that one run stands for all), ``seeds``, ``accuracy``, ``energy`` and
        each of ``metrics`` as ``mean``, ``std`` (n - 1), ``worst``, ``values``; ``histogram`` of
        the accuracy: ``counts``, ``edges``.
    sequences : dict, optional
        Where samples have other lengths than the network was captured with: ``tokens`` (captured),
        ``mean``, ``shortest``, ``longest`` tokens of a sample, ``per_second`` [1/s],
        ``energy_per_token`` [J], ``schedule`` (``tokens`` and ``latency`` [s] of the length whose
        schedule is shown), ``by_length`` (rows of ``tokens``, ``samples``, ``energy`` [J],
        ``latency`` and ``interval`` [s], ``exact``).
    digital : tuple of dict, optional
        Digital operations by kind: ``kind``, ``nodes``, ``operations``, ``actions`` (name ->
        number), ``energy`` [J] and its ``share`` of an inference (None where no unit is modelled),
        ``units`` (name -> clocks that one of a tile would be busy); None in files of earlier
        versions.
    wear : dict, optional
        Of cells that are programmed in every inference: ``writes_per_inference`` (pulses of a cell,
        mean), ``cells``, ``endurance`` (pulses after which a cell fails, or None),
        ``inferences_to_failure``, ``lifetime`` [s] at the throughput; None where there are none.
    """

    workload: str
    arch: str
    accuracy: float | None
    float_accuracy: float | None
    digital_accuracy: float | None
    metrics: dict[str, float | None]
    images: int | None
    precision: dict[str, int]
    energy: float
    cycles: int
    latency: float
    latency_kind: str
    throughput: float
    bound: dict[str, float]
    stream: dict[str, Any]
    area: float
    power: dict[str, float | None]
    programming: dict[str, float | None]
    components: dict[str, dict[str, float]]
    layers: tuple[dict[str, Any], ...]
    resources: tuple[dict[str, Any], ...]
    critical_path: tuple[dict[str, Any], ...]
    timeline: dict[str, Any]
    chip: dict[str, float]
    counts: dict[str, float | None]
    scenario: dict[str, Any]
    seed: int
    versions: dict[str, str]
    unpriced: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    trials: dict[str, Any] | None = None
    sequences: dict[str, Any] | None = None
    digital: tuple[dict[str, Any], ...] | None = None
    wear: dict[str, Any] | None = None

    def __str__(self) -> str:
        from crossbar.report.text import report_table

        return report_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON-able data, its format and schema version first."""
        data: dict[str, Any] = {"format": FORMAT, "schema": SCHEMA}
        for field in fields(self):
            value = getattr(self, field.name)
            data[field.name] = list(value) if isinstance(value, tuple) else value
        return data

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report as JSON, under a temporary name first.

        Parameters
        ----------
        path : path
            The file; its folder is made, an existing file is replaced in one step.

        Raises
        ------
        InputError
            If the file cannot be written; an existing one is then as it was.
        """
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        write_whole(path, text)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a report file.

        Parameters
        ----------
        path : path

        Raises
        ------
        InputError
            If the file cannot be read.
        DataError
            If it is no report: not JSON (cut off, for instance), another sort of file, missing,
            unknown or wrong keys.
        SchemaVersionError
            If a newer version of this package wrote it.
        """
        file = Path(path)
        try:
            data = json.loads(
                file.read_text(encoding="utf-8"), parse_constant=partial(_refuse, file)
            )
        except OSError as error:
            raise InputError(f"{file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not UTF-8 text (byte {error.start})") from error
        except json.JSONDecodeError as error:
            raise DataError(
                f"{file}: line {error.lineno} column {error.colno}: not JSON ({error.msg});"
                " the file may be cut off"
            ) from error
        return cls.from_dict(data, str(file))

    @classmethod
    def from_dict(cls, data: Any, source: str = "report") -> Self:
        """Make a report of what `to_dict` returned.

        Parameters
        ----------
        data : dict
        source : str
            What errors call it.

        Raises
        ------
        DataError
            If it is no report: missing, unknown or wrong keys.
        SchemaVersionError
            If a newer version of this package made it.
        """
        return cls(**_checked(source, data))


def _refuse(file: Path, constant: str) -> None:
    """Refuse NaN and infinities, which JSON does not have and `Report.save` never writes."""
    raise DataError(f"{file}: {constant} stands where a number or null is needed")


def _checked(source: str, data: Any) -> dict[str, Any]:
    """Return the fields of a report file, or say what is wrong with it."""
    if not isinstance(data, dict):
        raise DataError(f"{source}: {found(data)}, where a report is an object")
    check_header(source, data, "report", FORMAT, SCHEMA)
    kinds = {field.name: _kind(str(field.type)) for field in fields(Report)}
    later = {field.name: None for field in fields(Report) if field.default is not MISSING}
    data = later | data  # files of earlier versions do not have these
    problems = [f"{source}: {problem}" for problem in problems_of(data, kinds)]
    if problems:
        raise DataError("\n".join(problems))
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in data.items()
        if name in kinds
    }


def _kind(annotation: str) -> str:
    """Return the beginning of an annotation, and whether it may be None: ``"dict | None"``."""
    start = annotation.partition("[")[0]
    optional = annotation.endswith("| None") and not start.endswith("| None")
    return f"{start} | None" if optional else start
