"""Is an estimate what a simulation gives, but for what only data can say?"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crossbar as xb
from crossbar.errors import DoesNotFitError, InputError, UnknownNameError
from crossbar.workload.builder import WorkloadBuilder
from tests.array.convs import SHAPES, make

ROOT = Path(__file__).parents[2]
DRAWS = 250
SIGMAS = 4.5  # a right mean is missed once in 150,000 draws; the seeds are fixed


def work_of(shape):
    """The network of `tests.array.convs.make`."""
    channels, outputs, kernel, stride, padding, dilation, groups, size = SHAPES[shape]
    net = WorkloadBuilder("conv")
    x = net.input("x", (channels, *size))
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return net.build(net.conv("conv", x, outputs, kernel, **geometry))


def case_of(shape, keys, signed=False):
    """A layer, its network and its arch, whose ``precision`` says what the layer is made with."""
    precision = {"precision.weight_bits": 4, "precision.input_bits": 4}
    arch = xb.load_arch("tiny_reram", {"chip.tiles": "auto", **precision, **keys})
    bits = arch.precision
    case = make(
        shape,
        {**precision, **keys},
        bits=bits.weight_bits,
        input_bits=bits.input_bits,
        signed=signed,
    )
    return case, work_of(shape), arch


def patterns(rng, density, bits, size):
    """Integers each of whose bits is one with a probability."""
    return ((rng.random((bits, *size)) < density) << np.arange(bits).reshape(-1, 1, 1, 1, 1)).sum(0)


def signed_of(pattern, bits):
    """What the bits are in two's complement."""
    return np.where(pattern >= 1 << (bits - 1), pattern - (1 << bits), pattern)


def with_draw(case, rng, input_density, code_density, images):
    """The layer with drawn weights, and drawn inputs, padded."""
    encoding, coding = case.layer.plan.encoding, case.layer.coding
    bits, size = encoding.bits, case.w.shape
    if encoding.kind == "differential":  # a magnitude on one side, nothing on the other
        w = patterns(rng, 2 * code_density, bits - 1, size) * rng.choice([-1, 1], size)
    else:
        w = patterns(rng, code_density, bits, size)
        if encoding.kind == "twos_complement":
            w = signed_of(w, bits)
        else:
            w = 2 * w - 1 if bits == 1 else w - encoding.offset
    flat = w.reshape(len(w), -1).astype(np.int32)
    x = patterns(rng, input_density, coding.bits, (images, *case.x.shape[1:]))
    x = signed_of(x, coding.bits) if coding.sign_read else x - coding.offset
    drawn = replace(case, x=x.astype(np.int16))
    return replace(case.layer, weights=flat), drawn.image


def cells(report):
    return report.components["array"]["energy"]


@pytest.mark.parametrize(
    ("shape", "keys", "signed"),
    [
        ("plain", {}, False),
        ("plain", {"dac.bits": 2, "dac.signed": "offset"}, True),
        ("stride", {"dac.bits": 3, "precision.input_bits": 5, "replication": [3]}, False),
        ("stride", {"dac.bits": 2, "precision.input_bits": 6}, True),
        ("dilation", {"dac.bits": 4, "array.rows_per_read": 5, "cell.g_off": "0 S"}, False),
        ("groups", {"array.input_sum": "column", "dac.signed": "offset"}, True),
        ("depthwise", {"cell.bits": 3, "cell.narrow_slice": "full_swing"}, True),
        ("depthwise multiplier", {"cell.bits": 3, "precision.weight_bits": 5}, False),
        ("1x1 kernel", {"array.encoding": "twos_complement", "dac.bits": 2}, False),
        (
            "1x1 kernel",
            {"array.encoding": "differential", "array.subtract": "analog", "cell.bits": 1},
            False,
        ),
        ("1x1 image", {"precision.weight_bits": 1, "array.cols": 15}, False),
    ],
)
@pytest.mark.parametrize(("input_density", "code_density"), [(0.5, 0.5), (0.2, 0.35), (0.9, 0.1)])
def test_cells_cost_on_average_what_drawn_weights_and_inputs_do(
    shape, keys, signed, input_density, code_density
):
    """Independent weights and inputs in every draw: the mean is within 4.5 standard errors."""
    case, work, arch = case_of(shape, keys, signed)
    expected = cells(
        xb.estimate(
            arch,
            work,
            input_density=input_density,
            code_density=code_density,
            signed_inputs={"conv": signed},
        )
    )
    rng = np.random.default_rng(7)
    found = []
    for _ in range(DRAWS):
        layer, image = with_draw(case, rng, input_density, code_density, images=8)
        found.append(layer.array_energy(image, case.window) / len(image))
    error = np.std(found, ddof=1) / np.sqrt(DRAWS)
    assert error < 0.02 * expected  # sharp enough to tell a wrong formula
    assert abs(np.mean(found) - expected) < SIGMAS * error


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("signed", [None, "offset", "twos_complement"])
@pytest.mark.parametrize("column", ["digital", "column"])
def test_full_inputs_and_full_cells_leave_nothing_to_chance(shape, signed, column):
    keys = {"dac.signed": signed or "offset", "dac.bits": 2, "array.input_sum": column}
    case, work, arch = case_of(shape, keys, signed is not None)
    layer, image = with_draw(case, np.random.default_rng(0), 1.0, 1.0, images=1)
    full = {"input_density": 1, "code_density": 1, "signed_inputs": {"conv": signed is not None}}
    expected = layer.array_energy(image, case.window)
    assert cells(xb.estimate(arch, work, **full)) == pytest.approx(expected, rel=1e-12)


