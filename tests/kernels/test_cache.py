"""Is compiled code kept where the user says, and never reused after a kernel has changed?"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import crossbar.kernels._jit as jit_module

KERNELS = Path(jit_module.__file__).resolve().parent


@pytest.fixture
def copied(tmp_path):
    """Return a function that loads a fresh `_jit` from a copy of the kernels' folder."""
    folder = tmp_path / "copy"
    shutil.copytree(KERNELS, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def load():
        spec = importlib.util.spec_from_file_location("copied_jit", folder / "_jit.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.cache_folder()

    return folder, load


def test_the_folder_follows_every_byte_of_every_kernel(copied):
    folder, load = copied
    first = load()
    assert first == load() == jit_module.cache_folder()  # the content counts, not the place
    with (folder / "outputs.py").open("a") as file:
        file.write("# changed\n")
    second = load()
    (folder / "outputs.py").rename(folder / "results.py")
    third = load()
    (folder / "notes.txt").write_text("not a kernel")
    assert len({first, second, third}) == 3
    assert load() == third
    assert first.parent == third.parent


def test_the_folder_lies_in_crossbar_cache_or_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSBAR_CACHE", str(tmp_path / "mine"))
    assert jit_module.cache_folder().parent == tmp_path / "mine"
    monkeypatch.delenv("CROSSBAR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert jit_module.cache_folder().parent == tmp_path / "xdg" / "crossbar"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert jit_module.cache_folder().parent == tmp_path / "home" / ".cache" / "crossbar"


SCRIPT = """
import numpy as np
from crossbar.kernels.draw import uniform_cells
out = np.empty((2, 2))
uniform_cells(1, 1, 1, 0, 0, out)
print(sum(uniform_cells.stats.cache_hits.values()), repr(out.tolist()))
"""


def test_compiled_code_lands_there_and_is_found_again(tmp_path):
    environment = {**os.environ, "CROSSBAR_CACHE": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)

    def run():
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        hits, _, values = done.stdout.strip().partition(" ")
        return int(hits), values

    cold, warm = run(), run()
    assert cold[0] == 0
    assert warm[0] == 1
    assert cold[1] == warm[1]
    (folder,) = tmp_path.iterdir()
    assert folder.name == jit_module.cache_folder().name
    assert list(folder.rglob("*.nbi"))
