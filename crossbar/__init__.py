"""Simulator of ReRAM crossbar accelerators for PyTorch models: accuracy, energy, latency, area.

Usually imported as ``import crossbar as xb``.  Public names load when first used, so that importing
the package stays light: no torch, numba, pint, pydantic or matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "ClusteredFaults",
    "FaultMap",
    "LineFaults",
    "Report",
    "StuckAt",
    "build_plan",
    "capture",
    "draw_faults",
    "estimate",
    "explain",
    "find_workload",
    "inject",
    "load_arch",
    "load_mapped",
    "map_model",
    "save_mapped",
    "simulate",
    "sweep",
    "verify",
]

if TYPE_CHECKING:
    from crossbar.arch import load_arch
    from crossbar.device.faults import ClusteredFaults, FaultMap, LineFaults, StuckAt
    from crossbar.estimator import estimate
    from crossbar.mapping import build_plan
    from crossbar.nn.convert import map_model
    from crossbar.nn.effects import draw_faults, inject
    from crossbar.nn.explaining import explain
    from crossbar.nn.graph.captured import capture
    from crossbar.nn.run import simulate
    from crossbar.nn.saving import load_mapped, save_mapped
    from crossbar.nn.twin import verify
    from crossbar.report import Report
    from crossbar.sweeping import sweep
    from crossbar.workload import find_workload
else:  # hidden from type checkers, so that a mistyped public name is an error there
    _HOME = {
        "ClusteredFaults": "crossbar.device.faults",
        "FaultMap": "crossbar.device.faults",
        "LineFaults": "crossbar.device.faults",
        "Report": "crossbar.report",
        "StuckAt": "crossbar.device.faults",
        "build_plan": "crossbar.mapping",
        "capture": "crossbar.nn.graph.captured",
        "draw_faults": "crossbar.nn.effects",
        "estimate": "crossbar.estimator",
        "explain": "crossbar.nn.explaining",
        "find_workload": "crossbar.workload",
        "inject": "crossbar.nn.effects",
        "load_arch": "crossbar.arch",
        "load_mapped": "crossbar.nn.saving",
        "map_model": "crossbar.nn.convert",
        "save_mapped": "crossbar.nn.saving",
        "simulate": "crossbar.nn.run",
        "sweep": "crossbar.sweeping",
        "verify": "crossbar.nn.twin",
    }

    def __getattr__(name):
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *_HOME})
