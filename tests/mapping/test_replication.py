"""Are copies handed out well, and asked for clearly?"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.errors import InputError, UnknownNameError
from crossbar.mapping import build_plan
from crossbar.mapping.replication import balance, stripes
from crossbar.workload import zoo
from crossbar.workload.graph import Node, Workload
from tests.mapping.nets import conv_net

layers = st.tuples(st.integers(1, 60), st.integers(1, 4), st.integers(1, 5))


def bound(work, copies):
    return max(Fraction(w, n) for w, n in zip(work, copies, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.lists(layers, min_size=1, max_size=4), st.integers(0, 14))
def test_balance_is_as_fast_as_the_best_of_all_choices(net, spare):
    work, arrays, positions = (list(x) for x in zip(*net, strict=True))
    available = sum(arrays) + spare
    copies = balance(work, arrays, positions, available)
    assert sum(n * a for n, a in zip(copies, arrays, strict=True)) <= available
    assert all(1 <= n <= p for n, p in zip(copies, positions, strict=True))
    best = min(
        bound(work, choice)
        for choice in product(*(range(1, p + 1) for p in positions))
        if sum(n * a for n, a in zip(choice, arrays, strict=True)) <= available
    )
    assert bound(work, copies) == best
    for w, n in zip(work, copies, strict=True):  # and no array is spent on what nobody waits for
        assert n == 1 or Fraction(w, n - 1) >= best


@given(st.integers(0, 200), st.integers(1, 40))
def test_stripes_cover_every_position_once_in_even_parts(positions, replicas):
    cut = stripes(positions, replicas)
    assert len(cut) == replicas
    covered = [p for first, count in cut for p in range(first, first + count)]
    assert covered == list(range(positions))
    sizes = [count for _, count in cut]
    assert max(sizes) - min(sizes) <= 1


def plan(replication, **keys):
    arch = load_arch("tiny_reram", {"replication": replication, **keys})
    return build_plan(conv_net(), arch)


def copies_of(made):
    return {layer.name: layer.replicas for layer in made.layers}


def test_a_list_and_a_mapping_give_the_copies_they_name():
    assert set(copies_of(plan("none")).values()) == {1}
    listed = {"conv1": 4, "conv2": 3, "conv3": 2, "fc": 1}
    assert copies_of(plan([4, 3, 2, 1])) == listed
    assert copies_of(plan({"conv1": 4, "conv3": 2})) == {**listed, "conv2": 1}


def test_wrong_copies_are_refused_with_what_is_allowed():
    with pytest.raises(InputError, match=r"replication: 2 numbers for 4 layers .*conv1, conv2"):
        plan([1, 2])
    with pytest.raises(UnknownNameError, match=r"'conv_1' \(did you mean 'conv1'\?\)"):
        plan({"conv_1": 2})
    with pytest.raises(InputError, match=r"5 copies of 'fc'; it has 1 position, so 1 copy$"):
        plan({"fc": 5})
    with pytest.raises(
        InputError, match=r"65 copies of 'conv1'; it has 64 positions, so 1\.\.64 c"
    ):
        plan([65, 1, 1, 1])


def test_copies_shrink_largest_first_before_a_network_is_refused():
    one = plan("none")
    tiles = one.tiles + 1
    made = plan([9, 5, 2, 1], **{"chip.tiles": tiles})
    given_, got = {"conv1": 9, "conv2": 5, "conv3": 2, "fc": 1}, copies_of(made)
    assert made.arrays <= tiles * 8 < plan([9, 5, 2, 1]).arrays
    assert all(1 <= got[name] <= given_[name] for name in got)
    assert got["conv1"] < 9
    largest = max(got.values())
    assert all(got[name] >= min(given_[name], largest - 1) for name in got)
    enough = plan([9, 5, 2, 1], **{"chip.tiles": 100})
    assert copies_of(enough) == given_  # nothing is lost where there is room
    exact = plan([9, 5, 2, 1], **{"chip.tiles": one.tiles})
    assert exact.arrays <= one.tiles * 8


def test_balance_fills_a_chip_of_a_given_size_and_copies_slow_layers_more():
    work = zoo("resnet20")
    arch = load_arch("isaac_8bit", {"replication": "balance"})
    balanced, single = build_plan(work, arch), build_plan(work, "isaac_8bit")
    assert balanced.arrays <= 168 * 96

    def slowest(made):
        return max(layer.slots * layer.slot / layer.replicas for layer in made.layers)

    assert slowest(balanced) < slowest(single) / 50
    assert balanced["conv1"].replicas > balanced["layer3.0.conv1"].replicas
    for layer in balanced.layers:
        assert 1 <= layer.replicas <= layer.positions


def test_copies_of_a_shared_layer_are_limited_by_its_smallest_use():
    from tests.mapping.nets import shared_net

    arch = load_arch("tiny_reram", {"replication": {"first": 2}})
    assert build_plan(shared_net(), arch)["first"].replicas == 2
    with pytest.raises(InputError, match="3 copies of 'first'; it has 2 positions"):
        build_plan(shared_net(), load_arch("tiny_reram", {"replication": {"first": 3}}))


def recurrent_net():
    """A long short-term memory: 12 positions, whose products of the state wait for one another."""
    shape, hidden = (12, 16), {"in_features": 4, "out_features": 16, "bias": True}
    nodes = (
        Node("x", "input", (), (12, 4)),
        Node("ih", "linear", ("x",), shape, hidden, "ih.weight"),
        Node("hh", "linear", ("ih",), shape, {**hidden, "recurrent": "forward"}, "hh.weight"),
        Node("cell", "cell", ("hh",), (12, 4), {"operator": "lstm"}),
    )
    return Workload("recurrent", nodes, ("cell",))


@pytest.mark.parametrize("choice", [[1, 2], {"hh": 2}])
def test_a_recurrent_layer_has_one_copy(choice):
    with pytest.raises(
        InputError, match=r"^replication: 2 copies of 'hh'; it is recurrent: .* 1 c"
    ):
        build_plan(recurrent_net(), load_arch("tiny_reram", {"replication": choice}))


def test_balance_leaves_a_recurrent_layer_alone():
    keys = {"replication": "balance", "chip.tiles": 8}
    plan = build_plan(recurrent_net(), load_arch("tiny_reram", keys))
    assert plan["hh"].replicas == 1
    assert build_plan(recurrent_net(), load_arch("tiny_reram", {"replication": [3, 1]}))
