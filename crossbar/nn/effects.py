"""Harm done to a mapped model: `inject`."""

from __future__ import annotations

from dataclasses import replace

from crossbar.array.conditions import MOST_SEED
from crossbar.device.fault_data import describe_faults, is_faults
from crossbar.device.faults import Faults
from crossbar.errors import InputError
from crossbar.nn.mapped import MappedModel, check_mapped

__all__ = ["inject"]


def inject(mapped: MappedModel, faults: Faults, *, seed: int = 0) -> MappedModel:
    """Return the model with stuck cells.

    Faults belong to physical cells (array, row, column): the same seed gives the same faulty cells
    whatever the batch size or number of threads, and each replica has its own (``faults.replicas:
    own``).

    Parameters
    ----------
    mapped : MappedModel
        Left as it is.
    faults : StuckAt, ClusteredFaults, LineFaults, FaultMap or a tuple of them
        They replace those of an earlier `inject`.
    seed : int
        Of the fault map, 0 or more.

    Raises
    ------
    InputError
        ``faults`` are none, or a seed below 0 or above 2**63 - 1.
    """
    check_mapped("inject", mapped)
    if not is_faults(faults):
        raise InputError(
            f"inject: {faults!r} is not a StuckAt(on=, off=), ClusteredFaults, LineFaults or"
            " FaultMap"
        )
    if not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
        raise InputError(f"inject: seed {seed!r} is not a whole number in 0..2**63 - 1")
    conditions = replace(mapped.body.conditions, faults=faults, fault_seed=seed)
    described = {name: {**facts, "seed": seed} for name, facts in describe_faults(faults).items()}
    return mapped.under(conditions, effects=described)
