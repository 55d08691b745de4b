"""``crossbar arch``: the hardware descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossbar.cli.options import complete_keys, complete_presets, find_hardware

__all__ = ["app"]

app = typer.Typer(
    help="Show and check hardware descriptions.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[
    str,
    typer.Argument(help="A preset or FILE.yaml.", autocompletion=complete_presets),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key, e.g. adc.bits=7; may be repeated.",
        autocompletion=complete_keys,
    ),
]


@app.command("list")
def list_() -> None:
    """List the hardware descriptions that ship with crossbar."""
    from crossbar.arch import load_arch, preset_names
    from crossbar.tables import table

    rows = []
    for name in preset_names():
        arch = load_arch(name)
        adc = arch.adc.policy if arch.adc.bits is None else f"{arch.adc.bits} bit {arch.adc.policy}"
        rows.append(
            [
                name,
                f"{arch.array.rows} x {arch.array.cols}",
                f"{arch.cell.bits} bit",
                adc,
                f"{arch.precision.weight_bits}/{arch.precision.input_bits} bit",
                str(arch.chip.tiles),
                arch.description,
            ]
        )
    columns = ["<preset", "<array", "<cell", "<ADC", "<weight/input", "tiles", "<what it is"]
    typer.echo(table(columns, rows))


@app.command()
def show(
    name: Name,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what each key means and where it comes from.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Print a hardware description, with everything it extends, as one YAML file."""
    from crossbar.arch import explain_arch
    from crossbar.tables import table

    arch = find_hardware(name, overrides)
    if not explain:
        typer.echo(str(arch).rstrip("\n"))
        return
    rows = [[row.key, row.value, row.unit, row.help] for row in explain_arch(arch)]
    typer.echo(table(["<key", "<value", "<unit", "<meaning"], rows))


@app.command()
def plot(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png|svg|pdf",
            help="The figure; replaced when it is there. Default: NAME_cells.png.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the samples.")] = 0,
    overrides: Overrides = None,
) -> None:
    """Draw what the cells hold after programming, level by level, over the points of cell.table.

    Prints mean and spread of each level, and where the figure is.
    """
    from crossbar.cli.plot import DPI, figure_format
    from crossbar.device.check import check_cell
    from crossbar.files import write_whole
    from crossbar.report.cell_figure import cell_picture
    from crossbar.report.drawing import drawn

    arch = find_hardware(name, overrides)
    check_cell(arch)
    target = out or Path(f"{arch.name}_cells.png")
    ending = figure_format(target)
    found = cell_picture(arch, seed)
    image = drawn(found.figure, ending, dpi=DPI)

    def write(file: Path) -> None:
        file.write_bytes(image)

    write_whole(target, write)
    typer.echo(found.caption)
    typer.echo(str(target))


@app.command()
def check(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="YAML files.", autocompletion=complete_presets),
    ],
) -> None:
    """Check hardware descriptions; every problem of every file is one line."""
    from crossbar.arch import load_arch
    from crossbar.device.check import check_cell
    from crossbar.errors import ConfigError, InputError

    problems: list[str] = []
    for file in files:
        try:
            arch = load_arch(file)
            check_cell(arch)
        except ConfigError as error:
            problems += error.problems
        except InputError as error:
            problems.append(str(error))
        else:
            typer.echo(f"{file}: fine ({arch.name}, content {arch.digest()})")
    if problems:
        raise ConfigError(problems)


@app.command()
def schema() -> None:
    """Print the JSON Schema of hardware files, with which editors complete the keys."""
    import json

    from crossbar.arch import arch_schema

    typer.echo(json.dumps(arch_schema(), indent=2))