def test_flipped_columns_cost_what_their_stored_codes_do():
    case, work, arch = case_of("1x1 kernel", {"array.flip_columns": True})
    layer, image = with_draw(case, np.random.default_rng(3), 1.0, 0.7, images=1)
    encoding = layer.plan.encoding
    stored = sum(int(c.codes.sum()) for c in layer.cells())
    largest = layer.weights.size * sum(s.top for s in encoding.slices)
    assert stored < 0.5 * largest
    found = cells(xb.estimate(arch, work, input_density=1, code_density=stored / largest))
    assert found == pytest.approx(layer.array_energy(image, case.window), rel=1e-12)


def without_data(document):
    """A report's parts that the weights and the data do not decide."""
    layers = []
    for row in document["layers"]:
        parts = {name: e for name, e in row["components"].items() if name != "array"}
        counts = {name: n for name, n in row.get("counts", {}).items() if name != "saturations"}
        layers.append({**row, "components": parts, "counts": counts, "energy": None})
    energies = {n: c["energy"] for n, c in document["components"].items() if n != "array"}
    return {
        "layers": layers,
        "energies": energies,
        "areas": {n: c["area"] for n, c in document["components"].items()},
        "counts": {n: c for n, c in document["counts"].items() if n != "saturations"},
        **{k: document[k] for k in ("latency", "latency_kind", "throughput", "area", "chip")},
        **{k: document[k] for k in ("precision", "unpriced", "programming")},
    }


@pytest.mark.parametrize("keys", [{}, {"dac.bits": 2, "array.flip_columns": False}])
def test_everything_but_cells_is_what_a_simulation_of_the_bundled_network_says(keys):
    from crossbar.bundled import fashion_images, fashion_resnet20

    arch = xb.load_arch("isaac_8bit", {**keys, "replication": {"layer1.0.conv1": 3}})
    x, _ = fashion_images()
    mapped = xb.map_model(fashion_resnet20(), arch, calibration=x[:16])
    simulated = xb.simulate(mapped, x[:2], baselines=False).to_dict()
    signed = {
        layer.programmed.plan.name: layer.input.signed for layer in mapped.body.layers.values()
    }
    assert {name for name, is_signed in signed.items() if is_signed} == {"conv1"}
    estimated = xb.estimate(arch, mapped.workload, signed_inputs=signed).to_dict()
    assert without_data(estimated) == without_data(simulated)
    ratio = estimated["components"]["array"]["energy"] / simulated["components"]["array"]["energy"]
    assert 2 < ratio < 5  # as the docstring says: most bits behind a ReLU are 0
    blind = xb.estimate(arch, mapped.workload).to_dict()
    agrees = without_data(blind) == without_data(simulated)
    assert agrees == (arch.dac.bits == 1)  # elsewhere a signed input takes one read more


def test_a_zoo_network_by_name():
    report = xb.estimate("isaac_8bit", "vgg8")
    assert (report.chip["tiles"], report.chip["arrays"]) == (34, 3176)
    assert report.latency_kind == "schedule"
    reading = 1024 * 0.8e-6  # the first layer's positions, before what follows them
    assert reading < report.bound["latency"] <= report.latency < 1.2 * reading
    assert (report.accuracy, report.float_accuracy, report.images) == (None, None, None)
    assert report.counts["saturations"] is None
    assert report.metrics == {}
    assert sum(c["energy"] for c in report.components.values()) == pytest.approx(report.energy)


def test_the_energy_of_cells_by_hand():
    # 1024 inputs of half ones, 8 reads; 40 outputs are 160 of 2 x 128 columns; codes at 1.5 of 3
    net = WorkloadBuilder("hand")
    x = net.input("x", (1024,))
    report = xb.estimate("isaac_8bit", net.build(net.linear("fc", x, 40)))
    driven = 1024 * 8 * 0.5
    g_off = 0.458e-6 / 15
    row = 256 * g_off + 160 * 0.5 * (0.458e-6 - g_off)
    assert cells(report) == pytest.approx(driven * row * 0.2**2 * 100e-9, rel=1e-5)


