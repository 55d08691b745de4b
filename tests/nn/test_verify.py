"""Does verify find where reads differ from the integer network, and by how much?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import crossbar as xb
from crossbar.errors import DataError
from tests.kernels import naive
from tests.nn.small import Cnn, Mlp, inputs, seeded

CLIP = xb.load_arch("tiny_reram", {"adc.bits": 3})


@pytest.mark.parametrize("network", [Mlp, Cnn])
def test_a_clipping_adc_is_found_and_located(network):
    x = inputs(network)
    mapped = xb.map_model(seeded(network), CLIP, calibration=x)
    found = xb.verify(mapped, x)
    assert found.max_difference == max(row.max_difference for row in found) > 0
    for row in found:
        layer = mapped.plan[row.layer]
        assert row.max_difference == round(row.max_difference)  # integer units
        if row.max_difference:
            sample, output, position = row.where
            assert 0 <= sample < len(x)
            assert 0 <= output < layer.shape[1]
            assert 0 <= position < layer.positions
        else:
            assert row.where is None
    assert [row.layer for row in found] == [layer.name for layer in mapped.plan.layers]
    assert any(layer.collapsed < 1 for layer in mapped.plan.layers)


def test_the_difference_is_that_of_the_naive_twin():
    x = inputs(Mlp)
    mapped = xb.map_model(seeded(Mlp), CLIP, calibration=x)
    row = next(iter(xb.verify(mapped, x)))
    layer = mapped.body.layers["first.weight"]
    steps = np.rint(x.numpy() / np.float32(layer.input.scale))
    integers = np.clip(steps, layer.input.low, layer.input.high).astype(int)
    w = layer.programmed.weights.T
    signed = layer.input.signed
    read = np.array([naive.layer(v, w, CLIP, 4, 4, signed)[0] for v in integers])
    difference = np.abs(read - integers @ w)
    assert row.max_difference == difference.max()
    sample, output, _ = row.where
    assert difference[sample, output] == difference.max()


def test_faults_differ_and_lossless_reads_do_not():
    x = inputs(Cnn)
    mapped = xb.map_model(seeded(Cnn), "isaac_8bit", calibration=x)
    assert xb.verify(mapped, x).max_difference == 0
    assert all(row.where is None for row in xb.verify(mapped, x))
    broken = xb.inject(mapped, xb.StuckAt(on=0.05), seed=1)
    assert xb.verify(broken, x).max_difference > 0


def test_every_form_of_a_batch_is_taken_and_only_the_first_of_a_loader():
    x = inputs(Mlp)
    mapped = xb.map_model(seeded(Mlp), CLIP, calibration=x)
    whole = xb.verify(mapped, x)
    for form in ((x,), {"x": x}, [x], [(x, torch.zeros(len(x)))], [x, x[:1]]):
        assert xb.verify(mapped, form) == whole
    with pytest.raises(DataError, match=r"shape \(12, 7\), expected \(batch, 20\)"):
        xb.verify(mapped, x[:, :7])


def test_it_prints_as_a_table(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    x = inputs(Mlp)
    text = str(xb.verify(xb.map_model(seeded(Mlp), CLIP, calibration=x), x))
    lines = text.splitlines()
    assert lines[0 if lines[0].strip() else 1].split()[:2] == ["layer", "difference"]
    assert any(line.split()[:1] == ["first"] for line in lines)
    assert max(map(len, lines)) <= 80
