"""Do values pass between torch and numpy without being copied?"""

from __future__ import annotations

import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.nn import layers


@pytest.mark.parametrize(
    ("model", "shape"),
    [(nn.Linear(12, 5), (3, 7, 12)), (nn.Conv2d(2, 3, 3, padding=1), (3, 2, 6, 6))],
    ids=["tokens", "images"],
)
def test_inputs_and_results_are_the_same_memory_in_torch_and_numpy(model, shape, monkeypatch):
    x = torch.randn(shape)
    mapped = xb.map_model(model.eval(), "isaac_8bit", calibration=x)
    given, made = [], []
    quantise, empty = layers.quantise, layers.MappedLayer.empty_result

    def watched(source, *rest):
        given.append(source.__array_interface__["data"][0])
        return quantise(source, *rest)

    def kept(layer, *rest):
        made.append(empty(layer, *rest))
        return made[-1]

    monkeypatch.setattr(layers, "quantise", watched)
    monkeypatch.setattr(layers.MappedLayer, "empty_result", kept)
    result = mapped(x)
    assert given == [x.data_ptr()]
    assert [out.__array_interface__["data"][0] for out in made] == [result.data_ptr()]
    torch.testing.assert_close(result, model(x), rtol=0, atol=0.1)
