"""Attention through cells: keys and values are programmed for every sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

import crossbar as xb
from crossbar.device.faults import StuckAt, stuck_states
from crossbar.errors import DataError
from crossbar.mapping.encode import encode
from tests.nn.attending import HEADS, TOKENS, WIDTH, F, mapped, network, samples

IDEAL = mapped()
LOSSLESS = {"adc.policy": "lossless", "adc.bits": None}


def rounded(
    values: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Symmetric 8-bit integers with a scale for everything but ``axis``."""
    w = values.astype(np.float64)
    scale = np.abs(w).max(axis, keepdims=True) / 127
    return np.rint(w / scale).astype(np.int64), scale


def by_hand(model: xb.MappedModel, q: Any, k: Any, v: Any) -> NDArray[np.float32]:
    """Attention of one head of one sample in integers."""
    first, second = (model.body.dynamic[f"attention.{end}"].input for end in ("scores", "context"))
    codes = np.clip(np.rint(q / np.float32(first.scale)), first.low, first.high).astype(np.int64)
    keys, scale = rounded(k.T, 0)
    scores = ((codes @ keys) * (scale * first.scale)).astype(np.float32)
    weights = functional.softmax(torch.from_numpy(scores) * WIDTH**-0.5, -1).numpy()
    assert not second.signed
    assert second.scale == np.float32(1 / 255)
    chances = np.clip(np.rint(weights / np.float32(second.scale)), 0, 255).astype(np.int64)
    values, scale = rounded(v, 0)
    return ((chances @ values) * (scale * second.scale)).astype(np.float32)


def test_it_is_attention_in_integers_bit_for_bit() -> None:
    x = samples()
    given: list[NDArray[np.float32]] = []
    scores, context = (IDEAL.body.dynamic[f"attention.{end}"] for end in ("scores", "context"))
    inner = {name: IDEAL.body.layers[f"{name}.weight"].run for name in "qkv"}
    for name in "qkv":
        product = IDEAL.body.program.products[name]
        out = inner[name](x, product).numpy()
        given.append(out.reshape(len(x), TOKENS, HEADS, WIDTH).transpose(0, 2, 1, 3))
    q, k, v = given
    expected = np.empty_like(q)
    for sample in range(len(x)):
        for head in range(HEADS):
            expected[sample, head] = by_hand(
                IDEAL, q[sample, head], k[sample, head], v[sample, head]
            )
    for digital in (False, True):
        raw = scores.run(
            torch.from_numpy(q), torch.from_numpy(k.transpose(0, 1, 3, 2)), digital=digital
        )
        weights = torch.softmax(raw * WIDTH**-0.5, -1)
        found = context.run(weights, torch.from_numpy(v), digital=digital)
        assert np.array_equal(found.numpy(), expected)


def test_the_modes_agree_and_stand_beside_float() -> None:
    x = samples()
    read, twin = IDEAL(x), IDEAL.execute((x,), mode="digital")
    assert torch.equal(read, twin)
    with torch.no_grad():
        wanted = network()(x)
    assert torch.equal(IDEAL.execute((x,), mode="float"), wanted)
    assert 0 < float((read - wanted).abs().max()) < 0.03
    rows = {row.layer: row.max_difference for row in xb.verify(IDEAL, x)}
    assert rows == dict.fromkeys(("q", "k", "v", "attention.scores", "attention.context", "o"), 0.0)


@pytest.mark.parametrize("options", [{"fused": False}, {"causal": True}])
def test_plain_products_and_causal_masks(options: dict[str, bool]) -> None:
    model, x = network(**options), samples()
    found = mapped(model)
    assert [layer.kind for layer in found.plan.layers].count("dynamic") == 2
    assert not any(u.kind in ("matmul", "attention") for u in found.plan.unmapped)
    assert torch.equal(found(x), found.execute((x,), mode="digital"))
    with torch.no_grad():
        assert float((found(x) - model(x)).abs().max()) < 0.03


class Encoder(nn.Module):
    """What PyTorch brings along, products of (batch times heads) matrices in it."""

    def __init__(self, need_weights: bool) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(F, HEADS, batch_first=True)
        self.need_weights = need_weights

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.inner(x, x, x, need_weights=self.need_weights)[0]
        return out


@pytest.mark.parametrize("need_weights", [False, True])
def test_multihead_attention(need_weights: bool) -> None:
    torch.manual_seed(0)
    model, x = Encoder(need_weights).eval(), samples()
    found = mapped(model)
    assert [layer.kind for layer in found.plan.layers].count("dynamic") == 2
    assert torch.equal(found(x), found.execute((x,), mode="digital"))
    with torch.no_grad():
        assert float((found(x) - model(x)).abs().max()) < 0.03


