"""How many rows of a window see the image, and how many its padding, on maps of any axes?"""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.estimator import _windows
from crossbar.workload import WorkloadBuilder
from crossbar.workload.graph import Node


@settings(deadline=None, max_examples=60)
@given(st.data(), st.integers(1, 3))
def test_pairs_of_positions_and_rows_are_those_of_all_taps(data: st.DataObject, axes: int) -> None:
    each = [data.draw(st.tuples(*(st.integers(1, n) for n in (5, 3, 2, 2)))) for _ in range(axes)]
    sizes, kernel, stride, dilation = (tuple(column) for column in zip(*each, strict=True))
    padding = tuple(d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    net = WorkloadBuilder("one")
    x = net.input("x", (4, *sizes))
    geometry = {"stride": stride, "padding": padding, "dilation": dilation}
    net.conv("conv", x, 6, kernel, groups=2, **geometry)
    node = net.build("conv")["conv"]
    assert node.kind == f"conv{axes}d"
    seen = 0
    for at in product(*map(range, node.shape[1:])):
        for tap in product(*map(range, kernel)):
            places = zip(at, tap, stride, padding, dilation, sizes, strict=True)
            seen += 2 * all(0 <= o * s - p + t * d < n for o, t, s, p, d, n in places)
    assert _windows(node, (4, *sizes)) == (seen, prod(node.shape[1:]) * 2 * prod(kernel))


@pytest.mark.parametrize("recurrent", [{}, {"recurrent": "forward"}])
def test_a_recurrent_layer_is_driven_with_its_states(recurrent: dict[str, str]) -> None:
    attrs = {"in_features": 5, "out_features": 20, **recurrent}
    node = Node("hh", "linear", ("ih",), (7, 20), attrs, "w")
    assert _windows(node, (7, 20)) == (35, 35)
