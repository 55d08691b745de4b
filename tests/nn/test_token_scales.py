"""A scale for each token, against a naive integer network; and what finding it costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import crossbar as xb
from crossbar.errors import InputError
from tests.nn.tokens import ENCODINGS, IDEAL, Tokens, mapped_of, tokens


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(ENCODINGS), st.integers(2, 10), st.integers(2, 8), st.integers(0, 1000))
def test_a_linear_layer_with_scales_of_tokens_is_the_naive_one(encoding, bits, weight_bits, seed):
    torch.manual_seed(seed)
    linear = nn.Linear(5, 3, bias=seed % 2 == 0).eval()
    x = torch.randn(3, 4, 5) * torch.logspace(-3, 3, 4)[None, :, None]
    x[1, 2] = 0.0  # a token of zeros
    arch = xb.load_arch("tiny_reram", {**IDEAL, "array.encoding": encoding})
    precision = {"input_bits": bits, "weight_bits": weight_bits, "activation_scale": "token"}
    mapped = mapped_of(nn.Sequential(linear).eval(), x, arch, precision=precision)
    (layer,) = mapped.body.layers.values()
    top = 2 ** (bits - 1) - 1
    bias = np.zeros(3) if linear.bias is None else linear.bias.detach().double().numpy()
    wanted = np.zeros((3, 4, 3), np.float32)
    for b, t in np.ndindex(3, 4):
        row = x[b, t].numpy()
        largest = max(abs(float(v)) for v in row)
        scale = np.float32(largest / top) if largest else np.float32(1)
        codes = [int(np.rint(v / scale)) for v in row]
        assert max(map(abs, codes)) == (top if largest else 0)
        for n in range(3):
            total = sum(q * int(w) for q, w in zip(codes, layer.programmed.weights[n], strict=True))
            value = total * (layer.weight_scale[n] * float(scale))
            wanted[b, t, n] = value + bias[n]
    assert xb.verify(mapped, x).max_difference == 0
    assert np.array_equal(mapped(x).detach().numpy(), wanted)
    assert np.array_equal(mapped.execute((x,), mode="digital").numpy(), wanted)


def test_a_token_does_not_depend_on_the_others():
    x = tokens()
    mapped = mapped_of(Tokens().eval(), x, precision={"activation_scale": "token"})
    louder = x.clone()
    louder[:, 0] *= 1000.0
    assert torch.equal(mapped(x)[:, 1:], mapped(louder)[:, 1:])
    assert torch.equal(mapped(x)[1:2], mapped(x[1:2]))


def test_tokens_of_different_size_err_less_with_scales_of_their_own():
    torch.manual_seed(0)
    x, net = tokens(), Tokens().eval()
    exact = net(x).detach()
    errors = {}
    for scale in ("tensor", "token"):
        got = mapped_of(net, x, precision={"activation_scale": scale})(x)
        errors[scale] = ((got - exact).abs() / exact.abs().amax(-1, keepdim=True)).mean().item()
    assert errors["token"] < 0.2 * errors["tensor"]


def test_the_work_of_finding_scales_is_counted_once_for_layers_that_share_them():
    x = tokens()
    net = Tokens().eval()
    plain = mapped_of(net, x)
    mapped = mapped_of(net, x, precision={"activation_scale": "token"})
    scales = {node.name: node for node in mapped.plan.workload if node.kind == "token_scale"}
    assert list(scales) == ["query.scale", "out.scale"]
    assert mapped.plan.workload["key"].inputs == mapped.plan.workload["query"].inputs
    elements = 7 * 6 + 7 * 4
    before, after = (xb.simulate(m, x) for m in (plain, mapped))
    assert after.counts["pool_ops"] - before.counts["pool_ops"] == elements
    assert after.counts["multiplies"] - before.counts["multiplies"] == elements
    assert after.energy > before.energy
    assert after.latency >= before.latency
    assert "token_scale" in str(mapped.plan)
    other = {"activation_scale": "token", "layers": {"key": {"input_bits": 6}}}
    apart = mapped_of(net, x, precision=other).plan.workload
    assert [node.kind for node in apart].count("token_scale") == 3


def test_a_token_with_nan_is_refused_where_it_is():
    x = tokens()
    mapped = mapped_of(Tokens().eval(), x, precision={"activation_scale": "token"})
    bad = x.clone()
    bad[2, 3, 1] = float("nan")
    with pytest.raises(InputError, match="query: its input holds NaN"):
        mapped(bad)