def test_stuck_cells_are_those_of_the_arrays_of_the_plan() -> None:
    """One head of one sample against cells, reads and sums written out."""
    faulty = xb.inject(IDEAL, StuckAt(on=0.1, off=0.1), seed=5)
    layer = faulty.body.dynamic["attention.scores"]
    rng = np.random.default_rng(0)
    q = rng.normal(size=(1, HEADS, TOKENS, WIDTH)).astype(np.float32)
    k = rng.normal(size=(1, HEADS, WIDTH, TOKENS)).astype(np.float32)
    (bundle,), encoding = layer.plan.bundles, layer.plan.encoding
    codes = np.zeros((128, 128), np.int64)
    for head in range(HEADS):
        keys, _ = rounded(k[0, head], 0)
        for j, plane in enumerate(encode(keys, encoding)):
            for n in range(TOKENS):
                place = (head * TOKENS + n) * encoding.columns + j
                codes[head * WIDTH : (head + 1) * WIDTH, place] = plane[:, n]
    number = int(layer.plan.row_block_arrays(0)[0])
    states = stuck_states(StuckAt(on=0.1, off=0.1), number, (128, 128), 5)
    used = np.zeros((128, 128), bool)
    used[: bundle.rows, : bundle.columns] = True
    assert (states[used] > 0).any()
    cells = np.where(states == 1, 3, np.where(states == 2, 0, codes))
    own = layer.input
    driven = np.clip(np.rint(q[0] / np.float32(own.scale)), own.low, own.high).astype(np.int64)
    rows = driven.transpose(1, 0, 2).reshape(TOKENS, HEADS * WIDTH)
    sums = rows @ cells[: bundle.rows]
    weights = np.array([4**j for j in range(encoding.columns)])
    whole = sums[:, : bundle.columns].reshape(TOKENS, HEADS * TOKENS, -1) @ weights
    own_rows = driven.sum(2).T  # the offset is that of the rows of its own head
    whole = whole - encoding.offset * np.repeat(own_rows, TOKENS, 1)
    programmed, _ = layer.program(k[0], 0)
    images, window = layer.integers(q[0])
    out = np.empty((1, TOKENS, HEADS * TOKENS))
    ones = np.ones(HEADS * TOKENS)
    programmed.compute(images, window, ones, 0 * ones, out.transpose(0, 2, 1))
    assert np.array_equal(out[0], whole)


def test_stuck_cells_stay_and_results_do_not_depend_on_the_batch() -> None:
    x = samples()
    faulty = xb.inject(IDEAL, StuckAt(on=0.05, off=0.05), seed=2)
    layer = faulty.body.dynamic["attention.scores"]
    one, other = (
        layer.program(torch.randn(HEADS, WIDTH, TOKENS).numpy(), n)[0].cells()[0].states
        for n in (0, 7)
    )
    assert one is not None
    assert np.array_equal(one, other)
    whole = faulty(x)
    assert torch.equal(
        whole, torch.cat([faulty.execute((x[:2],)), faulty.execute((x[2:],), first=2)])
    )
    assert not torch.equal(whole, IDEAL(x))


