"""What happens and when: action counts of an inference, and its schedule to one clock."""

from crossbar.timing.bounds import Bound, bound
from crossbar.timing.counts import ACTIONS, Activity, Counts, LayerCounts, count
from crossbar.timing.critical import Stretch, critical_path
from crossbar.timing.engine import CAUSES, Schedule, TaskTimes, Use, schedule
from crossbar.timing.stream import Stream
from crossbar.timing.timeline import Profile, profile
from crossbar.timing.times import Timing, measure
from crossbar.timing.waits import waits_of

__all__ = [
    "ACTIONS",
    "CAUSES",
    "Activity",
    "Bound",
    "Counts",
    "LayerCounts",
    "Profile",
    "Schedule",
    "Stream",
    "Stretch",
    "TaskTimes",
    "Timing",
    "Use",
    "bound",
    "count",
    "critical_path",
    "measure",
    "profile",
    "schedule",
    "waits_of",
]
