"""What happens and when: action counts of an inference, and its latency."""

from crossbar.timing.bound import LayerTime, Timing, bound
from crossbar.timing.counts import ACTIONS, Activity, Counts, LayerCounts, count

__all__ = [
    "ACTIONS",
    "Activity",
    "Counts",
    "LayerCounts",
    "LayerTime",
    "Timing",
    "bound",
    "count",
]
