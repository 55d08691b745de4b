"""What a study runs, in a line; and what would be given to it in vain."""

from __future__ import annotations

from typing import Any

from crossbar.arch import Arch, load_arch, preset_names
from crossbar.errors import InputError
from crossbar.report.difference import changed_hardware
from crossbar.study.description import Study
from crossbar.study.harm import fault_words

__all__ = ["check_measure", "study_title"]

_CHANGES = 4


def check_measure(study: Study, data: Any = None) -> None:
    """Refuse what a cost study would leave unused: whoever gave it means accuracy.

    Parameters
    ----------
    study : Study
    data
        Given in place of the data that the study names.

    Raises
    ------
    InputError
    """
    if study.measure != "cost":
        return
    given = {
        "model": study.model,
        "data": study.data if study.data is not None else data,
        "images": study.images,
        "faults": study.faults or None,
        "seed": study.seed or None,
        "trials": study.trials,
        "t_inference": study.t_inference,
    }
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name}: changes no cost (measure: accuracy looks at it)")


def study_title(study: Study, base: Arch, network: str) -> str:
    """Say what is run, for tables and figures.

    Parameters
    ----------
    study : Study
    base : Arch
        Its hardware.
    network : str
    """
    keys = {key for axis in study.axes for key in axis.keys}
    parts = [network if "arch" in keys else f"{network} on {base.name}"]
    if base.name in preset_names():
        changes = changed_hardware(load_arch(base.name).to_dict(), base.to_dict())
        parts += [f"{row.key} {row.b}" for row in changes[:_CHANGES]]
        parts += ["and more changed"] if len(changes) > _CHANGES else []
    if study.measure == "accuracy":
        parts.append("all samples" if study.images is None else f"{study.images} samples")
        parts += fault_words(study.faults)
        parts += [] if study.t_inference is None else [f"{study.t_inference} after programming"]
        parts += [] if study.trials is None else [f"{study.trials} trials"]
        parts += [] if "seed" in keys else [f"seed {study.seed}"]
    return ", ".join(parts)
