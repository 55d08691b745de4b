"""``crossbar run``: the main job."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossbar.cli.answer import print_report, report_file, save_report
from crossbar.cli.options import (
    OBSERVERS,
    check_choice,
    check_module,
    complete_keys,
    complete_observers,
    complete_presets,
    find_hardware,
    only_stderr,
    read_faults,
)
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.arch import Arch
    from crossbar.cli.progress import Stages
    from crossbar.device.faults import StuckAt
    from crossbar.nn.models import Model
    from crossbar.report import Report

__all__ = ["run"]

_CALIBRATION = 64
"""Samples for calibration unless a file is given, and samples a batch of it: ranges depend on how
the samples are cut, and --batch changes no result."""

_LARGEST_SEED = 2**63 - 1
"""The largest that both NumPy and torch take."""


@dataclass(frozen=True)
class _Job:
    """What a run was asked for, checked as far as that goes without torch."""

    arch: Arch
    model: str | None
    data: str | None
    calibration: str | None
    faults: StuckAt | None
    seed: int
    observer: str
    strict: bool
    trust_pickle: bool
    images: int | None
    batch: int


def run(
    arch: Annotated[
        str,
        typer.Argument(
            metavar="ARCH",
            help="The hardware: a preset (see `crossbar arch list`) or FILE.yaml.",
            autocompletion=complete_presets,
        ),
    ] = "isaac_8bit",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="PKG.MOD:FACTORY|FILE.pt2",
            help="The network: a function that returns an nn.Module, or a file of"
            " torch.export.save. Default: ResNet-20 on Fashion-MNIST.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PKG.MOD:LOADER|FILE.npz",
            help="The data: a function that returns a loader, or a file with arrays x and (for an"
            " accuracy) y. Default: 500 test images of Fashion-MNIST.",
        ),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.npz",
            help=f"Data for the ranges of activations. Default: the first {_CALIBRATION} samples.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a key of the hardware, e.g. adc.bits=7; may be repeated.",
            autocompletion=complete_keys,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=_LARGEST_SEED, help="Seed of everything that is drawn."
        ),
    ] = 0,
    faults: Annotated[
        str | None,
        typer.Option(
            "--inject",
            metavar="on=0.09,off=0.017",
            help="Shares of cells that are stuck at the top level (on) and at level 0 (off).",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a network with a layer that cannot be mapped.")
    ] = False,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder for report.json and report.html; made when absent."
        ),
    ] = Path("out"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON and nothing else.")
    ] = False,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Read model files that can run code.")
    ] = False,
    observer: Annotated[
        str,
        typer.Option(
            metavar="minmax|mse|percentile",
            help="How calibration chooses the range of an activation.",
            autocompletion=complete_observers,
        ),
    ] = "minmax",
    images: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Use only the first N samples.")
    ] = None,
    batch: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Samples at a time; changes no result. A loader of your own keeps its batches,"
            " also for calibration.",
        ),
    ] = 50,
) -> None:
    """Run a network on crossbars: accuracy, energy, latency and area together.

    Without arguments: the bundled network on the bundled images on isaac_8bit; the report is
    printed and saved as out/report.json and, to look at, out/report.html.
    """
    hardware = find_hardware(arch, overrides)
    for option, spec in (("--model", model), ("--data", data)):
        if spec is not None:
            check_module(option, spec)
    if model is not None and data is None:
        raise InputError(
            f"--model {model}: give its data as well: --data FILE.npz (arrays x and y) or --data"
            " pkg.mod:loader"
        )
    job = _Job(
        hardware,
        model,
        data,
        calibration,
        None if faults is None else read_faults(faults),
        seed,
        check_choice("observer", observer, OBSERVERS),
        strict,
        trust_pickle,
        images,
        batch,
    )
    with report_file(out) as file:
        from crossbar.cli.progress import Stages

        with only_stderr() if as_json else nullcontext(), Stages() as stages:
            report = _simulated(job, stages)
        save_report(report, file)
    print_report(report, file, as_json)


def _simulated(job: _Job, stages: Stages) -> Report:
    """Load, map, inject, run."""
    stages.begin("loading the network")
    from crossbar.nn.convert import map_model
    from crossbar.nn.data import Head, as_loader, split_batch
    from crossbar.nn.effects import inject
    from crossbar.nn.run import simulate

    network, data, where = _loaded(job)
    fixed = _fixed_batch(job, network)
    loader = as_loader(data, job.batch, where)
    _check_labels(data, loader, where)
    _check_inputs(network, loader, where)
    samples = Head(loader, job.images, where)
    _check_whole_batches(samples, fixed, where)
    size = fixed or _CALIBRATION
    calibration = list(Head(as_loader(data, size, where), max(_CALIBRATION, size), where))
    if job.calibration is not None:
        from crossbar.nn.data_files import batches, load_npz

        x, _ = load_npz(job.calibration)
        calibration = batches(x, None, size)
        _check_inputs(network, calibration, job.calibration)
    if fixed and len(calibration) > 1 and split_batch(calibration[-1]).samples < fixed:
        calibration.pop()
    _note_compiling(stages)
    stages.begin("mapping it")
    mapped = map_model(
        network,
        job.arch,
        calibration=calibration,
        observer=job.observer,
        strict=job.strict,
    )
    if job.faults is not None:
        mapped = inject(mapped, job.faults, seed=job.seed)

    bits = mapped.plan.layers[0].encoding.bits, mapped.plan.layers[0].input_bits
    width = f"{bits[0]}-bit" if bits[0] == bits[1] else f"{bits[0]}/{bits[1]}-bit"

    stage = f"on the crossbars, in float, in {width} digital"

    def progress(done: int, total: int) -> None:
        stages.count(stage, done, total)

    stages.begin(stage)
    report = simulate(mapped, samples, progress=progress, seed=job.seed)
    origin = {"model": job.model, "data": job.data, "calibration": job.calibration}
    return replace(report, scenario={**report.scenario, **origin})


def _loaded(job: _Job) -> tuple[Model, Any, str]:
    """Return the network, its data in any form, and what errors call the data."""
    from crossbar.bundled import fashion_images, fashion_resnet20
    from crossbar.nn.data_files import find_data
    from crossbar.nn.models import load_model

    where = job.data or "bundled images"
    network: Model
    if job.model is None:
        network = fashion_resnet20()
    else:
        network = load_model(job.model, trust_pickle=job.trust_pickle)
    return network, fashion_images() if job.data is None else find_data(job.data), where


def _fixed_batch(job: _Job, network: Model) -> int | None:
    """Return the only size of batches that an exported program takes, None where any will do."""
    from torch.export import ExportedProgram

    from crossbar.nn.pt2 import input_shapes_of

    if isinstance(network, ExportedProgram):
        sizes = {shape[0] for shape in input_shapes_of(network).values() if shape}
        fixed = [size for size in sizes if isinstance(size, int)]
        if fixed and fixed != [job.batch]:
            raise InputError(
                f"{job.model}: exported for batches of {fixed[0]} only; export it with a free batch"
                f" axis (dynamic_shapes=...), or give --batch {fixed[0]}"
            )
        if fixed:
            return fixed[0]
    return None


def _check_whole_batches(samples: Iterable[Any], fixed: int | None, where: str) -> None:
    """Refuse samples whose last batch would be smaller than the only size that is taken."""
    from crossbar.nn.data import count_samples

    count = None if fixed is None else count_samples(samples)
    if fixed and count and count % fixed:
        raise InputError(
            f"{where}: {count} sample{'' if count == 1 else 's'}, but the network was exported for"
            f" batches of {fixed} only; give --images with a multiple of {fixed}"
        )


def _check_labels(data: Any, loader: Iterable[Any], where: str) -> None:
    """Find labels that are no class numbers before the long work, all of them where it is cheap."""
    from crossbar.nn.data import Head, is_whole, split_batch
    from crossbar.nn.data_files import check_labels

    if is_whole(data):
        targets = split_batch(data, where=where).targets
        if targets is not None:
            check_labels(targets, f"{where}: y")
    for batch in Head(loader, None if isinstance(loader, list) else 2, where):
        targets = split_batch(batch, where=where).targets
        if targets is not None:
            check_labels(targets, f"{where}: y of a batch")


def _check_inputs(network: Model, loader: Iterable[Any], where: str) -> None:
    """Find data that the network does not take before the long work."""
    from torch.export import ExportedProgram

    from crossbar.nn.data import Head, split_batch
    from crossbar.nn.data_files import check_model_takes, check_shape
    from crossbar.nn.pt2 import input_shapes_of

    first = next(iter(Head(loader, 2, where)))
    if not isinstance(network, ExportedProgram):
        check_model_takes(network, first, where)
        return
    shapes = input_shapes_of(network).values()
    for value, expected in zip(split_batch(first, where=where).args, shapes, strict=False):
        check_shape(tuple(value.shape[1:]), expected[1:], where)


def _note_compiling(stages: Stages) -> None:
    """Say so when the kernels have not been compiled yet on this machine, or never stay."""
    from crossbar.kernels._jit import cache_folder, cache_problem

    folder = cache_folder()
    if cache_problem():
        stages.note(
            f"kernels cannot be cached in {folder} ({cache_problem()}): every run compiles them"
            " anew, for less than a minute; name another folder with CROSSBAR_CACHE"
        )
    elif not any(folder.rglob("*.nbi")):  # numba makes the folder itself as soon as it is imported
        stages.note(
            f"first run: kernels are compiled once, for less than a minute, and cached in {folder}"
        )
