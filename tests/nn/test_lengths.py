"""Do sentences of every length run, cost and time as if each were alone?"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.errors import DataError, InputError, UnknownNameError
from crossbar.mapping.lengths import plan_at
from crossbar.nn.graph.captured import capture_model
from crossbar.nn.sequences import Sentences
from crossbar.report import sequences
from crossbar.report.explanation import explain_number, number_names
from crossbar.report.sequences import time_lengths
from crossbar.timing import measure
from crossbar.workload.lengths import LENGTHS, tokens_of, with_tokens

LENGTHS_OF = (7, 3, 5, 1)


class Encoder(nn.Module):
    """A sentence classifier: attention written by hand, the mean over the real tokens."""

    def __init__(self, turned: bool = False) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(50, 16), nn.Embedding(24, 16)
        self.query, self.key, self.value = (nn.Linear(16, 16) for _ in range(3))
        self.out, self.norm, self.head = nn.Linear(16, 16), nn.LayerNorm(16), nn.Linear(16, 3)
        self.turned = turned

    def forward(self, ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        if self.turned:  # all samples of the first token, then of the second
            flat = x.transpose(0, 1).reshape(-1, 16).tanh()
            value = self.value(flat).reshape(ids.shape[1], ids.shape[0], 16).transpose(0, 1)
        else:
            value = self.value(x)
        scores = self.query(x) @ self.key(x).transpose(1, 2) / 4
        scores = scores.masked_fill(attention_mask[:, None] == 0, -1e9)
        x = self.norm(x + self.out(scores.softmax(-1) @ value))
        real = attention_mask[..., None].float()
        return self.head((x * real).sum(1) / real.sum(1))


def sentences(lengths=LENGTHS_OF, tokens=7, *, seed=1, left=False):
    """Random words with padding."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 50, (len(lengths), tokens), generator=generator)
    mask = torch.zeros_like(ids)
    for row, n in zip(mask, lengths, strict=True):
        row[tokens - n if left else 0 : tokens if left else n] = 1
    return {"ids": ids * mask, "attention_mask": mask}


def one(batch, i):
    """A sentence without its padding."""
    real = batch["attention_mask"][i].bool()
    return {key: value[i : i + 1, real] for key, value in batch.items()}


def mapped_encoder(turned=False, arch="isaac_8bit", overrides=None):
    torch.manual_seed(0)
    hardware = xb.load_arch(arch, overrides or {})
    return xb.map_model(Encoder(turned).eval(), hardware, calibration=sentences((7, 7, 7, 7)))


@pytest.fixture(scope="module")
def mapped():
    return mapped_encoder()


def test_the_length_is_free_and_every_length_is_that_of_a_fresh_capture(mapped):
    model = Encoder().eval()
    captured = capture_model(model, (), sentences((7, 7)))
    assert captured.program.signature.shapes["ids"] == ("batch", "tokens")
    for tokens in (2, 5, 7, 24):
        batch = sentences((tokens, 1, tokens), tokens, seed=tokens)
        fresh = capture_model(model, (), batch)
        assert with_tokens(captured.workload, tokens) == fresh.workload
        got = captured.program.run((), batch)
        assert torch.equal(got, fresh.program.run((), batch))
        with torch.no_grad():
            assert torch.allclose(got, model(**batch), atol=1e-6)
        for mode in ("float", "digital", "crossbar"):
            whole = mapped.execute((), batch, mode=mode)
            assert whole.shape == (3, 3)
    single = sentences((1, 1), 1)
    with torch.no_grad():
        assert torch.allclose(captured.program.run((), single), model(**single), atol=1e-6)


def test_more_tokens_than_positions_and_words_that_do_not_exist(mapped):
    with pytest.raises(DataError, match="^input 'ids': 25 tokens, the network takes 24 at most$"):
        mapped(**sentences((25,), 25))
    batch = sentences()
    with pytest.raises(DataError, match=r"^input 'ids': index 50 is not in 0\.\.49$"):
        mapped(batch["ids"].clamp(min=50), batch["attention_mask"])
    with pytest.raises(DataError, match="'attention_mask': tokens of 6, but input 'ids' has 7"):
        mapped(batch["ids"], batch["attention_mask"][:, 1:])


