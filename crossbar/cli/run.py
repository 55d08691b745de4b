"""``crossbar run``: the main job."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossbar.cli.answer import print_report, report_file, save_report
from crossbar.cli.options import (
    check_module,
    complete_keys,
    complete_observers,
    complete_presets,
    find_hardware,
    only_stderr,
    read_fault_words,
    read_time,
)
from crossbar.cli.precision import Precision, read_precision
from crossbar.cli.run_checks import (
    check_inputs,
    check_labels,
    check_whole_batches,
    fixed_batch,
    note_compiling,
)
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.arch import Arch
    from crossbar.cli.progress import Stages
    from crossbar.device.faults import Faults
    from crossbar.nn.explaining import Explanation
    from crossbar.nn.mapped import MappedModel
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
    faults: Faults | None
    seed: int
    trials: int | None
    t_inference: float | None
    explain: bool
    observer: str
    precision: dict[str, Any]
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
            help="Shares of cells that are stuck at the top level (on) and at level 0 (off), in"
            " clusters with size=CELLS; of whole rows and columns: row_on= row_off= col_on="
            " col_off=; or map=FILE.npz|FILE.csv, which names every broken cell.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1_000_000,
            help="Draw everything anew N times, with seeds from --seed on: mean, spread, worst.",
        ),
    ] = None,
    t_inference: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Time between programming and the run, e.g. '1 day', for drift."
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Find the step and the layer where accuracy goes, on up to 100 samples: some 20"
            " times the work; also saved as explain.json.",
        ),
    ] = False,
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
            metavar="minmax|mse|percentile[:SHARE]",
            help="How calibration chooses the range of an activation; percentile:99.99 names"
            " another share of the magnitudes than 99.9 %.",
            autocompletion=complete_observers,
        ),
    ] = "minmax",
    precision: Precision = None,
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
    hardware = find_hardware(arch, overrides)  # a wrong name is told before slow imports

    from crossbar.mapping.precision import check_observer
    from crossbar.study.harm import make_faults

    check_observer(observer)
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
        None if faults is None else make_faults(read_fault_words(faults)),
        seed,
        trials,
        None if t_inference is None else read_time(hardware, t_inference),
        explain,
        observer,
        read_precision(precision or []),
        strict,
        trust_pickle,
        images,
        batch,
    )
    with report_file(out) as file:
        from crossbar.cli.progress import Stages

        with only_stderr() if as_json else nullcontext(), Stages() as stages:
            report, found = _simulated(job, stages)
        save_report(report, file, found)
    print_report(report, file, as_json, found=found)


def _simulated(job: _Job, stages: Stages) -> tuple[Report, Explanation | None]:
    """Load, map, inject, run, and explain where that is asked for."""
    stages.begin("loading the network")
    from crossbar.nn.convert import map_model
    from crossbar.nn.data import Head, as_loader, split_batch
    from crossbar.nn.effects import inject
    from crossbar.nn.run import simulate

    network, data, where = _loaded(job)
    fixed = fixed_batch(job.model, job.batch, network)
    loader = as_loader(data, job.batch, where)
    check_labels(data, loader, where)
    check_inputs(network, loader, where)
    samples = Head(loader, job.images, where)
    check_whole_batches(samples, fixed, where)
    size = fixed or _CALIBRATION
    calibration = list(Head(as_loader(data, size, where), max(_CALIBRATION, size), where))
    if job.calibration is not None:
        from crossbar.nn.data_files import batches, load_npz

        x, _ = load_npz(job.calibration)
        calibration = batches(x, None, size)
        check_inputs(network, calibration, job.calibration)
    if fixed and len(calibration) > 1 and split_batch(calibration[-1]).samples < fixed:
        calibration.pop()
    note_compiling(stages)
    stages.begin("mapping it")
    mapped = map_model(
        network,
        job.arch,
        calibration=calibration,
        observer=job.observer,
        precision=job.precision,
        strict=job.strict,
    )
    if job.faults is not None:
        mapped = inject(mapped, job.faults, seed=job.seed)

    found = {(layer.encoding.bits, layer.input_bits) for layer in mapped.plan.layers}
    weights, inputs = next(iter(found))
    width = f"{weights}-bit" if weights == inputs else f"{weights}/{inputs}-bit"
    width = "mixed" if len(found) > 1 else width

    stage = f"on the crossbars, in float, in {width} digital"
    if job.trials is not None:
        stage += f", {job.trials} trial{'' if job.trials == 1 else 's'}"
    stages.begin(stage)
    report = simulate(
        mapped,
        samples,
        progress=partial(stages.count, stage),
        seed=job.seed,
        trials=job.trials,
        t_inference=job.t_inference,
    )
    origin = {"model": job.model, "data": job.data, "calibration": job.calibration}
    report = replace(report, scenario={**report.scenario, **origin})
    return report, _explained(job, mapped, samples, fixed, stages) if job.explain else None


def _explained(
    job: _Job, mapped: MappedModel, samples: Iterable[Any], fixed: int | None, stages: Stages
) -> Explanation:
    """Find where accuracy goes, on as many whole batches as make up to 100 samples."""
    from crossbar.nn.explaining import IMAGES, explain

    stage = "explaining"
    stages.begin(stage)
    return explain(
        mapped,
        samples,
        images=max(fixed, IMAGES // fixed * fixed) if fixed else IMAGES,
        seed=job.seed,
        t_inference=job.t_inference,
        progress=partial(stages.count, stage),
    )


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
