"""What does `import crossbar` cost?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("matplotlib", "numba", "pandas", "pint", "pydantic", "scipy", "torch")


def loaded_after(statement: str) -> list[str]:
    """Names of HEAVY that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_import_is_light() -> None:
    assert loaded_after("import crossbar") == []


def test_listing_the_names_is_light() -> None:
    statement = "import crossbar\nassert set(crossbar.__all__) <= set(dir(crossbar))"
    assert loaded_after(statement) == []


def test_the_cost_side_needs_no_torch() -> None:
    statement = "import crossbar\ncrossbar.load_arch, crossbar.find_workload, crossbar.build_plan"
    assert "torch" not in loaded_after(statement)
