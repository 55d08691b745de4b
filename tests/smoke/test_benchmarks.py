"""Does each numbered benchmark run, in its short form?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "benchmarks").glob("[0-9]*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=[s.stem for s in SCRIPTS])
def test_quick_run(script, tmp_path):
    done = subprocess.run(
        [sys.executable, str(script), "--quick", "--out", str(tmp_path), "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.glob("*.json")
    assert json.loads(written.read_text())["schema"] == 1
    assert str(written) in done.stdout


def test_the_readme_lists_every_script():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [s.name for s in SCRIPTS if f"[{s.name}](benchmarks/{s.name})" not in readme]
    assert missing == []
