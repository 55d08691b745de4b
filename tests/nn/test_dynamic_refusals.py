"""What attention through cells cannot do is said, naming the layer."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import crossbar as xb
from crossbar.errors import CaptureError, CaptureWarning, DataError, InputError
from tests.nn.attending import HEADS, TOKENS, WIDTH, Attention, mapped, network, samples


def test_nan_is_refused_by_name() -> None:
    layer = mapped().body.dynamic["attention.context"]
    bad = torch.full((1, HEADS, TOKENS, TOKENS), float("nan"))
    with pytest.raises(DataError, match=r"attention\.context: its input holds NaN"):
        layer.run(bad, torch.zeros(1, HEADS, TOKENS, WIDTH))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"adc.policy": "calibrated", "adc.bits": 8}, r"adc\.policy: calibrated .*attention"),
        (
            {"cell.write_voltage": None, "cell.write_pulse": None},
            r"cell\.write_voltage: left out, but attention: crossbar programs",
        ),
        ({"replication": {"attention.scores": 2}}, r"2 copies of 'attention\.scores'; it is progr"),
    ],
)
def test_hardware_that_cannot_is_refused(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        mapped(**overrides)


def test_zero_points_are_refused() -> None:
    arch = xb.load_arch("ideal_8bit", {"attention": "crossbar"})
    with pytest.raises(InputError, match=r"attention\.scores: precision\.zero_point"):
        xb.map_model(network(), arch, calibration=samples(), precision={"zero_point": True})
    precision = {"layers": {"attention.*": {"input_bits": 6, "weight_bits": 4}}}
    found = xb.map_model(network(), arch, calibration=samples(), precision=precision)
    layer = found.body.dynamic["attention.context"]
    assert (layer.input.bits, layer.weight_bits) == (6, 4)
    x = samples()
    assert torch.equal(found(x), found.execute((x,), mode="digital"))


class Branching(Attention):
    """A path that follows values cannot be exported."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) if x.sum() > -1e9 else x


def test_a_model_that_runs_as_python_is_refused() -> None:
    torch.manual_seed(3)
    refused = pytest.raises(CaptureError, match="attention=digital")
    with pytest.warns(CaptureWarning, match="export"), refused:
        mapped(Branching().eval())