def test_a_transformer_on_as_many_tiles_as_it_needs():
    report = xb.estimate(xb.load_arch("isaac_8bit", {"chip.tiles": "auto"}), "bert_base")
    assert report.chip["tiles"] == report.chip["chip_tiles"] == 218
    assert {"softmax", "matmul"} <= {row["kind"] for row in report.digital}
    assert report.unpriced == ()


def test_assumptions_are_recorded():
    report = xb.estimate(
        "isaac_8bit", "lenet5", input_density=0.25, code_density=0.4, signed_inputs={"conv1": True}
    )
    assert report.scenario["activity"] == {
        "input_density": 0.25,
        "code_density": 0.4,
        "signed_inputs": ["conv1"],
    }
    said = " ".join(report.notes)
    for words in ("25 % of the input bits", "40 % of their largest", "signed in conv1", "no data"):
        assert words in said
    assert "first included, are assumed to be unsigned" in " ".join(
        xb.estimate("isaac_8bit", "lenet5").notes
    )


@pytest.mark.parametrize(
    ("keys", "density"),
    [
        ({}, 0.5),
        ({"array.encoding": "twos_complement"}, 0.5),
        ({"array.encoding": "differential"}, 0.25),
        ({"array.encoding": "differential", "precision.weight_bits": 1}, 0.5),
    ],
)
def test_codes_are_assumed_to_be_those_of_unrelated_bits(keys, density):
    arch = xb.load_arch("isaac_8bit", {**keys, "array.flip_columns": False})
    report = xb.estimate(arch, "lenet5")
    assert report.scenario["activity"]["code_density"] == density
    assert report.energy == xb.estimate(arch, "lenet5", code_density=density).energy


def test_a_read_by_the_table_costs_the_same_for_any_activity():
    arch = xb.load_arch("isaac_8bit", {"energy.array": "table"})
    report = xb.estimate(arch, "lenet5", input_density=0.1)
    assert cells(report) == pytest.approx(30e-12 * report.counts["array_reads"])
    assert report.scenario["activity"]["input_density"] is None
    assert not any("bits are one" in note for note in report.notes)


def test_more_ones_cost_more():
    energies = [
        cells(xb.estimate("isaac_8bit", "resnet20", input_density=d)) for d in (0, 0.25, 0.5, 1)
    ]
    assert energies == pytest.approx([0, energies[3] / 4, energies[3] / 2, energies[3]])


def test_an_estimate_is_saved_and_read_like_any_report(tmp_path):
    report = xb.estimate("isaac_8bit", "lenet5")
    report.save(tmp_path / "report.json")
    assert xb.Report.load(tmp_path / "report.json").to_dict() == report.to_dict()
    assert xb.estimate("isaac_8bit", "lenet5").to_dict() == report.to_dict()


def test_a_network_that_does_not_fit_names_the_tiles_it_needs():
    with pytest.raises(DoesNotFitError, match=r"vgg16.* = 353 tiles, chip\.tiles is 168"):
        xb.estimate("isaac_8bit", "vgg16")


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        (("isac_8bit", "vgg8"), {}, "unknown preset 'isac_8bit'.*did you mean 'isaac_8bit'"),
        (("isaac_8bit", "resnet19"), {}, "unknown workload 'resnet19'.*did you mean 'resnet1"),
        (
            ("isaac_8bit", "lenet5"),
            {"signed_inputs": {"conv3": False}},
            "unknown layer in signed_inputs 'conv3'.*did you mean 'conv",
        ),
    ],
)
def test_unknown_names(words, given, told):
    with pytest.raises(UnknownNameError, match=told):
        xb.estimate(*words, **given)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), "half", True, None])
def test_a_density_that_is_no_share(value):
    with pytest.raises(InputError, match=r"input_density: .* is not a share in 0\.\.1"):
        xb.estimate("isaac_8bit", "lenet5", input_density=value)


def test_one_bit_cannot_be_signed():
    arch = xb.load_arch("isaac_8bit", {"precision.input_bits": 1})
    with pytest.raises(InputError, match="conv2: its inputs are signed.*at least 2"):
        xb.estimate(arch, "lenet5", signed_inputs={"conv2": True})


def test_neither_torch_nor_matplotlib_is_loaded():
    code = (
        "import sys, crossbar as xb\nxb.estimate('isaac_isca_2016', 'resnet18')\n"
        "print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
