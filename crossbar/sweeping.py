"""Sweeps: a network on many chips, each point computed once and kept (`xb.sweep`)."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossbar.arch import Arch
from crossbar.device.fault_data import describe_faults
from crossbar.errors import InputError
from crossbar.study.axis_keys import find_axis_key
from crossbar.study.chips import chip_of
from crossbar.study.costs import CostBench, timed_part
from crossbar.study.description import Study, make_study
from crossbar.study.harm import FAULT_WORDS, make_faults
from crossbar.study.held import held_words
from crossbar.study.identity import content_key, digest
from crossbar.study.points import Point, grid
from crossbar.study.runner import Progress, Summary, run_points
from crossbar.study.store import Store
from crossbar.study.table import StudyTable, table_of
from crossbar.study.title import check_measure, study_title
from crossbar.workload import find_workload
from crossbar.workload.graph import Workload
from crossbar.workload.serial import to_json

if TYPE_CHECKING:
    import torch

    from crossbar.nn.stages import Bench

__all__ = ["Outcome", "run_study", "sweep"]


@dataclass(frozen=True)
class Outcome:
    """What `run_study` did.

    Parameters
    ----------
    table : StudyTable
    summary : Summary
    schedules : int or None
        Schedules that the points of a cost study share; None for accuracy.
    """

    table: StudyTable
    summary: Summary
    schedules: int | None


def sweep(
    arch: Arch | str | os.PathLike[str],
    workload: Workload | torch.nn.Module | str | None = None,
    axes: Mapping[Any, Any] | Iterable[str] = (),
    *,
    data: Any = None,
    where: str | Iterable[str] = (),
    iso: str | None = None,
    measure: str = "cost",
    seed: int = 0,
    images: int | None = None,
    faults: Mapping[str, Any] | None = None,
    trials: int | None = None,
    t_inference: str | float | None = None,
    name: str = "study",
    store: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    retry_failed: bool = False,
    yes: bool = False,
    progress: Progress | None = None,
) -> StudyTable:
    """Run a network on every chip of a grid.

    Parameters
    ----------
    arch : Arch, str or path
        The hardware whose keys vary.
    workload : Workload, str or nn.Module
        For ``cost`` a workload, a zoo name or a JSON file; for ``accuracy`` a model, or
        ``"pkg.mod:factory"`` of one; the bundled network when absent.
    axes : mapping, or iterable of ``"KEY=VALUES"``
        Dotted key -> values: ``{"array.rows": [64, 128], "adc.bits": "4..8"}``; a tuple of keys
        varies together.
    data
        For ``accuracy``: as `crossbar.simulate` takes it, or ``"pkg.mod:loader"`` or FILE.npz.
    where : str or iterable of str
        Conditions that a point must meet: ``"array.cols == array.rows"``.
    iso : {"cells", "area", "arrays"}, optional
        What of the chip is held equal to that of ``arch`` by the number of tiles.
    measure : {"cost", "accuracy"}
    seed : int
        Of everything that is drawn.
    images : int, optional
        Use only the first samples.
    faults : mapping, optional
        ``{"on": rate, "off": rate}``, with ``"size"`` in clusters; ``"row_on"``, ``"row_off"``,
        ``"col_on"``, ``"col_off"``; or ``{"map": FILE}``.
    trials : int, optional
        Draw everything anew so often at each point, with the seeds from ``seed`` on; numbers are
        then means, beside ``accuracy_std`` and ``accuracy_worst``.
    t_inference : str or float, optional
        Time between programming and the run: ``"1 day"``, or [s].
    name : str
    store : path, optional
        Folder of the study; points that are finished there are not computed again.  Without one
        the points live as long as the process.
    jobs : int
        Processes.
    retry_failed : bool
        Compute failed points again.
    yes : bool
        Allow more than a million points.
    progress : callable, optional
        ``progress(done, total, failed)``.

    Returns
    -------
    StudyTable

    Raises
    ------
    InputError, ConfigError
        An unknown axis, a wrong unit, an empty grid, a store of another study ...
    """
    own_model = workload if measure == "accuracy" and not isinstance(workload, str) else None
    own_network = workload if isinstance(workload, Workload) else None
    words: dict[str, Any] = {
        "name": name,
        "arch": arch if isinstance(arch, Arch) else os.fspath(arch),
        "axes": axes if isinstance(axes, Mapping) else list(axes),
        "where": [where] if isinstance(where, str) else list(where),
        "iso": iso,
        "measure": measure,
        "seed": seed,
        "images": images,
        "faults": faults,
        "trials": trials,
        "t_inference": t_inference,
        "data": data if isinstance(data, str) else None,
    }
    if measure == "accuracy" and isinstance(workload, str):
        words["model"] = workload
    elif isinstance(workload, str):
        words["workload"] = workload
    elif own_network is not None and measure == "cost":
        words["workload"] = "lenet5"  # stands for it while the words are checked
    study = make_study(words, label="sweep")
    if own_network is not None and measure == "cost":
        study = replace(study, workload=own_network.name)
    own_data = None if isinstance(data, str) else data
    made = None if store is not None else tempfile.mkdtemp(prefix="crossbar-study-")
    if made is not None:
        atexit.register(shutil.rmtree, made, ignore_errors=True)
    outcome = run_study(
        study,
        Path(store if store is not None else str(made)),
        network=own_network if own_network is not None else own_model,
        data=own_data,
        jobs=jobs,
        retry_failed=retry_failed,
        yes=yes,
        progress=progress,
    )
    return outcome.table


def run_study(
    study: Study,
    folder: Path,
    *,
    network: Any = None,
    data: Any = None,
    jobs: int = 1,
    retry_failed: bool = False,
    yes: bool = False,
    progress: Progress | None = None,
) -> Outcome:
    """Compute what is missing of a study, and return its table.

    Parameters
    ----------
    study : Study
    folder : Path
        Of its store.
    network : Workload or nn.Module, optional
        In place of the one that the study names.
    data
        In place of the data that the study names.
    jobs, retry_failed, yes, progress
        As for `sweep`.
    """
    base = study.base_arch()
    check_measure(study, data)
    points = grid(study.axes, study.where, arch=base, base=study.base_values(), yes=yes)
    work: _Costs | _Accuracies
    if study.measure == "cost":
        work = _Costs(study, base, network)
    else:
        work = _Accuracies(study, base, network, data)
    chips = [_chip(study, base, point) for point in points]
    contents = [work.content(point.values, chip) for point, chip in zip(points, chips, strict=True)]
    keys = [content_key(content) for content in contents]
    lots = None
    if isinstance(work, _Costs):
        lots = [work.lot(point.values, chip) for point, chip in zip(points, chips, strict=True)]
    about = {
        "measure": study.measure,
        "network": work.name,
        "arch": f"{base.name} {base.digest()}",
        "held": study.iso,
    }
    known = [chip for chip in chips if isinstance(chip, Arch)]
    one = "workload" not in (key for axis in study.axes for key in axis.keys)
    held = held_words(known, study.iso, base, one_network=one) if known else ""  # type: ignore[arg-type]
    name = f"{study.name}: {study_title(study, base, work.name)}"
    with Store.open(folder, about) as store:
        store.describe(name=name, held=held)
        pairs = [(key, point.values) for key, point in zip(keys, points, strict=True)]
        store.add(pairs, lots)
        if retry_failed:
            store.retry_failed()
        summary = run_points(store, work, jobs=jobs, progress=progress)
        # another process may have described a grid of its own meanwhile
        table = replace(table_of(store), name=name, held=held)
    return Outcome(table, summary, len(set(lots)) if lots is not None else None)


def _chip(study: Study, base: Arch, point: Point) -> Arch | InputError:
    """Make a point's chip; an impossible one fails its point when it is its turn, and only it."""
    try:
        return chip_of(study, base, point.values)
    except InputError as error:
        return error


