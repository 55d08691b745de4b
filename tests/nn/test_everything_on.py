"""Everything that real devices do, at once: are results the same however they are computed?"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import crossbar as xb
from crossbar.nn.run import simulate_beside
from tests.nn.small import Cnn, inputs, seeded

X = inputs(Cnn)
Y = torch.arange(len(X)) % 3
EVERYTHING = {
    "cell.kind": "reram",
    "cell.variation": 0.05,
    "cell.drift": {"kind": "power_law", "nu": 0.02, "nu_sigma": 0.01},
    "cell.read_noise": {
        "sigma": 0.02, "thermal": True, "shot": True,
        "rtn_share": 0.2, "rtn_amplitude": 0.1, "rtn_dwell": 2,
    },
    "array.wire_resistance_row": "20 ohm",
    "array.wire_resistance_col": "10 ohm",
    "array.driver_resistance": "50 ohm",
    "adc.kind": "sar", "adc.offset": 0.2, "adc.gain_error": 0.01, "adc.inl": 0.3, "adc.dnl": 0.2,
    "adc.noise": 0.2, "adc.policy": "calibrated",
    "replication": {"stem": 2},
    "pe.input_register": "64 KiB", "pe.output_register": "64 KiB", "tile.buffer": "1 MiB",
}  # fmt: skip


@pytest.fixture(scope="module", params=[{}, {"dac.bits": 2, "dac.inl": 0.1, "dac.noise": 0.05}])
def model(request):
    arch = xb.load_arch("tiny_reram", {**EVERYTHING, **request.param})
    mapped = xb.map_model(seeded(Cnn), arch, calibration=X)
    faults = (xb.ClusteredFaults(on=0.01, off=0.01, size=3), xb.LineFaults(col_off=0.01))
    return xb.inject(mapped, faults, seed=3)


def run(model, batch, **keys):
    data = [(X[i : i + batch], Y[i : i + batch]) for i in range(0, len(X), batch)]
    report, outputs = simulate_beside(model, data, seed=4, t_inference=3600.0, **keys)
    return report, outputs["crossbar"]


def test_batches_and_threads_change_nothing(model, monkeypatch):
    report, whole = run(model, len(X))
    assert {layer.path for layer in model.plan.layers} <= {"tables", "products"}
    for batch in (1, 3):
        again, parts = run(model, batch)
        assert np.array_equal(parts, whole)
        assert again.energy == report.energy
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    again, alone = run(model, 5)
    assert np.array_equal(alone, whole)
    assert again.to_dict() == report.to_dict()


def test_another_seed_is_another_chip_and_other_noise(model):
    _, first = run(model, len(X))
    _, other = simulate_beside(model, (X, Y), seed=5, t_inference=3600.0)
    assert not np.array_equal(other["crossbar"], first)


def test_saved_and_loaded_it_answers_the_same(model, tmp_path):
    xb.save_mapped(model, tmp_path / "all.safetensors")
    assert torch.equal(xb.load_mapped(tmp_path / "all.safetensors")(X), model(X))
