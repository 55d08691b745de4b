"""Does a batch with padding score as the network itself does, whatever it makes of its padding?"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import crossbar as xb
from crossbar.errors import DataError
from crossbar.nn.metrics import IGNORED, METRICS
from crossbar.nn.sequences import Sentences
from crossbar.report.difference import compare_reports
from crossbar.report.explanation import explain_number
from crossbar.report.sequence_words import mean_clocks
from tests.nn.test_lengths import sentences

IDEAL = {"adc.policy": "lossless", "adc.bits": None}


class Mean(nn.Module):
    """Attention that masks keys, then a mean over all tokens, over the real ones, or none."""

    def __init__(self, over: str, fused: bool = True) -> None:
        super().__init__()
        self.over, self.fused = over, fused
        self.words = nn.Embedding(50, 16)
        self.query, self.key, self.value = (nn.Linear(16, 16) for _ in range(3))
        self.out, self.head = nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        x = self.words(ids)
        q, k, v = (layer(x)[:, None] for layer in (self.query, self.key, self.value))
        real = attention_mask[:, None, None] != 0
        if self.fused:
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=real)
        else:
            y = (q @ k.transpose(-2, -1) / 4).masked_fill(~real, -1e9).softmax(-1) @ v
        y = self.head((x + self.out(y[:, 0])).tanh())
        if self.over == "tokens":
            return y
        if self.over == "first":
            return y[:, 0]
        if self.over == "all":
            return y.mean(1)
        weight = attention_mask[..., None].float()
        return (y * weight).sum(1) / weight.sum(1)


def mapped_mean(over, *, fused=True, **overrides):
    torch.manual_seed(0)
    arch = xb.load_arch("isaac_8bit", {**IDEAL, **overrides})
    return xb.map_model(Mean(over, fused).eval(), arch, calibration=sentences((7,) * 6, seed=3))


def seen_by_metric(mapped, batch, targets):
    """Outputs of crossbar, float and digital as a metric gets them, and the report."""
    seen = []
    report = xb.simulate(mapped, (batch, targets), metric=lambda out, _: seen.append(out) or 0.0)
    return seen, report


BATCH = sentences((7, 3, 5, 1, 2, 6))
NAMES = torch.zeros(6, dtype=torch.long)


@pytest.mark.parametrize("attention", ["digital", "crossbar"])
@pytest.mark.parametrize("over", ["all", "first"])
def test_a_network_that_reads_its_padding_is_computed_whole(over, attention):
    mapped = mapped_mean(over, attention=attention)
    batch = sentences((7, 3, 5, 1, 2, 6), left=True)
    outputs, report = seen_by_metric(mapped, batch, NAMES)
    for found, mode in zip(outputs, ("crossbar", "float", "digital"), strict=True):
        whole = mapped.execute((), batch, mode=mode).numpy()
        assert np.allclose(found, whole, atol=1e-6), mode
    crossbar, plain, digital = outputs
    assert np.allclose(crossbar, digital, atol=1e-5)
    assert np.abs(digital - plain).max() < 0.1 * np.abs(plain).max()
    (note,) = [note for note in report.notes if "padding" in note]
    assert note.startswith("Its outputs depend on padding tokens (up to ")
    assert report.sequences is None
    assert report.scenario["tokens"] == 7
    full = {**batch, "attention_mask": torch.ones_like(batch["attention_mask"])}
    assert report.counts["macs"] == xb.simulate(mapped, full).counts["macs"]


@pytest.mark.parametrize("attention", ["digital", "crossbar"])
@pytest.mark.parametrize("fused", [True, False])
def test_a_network_that_masks_its_mean_skips_padding(fused, attention):
    mapped = mapped_mean("real", fused=fused, attention=attention)
    outputs, report = seen_by_metric(mapped, BATCH, NAMES)
    assert report.sequences["mean"] == 4.0
    assert not any("padding" in note for note in report.notes)
    for found, mode in zip(outputs, ("crossbar", "float", "digital"), strict=True):
        whole = mapped.execute((), BATCH, mode=mode).numpy()
        # keys and values in cells: those of padding, which are not written, widen their ranges
        near = 5e-3 if attention == "crossbar" and mode != "float" else 1e-5
        assert np.allclose(found, whole, atol=near), mode


def test_padding_that_is_behind_the_first_token_is_not_read():
    _, report = seen_by_metric(mapped_mean("first"), BATCH, NAMES)
    assert report.sequences["mean"] == 4.0


def test_outputs_for_tokens_are_zero_at_padding_in_every_mode():
    mapped = mapped_mean("tokens")
    real = BATCH["attention_mask"].bool().numpy()
    labels = torch.where(BATCH["attention_mask"] == 1, BATCH["ids"] % 3, 0)
    outputs, report = seen_by_metric(mapped, BATCH, labels)
    for found, mode in zip(outputs, ("crossbar", "float", "digital"), strict=True):
        whole = mapped.execute((), BATCH, mode=mode).numpy()
        assert np.allclose(found[real], whole[real], atol=1e-5)
        assert not found[~real].any()
    crossbar, plain, _ = (each[real].argmax(-1) for each in outputs)
    assert report.metrics["agreement"] == pytest.approx((crossbar == plain).mean())
    assert xb.simulate(mapped, BATCH).metrics["agreement"] == report.metrics["agreement"]


def test_batches_of_token_labels_padded_to_different_lengths():
    mapped = mapped_mean("tokens")
    labels = torch.where(BATCH["attention_mask"] == 1, BATCH["ids"] % 3, IGNORED)
    whole = xb.simulate(mapped, ({**BATCH, "labels": labels}))
    parts = [
        {**{key: x[rows, :length] for key, x in BATCH.items()}, "labels": labels[rows, :length]}
        for rows, length in (([0], 7), ([1, 2], 5), ([3, 4], 2), ([5], 6))
    ]
    apart = xb.simulate(mapped, parts)
    for name in ("accuracy", "float_accuracy", "digital_accuracy", "metrics"):
        assert getattr(apart, name) == getattr(whole, name)
    assert apart.energy == pytest.approx(whole.energy, rel=1e-12)
    real = BATCH["attention_mask"].bool()
    chosen = mapped.execute((), BATCH, mode="float").argmax(-1)
    assert whole.float_accuracy == pytest.approx((chosen == labels)[real].float().mean().item())
    shapes = []
    xb.simulate(mapped, parts, metric=lambda out, y: shapes.append((out.shape, y.min())) or 0.0)
    assert set(shapes) == {((6, 7, 3), IGNORED)}
    without = [{k: x for k, x in part.items() if k != "labels"} for part in parts]
    assert xb.simulate(mapped, without).metrics["agreement"] == whole.metrics["agreement"]


def test_ignored_targets_are_not_scored():
    outputs = np.random.default_rng(0).normal(size=(9, 8, 2))
    targets = np.random.default_rng(1).integers(0, 2, (9, 8))
    hidden = np.random.default_rng(2).random((9, 8)) < 0.4
    some = np.where(hidden, IGNORED, targets)
    for name in ("accuracy", "f1", "matthews"):
        kept = METRICS[name](outputs[~hidden], targets[~hidden])
        assert METRICS[name](outputs, some) == pytest.approx(kept)
        assert METRICS[name](outputs, targets) != pytest.approx(kept)
        with pytest.raises(DataError, match="all of them are -100"):
            METRICS[name](outputs, np.full_like(targets, IGNORED))
    with pytest.raises(DataError, match="class -1"):
        METRICS["accuracy"](outputs, targets - 1)


class Scaled(nn.Module):
    """A sum over tokens by a number of the whole batch: a node without axes."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.fc = nn.Embedding(50, 8), nn.Linear(8, 3)

    def forward(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        x = self.fc(self.words(ids)) * attention_mask[..., None]
        return x.sum(1) / attention_mask.sum()


def test_a_node_without_axes_has_a_size_at_every_length():
    batch = sentences()
    mapped = xb.map_model(Scaled().eval(), "isaac_8bit", calibration=batch)
    report = xb.simulate(mapped, batch)
    assert any(node.shape == () for node in mapped.workload)
    assert report.sequences["mean"] == 4.0


def test_printed_clocks_are_means_as_the_seconds_beside_them():
    report = xb.simulate(mapped_mean("real"), BATCH)
    rows = report.sequences["by_length"]
    clock = report.sequences["schedule"]["latency"] / report.cycles
    clocks = [np.mean([row[key] for row in rows]) / clock for key in ("latency", "interval")]
    assert mean_clocks(report) == pytest.approx(clocks)
    assert clocks[0] != report.cycles
    lines = str(report).splitlines()
    (latency,) = [line for line in lines if line.startswith("latency")]
    assert latency.endswith(f", {clocks[0]:,.0f} clocks (mean over 6 lengths)")
    (throughput,) = [n for n, line in enumerate(lines) if line.startswith("throughput")]
    said = " ".join(" ".join(lines[throughput : throughput + 2]).split())
    assert f"one every {clocks[1]:,.0f} clocks (mean over 6 lengths)" in said
    shown = report.sequences["schedule"]["tokens"]
    assert f"busy of one inference of {shown} tokens alone" in str(report)


def test_lengths_are_explained_and_compared():
    mapped = mapped_mean("real")
    report, full = xb.simulate(mapped, BATCH), xb.simulate(mapped, sentences((7, 7)))
    for name, key in (
        ("sequences", "mean"),
        ("tokens", "mean"),
        ("lengths", "mean"),
        ("tokens_per_second", "per_second"),
        ("sequences.energy_per_token", "energy_per_token"),
    ):
        values = [term.value for term in explain_number(report, name).terms]
        assert pytest.approx(report.sequences[key]) in values
    assert explain_number(full, "tokens").terms[0].value == 7
    changed = compare_reports(full, report)
    assert ("tokens", 7, "4 (1 to 7)") in [(row.key, row.a, row.b) for row in changed.scenario]
    totals = {row.key: (row.a, row.b) for row in changed.totals}
    assert totals["sequences.mean"] == (7, 4.0)
    assert totals["sequences.per_second"][0] == 7 * full.throughput


def test_a_network_captured_with_one_token_says_what_fixed_the_length():
    single = sentences((1, 1, 1), 1)
    mapped = xb.map_model(Scaled().eval(), "isaac_8bit", calibration=single)
    with pytest.raises(DataError, match="captured with one token.*give a longer example"):
        mapped(**sentences())


def test_real_tokens_are_found_once_for_a_run():
    mapped = mapped_mean("all")
    found = Sentences(mapped, None)
    assert not found.remarks()
    real = found.of(BATCH, (), BATCH, 0)
    assert real.lengths == (7,) * 6
    assert real.real.sum(1).tolist() == [7, 3, 5, 1, 2, 6]
    assert found.remarks()
