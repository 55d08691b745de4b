"""Latency and throughput in closed form: a pipeline that nothing constrains but its arrays.

Buffers are infinite, links free, and a layer may go on with its next position as soon as its arrays
are free; it waits for other layers only while the pipeline fills.  A chip with such limits is never
faster.

The depth of one layer is ISAAC's (Shafiee et al., ISCA 2016, figure 4): a slot to fetch the inputs,
one for each read, then one each for the last conversion, its shift-and-add, the tile's adder, the
activation and the write to the next buffer: 16 + 6 = 22 slots of 100 ns for 16-bit inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.mapping.plan import LayerPlan, Plan

__all__ = ["OVERHEAD_SLOTS", "LayerTime", "Timing", "bound"]

OVERHEAD_SLOTS = 6
"""Slots of one layer before its first and after its last read."""


@dataclass(frozen=True)
class LayerTime:
    """When a layer's arrays are busy, in clocks.

    Parameters
    ----------
    name : str
    interval : int
        From one position of a copy to its next.
    turns : int
        Positions of the copy that has most.
    depth : int
        From the first input of a position to its output.
    """

    name: str
    interval: int
    turns: int
    depth: int

    @property
    def work(self) -> int:
        """Clocks in which the busiest copy is reading."""
        return self.turns * self.interval

    @property
    def cycles(self) -> int:
        """Clocks from the first issue to the last retire when the layer never waits."""
        return (self.turns - 1) * self.interval + self.depth


@dataclass(frozen=True)
class Timing:
    """The bound of a whole network.

    Parameters
    ----------
    layers : tuple of LayerTime
    fill : int
        Clocks until the first position has come through the longest path of the graph.
    clock : float
        [Hz]
    path : tuple of str
        Layers along that path, first to last; their depths add up to the fill.
    """

    layers: tuple[LayerTime, ...]
    fill: int
    clock: float
    path: tuple[str, ...]

    @property
    def slowest(self) -> LayerTime:
        """The layer that limits the throughput."""
        return max(self.layers, key=lambda layer: layer.work)

    @property
    def latency(self) -> float:
        """Time of one inference [s]: fill, then the other positions of the slowest layer."""
        slowest = self.slowest
        return (self.fill + slowest.work - slowest.interval) / self.clock

    @property
    def throughput(self) -> float:
        """Inferences a second when they follow one another without a gap [1/s]."""
        return self.clock / self.slowest.work


def bound(plan: Plan) -> Timing:
    """Work out latency and throughput of a plan.

    ``latency = fill + (ceil(positions / replicas) - 1) * reads * row groups * slot`` of the slowest
    layer; ``throughput`` is one over its whole work.
    """
    clock = plan.arch.clock
    times = {layer.name: _layer_time(layer, clock) for layer in plan.layers}
    layer_of = {node: layer.name for layer in plan.layers for node in layer.nodes}
    reached: dict[str, int] = {}
    before: dict[str, str | None] = {}
    for node in plan.workload:
        last = max(node.inputs, key=reached.__getitem__, default=None)
        before[node.name] = last
        depth = times[layer_of[node.name]].depth if node.name in layer_of else 0
        reached[node.name] = depth + (0 if last is None else reached[last])
    end = max(reached, key=reached.__getitem__)
    path: list[str] = []
    here: str | None = end
    while here is not None:
        path += [layer_of[here]] if here in layer_of else []
        here = before[here]
    return Timing(tuple(times.values()), reached[end], clock, tuple(reversed(path)))


def _layer_time(layer: LayerPlan, clock: float) -> LayerTime:
    slot = round(layer.slot * clock)
    slots = layer.reads * layer.groups_per_array
    return LayerTime(
        layer.name,
        slots * slot,
        -(-layer.positions // layer.replicas),
        (slots + OVERHEAD_SLOTS) * slot,
    )