def test_a_length_that_the_model_fixes_stays_fixed():
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.fc = nn.Embedding(50, 4), nn.Linear(28, 3)

        def forward(self, ids):
            return self.fc(self.words(ids).flatten(1))

    captured = capture_model(Fixed().eval(), (sentences()["ids"],))
    assert captured.program.signature.shapes == {"ids": ("batch", 7)}
    assert tokens_of(captured.workload) is None
    assert not any(LENGTHS in node.attrs for node in captured.workload)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize(
    ("turned", "overrides"),
    [
        (False, {}),
        (True, {}),
        (False, {"adc.bits": 4, "array.flip_columns": False}),
    ],
)
def test_a_padded_batch_costs_what_its_sentences_cost_one_by_one(turned, overrides, left):
    mapped = mapped_encoder(turned, overrides=overrides)
    batch = sentences(left=left)
    if left:  # the places of a sentence begin where it begins: no places here
        mapped.body.program.constants["places.weight"].zero_()
    report = xb.simulate(mapped, batch)
    alone = [xb.simulate(mapped, one(batch, i)) for i in range(4)]

    def mean(value):
        return pytest.approx(np.mean([value(each) for each in alone]), rel=1e-12)

    assert report.energy == mean(lambda r: r.energy)
    assert report.latency == mean(lambda r: r.latency)
    assert 1 / report.throughput == mean(lambda r: 1 / r.throughput)
    assert report.components["array"]["energy"] == mean(lambda r: r.components["array"]["energy"])
    for name in ("saturations", "adc_conversions", "macs"):
        assert report.counts[name] == mean(lambda r, name=name: r.counts[name])
    assert report.counts["saturations"] > 0 or not overrides
    real = Sentences(mapped, None).of(batch, (), batch, 0)
    for mode in ("crossbar", "digital"):
        padded = mapped.execute((), batch, mode=mode, real=real)
        unpadded = torch.cat([mapped.execute((), one(batch, i), mode=mode) for i in range(4)])
        assert torch.allclose(padded, unpadded, atol=1e-5)


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_tokens_is_found_also_where_shapes_do_not_tell(turned):
    mapped, batch = mapped_encoder(turned), sentences((4, 2, 3, 1), 4)
    real = Sentences(mapped, None).of(batch, (), batch, 0)
    assert real.turned == {"query": False, "key": False, "value": turned, "out": False}
    assert "head" not in real.turned


def test_copies_and_noise_belong_to_sentences():
    overrides = {"faults.replicas": "own", "replication": "balance", "chip.tiles": 1}
    mapped = mapped_encoder(overrides=overrides)
    assert max(layer.replicas for layer in mapped.plan.layers) > 1
    broken = xb.inject(mapped, xb.StuckAt(on=0.1, off=0.1), seed=1)
    batch = sentences()
    report = xb.simulate(broken, batch, baselines=False)
    alone = [xb.simulate(broken, one(batch, i), baselines=False) for i in range(4)]
    assert report.energy == pytest.approx(np.mean([r.energy for r in alone]), rel=1e-12)
    real = Sentences(broken, None).of(batch, (), batch, 0)
    unpadded = torch.cat([broken(**one(batch, i)) for i in range(4)])
    assert torch.allclose(broken.execute((), batch, real=real), unpadded, atol=1e-5)
    assert not torch.allclose(unpadded, mapped(**batch), atol=1e-3)
    noisy = mapped_encoder(overrides={"cell.read_noise": 0.2, "cell.kind": "reram"})
    parts = [{key: x[i : i + 2] for key, x in batch.items()} for i in (0, 2)]

    def outputs(data):
        seen = []
        xb.simulate(noisy, data, metric=lambda out, _: float(seen.append(out) is None), seed=3)
        return seen[0]

    targets = torch.zeros(4, dtype=torch.long)
    whole = outputs((batch, targets))
    # each sentence has its own noise, however the data is cut (the first batch has padding too)
    cut = outputs([(part, targets[:2]) for part in parts])
    assert np.array_equal(whole, cut)


def test_the_report_tells_lengths(mapped, tmp_path):
    batch = sentences()
    report = xb.simulate(mapped, batch)
    block = report.sequences
    assert {key: block[key] for key in ("tokens", "mean", "shortest", "longest")} == {
        "tokens": 7,
        "mean": 4.0,
        "shortest": 1,
        "longest": 7,
    }
    assert [row["tokens"] for row in block["by_length"]] == [1, 3, 5, 7]
    assert block["per_second"] == pytest.approx(4.0 * report.throughput)
    assert block["energy_per_token"] == pytest.approx(report.energy / 4.0)
    for key in ("energy", "latency"):
        mean = np.mean([row[key] for row in block["by_length"]])
        assert getattr(report, key) == pytest.approx(mean)
    parts = sum(cost["energy"] for cost in report.components.values())
    assert parts == pytest.approx(report.energy)
    assert "4 tokens a sample (1 to 7, captured at 7)" in str(report)
    report.save(tmp_path / "a.json")
    again = xb.Report.load(tmp_path / "a.json")
    assert again.to_dict() == json.loads(json.dumps(report.to_dict()))
    for name in number_names(again):  # every number follows from the others
        explain_number(again, name)
    older = report.to_dict()
    del older["sequences"]
    assert xb.Report.from_dict(older).sequences is None


