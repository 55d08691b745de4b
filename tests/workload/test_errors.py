"""Does a wrong network file say what is wrong, where, and what would be right?"""

from __future__ import annotations

import json

import pytest

from crossbar.errors import InputError, WorkloadError
from crossbar.workload import Node, Workload, from_json, load, validate
from crossbar.workload.graph import KINDS

CONV = {
    "in_channels": 3,
    "out_channels": 8,
    "kernel": [3, 3],
    "stride": [1, 1],
    "padding": [1, 1],
    "dilation": [1, 1],
    "groups": 1,
    "bias": True,
}


def network() -> dict:
    """A sound network of five nodes, as a JSON object."""
    return {
        "format": "crossbar.workload",
        "schema": 1,
        "name": "net",
        "outputs": ["fc"],
        "nodes": [
            {"name": "x", "kind": "input", "inputs": [], "shape": [3, 8, 8]},
            {
                "name": "conv1",
                "kind": "conv2d",
                "inputs": ["x"],
                "shape": [8, 8, 8],
                "attrs": dict(CONV),
                "weight": "conv1.weight",
            },
            {
                "name": "pool",
                "kind": "pool_max",
                "inputs": ["conv1"],
                "shape": [8, 4, 4],
                "attrs": {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0]},
            },
            {"name": "flat", "kind": "reshape", "inputs": ["pool"], "shape": [128]},
            {
                "name": "fc",
                "kind": "linear",
                "inputs": ["flat"],
                "shape": [10],
                "attrs": {"in_features": 128, "out_features": 10, "bias": True},
                "weight": "fc.weight",
            },
        ],
    }


def problems(record: object) -> list[str]:
    """What reading it says, a line each."""
    with pytest.raises(InputError) as caught:
        from_json(json.dumps(record), source="net.json")
    return str(caught.value).splitlines()


def test_the_network_these_tests_break_is_sound():
    assert from_json(json.dumps(network())).macs == 27 * 8 * 64 + 1280


# (node, field, value or None to remove it, the line)
FIELDS = [
    (1, "kind", "conv2", f"kind: unknown kind 'conv2' (did you mean 'conv2d'?); known: "
     f"{', '.join(KINDS)}"),
    (1, "kind", 3, f"kind: unknown kind 3; known: {', '.join(KINDS)}"),
    (1, "shape", [8, 0, 8], "shape: [8, 0, 8] is not a list of integers >= 1"),
    (1, "shape", [8, 8.0, 8], "shape: [8, 8.0, 8] is not a list of integers >= 1"),
    (1, "shape", [8, True, 8], "shape: [8, True, 8] is not a list of integers >= 1"),
    (1, "shape", 8, "shape: 8 is not a list of integers >= 1"),
    (1, "shape", [8, 9, 8],
     "shape: [8, 9, 8] given, but [8, 8, 8] follows from its inputs and attrs"),
    (1, "inputs", ["y"], "inputs: no node is called 'y'"),
    (2, "inputs", ["conv2"], "inputs: no node is called 'conv2' (did you mean 'conv1'?)"),
    (1, "inputs", ["fc"],
     "inputs: 'fc' does not stand before this node; producers come first"),
    (1, "inputs", ["conv1"],
     "inputs: 'conv1' does not stand before this node; producers come first"),
    (1, "inputs", "x", "inputs: 'x' is not a list of node names"),
    (1, "inputs", [1], "inputs: [1] is not a list of node names"),
    (1, "inputs", ["x", "x"], "inputs: a conv2d has exactly one, got 2"),
    (2, "inputs", [],
     "inputs: empty; only an input or an operation on constants has no producer"),
    (1, "weight", None, "weight: missing; a conv2d names its weight, e.g. 'conv1.weight'"),
    (1, "weight", 5, "weight: 5 is not a text"),
    (1, "attrs", [1], "attrs: [1] is not an object"),
    (4, "inputs", ["pool"],
     "inputs: input [8, 4, 4] does not end in in_features = 128"),
]  # fmt: skip


@pytest.mark.parametrize(("position", "field", "value", "line"), FIELDS)
def test_one_wrong_field_of_a_node(position, field, value, line):
    record = network()
    node = record["nodes"][position]
    if value is None:
        del node[field]
    else:
        node[field] = value
    assert problems(record) == [f"net.json: nodes.{position} ({node['name']}): {line}"]


