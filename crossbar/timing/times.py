"""Everything that is timed of a plan: one image alone, a stream of images, and what limits them."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.mapping.plan import Plan
from crossbar.timing.bounds import Bound, bound
from crossbar.timing.engine import Schedule, schedule_machine
from crossbar.timing.machine import build_machine
from crossbar.timing.stream import Stream, stream

__all__ = ["Timing", "measure"]


@dataclass(frozen=True, eq=False)
class Timing:
    """The times of a plan.

    Parameters
    ----------
    alone : Schedule
        One image on an empty chip.
    free : Schedule
        The same on an ideal machine: infinite buffers, buses, output ports and digital units of
        infinite width, and an ADC for every array.
    stream : Stream
    bound : Bound
        What no schedule can beat, not even on that machine.
    clock : float
        [Hz]
    """

    alone: Schedule
    free: Schedule
    stream: Stream
    bound: Bound
    clock: float

    @property
    def latency(self) -> float:
        """Time of one inference, alone on the chip [s]."""
        return self.alone.cycles / self.clock

    @property
    def throughput(self) -> float:
        """Inferences a second when they follow one another without a gap [1/s]."""
        return self.clock / self.stream.interval


def measure(plan: Plan, port: int = 0) -> Timing:
    """Schedule one image, and a stream of them.

    Parameters
    ----------
    plan : Plan
    port : int
        Clocks that an image needs at the chip's port.
    """
    machine = build_machine(plan, plan.capacities)
    ideal = build_machine(plan, "infinite", ideal=True)
    return Timing(
        schedule_machine(plan, machine),
        schedule_machine(plan, ideal, free_links=True),
        stream(plan, machine, port),
        bound(ideal),
        plan.arch.clock,
    )