def test_full_sentences_are_reported_as_ever(mapped):
    full = sentences((7, 7, 7, 7))
    report = xb.simulate(mapped, full)
    assert report.sequences is None
    assert report.cycles == measure(mapped.plan).alone.cycles
    assert (
        report.counts["adc_conversions"]
        == xb.estimate(mapped.arch, mapped.workload).counts["adc_conversions"]
    )


def test_lengths_come_from_a_mask_a_name_or_a_function(mapped):
    batch = sentences()
    report = xb.simulate(mapped, batch)
    assert xb.simulate(mapped, batch, lengths="attention_mask").to_dict() == report.to_dict()
    counted = xb.simulate(mapped, batch, lengths=lambda b: b["attention_mask"].sum(1))
    assert counted.to_dict() == report.to_dict()
    words = xb.simulate(mapped, batch, lengths="ids")  # padding is word 0
    assert words.to_dict() == report.to_dict()
    holes = {**batch, "attention_mask": torch.tensor([[1, 0, 1, 0, 1, 0, 0]] * 4)}
    assert xb.simulate(mapped, holes).sequences["mean"] == 3.0
    with pytest.raises(UnknownNameError, match="input"):
        xb.simulate(mapped, batch, lengths="attention_musk")
    with pytest.raises(InputError, match="neither an input's name nor a function"):
        xb.simulate(mapped, batch, lengths=7)
    for wrong, line in (
        (lambda b: [1, 2], "expected 4 whole numbers"),
        (lambda b: [1.0] * 4, "expected 4 whole numbers"),
        (lambda b: [1, 2, 3, 8], "1..8, a batch has 7 tokens"),
        (lambda b: [1, 2, 0, 3], "data: sample 2 holds no token"),
    ):
        with pytest.raises(DataError, match=line):
            xb.simulate(mapped, batch, lengths=wrong)
    empty = sentences((7, 2, 0, 1))
    with pytest.raises(
        DataError, match="^data: sample 2 holds no token .its attention_mask is all"
    ):
        xb.simulate(mapped, empty)


def test_batches_may_be_padded_each_to_its_own_length(mapped):
    batch = sentences()
    apart = [one(batch, i) for i in range(4)]
    assert xb.simulate(mapped, apart).energy == xb.simulate(mapped, batch).energy
    longer = sentences((20, 9), 20)
    report = xb.simulate(mapped, [longer, *apart])
    assert (report.sequences["tokens"], report.sequences["longest"]) == (7, 20)


def test_many_lengths_are_interpolated(mapped, monkeypatch):
    plan = mapped.plan
    lengths = list(range(1, 8)) * 2
    exact = time_lengths(plan, lengths)
    assert list(exact.timings) == list(range(1, 8))
    monkeypatch.setattr(sequences, "EXACT", 3)
    few = time_lengths(plan, lengths)
    assert list(few.timings) == [1, 4, 7]
    assert few.between(2) == {1: pytest.approx(2 / 3), 4: pytest.approx(1 / 3)}
    assert sum(few.weights().values()) == pytest.approx(1.0)
    assert few.weights()[4] == pytest.approx((1 + 4 * (1 / 3 + 2 / 3) / 2) / 7)
    assert time_lengths(plan, [7, 7]) is None


def test_a_stream_of_sentences_of_a_length_has_an_interval(mapped):
    short, full = plan_at(mapped.plan, 3), mapped.plan
    three, seven = measure(short).stream, measure(full).stream
    assert three.steady
    # the busiest layer sets the pace: its slots, token by token
    assert three.interval * 7 == seven.interval * 3


def test_bert_runs_at_every_length():
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        vocab_size=50,
        max_position_embeddings=24,
    )
    torch.manual_seed(0)
    model = transformers.BertModel(config).eval()
    batch = {("input_ids" if key == "ids" else key): x for key, x in sentences().items()}
    full = {**batch, "attention_mask": torch.ones_like(batch["input_ids"])}
    mapped = xb.map_model(model, "isaac_8bit", calibration=full)
    assert tokens_of(mapped.workload) == 7
    assert mapped.body.program.signature.most == {"tokens": 24}
    for tokens in (1, 12):
        x = {key: value.repeat(1, 2)[:, :tokens] for key, value in full.items()}
        with torch.no_grad():
            want = model(**x).last_hidden_state
        got = mapped.execute((), x, mode="float")["last_hidden_state"]
        assert torch.allclose(got, want, atol=1e-5)
    report = xb.simulate(mapped, batch)
    alone = [xb.simulate(mapped, one(batch, i)) for i in range(4)]
    assert report.energy == pytest.approx(np.mean([r.energy for r in alone]), rel=1e-12)
    assert report.metrics["agreement"] <= 1.0
    nodes = replace(mapped.workload, nodes=with_tokens(mapped.workload, 5).nodes)
    assert nodes.macs < mapped.workload.macs
