"""Does a network survive being written and read, whatever happens on the way?"""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InputError, SchemaVersionError, WorkloadError
from crossbar.workload import (
    Node,
    Workload,
    WorkloadBuilder,
    from_json,
    load,
    save,
    to_json,
    validate,
    zoo,
    zoo_names,
)


@st.composite
def small_networks(draw: st.DrawFn) -> Workload:
    """A random chain with shortcuts: convolutions, pools, additions, a classifier."""
    net = WorkloadBuilder(draw(st.text(max_size=8)))
    size = draw(st.integers(4, 9))
    x = net.input("x", (draw(st.integers(1, 4)), size, draw(st.integers(4, 9))))
    for position in range(draw(st.integers(0, 6))):
        name = f"{position}.{draw(st.text(max_size=3))}"
        kind = draw(st.sampled_from(["conv", "depthwise", "pool", "relu", "add", "concat"]))
        channels = net.shape(x)[0]
        if kind == "conv":
            stride = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
            bias = draw(st.booleans())
            x = net.conv(name, x, draw(st.integers(1, 5)), 3, stride=stride, padding=1, bias=bias)
        elif kind == "depthwise":
            x = net.conv(name, x, channels, (1, 3), padding=(0, 1), groups=channels)
        elif kind == "pool":
            x = net.max_pool(name, x, 2, padding=1)
        elif kind == "relu":
            x = net.relu(name, x)
        elif kind == "add":
            x = net.add(name, x, net.activation(f"{name}/tanh", x, "tanh"))
        else:
            x = net.concat(name, x, x, axis=0)
    y = net.linear("fc", net.flatten("flat", x), draw(st.integers(1, 5)))
    return net.build(*draw(st.sampled_from([(y,), (x, y)])))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(small_networks())
def test_a_random_network_reads_back_the_same(work):
    assert from_json(to_json(work)) == work


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=5).map("my_{}".format), json_values, max_size=3))
def test_attributes_of_any_json_sort_read_back_the_same(attrs):
    work = Workload("n", (Node("x", "input", (), (2,), attrs),), ("x",))
    assert from_json(to_json(work)) == work


@pytest.mark.parametrize("name", zoo_names())
def test_the_zoo_reads_back_the_same(name):
    assert from_json(to_json(zoo(name))) == zoo(name)


def test_the_text_is_one_node_a_line_and_says_what_it_is():
    text = to_json(zoo("lenet5"))
    assert text.startswith('{\n "format": "crossbar.workload",\n "schema": 1,\n "name": "lenet5"')
    assert sum('"kind"' in line for line in text.splitlines()) == len(zoo("lenet5").nodes)
    assert json.loads(text)["nodes"][0] == {
        "name": "input",
        "kind": "input",
        "inputs": [],
        "shape": [1, 32, 32],
    }


def test_a_file_written_by_hand_may_leave_attrs_out():
    text = """{"format": "crossbar.workload", "schema": 1, "name": "tiny", "outputs": ["y"],
      "nodes": [{"name": "x", "kind": "input", "inputs": [], "shape": [3]},
                {"name": "y", "kind": "activation", "inputs": ["x"], "shape": [3]}]}"""
    work = from_json(text)
    assert work["y"].operations == 3


def test_saving_replaces_the_whole_file_and_leaves_nothing_else(tmp_path):
    file = tmp_path / "net.json"
    file.write_text("old")
    save(zoo("lenet5"), file)
    assert load(file) == zoo("lenet5")
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_a_failed_save_leaves_the_old_file_and_nothing_half_written(tmp_path, monkeypatch):
    file = tmp_path / "net.json"
    file.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError) as caught:
        save(zoo("lenet5"), file)
    assert str(caught.value) == f"{file}: cannot be written: No space left on device"
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


def test_a_missing_folder_is_made_and_an_impossible_one_is_named(tmp_path):
    file = tmp_path / "new" / "net.json"
    save(zoo("lenet5"), file)
    assert load(file) == zoo("lenet5")
    inside_a_file = file / "net.json"
    with pytest.raises(InputError) as caught:
        save(zoo("lenet5"), inside_a_file)
    assert str(caught.value) == f"{inside_a_file}: cannot be written: File exists"


def test_a_network_that_would_not_read_back_is_not_written(tmp_path):
    broken = Workload("broken", (Node("x", "input", (), (2,)),), ("y",))
    with pytest.raises(WorkloadError, match=r"broken: outputs: no node is called 'y'"):
        save(broken, tmp_path / "net.json")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused_by_its_number(tmp_path):
    file = tmp_path / "net.json"
    newer = to_json(zoo("lenet5")).replace('"schema": 1', '"schema": 2')
    file.write_text(newer.replace('"kind"', '"sort"'))  # the layout of a newer file is unknown
    with pytest.raises(SchemaVersionError) as caught:
        load(file)
    assert str(caught.value) == (
        "net.json: schema: 2 was written by a newer crossbar; this one reads up to 1"
    )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_an_input_error_and_nothing_else(data):
    record = json.loads(to_json(zoo("lenet5")))
    record["nodes"] = record["nodes"][:6]
    record["outputs"] = ["tanh2"]
    junk = json_values | st.just([1]) | st.just({"a": [1]})
    target = data.draw(st.sampled_from([record, *record["nodes"]]))
    if "attrs" in target and data.draw(st.booleans()):
        target = target["attrs"]
    key = data.draw(st.sampled_from(sorted(target)))
    target[key] = data.draw(junk)
    said = []
    try:
        validate(from_json(json.dumps(record)))
    except InputError as error:
        said = str(error).splitlines()
    assert all(line.startswith("workload: ") for line in said)
