"""``crossbar workload``: networks as graphs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossbar.cli.arch import Overrides
from crossbar.cli.options import (
    check_module,
    complete_presets,
    complete_workloads,
    find_hardware,
    output_folder,
)
from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.nn.models import Model

__all__ = ["app"]

app = typer.Typer(help="Show and capture networks.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_() -> None:
    """List the networks that ship with crossbar (shapes only, no weights)."""
    from crossbar.tables import table
    from crossbar.workload import zoo, zoo_names

    rows = []
    for name in zoo_names():
        network = zoo(name)
        inputs = [" x ".join(map(str, node.shape)) for node in network if node.kind == "input"]
        rows.append(
            [
                name,
                ", ".join(inputs),
                str(len(network.products)),
                f"{network.weights:,}",
                f"{network.macs:,}",
            ]
        )
    typer.echo(table(["<workload", "<input", "layers", "weights", "MAC"], rows))


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(help="A workload or FILE.json.", autocompletion=complete_workloads),
    ],
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="ARCH",
            help="Show how it lies on this hardware (a preset or FILE.yaml).",
            autocompletion=complete_presets,
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Print a network's layers, or how they lie on a chip."""
    from crossbar.workload import find_workload

    network = find_workload(name)
    if on is None:
        if overrides:
            raise InputError(f"--set {overrides[0]}: changes hardware; give --on ARCH as well")
        typer.echo(str(network))
        return
    from crossbar.mapping import build_plan

    typer.echo(str(build_plan(network, find_hardware(on, overrides))))


@app.command()
def capture(
    model: Annotated[str, typer.Argument(metavar="PKG.MOD:FACTORY|FILE.pt2", help="The network.")],
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="Where to write the workload.")],
    input_shape: Annotated[
        str | None,
        typer.Option(metavar="1,28,28", help="Shape of one sample, float32, without the batch."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="PKG.MOD:LOADER|FILE.npz", help="Example inputs: its first batch."),
    ] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Read model files that can run code.")
    ] = False,
) -> None:
    """Capture a PyTorch model as a workload file (graph and shapes, no weights)."""
    from crossbar.workload import save

    if out.suffix.lower() != ".json":
        raise InputError(f"--out {out}: a workload file's name ends in .json")
    check_module("crossbar workload capture", model)
    if data is not None:
        check_module("--data", data)
    with output_folder(out.parent):
        if out.is_dir():
            raise InputError(f"--out {out}: a folder, not a file")
        shape = None if input_shape is None else _shape(input_shape)
        from crossbar.cli.progress import Stages

        with Stages() as stages:
            stages.begin("loading the network")
            from crossbar.nn.graph.captured import capture_model
            from crossbar.nn.models import load_model

            loaded = load_model(model, trust_pickle=trust_pickle)
            args, kwargs = _example(loaded, shape, data)
            stages.begin("capturing it")
            network = capture_model(loaded, args, kwargs).workload
        save(network, out)
    typer.echo(str(out))


def _shape(text: str) -> tuple[int, ...]:
    """Read ``1,28,28``."""
    parts = [part.strip() for part in text.replace("x", ",").split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"--input-shape {text}: expected positive whole numbers, e.g. 1,28,28")
    return tuple(int(part) for part in parts)


def _example(
    model: Model, shape: tuple[int, ...] | None, data: str | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Make example inputs: from the data, of the given shape, or none for an exported program."""
    import torch

    from crossbar.nn.data import first_batch
    from crossbar.nn.data_files import check_model_takes, load_data

    if shape is not None and data is not None:
        raise InputError("--input-shape and --data: give one of the two")
    if isinstance(model, torch.export.ExportedProgram):
        if shape is not None or data is not None:
            raise InputError("--input-shape and --data: a .pt2 file knows its inputs already")
        return (), {}
    if shape is not None:
        example = torch.zeros(2, *shape)
        check_model_takes(model, example, f"--input-shape {','.join(map(str, shape))}")
        return (example,), {}
    if data is None:
        raise InputError(
            "what does the network take? give --input-shape 1,28,28 (one float32 sample) or --data"
        )
    args, kwargs = first_batch(load_data(data, 2), where=data)
    check_model_takes(model, kwargs or (args,), data)
    return args, kwargs
