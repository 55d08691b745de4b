"""Do the networks of the zoo have the sizes that are published for them?"""

from __future__ import annotations

from math import ceil

import pytest

from crossbar.workload import Workload, zoo, zoo_names

# Exact counts of the usual PyTorch implementations (weights without biases and batch norms; one
# 224 x 224 image, 32 x 32 where the paper used CIFAR-10 or digits, 128 tokens of text).
WEIGHTS_AND_MACS = {
    "lenet5": (61_470, 416_520),
    "resnet20": (268_336, 40_551_040),
    "vgg8": (12_973_440, 615_917_568),
    "resnet18": (11_678_912, 1_814_073_344),
    "resnet50": (25_502_912, 4_089_184_256),
    "vgg11": (132_851_392, 7_609_090_048),
    "vgg16": (138_344_128, 15_470_264_320),
    "mobilenet_v2": (3_469_760, 300_774_272),
    "bert_base": (84_934_656 + 589_824, 128 * 84_934_656 + 589_824),
    "minilm6": (10_616_832, 128 * 10_616_832),
}

# arrays = sum of ceil(rows / R) * ceil(columns * cells per weight / C), no replication
ARRAYS = {
    "16-bit weights, 2-bit cells, 128 x 128": (
        (8, 128),
        {"vgg8": 6344, "resnet18": 5724, "vgg11": 64892, "vgg16": 67576},
    ),
    "8-bit weights, 2-bit cells, 128 x 128": (
        (4, 128),
        {"vgg8": 3176, "resnet18": 2864, "vgg11": 32462, "vgg16": 33804},
    ),
    "8-bit weights, 1-bit cells, 256 x 256": (
        (8, 256),
        {"vgg8": 1596, "resnet18": 1454, "vgg11": 16238, "vgg16": 16912},
    ),
}


def bias_count(work: Workload) -> int:
    """Biases of the products, one an output channel."""
    return sum(n.matrix.groups * n.matrix.cols for n in work.products if n.attrs["bias"])


def test_the_table_of_sizes_covers_the_zoo():
    assert set(WEIGHTS_AND_MACS) == set(zoo_names())


@pytest.mark.parametrize("name", zoo_names())
def test_weights_and_macs_are_the_published_ones(name):
    work = zoo(name)
    assert (work.weights, work.macs) == WEIGHTS_AND_MACS[name]


@pytest.mark.parametrize(
    ("name", "millions", "gmac"),
    [
        ("vgg8", 12.97, 0.616),
        ("resnet18", 11.68, 1.814),
        ("vgg11", 132.85, 7.609),
        ("vgg16", 138.34, 15.470),
        ("resnet50", 25.50, 4.09),
        ("mobilenet_v2", 3.47, 0.30),
    ],
)
def test_rounded_figures_as_papers_print_them(name, millions, gmac):
    work = zoo(name)
    assert round(work.weights / 1e6, 2) == millions
    assert work.macs / 1e9 == pytest.approx(gmac, abs=1e-3)


@pytest.mark.parametrize("setting", ARRAYS)
@pytest.mark.parametrize("name", ["vgg8", "resnet18", "vgg11", "vgg16"])
def test_minimum_number_of_arrays(setting, name):
    (cells, side), expected = ARRAYS[setting]
    arrays = sum(
        ceil(n.matrix.rows / side) * ceil(n.matrix.cols * cells / side) for n in zoo(name).products
    )
    assert arrays == expected[name]


@pytest.mark.parametrize(
    ("name", "microseconds"),
    [("vgg8", 1638.4), ("resnet18", 20070.4), ("vgg11", 80281.6), ("vgg16", 80281.6)],
)
def test_positions_of_the_slowest_layer(name, microseconds):
    # ISAAC without replication: 16 reads of 100 ns a position
    slowest = max(n.positions for n in zoo(name).products)
    assert slowest * 1.6 == pytest.approx(microseconds)


def test_neurosim_counts_two_operations_a_mac_in_vgg8():
    assert 2 * zoo("vgg8").macs / 1e9 == pytest.approx(1.2318, abs=1e-4)


def test_resnet18_is_quoted_with_its_shortcuts_and_classifier():
    work = zoo("resnet18")
    shortcuts = sum(n.weights for n in work.products if "downsample" in n.name)
    assert shortcuts == 64 * 128 + 128 * 256 + 256 * 512
    assert work["fc"].weights == 512_000
    assert work.weights - shortcuts - 512_000 == 10_994_880  # stem and 3 x 3 convolutions


def test_vgg_parameters_with_biases():
    # no batch norm in these two, so the papers' parameter counts are weights and biases
    assert zoo("vgg11").weights + bias_count(zoo("vgg11")) == 132_863_336
    assert zoo("vgg16").weights + bias_count(zoo("vgg16")) == 138_357_544


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet18", 11_689_512), ("resnet50", 25_557_032), ("mobilenet_v2", 3_504_872)],
)
def test_parameters_with_batch_norms_unfolded(name, parameters):
    # unfolded, a channel of a convolution has a scale and a shift instead of the folded bias
    work = zoo(name)
    classifier = work.products[-1].attrs["out_features"]
    scales = sum(n.attrs["out_channels"] for n in work.products if n.kind == "conv2d")
    assert work.weights + 2 * scales + classifier == parameters


def test_lenet5_layers_have_the_papers_parameters():
    # LeCun 1998: C1 156, C5 48,120, F6 10,164 trainable parameters; C3 has 1,516 there because it
    # sees only 60 of the 96 pairs of maps
    work = zoo("lenet5")
    counts = {n.name: n.weights + n.matrix.cols for n in work.products}
    assert (counts["conv1"], counts["fc1"], counts["fc2"]) == (156, 48_120, 10_164)
    assert counts["conv2"] - 36 * 25 == 1_516


def test_resnet50_with_the_papers_own_strides_is_3_86_gmac():
    # the stride moved to the first 1 x 1 makes that layer and the 3 x 3 run at the small size
    work = zoo("resnet50")
    saved = 0
    for stage in (2, 3, 4):
        small = work[f"layer{stage}.0.conv2"].positions
        first = work[f"layer{stage}.0.conv1"]
        assert first.positions == 4 * small
        saved += first.weights * (first.positions - small)
    assert (work.macs - saved) / 1e9 == pytest.approx(3.86, abs=0.01)


@pytest.mark.parametrize(
    ("name", "layers", "features", "encoder", "pooler", "everything"),
    [
        ("bert_base", 12, 768, 85_054_464, 590_592, 109_482_240),
        ("minilm6", 6, 384, 10_646_784, 147_840, 22_713_216),
    ],
)
def test_encoders_with_biases_norms_and_tables(name, layers, features, encoder, pooler, everything):
    work = zoo(name)
    linear = [n for n in work.products if n.name.startswith("encoder.")]
    norms = [n for n in work if n.kind == "norm" and n.name.startswith("encoder.")]
    assert (len(linear), len(norms)) == (6 * layers, 2 * layers)
    counted = sum(n.weights + n.matrix.cols for n in linear) + 2 * features * len(norms)
    assert counted == encoder
    tables = sum(n.attrs["entries"] * n.attrs["features"] for n in work if n.kind == "embedding")
    assert counted + tables + 2 * features + pooler == everything


def test_attention_products_are_counted_as_digital_work():
    work = zoo("bert_base")
    macs = sum(n.operations for n in work if n.kind == "matmul")
    assert macs == 12 * 2 * 128 * 128 * 768
