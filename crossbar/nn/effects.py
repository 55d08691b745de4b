"""Harm done to a mapped model: `inject`."""

from __future__ import annotations

from crossbar.device.faults import StuckAt
from crossbar.errors import InputError
from crossbar.nn.mapped import MappedModel, check_mapped

__all__ = ["inject"]


def inject(mapped: MappedModel, faults: StuckAt, *, seed: int = 0) -> MappedModel:
    """Return the model with stuck cells.

    Faults belong to physical cells (array, row, column): the same seed gives the same faulty cells
    whatever the batch size or number of threads, and each replica has its own (``faults.replicas:
    own``).

    Parameters
    ----------
    mapped : MappedModel
        Left as it is.
    faults : StuckAt
        Rates; they replace those of an earlier `inject`.
    seed : int
        Of the fault map, 0 or more.

    Raises
    ------
    InputError
        ``faults`` is not a `StuckAt`, or a seed below 0 or above 2**63 - 1.
    """
    check_mapped("inject", mapped)
    if not isinstance(faults, StuckAt):
        raise InputError(f"inject: {faults!r} is not a StuckAt(on=, off=)")
    if not isinstance(seed, int) or not 0 <= seed < 1 << 63:
        raise InputError(f"inject: seed {seed!r} is not a whole number in 0..2**63 - 1")
    layers = {key: layer.with_faults(faults, seed) for key, layer in mapped.body.layers.items()}
    effects = {"stuck_at": {"on": faults.on, "off": faults.off, "seed": seed}}
    return mapped.with_layers(layers, effects)