ATTRS = [
    (1, "kernel", 3, "attrs.kernel: 3 is not 2 integers >= 1"),
    (1, "kernel", [3], "attrs.kernel: [3] is not 2 integers >= 1"),
    (1, "stride", [0, 1], "attrs.stride: [0, 1] is not 2 integers >= 1"),
    (1, "padding", [-1, 0], "attrs.padding: [-1, 0] is not 2 integers >= 0"),
    (1, "padding", "same", "attrs.padding: 'same' is not 2 integers >= 0"),
    (1, "groups", 0, "attrs.groups: 0 is not an integer >= 1"),
    (1, "groups", 2, "attrs.groups: 2 does not divide in_channels = 3"),
    (1, "in_channels", "3", "attrs.in_channels: '3' is not an integer >= 1"),
    (1, "in_channels", 4, "inputs: input has 3 channels, in_channels is 4"),
    (1, "bias", 1, "attrs.bias: 1 is not true or false"),
    (1, "kernel", [11, 3],
     "inputs: a window of 11 does not fit into 8 elements with padding 1"),
    (1, "groups", None,
     "attrs.groups: missing; a conv2d has in_channels, out_channels, kernel, stride, padding,"
     " dilation, groups, bias"),
    (2, "stride", None, "attrs.stride: missing; a pool_max has kernel, stride, padding"),
    (2, "kernel", [2], "attrs.kernel: [2] is not 2 integers >= 1"),
    (2, "dilation", [0, 1], "attrs.dilation: [0, 1] is not 2 integers >= 1"),
    (2, "operations", -1, "attrs.operations: -1 is not an integer >= 0"),
    (2, "operations", 1.5, "attrs.operations: 1.5 is not an integer >= 0"),
    (4, "out_features", 11,
     "shape: [10] given, but [11] follows from its inputs and attrs"),
]  # fmt: skip


@pytest.mark.parametrize(("position", "attr", "value", "line"), ATTRS)
def test_one_wrong_attribute_of_a_node(position, attr, value, line):
    record = network()
    node = record["nodes"][position]
    if value is None:
        del node["attrs"][attr]
    else:
        node["attrs"][attr] = value
    assert problems(record) == [f"net.json: nodes.{position} ({node['name']}): {line}"]


def test_a_misspelt_attribute_is_pointed_at():
    record = network()
    record["nodes"][2]["attrs"]["kernl"] = record["nodes"][2]["attrs"].pop("kernel")
    assert problems(record) == [
        "net.json: nodes.2 (pool): attrs.kernel: missing (there is 'kernl'); a pool_max has"
        " kernel, stride, padding"
    ]


def test_all_problems_of_a_file_come_at_once():
    record = network()
    record["nots"] = []
    record["nodes"][1]["kind"] = "conv2"
    record["nodes"][2]["shap"] = [1]
    record["nodes"][3]["name"] = "conv1"
    record["outputs"] = ["fcc", 5]
    assert problems(record) == [
        "net.json: nots: unknown key (did you mean 'nodes'?); allowed: format, schema, name,"
        " outputs, nodes",
        "net.json: nodes.2: shap: unknown key (did you mean 'shape'?); allowed: name, kind,"
        " inputs, shape, attrs, weight",
        "net.json: nodes.1 (conv1): kind: unknown kind 'conv2' (did you mean 'conv2d'?); known: "
        + ", ".join(KINDS),
        "net.json: nodes.3 (conv1): name: 'conv1' is also nodes.1; names are unique",
        "net.json: nodes.4 (fc): inputs: no node is called 'flat'",
        "net.json: outputs: no node is called 'fcc' (did you mean 'fc'?)",
        "net.json: outputs: no node is called 5",
    ]


def test_a_node_that_cannot_be_read_does_not_make_its_consumers_wrong():
    record = network()
    del record["nodes"][2]["kind"]
    assert problems(record) == ["net.json: nodes.2: kind: missing"]


def test_additions_and_joins_of_shapes_that_do_not_fit():
    record = network()
    record["nodes"] += [
        {"name": "sum", "kind": "add", "inputs": ["x", "conv1"], "shape": [8, 8, 8]},
        {
            "name": "cat",
            "kind": "concat",
            "inputs": ["x", "pool"],
            "shape": [11, 8, 8],
            "attrs": {"axis": 0},
        },
        {
            "name": "cat2",
            "kind": "concat",
            "inputs": ["x", "x"],
            "shape": [6, 8, 8],
            "attrs": {"axis": 3},
        },
        {
            "name": "cat3",
            "kind": "concat",
            "inputs": ["x", "x"],
            "shape": [6, 8, 8],
            "attrs": {"axis": -1},
        },
    ]
    assert problems(record) == [
        "net.json: nodes.5 (sum): inputs: shapes [3, 8, 8] and [8, 8, 8] do not fit together",
        "net.json: nodes.6 (cat): inputs: [3, 8, 8] and [8, 4, 4] differ beside axis 0",
        "net.json: nodes.7 (cat2): inputs: axis 3 is outside of [3, 8, 8]",
        "net.json: nodes.8 (cat3): attrs.axis: -1 is not an integer >= 0",
    ]


