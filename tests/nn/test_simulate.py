"""Does a simulation measure the same whatever way its data comes, and say how far it is?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import crossbar as xb
from crossbar.errors import DataError, UnknownNameError
from crossbar.nn.metrics import METRICS
from tests.nn.small import Mlp, seeded


@pytest.fixture(scope="module")
def work():
    model = seeded(Mlp)
    features = next(model.parameters()).shape[1]
    x = torch.rand(41, features, generator=torch.Generator().manual_seed(1))
    y = model(x).argmax(1)
    arch = xb.load_arch("tiny_reram", {"adc.bits": 4, "dac.bits": 2})
    return xb.map_model(model, arch, calibration=x), x, y


def test_the_report_does_not_depend_on_how_the_data_is_cut(work):
    mapped, x, y = work
    whole = xb.simulate(mapped, (x, y)).to_dict()
    assert whole["energy"] > 0
    for size in (1, 7, 41):
        loader = DataLoader(TensorDataset(x, y), batch_size=size)
        assert xb.simulate(mapped, loader).to_dict() == whole
    pieces = ((x[i : i + 3], y[i : i + 3]) for i in range(0, 41, 3))
    assert xb.simulate(mapped, pieces).to_dict() == whole


def test_baselines_can_be_left_out(work):
    mapped, x, y = work
    report = xb.simulate(mapped, (x, y), baselines=False)
    assert report.float_accuracy is None
    assert report.digital_accuracy is None
    assert report.accuracy == xb.simulate(mapped, (x, y)).accuracy


def test_without_targets_there_is_agreement_with_the_float_model(work):
    mapped, x, _ = work
    report = xb.simulate(mapped, x)
    assert report.accuracy is None
    chosen = mapped(x).argmax(1) == mapped.execute((x,), mode="float").argmax(1)
    digital = mapped.execute((x,), mode="digital").argmax(1)
    alike = digital == mapped.execute((x,), mode="float").argmax(1)
    assert report.metrics == {
        "agreement": pytest.approx(float(chosen.float().mean())),
        "digital_agreement": pytest.approx(float(alike.float().mean())),
    }


def test_any_metric_sees_outputs_and_targets(work):
    mapped, x, y = work

    def mean_margin(outputs, targets):
        assert outputs.shape[0] == targets.shape[0] == 41
        return float(outputs[np.arange(41), targets].mean())

    report = xb.simulate(mapped, (x, y), metric=mean_margin)
    assert report.metrics["mean_margin"] == report.accuracy
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        xb.simulate(mapped, (x, y), metric="accurac")


def test_progress_counts_samples_up_to_the_total(work):
    mapped, x, y = work
    seen = []
    xb.simulate(
        mapped,
        DataLoader(TensorDataset(x, y), batch_size=16),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(16, 41), (32, 41), (41, 41)]


def test_half_given_targets_are_refused(work):
    mapped, x, y = work
    with pytest.raises(DataError, match="some batches have targets and some have none"):
        xb.simulate(mapped, [(x[:4], y[:4]), x[4:8]])


def test_accuracy_takes_classes_last_or_as_channels():
    outputs = np.random.default_rng(0).normal(size=(5, 3, 4, 6))
    assert METRICS["accuracy"](outputs, outputs.argmax(1)) == 1.0
    assert METRICS["accuracy"](outputs, outputs.argmax(-1)) == 1.0
    assert METRICS["accuracy"](outputs[:, :, 0, 0], outputs[:, :, 0, 0].argmax(1)) == 1.0