class _Costs:
    """Estimate a point; sent to other processes as it is."""

    def __init__(self, study: Study, base: Arch, network: Workload | None) -> None:
        self.study, self.base, self.network = study, base, network
        if study.workload is None and not any("workload" in a.keys for a in study.axes):
            raise InputError("workload: missing; measure cost needs a network (e.g. vgg8)")
        self.name = study.workload or "several"
        self._digests: dict[str, str] = {}
        self._bench = CostBench(self._find)

    def content(self, values: Mapping[str, Any], chip: Arch | InputError) -> dict[str, Any]:
        """Return what the report of a point depends on."""
        name, *length = self._network(values)
        if name not in self._digests:
            self._digests[name] = digest(to_json(self._find(name)))
        hardware = chip.to_dict() if isinstance(chip, Arch) else {"refused": str(chip)}
        network = [name, self._digests[name], *length]
        return {"measure": "cost", "arch": hardware, "workload": network}

    def lot(self, values: Mapping[str, Any], chip: Arch | InputError) -> str:
        """Return a word that points with one schedule have in common."""
        if not isinstance(chip, Arch):
            return "refused"
        return digest(json.dumps([*self._network(values), timed_part(chip)], sort_keys=True))

    def _network(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        name = str(values.get("workload", self.study.workload))
        return name, *(values[key] for key in ("tokens",) if key in values)

    def _find(self, name: str) -> Workload:
        own = self.network is not None and name == self.network.name
        return self.network if own and self.network is not None else find_workload(name)

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the report of a point."""
        chip = chip_of(self.study, self.base, values)
        return self._bench.report(chip, *self._network(values)).to_dict()


class _Accuracies:
    """Run the data through a point's chip; sent to other processes as it is."""

    def __init__(self, study: Study, base: Arch, network: Any, data: Any) -> None:
        self.study, self.base, self.network, self.data = study, base, network, data
        if (network is not None or study.model is not None) and data is None and study.data is None:
            raise InputError("data: missing; a model of your own needs its data")
        self.name = study.model or (
            type(network).__name__ if network is not None else "bundled ResNet-20"
        )
        self._digest: str | None = None
        self._bench: Bench | None = None  # made where points are computed, once in each process

    def content(self, values: Mapping[str, Any], chip: Arch | InputError) -> dict[str, Any]:
        """Return what the report of a point depends on."""
        if self._digest is None:
            from crossbar.nn.stages import network_digest

            self._digest = network_digest(*self.load(), self.study.images)
        hardware = chip.to_dict() if isinstance(chip, Arch) else {"refused": str(chip)}
        words, seed, t_inference = self._state(values)
        drawn = make_faults(words) if "map" in words else None
        return {
            "measure": "accuracy",
            "arch": hardware,
            "network": [self.name, self._digest],
            "images": self.study.images,
            "faults": words if drawn is None else describe_faults(drawn),
            "seed": seed,
            "trials": self.study.trials,
            "t_inference": t_inference,
        }

    def load(self) -> tuple[Any, Any]:
        """Return the model and its data."""
        from crossbar.bundled import fashion_images, fashion_resnet20
        from crossbar.nn.data_files import find_data
        from crossbar.nn.models import load_model

        network, data = self.network, self.data
        if network is None:
            model = self.study.model
            network = fashion_resnet20() if model is None else load_model(model)
        if data is None:
            named = self.study.data
            data = fashion_images() if named is None else find_data(named)
        return network, data

    def _state(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], int, float | None]:
        """Return the words of the faults, the seed and the time since programming [s]."""
        axes = {key: values[f"faults.{key}"] for key in FAULT_WORDS if f"faults.{key}" in values}
        words = {key: value for key, value in {**self.study.faults, **axes}.items() if value}
        time = values.get("t_inference", self.study.t_inference)
        seconds = None if time is None else float(find_axis_key("t_inference").check(time))
        return words, int(values.get("seed", self.study.seed)), seconds

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the report of a point."""
        from crossbar.nn.stages import Bench

        if self._bench is None:
            self._bench = Bench(self.load, self.study.images)
        words, seed, time = self._state(values)
        how: dict[str, Any] = {"trials": self.study.trials, "t_inference": time}
        chip = chip_of(self.study, self.base, values)
        return self._bench.report(chip, make_faults(words), seed, **how).to_dict()
