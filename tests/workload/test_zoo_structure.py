"""Are the zoo's graphs wired and named like the networks they stand for?"""

from __future__ import annotations

from math import prod

import pytest

from crossbar.errors import InputError, UnknownNameError
from crossbar.workload import find_workload, save, validate, zoo, zoo_names


@pytest.mark.parametrize("name", zoo_names())
def test_every_graph_is_sound(name):
    work = zoo(name)
    assert work.name == name
    validate(work)


@pytest.mark.parametrize("name", zoo_names())
def test_every_value_is_used(name):
    work = zoo(name)
    read = {x for node in work for x in node.inputs} | set(work.outputs)
    assert {node.name for node in work} == read


@pytest.mark.parametrize("name", zoo_names())
def test_sides_of_every_addition_have_one_shape(name):
    work = zoo(name)
    for node in work:
        if node.kind == "add":
            assert len(node.inputs) == 2
            assert {work[x].shape for x in node.inputs} == {node.shape}


@pytest.mark.parametrize(
    ("name", "additions"),
    [("resnet20", 9), ("resnet18", 8), ("resnet50", 16), ("mobilenet_v2", 10)],
)
def test_number_of_shortcuts(name, additions):
    assert sum(node.kind == "add" for node in zoo(name)) == additions


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "resnet50", "mobilenet_v2"])
def test_batch_norms_are_folded_into_biases(name):
    work = zoo(name)
    assert not any(node.kind == "batchnorm" for node in work)
    assert all(node.attrs["bias"] for node in work.products)


@pytest.mark.parametrize("name", zoo_names())
def test_digital_work_is_never_less_than_one_operation_an_element(name):
    for node in zoo(name):
        if node.kind not in ("input", "reshape", "concat", "conv2d", "linear"):
            assert node.operations >= prod(node.shape)


def test_names_are_those_of_the_usual_pytorch_implementations():
    names = {name: [n.name for n in zoo(name).products] for name in zoo_names()}
    assert names["lenet5"] == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    assert names["vgg8"] == [f"features.{i}" for i in (0, 2, 5, 7, 10, 12)] + [
        "classifier.0",
        "classifier.2",
    ]
    assert names["vgg11"] == [f"features.{i}" for i in (0, 3, 6, 8, 11, 13, 16, 18)] + [
        f"classifier.{i}" for i in (0, 3, 6)
    ]
    assert names["vgg16"][-4:] == ["features.28", "classifier.0", "classifier.3", "classifier.6"]
    assert names["resnet18"][5:8] == [
        "layer2.0.conv1",
        "layer2.0.conv2",
        "layer2.0.downsample.0",
    ]
    assert names["resnet50"][:5] == [
        "conv1",
        "layer1.0.conv1",
        "layer1.0.conv2",
        "layer1.0.conv3",
        "layer1.0.downsample.0",
    ]
    assert names["mobilenet_v2"][:6] == [
        "features.0.0",
        "features.1.conv.0.0",
        "features.1.conv.1",
        "features.2.conv.0.0",
        "features.2.conv.1.0",
        "features.2.conv.2",
    ]
    assert names["mobilenet_v2"][-2:] == ["features.18.0", "classifier.1"]
    assert names["bert_base"][:6] == [
        "encoder.layer.0.attention.self.query",
        "encoder.layer.0.attention.self.key",
        "encoder.layer.0.attention.self.value",
        "encoder.layer.0.attention.output.dense",
        "encoder.layer.0.intermediate.dense",
        "encoder.layer.0.output.dense",
    ]
    assert names["bert_base"][-1] == "pooler.dense"


def test_resnet20_is_the_trained_network_layer_by_layer():
    torch = pytest.importorskip("torch")
    from crossbar.nn.resnet import resnet20

    model = resnet20().eval()
    seen = []
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(
                lambda m, _, out, name=name: seen.append(
                    (name, tuple(out.shape[1:]), m.weight.numel())
                )
            )
    with torch.no_grad():
        model(torch.zeros(1, 3, 32, 32))
    assert seen == [(n.name, n.shape, n.weights) for n in zoo("resnet20").products]


def test_mobilenet_depthwise_layers_are_blocks_of_nine_rows():
    depthwise = [n for n in zoo("mobilenet_v2").products if n.attrs.get("groups", 1) > 1]
    assert len(depthwise) == 17
    assert all((n.matrix.rows, n.matrix.cols) == (9, 1) for n in depthwise)
    assert all(n.matrix.groups == n.attrs["in_channels"] for n in depthwise)


def test_a_workload_prints_its_layers_and_totals():
    text = str(zoo("mobilenet_v2"))
    lines = text.splitlines()
    assert lines[0] == (
        "mobilenet_v2: 3 x 224 x 224 -> 1000, 53 layers on arrays, 3.47 M weights, 300.8 M MAC"
    )
    assert lines[1].split() == ["layer", "kind", "output", "matrix", "weights", "MAC"]
    assert "32 of 9 x 1" in lines[3]
    assert lines[-1] == "digital: pool_avg x1, 62.72 k operations"


def test_only_products_have_matrices_and_only_known_layers_are_found():
    work = zoo("lenet5")
    with pytest.raises(TypeError, match="tanh1: activation has no weight matrix"):
        _ = work["tanh1"].matrix
    with pytest.raises(TypeError, match="tanh1: activation has no positions"):
        _ = work["tanh1"].positions
    with pytest.raises(KeyError, match="conv9"):
        _ = work["conv9"]
    assert (work["tanh1"].weights, work["tanh1"].macs) == (0, 0)


def test_weights_shared_by_two_layers_are_counted_once():
    from crossbar.workload import Node, Workload

    attrs = {"in_features": 4, "out_features": 4, "bias": False}
    nodes = (
        Node("x", "input", (), (4,)),
        Node("a", "linear", ("x",), (4,), attrs, "w"),
        Node("b", "linear", ("a",), (4,), attrs, "w"),
    )
    work = Workload("tied", nodes, ("b",))
    assert (work.weights, work.macs) == (16, 32)


def test_a_network_is_found_by_name_by_file_and_as_itself(tmp_path):
    work = zoo("lenet5")
    save(work, tmp_path / "mine.json")
    assert find_workload("lenet5") == work
    assert find_workload(tmp_path / "mine.json") == work
    assert find_workload(str(tmp_path / "mine.json")) == work
    assert find_workload(work) is work


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        find_workload("resnet19")
    assert str(caught.value) == (
        "unknown workload 'resnet19' (did you mean 'resnet18'?); known: bert_base, lenet5,"
        " minilm6, mobilenet_v2, resnet18, resnet20, resnet50, vgg11, vgg16, vgg8"
    )


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        find_workload(tmp_path / "none.json")
