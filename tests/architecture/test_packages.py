"""Is everything in the tree also in the wheel?"""

from __future__ import annotations

import os
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import crossbar

ROOT = Path(__file__).parents[2]


def test_every_package_is_shipped() -> None:
    # os.walk, since rglob may not follow the links crossbar/kernels and crossbar/arch_configs
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = config["tool"]["setuptools"]["packages"]
    found = {
        ".".join(Path(folder).relative_to(ROOT).parts)
        for folder, _, names in os.walk(ROOT / "crossbar", followlinks=True)
        if "__init__.py" in names
    }
    assert set(shipped) == found
    assert len(shipped) == len(set(shipped))


def test_every_folder_with_code_is_a_package() -> None:
    bare = [
        folder
        for folder, _, names in os.walk(ROOT / "crossbar", followlinks=True)
        if any(name.endswith(".py") for name in names) and "__init__.py" not in names
    ]
    assert bare == []


def test_the_two_links_are_relative() -> None:
    for name in ("kernels", "arch_configs"):
        assert os.readlink(ROOT / "crossbar" / name) == f"../{name}"


def test_presets_are_found_as_package_data() -> None:
    assert [f.name for f in files("crossbar.arch_configs").iterdir() if f.name.endswith(".yaml")]


def test_the_citation_names_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [crossbar.__version__]
