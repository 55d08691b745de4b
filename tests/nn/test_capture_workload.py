"""Do the names, kinds and edges of a captured network say what the user's model is?"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from crossbar.nn.graph.captured import capture, capture_model
from crossbar.nn.resnet import resnet20
from crossbar.workload import Node, zoo
from tests.nn import networks


def shape(node):
    return (node.kind, node.shape, node.matrix if node.is_product else None)


def test_resnet20_is_the_zoos_but_for_its_input():
    ours = capture(resnet20(1).eval(), torch.randn(2, 1, 28, 28))
    theirs = capture(resnet20(3).eval(), torch.randn(2, 3, 32, 32))
    assert ours.name == "ResNet"
    assert len(ours.products) == 20
    assert not [n.name for n in ours if n.kind in ("batchnorm", "other")]
    assert list(map(shape, theirs.products)) == list(map(shape, zoo("resnet20").products))
    assert theirs.macs == zoo("resnet20").macs
    assert ours["layer1.0.conv1"].shape == (16, 28, 28)
    assert ours["layer1.0.add"].inputs == ("layer1.0.conv2", "relu")
    assert ours["layer2.0.add"].inputs == ("layer2.0.conv2", "layer2.0.pad")
    assert ours.outputs == ("linear",)


def test_batch_normalisation_is_folded_in_double_precision():
    model = networks.randomise(networks.Grouped())
    product = capture_model(model, (torch.randn(2, 4, 8, 9),)).products["depth"]
    bn = model.bn1
    scale = bn.weight.double() / (bn.running_var.double() + bn.eps).sqrt()
    weight = model.depth.weight.double() * scale[:, None, None, None]
    torch.testing.assert_close(product.weight, weight.float(), atol=0, rtol=1e-7)
    bias = bn.bias.double() - bn.running_mean.double() * scale
    torch.testing.assert_close(product.bias, bias.float(), atol=0, rtol=1e-7)
    assert product.weight.dtype == torch.float32
    assert product.attrs["bias"] is True


@pytest.mark.parametrize("case", ["result used twice", "tokens", "before the layer", "tied"])
def test_batch_normalisation_stays_where_folding_would_be_wrong(case):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.norm, self.other = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)

        def forward(self, x):
            if case == "result used twice":
                y = self.fc(x[:, 0])
                return y + self.norm(y)
            if case == "tokens":
                return self.norm(self.fc(x))
            if case == "before the layer":
                return self.fc(self.norm(x[:, 0]))
            return self.other(self.fc(self.norm(self.fc(x[:, 0]))))

    model = networks.randomise(Net())
    x = torch.randn(3, 4, 4)
    result = capture_model(model, (x,))
    norms = [n.name for n in result.workload if n.kind == "batchnorm"]
    assert norms == (["norm", "other"] if case == "tied" else ["norm"])
    assert {n.weight for n in result.workload.products} == {"fc.weight"}
    torch.testing.assert_close(result.program.run((x,)), model(x).detach())


def test_tied_layer_followed_by_one_normalisation_is_folded_and_still_shared():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

        def forward(self, x):
            return self.norm(self.conv(torch.relu(self.norm(self.conv(x)))))

    model = networks.randomise(Net())
    result = capture_model(model, (torch.randn(2, 2, 5, 5),))
    first, second = result.products.values()
    assert not [n for n in result.workload if n.kind == "batchnorm"]
    assert first.weight_key == second.weight_key
    assert first.weight is second.weight


def test_layer_used_twice_has_two_steps_and_one_weight():
    products = capture_model(networks.Tied().eval(), (torch.randn(2, 4),)).products
    found = [(p.step, p.layer, p.weight_key) for p in products.values()]
    assert found == [
        ("fc", "fc", "fc.weight"),
        ("fc@2", "fc", "fc.weight"),
        ("twin", "twin", "fc.weight"),
        # the same numbers turned around are other arrays
        ("fc.weight", "fc.weight", "fc.weight@2"),
    ]
    assert products["fc"].weight is products["twin"].weight


def test_functional_weights_are_called_after_their_parameter():
    model = networks.Functional().eval()
    products = capture_model(model, (torch.randn(2, 5),)).products
    assert {p.step: p.weight_key for p in products.values()} == {
        "w": "w",
        "block.w": "block.w",
        "v": "v",
        "normed": "normed.weight",
    }
    torch.testing.assert_close(products["v"].weight, model.v.t() * 0.5)
    torch.testing.assert_close(products["v"].bias, model.bias * 2)
    torch.testing.assert_close(products["block.w"].weight, model.block.w.detach())
    assert {p.kind for p in products.values()} == {"linear"}


def test_encoder_layer_gives_its_four_products_in_spite_of_the_fast_path():
    model = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    work = capture(model, torch.randn(2, 5, 16))
    assert {n.name: n.shape for n in work.products} == {
        "self_attn.in_proj_weight": (5, 48),
        "self_attn.out_proj": (5, 16),
        "linear1": (5, 32),
        "linear2": (5, 16),
    }
    assert [n.name for n in work if n.kind == "attention"] == ["self_attn.attention"]
    assert [n.name for n in work if n.kind == "norm"] == ["norm1", "norm2"]
    assert work["add"].inputs[0] == "src"
    assert not [n for n in work if n.kind == "other"]


def test_odd_same_padding_becomes_a_step_of_its_own():
    work = capture(networks.Same().eval(), torch.randn(2, 2, 8, 7))
    assert [(n.name, n.kind, n.shape) for n in work] == [
        ("x", "input", (2, 8, 7)),
        ("even.pad", "reshape", (2, 9, 8)),
        ("even", "conv2d", (3, 8, 7)),
        ("dilated.pad", "reshape", (3, 8, 8)),
        ("dilated", "conv2d", (3, 8, 7)),
        ("plain", "conv2d", (2, 6, 5)),
    ]
    assert work["even"].attrs["padding"] == (1, 1)
    assert work["dilated"].attrs["padding"] == (2, 1)


def test_layers_of_every_form_are_products_and_digital_work():
    inputs = torch.randn(2, 3, 9), torch.randn(2, 3, 2, 6, 6)
    work = capture(networks.Leftovers().eval(), inputs)
    assert not [n.name for n in work if n.kind == "other"]
    assert {n.name: (n.kind, n.shape, n.macs) for n in work.products} == {
        "conv1": ("conv1d", (4, 7), 7 * 36),
        "rnn.weight_ih_l0": ("linear", (7, 16), 7 * 64),
        "rnn.weight_hh_l0": ("linear", (7, 16), 7 * 64),
        "rnn.weight_ih_l0_reverse": ("linear", (7, 16), 7 * 64),
        "rnn.weight_hh_l0_reverse": ("linear", (7, 16), 7 * 64),
        # three frames a sample: a volume, one frame deep under the kernel
        "frames": ("conv3d", (4, 3, 4, 4), 3 * 16 * 72),
        # all taps of each input pixel
        "up": ("conv2d", (27, 6, 6), 36 * 54),
        "fc": ("linear", (3, 2), 48),
    }
    assert work["rnn.weight_hh_l0_reverse"].inputs == ("rnn.weight_ih_l0_reverse",)
    assert work["rnn.weight_hh_l0_reverse"].attrs["recurrent"] == "backward"
    assert work["rnn.lstm_l0"] == Node(
        "rnn.lstm_l0", "cell", ("rnn.weight_hh_l0",), (7, 4), {"operator": "lstm"}
    )
    lapped = work["up.overlap_add"]
    assert (lapped.kind, lapped.shape, lapped.inputs) == ("overlap_add", (3, 8, 8), ("up",))
    assert lapped.attrs["operations"] == 27 * 36
    # learned queries have no producer but a constant
    assert work["fc"].inputs == ("expand",)
    assert work["expand"].inputs == ()


def test_layers_that_cannot_be_mapped_are_listed_with_their_work():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(4, 4, proj_size=2, batch_first=True)
            self.pair, self.fc = nn.Bilinear(2, 2, 3), nn.Linear(3, 2)

        def forward(self, x):
            x = self.rnn(x)[0]
            return self.fc(self.pair(x, x))

    work = capture(Net().eval(), torch.randn(2, 7, 4))
    facts = {n.name: n.attrs for n in work if n.kind == "other"}
    assert facts == {
        "rnn": {"operator": "lstm", "operations": 7 * 104, "weights": 104},
        "pair": {"operator": "bilinear", "operations": 7 * 3 * 6, "weights": 12},
    }


def test_digital_operations_are_counted_like_the_zoos():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool, self.norm = nn.MaxPool2d(3, 2, ceil_mode=True), nn.GroupNorm(2, 4)
            self.table = nn.Embedding(7, 4)

        def forward(self, x, ids):
            x = self.norm(self.pool(x)).flatten(2)
            scores = torch.softmax(x @ self.table(ids).mT.mT.transpose(1, 2)[:, :, :4], -2)
            joined = torch.cat([x, scores], 2)
            return torch.einsum("bij,bkj->bik", joined, joined), functional.adaptive_avg_pool1d(
                x, 2
            )

    work = capture(Net().eval(), (torch.randn(2, 4, 5, 5), torch.randint(0, 7, (2, 4))))
    facts = {n.name: n.attrs for n in work if n.attrs}
    assert facts["pool"]["operations"] == 16 * 9
    assert facts["pool"]["ceil_mode"] is True
    assert facts["norm"] == {"operator": "group_norm", "operations": 2 * (4 * 8 + 1)}
    assert facts["table"] == {"operator": "embedding", "entries": 7, "features": 4}
    assert facts["matmul"]["operations"] == 4 * 4 * 4
    assert facts["softmax"]["operations"] == 4 * (5 * 4 - 1)
    assert facts["cat"]["axis"] == 1
    assert facts["einsum"]["operations"] == 4 * 4 * 8
    assert facts["adaptive_avg_pool1d"]["kernel"] == (2,)


def test_constants_are_computed_and_sizes_leave_no_node():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 6)
            self.register_buffer("mask", torch.ones(6, 6))

        def forward(self, x):
            half = torch.arange(6).view(1, 6).float() @ self.mask / 2
            x = self.fc(x).view(x.shape[0], 2, 3).reshape(2 * x.shape[0], 3)
            return x.view(-1, 6).detach().clone() + half

    result = capture_model(Net().eval(), (torch.randn(2, 6),))
    assert [(n.name, n.inputs, n.shape) for n in result.workload] == [
        ("x", (), (6,)),
        ("fc", ("x",), (6,)),
        ("reshape", ("fc",), (2, 3)),
        ("reshape@2", ("reshape",), (2, 3)),
        ("reshape@3", ("reshape@2",), (6,)),
        ("add", ("reshape@3",), (6,)),
    ]
    assert [c.shape for c in result.program.constants.values()] == [(1, 6)]


def test_names_are_unique_and_inputs_make_way_for_layers():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x = nn.Linear(3, 3)
            self.add = nn.ReLU()

        def forward(self, x):
            return self.add(self.add(self.x(x) + x) + x)

    model = Net().eval()
    result = capture_model(model, (torch.randn(2, 3),))
    names = [n.name for n in result.workload]
    assert names == ["x@2", "x", "add", "add@2", "add@3", "add@4"]
    x = torch.randn(4, 3)
    torch.testing.assert_close(result.program.run((), {"x": x}), model(x).detach())


def test_tied_embedding_and_head_keep_their_names():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.emb, self.head = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
            self.head.weight = self.emb.weight

        def forward(self, ids):
            x = self.emb(ids)
            return self.head(x), x @ self.emb.weight.t()

    work = capture(Net().eval(), torch.randint(0, 9, (2, 5)))
    assert [(n.name, n.kind, n.weight) for n in work] == [
        ("ids", "input", None),
        ("emb", "embedding", None),
        ("head", "linear", "emb.weight"),
        ("emb.weight", "linear", "emb.weight"),
    ]
