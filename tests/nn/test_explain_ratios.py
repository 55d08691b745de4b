"""Are the signal-to-noise ratios of `explain` those of closed forms and of hand-made runs?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import crossbar as xb
from crossbar.nn.explain_runs import Powers, decibel
from tests.nn.small import Mlp, inputs, seeded

LOSSLESS = {"adc.policy": "lossless", "adc.bits": None, "chip.tiles": "auto"}


class Identity(nn.Module):
    """A layer whose output is its input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 16, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.eye(16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8, 10])
def test_uniform_inputs_have_the_ratio_of_rounding(bits):
    # x uniform in 0..1, rounded to steps of 1 / (2^b - 1): (1/3) / (step^2 / 12) = 4 (2^b - 1)^2,
    # which is 6.02 b + 6.02 dB for many bits
    x = torch.rand(900, 16, generator=torch.Generator().manual_seed(1))
    x[0, 0] = 1.0  # the range that calibration takes
    x[0, 1] = 0.0
    mapped = xb.map_model(
        Identity().eval(),
        xb.load_arch("tiny_reram", LOSSLESS),
        calibration=x,
        precision={"input_bits": bits, "weight_bits": 8},
    )
    found = xb.explain(mapped, x, images=None)
    expected = 10 * math.log10(4 * (2**bits - 1) ** 2)
    # of 14400 values: the relative standard error of both powers is below 0.9 %, 0.04 dB; 5 of it
    assert found.rows[0]["snr"]["quantised"] == pytest.approx(expected, abs=0.2)
    if bits >= 6:
        assert found.rows[0]["snr"]["quantised"] == pytest.approx(6.02 * bits + 6.02, abs=0.35)


def test_the_ratio_of_a_layer_by_itself_is_that_of_a_network_of_this_layer_only():
    x, model = inputs(Mlp, 40), seeded(Mlp)
    arch = xb.load_arch("tiny_reram", {"adc.bits": 4, "adc.policy": "full"})
    harm = xb.StuckAt(on=0.03, off=0.03)
    whole = xb.inject(xb.map_model(model, arch, calibration=x), harm, seed=5)
    alone = xb.inject(xb.map_model(model.first, arch, calibration=x), harm, seed=5)
    wanted = alone.execute((x,), mode="digital").double().numpy()
    error = alone(x).double().numpy() - wanted
    expected = 10 * math.log10((wanted**2).sum() / (error**2).sum())
    row = xb.explain(whole, x).rows[0]
    assert row["layer"] == "first"
    assert row["own"] == pytest.approx(expected, rel=1e-9)


def test_the_accumulated_ratio_is_that_of_the_last_outputs():
    x, model = inputs(Mlp, 40), seeded(Mlp)
    arch = xb.load_arch("tiny_reram", {"cell.kind": "reram", "cell.variation": 0.1})
    mapped = xb.map_model(model, arch, calibration=x)
    wanted = model(x).detach().double().numpy()
    error = mapped(x).double().numpy() - wanted
    expected = 10 * math.log10((wanted**2).sum() / (error**2).sum())
    found = xb.explain(mapped, x)
    assert found.rows[-1]["snr"]["variation"] == pytest.approx(expected, abs=1e-4)


def test_more_of_an_effect_is_never_a_better_ratio():
    x, model = inputs(Mlp, 40), seeded(Mlp)

    def own(overrides):
        mapped = xb.map_model(model, xb.load_arch("tiny_reram", overrides), calibration=x)
        return [row["own"] for row in xb.explain(mapped, x).rows]

    ladder = [
        own({**LOSSLESS, "cell.kind": "reram", "cell.variation": s}) for s in (0.4, 0.1, 0.02)
    ]
    for worse, better in zip(ladder, ladder[1:], strict=False):
        # the same draws, four and five times smaller; converters round small ones away
        assert all(w + 6 < b for w, b in zip(worse, better, strict=True))
    narrow, wide = (own({"adc.bits": bits, "adc.policy": "full"}) for bits in (3, 6))
    assert all(n < w for n, w in zip(narrow, wide, strict=True))
    assert own(LOSSLESS) == [math.inf, math.inf]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.floats(1e-3, 10.0), st.integers(0, 2**31))
def test_powers_add_up_over_batches(samples, parts, size, seed):
    rng = np.random.default_rng(seed)
    wanted = rng.normal(size=(samples, 3))
    got = wanted + size * rng.normal(size=(samples, 3))
    powers = Powers()
    for w, g in zip(np.array_split(wanted, parts), np.array_split(got, parts), strict=True):
        powers.add("layer", torch.from_numpy(w), torch.from_numpy(g))
    expected = 10 * math.log10((wanted**2).sum() / ((got - wanted) ** 2).sum())
    assert powers.snr()["layer"] == pytest.approx(expected)


def test_no_error_and_no_signal_have_numbers():
    assert decibel(3.0, 0.0) == math.inf
    assert decibel(0.0, 0.0) == math.inf
    assert decibel(0.0, 1.0) == -200.0
    assert decibel(100.0, 1.0) == pytest.approx(20.0)
