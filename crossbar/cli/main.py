"""The command ``crossbar``: which commands there are, and how a command ends.

Exit code 0: fine; 1: the run failed; 2: the user's input is wrong; 130: interrupted.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

import crossbar
from crossbar.cli import arch, report, workload
from crossbar.cli.estimate import estimate
from crossbar.cli.run import run
from crossbar.cli.sweep import sweep
from crossbar.errors import CaptureWarning, CrossbarError, InputError

__all__ = ["main"]

_HELP = """Simulator of ReRAM crossbar accelerators for PyTorch models.

`crossbar run` without arguments runs the bundled network on the bundled images."""

_USAGE: type[Exception] = typer.BadParameter.__mro__[2]  # ClickException: typer does not export it


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crossbar {crossbar.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


# OpenMP threads that wait by spinning keep the kernels' threads off the processors; read when torch
# is loaded, which no command has done yet
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich costs 0.1 s at every start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback(help=_HELP)(_root)
app.command("run")(run)
app.command("estimate")(estimate)
app.command("sweep")(sweep)
app.add_typer(arch.app, name="arch")
app.add_typer(workload.app, name="workload")
app.add_typer(report.app, name="report")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave the interpreter.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words of the command line; those of this process when None.

    Raises
    ------
    SystemExit
        Always, with the exit code.
    """
    sys.exit(_run(None if arguments is None else list(arguments)))


def _run(arguments: list[str] | None) -> int:
    with warnings.catch_warnings():
        warnings.showwarning = _telling(warnings.showwarning)
        return _answered(arguments)


def _telling(otherwise: Callable[..., None]) -> Callable[..., None]:
    """Return what shows warnings: those about a model as a line without the place in a file."""

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, CaptureWarning):
            typer.echo(f"warning: {message}", err=True)
        else:
            otherwise(message, category, *place)

    return show


def _answered(arguments: list[str] | None) -> int:
    try:
        code = app(arguments, prog_name="crossbar", standalone_mode=False)
    except CrossbarError as error:
        for line in str(error).splitlines():
            typer.echo(f"error: {line}", err=True)
        return 2 if isinstance(error, InputError) else 1
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        return 130
    except _USAGE as error:
        typer.echo(_usage(error, sys.argv[1:] if arguments is None else arguments), err=True)
        return 2
    return code if isinstance(code, int) else 0


def _usage(error: Exception, arguments: Sequence[str]) -> str:
    """Say what is wrong with the words of the command line in one line, and where help is."""
    message = str(getattr(error, "format_message", lambda: error)())
    if "\n" in message:  # no words at all: typer raises the help itself
        return message
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else _command(arguments)
    return f"error: {message.rstrip('.')} (see {command} --help)"


def _command(arguments: Sequence[str]) -> str:
    """Name the command whose words could not be taken apart: click does not say it then."""
    names, found = ["crossbar"], typer.main.get_command(app)
    for word in arguments:
        inner = getattr(found, "commands", {})
        if word not in inner:
            break
        names.append(word)
        found = inner[word]
    return " ".join(names)