def test_a_pool_keeps_the_axes_of_its_input():
    record = network()
    record["nodes"].append(
        {
            "name": "p",
            "kind": "pool_avg",
            "inputs": ["flat"],
            "shape": [8, 4, 4],
            "attrs": {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0]},
        }
    )
    assert problems(record) == [
        "net.json: nodes.5 (p): inputs: input [128] is not channels and 2 axes to pool"
    ]


def test_an_input_has_no_producer():
    record = network()
    record["nodes"].append({"name": "y", "kind": "input", "inputs": ["x"], "shape": [3, 8, 8]})
    assert problems(record) == ["net.json: nodes.5 (y): inputs: an input has none, got 1"]


def test_shared_weights_have_one_size():
    record = network()
    record["nodes"].append({**record["nodes"][4], "name": "fc2", "weight": "conv1.weight"})
    assert problems(record) == [
        "net.json: nodes.5 (fc2): weight: 'conv1.weight' is 128 x 10 here and 27 x 8 in 'conv1';"
        " a shared weight has one size"
    ]


def test_what_cannot_be_written_as_json_is_named():
    attrs = {"scale": float("nan"), "table": {"a": (object(),)}, "by": {3: 1}}
    work = Workload("net", (Node("x", "input", (), (2,), attrs),), ("x",))
    with pytest.raises(WorkloadError) as caught:
        validate(work)
    assert caught.value.problems == (
        "net: nodes.0 (x): attrs.scale: nan is not a finite number",
        "net: nodes.0 (x): attrs.table.a.0: object cannot be written as JSON",
        "net: nodes.0 (x): attrs.by: key 3 is not a text",
    )


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("format", "crossbar.report",
         "format: 'crossbar.report'; a workload file says 'crossbar.workload'"),
        ("format", None, "format: missing; a workload file says 'crossbar.workload'"),
        ("schema", "1", "schema: '1' is not a version; this one is 1"),
        ("schema", 0, "schema: 0 is not a version; this one is 1"),
        ("schema", None, "schema: None is not a version; this one is 1"),
        ("name", 7, "name: 7 is not a text"),
        ("name", None, "name: missing"),
        ("nodes", {}, "nodes: {} is not a list"),
        ("nodes", None, "nodes: missing"),
        ("outputs", "fc", "outputs: 'fc' is not a list"),
        ("outputs", [], "outputs: empty; name the nodes whose values leave the network"),
        ("outputs", [["fc"]], "outputs: no node is called ['fc']"),
    ],
)  # fmt: skip
def test_one_wrong_key_of_the_file(key, value, line):
    record = network()
    if value is None:
        del record[key]
    else:
        record[key] = value
    assert problems(record) == [f"net.json: {line}"]


def test_a_workload_has_nodes():
    assert problems({**network(), "nodes": [], "outputs": ["x"]}) == [
        "net.json: nodes: empty; a workload has at least one node",
        "net.json: outputs: no node is called 'x'",
    ]
    assert problems({**network(), "nodes": [3], "outputs": ["x"]})[0] == (
        "net.json: nodes.0: 3 is not an object"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "workload: line 1 column 1: not JSON: Expecting value"),
        ('{"a": 1,\n b}', "workload: line 2 column 2: not JSON: Expecting property name"),
        ("[1]", "workload: a list, where a workload is an object"),
        ('{"a": 1, "a": 2}', "workload: key 'a' stands twice in one object"),
        ('{"a": NaN}', "workload: NaN is not a number that JSON knows"),
        ('{"a": ' + "9" * 5000 + "}", "workload: not JSON: Exceeds the limit"),
        ("[" * 100_000, "workload: nested too deeply to be a workload"),
    ],
    ids=["empty", "syntax", "list", "twice", "nan", "huge number", "deep"],
)
def test_text_that_is_no_workload(text, message):
    with pytest.raises(InputError) as caught:
        from_json(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_binary_file_is_not_text(tmp_path):
    file = tmp_path / "net.json"
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InputError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: not UTF-8 text (byte 7)"


def test_a_folder_is_not_a_workload(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load(tmp_path)
