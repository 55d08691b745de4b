"""Is a schedule that cannot go on found and explained, never hung?"""

from __future__ import annotations

import pytest

from crossbar import build_plan, load_arch
from crossbar.errors import DeadlockError
from crossbar.mapping.plan import Plan
from crossbar.timing import schedule
from crossbar.workload import WorkloadBuilder


def residual() -> Plan:
    """A block whose shortcut must wait for two 3 x 3 convolutions."""
    net = WorkloadBuilder("block")
    x = net.conv("stem", net.input("input", (2, 8, 8)), 2, 1)
    y = net.conv("first", x, 2, 3, padding=1)
    y = net.conv("second", y, 2, 3, padding=1)
    y = net.add("sum", y, x)
    return build_plan(net.build(net.conv("head", y, 2, 1)), load_arch("tiny_reram"))


def test_a_shortcut_with_too_small_a_buffer_is_named_with_its_circle() -> None:
    plan = residual()
    sizes = dict(plan.capacities)
    sizes["sum", 0, 1] = 10  # the stem is 2 rows and 3 pixels ahead when the first sum can be made
    with pytest.raises(DeadlockError) as caught:
        schedule(plan, capacities=sizes)
    message = str(caught.value)
    assert "\n" not in message
    for name in ("'stem'", "'first'", "'second'", "'sum'"):
        assert name in message
    assert "waits for room in the buffer of 'sum'" in message
    assert "tile.buffer" in message


def test_the_smallest_buffer_that_works_is_what_the_plan_knows() -> None:
    plan = residual()
    sizes = dict(plan.capacities)
    working = []
    for pixels in range(1, 30):
        sizes["sum", 0, 1] = pixels
        try:
            schedule(plan, capacities=sizes)
            working.append(pixels)
        except DeadlockError:
            assert not working, "a larger buffer locks up where a smaller one did not"
    assert working[0] == 2 * 8 + 3  # two rows and three pixels, counted by hand
    (claim,) = (
        i
        for i, claim in enumerate(plan.flow.claims)
        if plan.flow.tasks[claim.task].name == "sum" and claim.operand == 1
    )
    assert plan.flow.needs[claim] >= working[0]


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "mobilenet_v2"])
def test_networks_run_to_their_end_with_no_more_than_they_need(name: str) -> None:
    plan = build_plan(name, load_arch("isaac_8bit", {"chip.tiles": "auto"}))
    flow = plan.flow
    sizes = {
        (flow.tasks[claim.task].name, flow.tasks[claim.task].copy, claim.operand): int(need)
        for claim, need in zip(flow.claims, flow.needs, strict=True)
    }
    assert schedule(plan, capacities=sizes, images=2).cycles > 0