def test_every_programming_draws_errors_of_its_own() -> None:
    noisy = mapped(arch="reram_hfo2", **LOSSLESS)
    layer = noisy.body.dynamic["attention.scores"]
    same = np.ones((HEADS, WIDTH, TOKENS), np.float32)
    first, again, second = (layer.program(same, n)[0].conductances()[0].g for n in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    x = samples(1).repeat(4, 1, 1)
    out = noisy(x)
    assert not torch.equal(out[0], out[1])
    assert torch.equal(out, noisy(x))
    assert torch.equal(out[3], noisy.execute((x[:1],), first=3)[0])


def test_energy_is_that_of_what_the_cells_hold() -> None:
    x = samples()
    report = xb.simulate(IDEAL, x)
    rows = {row["name"]: row for row in report.layers}
    assert set(rows) == {"q", "k", "v", "attention.scores", "attention.context", "o"}
    assert rows["attention.scores"]["components"]["array"] > 0
    arch, energy = IDEAL.arch, 0.0
    layer = IDEAL.body.dynamic["attention.scores"]
    step = (arch.cell.g_on - arch.cell.g_off) / 3
    for number in range(len(x)):
        parts = []
        for name in "qk":
            product = IDEAL.body.program.products[name]
            out = IDEAL.body.layers[f"{name}.weight"].run(x[number : number + 1], product)
            parts.append(out.reshape(TOKENS, HEADS, WIDTH).transpose(0, 1).numpy())
        programmed, _ = layer.program(parts[1].transpose(0, 2, 1), number)
        cells = programmed.cells()[0].arrays[0, 0]
        own = layer.input
        driven = np.clip(np.rint(parts[0] / np.float32(own.scale)), own.low, own.high)
        bits = driven.astype(np.int64).transpose(1, 0, 2).reshape(TOKENS, -1) & 255
        ones = sum((bits >> b & 1).sum(0) for b in range(8))
        g = arch.cell.g_off * 128 + step * cells[: HEADS * WIDTH].sum(1)
        energy += float(ones @ g) * arch.cell.read_voltage**2 * arch.cell.read_pulse
    found = rows["attention.scores"]["components"]["array"]
    assert found == pytest.approx(energy / len(x), rel=1e-12)


def test_a_run_counts_and_prices_what_is_written() -> None:
    report = xb.simulate(IDEAL, samples())
    written = {row["name"]: row["counts"]["runtime_writes"] for row in report.layers}
    # a head of WIDTH rows beside the other: all cells of both heads' rows and columns
    cells = 2 * (HEADS * WIDTH) * (HEADS * TOKENS * 4)
    assert written["attention.scores"] + written["attention.context"] == cells
    assert report.counts["runtime_writes"] == cells
    assert sum(written[name] for name in "qkvo") == 0
    digital = xb.simulate(xb.map_model(network(), "ideal_8bit", calibration=samples()), samples())
    assert report.counts["cell_writes"] == digital.counts["cell_writes"]
    assert report.programming["energy"] == digital.programming["energy"]
    assert digital.counts["runtime_writes"] == digital.components["programming"]["energy"] == 0
    assert digital.wear is None
    assert report.components["programming"]["energy"] == pytest.approx(
        cells * digital.programming["energy"] / digital.counts["cell_writes"]
    )
    assert report.counts["macs"] == 0
    assert report.components["matmul"]["area"] == 0


def test_faults_seeds_and_trials_reach_it() -> None:
    hardware = xb.inject(mapped(arch="reram_hfo2", **LOSSLESS), StuckAt(on=0.02), seed=1)
    report = xb.simulate(hardware, samples(), trials=2)
    assert report.trials is not None
    assert not report.trials["identical"]
    from crossbar.nn.states import redrawn

    other = redrawn(hardware, 9, faults=True).body.dynamic["attention.scores"]
    assert other.programmed.conditions.seed == other.programmed.conditions.fault_seed == 9


def test_explain_has_its_layers() -> None:
    x, labels = samples(12), torch.arange(12) % 3
    model = nn.Sequential(network(), nn.Flatten(), nn.Linear(TOKENS * F, 3)).eval()
    found = xb.inject(mapped(model), StuckAt(on=0.05, off=0.05), seed=1)
    rows = str(xb.explain(found, (x, labels))).splitlines()
    ratios = {line.split()[0]: line.split()[1:] for line in rows if line.startswith(" 0.")}
    assert {"0.attention.scores", "0.attention.context"} <= set(ratios)
    for each in ratios.values():  # integers are near to float, broken cells are not
        assert float(each[0]) > 30 > float(each[2])


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    x = samples()
    noisy = xb.inject(mapped(arch="reram_hfo2", **LOSSLESS), StuckAt(on=0.02), seed=1)
    xb.save_mapped(noisy, tmp_path / "m.safetensors")
    again = xb.load_mapped(tmp_path / "m.safetensors")
    assert torch.equal(again(x), noisy(x))
    assert str(again.plan) == str(noisy.plan)


def test_shorter_sequences_lie_in_a_corner_of_the_arrays() -> None:
    layer = IDEAL.body.dynamic["attention.scores"]
    rng = np.random.default_rng(1)
    q = torch.from_numpy(rng.normal(size=(1, HEADS, 3, WIDTH)).astype(np.float32))
    k = torch.from_numpy(rng.normal(size=(1, HEADS, WIDTH, 3)).astype(np.float32))
    read, twin = layer.run(q, k), layer.run(q, k, digital=True)
    assert read.shape == (1, HEADS, 3, 3)
    assert torch.equal(read, twin)
    assert float((read - q @ k).abs().max()) < 0.1
    keep = torch.tensor([[True, False, True]])
    some = layer.run(q, k, keep=keep)
    assert torch.equal(some[:, :, keep[0]], read[:, :, keep[0]])
    assert not some[:, :, 1].any()
    long = torch.zeros(1, HEADS, TOKENS, WIDTH), torch.zeros(1, HEADS, WIDTH, TOKENS + 1)
    with pytest.raises(DataError, match=r"attention\.scores: 2 matrices of 4 x 6; its arrays are"):
        layer.run(*long)
