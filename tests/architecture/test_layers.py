"""Does each layer import only what stands below it?"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = "from importlinter.cli import lint_imports_command as run; run()"


def contracts() -> dict[str, dict[str, list[str]]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {c["id"]: c for c in config["tool"]["importlinter"]["contracts"]}


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_torch_is_banned_in_every_package_below_the_line() -> None:
    layers = contracts()["layers"]["layers"]
    below = {
        f"crossbar.{name}"
        for layer in layers[layers.index("nn") + 1 :]
        for name in re.findall(r"\w+", layer)
        if (ROOT / "crossbar" / name).is_dir() or (ROOT / "crossbar" / f"{name}.py").is_file()
    }
    assert set(contracts()["torch-line"]["source_modules"]) == below
