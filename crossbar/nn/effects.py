"""Harm done to a mapped model: `inject`; and the same harm as a file: `draw_faults`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crossbar.array.conditions import MOST_SEED
from crossbar.device.fault_data import describe_faults, is_faults
from crossbar.device.faults import FaultMap, Faults, FaultSet, draw_map, stuck_states
from crossbar.errors import InputError
from crossbar.nn.mapped import MappedModel, check_mapped

__all__ = ["draw_faults", "inject"]


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
        ``faults`` are none, a map does not fit the arrays, or a seed below 0 or above 2**63 - 1.
    """
    check_mapped("inject", mapped)
    _check(faults, seed, "inject")
    _check_maps(mapped, faults)
    conditions = replace(mapped.body.conditions, faults=faults, fault_seed=seed)
    described = {name: {**facts, "seed": seed} for name, facts in describe_faults(faults).items()}
    return mapped.under(conditions, effects=described)


def draw_faults(mapped: MappedModel, faults: Faults, *, seed: int = 0) -> FaultMap:
    """Draw the faults of every array that a model uses, to be saved, looked at or changed.

    Parameters
    ----------
    mapped : MappedModel
    faults : StuckAt, ClusteredFaults, LineFaults, FaultMap or a tuple of them
    seed : int
        As for `inject`.

    Returns
    -------
    FaultMap
        ``save("faults.npz")`` keeps it; ``inject(mapped, map)`` breaks the same cells as
        ``inject(mapped, faults, seed=seed)``.

    Raises
    ------
    InputError
        As `inject`.
    """
    check_mapped("draw_faults", mapped)
    _check(faults, seed, "draw_faults")
    array = mapped.arch.array
    return draw_map(faults, _arrays(mapped), (array.rows, array.cols), seed)


def _arrays(mapped: MappedModel) -> list[int]:
    """Numbers of the arrays in use, all copies."""
    used: list[int] = []
    for layer in mapped.plan.layers:
        across = [b.col_blocks for b in layer.bundles for _ in range(b.row_blocks)]
        for copy in range(layer.replicas):
            starts = layer.row_block_arrays(copy).tolist()
            used += [a for s, n in zip(starts, across, strict=True) for a in range(s, s + n)]
    return used


def _check_maps(mapped: MappedModel, faults: Faults) -> None:
    """Refuse a map of arrays of another size, or without an array in use; empty ones too."""
    array, used = mapped.arch.array, _arrays(mapped)
    for part in FaultSet((faults,)).parts:
        if isinstance(part, FaultMap):
            for number in used:
                stuck_states(part, number, (array.rows, array.cols), 0)
            broken = part.cells[:, 0]
            if broken.size and not np.isin(broken, used).any():
                raise InputError(
                    f"{part.source}: broken cells of arrays {broken.min()} to {broken.max()}, none"
                    f" in an array that this network uses (those in use: {min(used)} to"
                    f" {max(used)})"
                )


def _check(faults: object, seed: object, verb: str) -> None:
    if not is_faults(faults):
        raise InputError(
            f"{verb}: {faults!r} is not a StuckAt(on=, off=), ClusteredFaults, LineFaults or"
            " FaultMap"
        )
    if not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
        raise InputError(f"{verb}: seed {seed!r} is not a whole number in 0..2**63 - 1")
