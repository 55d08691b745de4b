"""Do the three lines of a Hugging Face user work, and are his slips named?"""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

import crossbar as xb
from crossbar.errors import DataError

transformers = pytest.importorskip("transformers")

TEXTS = 8


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=16,
        num_labels=2,
    )
    return transformers.BertForSequenceClassification(config).eval()


def rows() -> list[dict]:
    generator = torch.Generator().manual_seed(4)
    return [
        {
            "input_ids": torch.randint(1, 50, (7,), generator=generator),
            "token_type_ids": torch.zeros(7, dtype=torch.int64),
            "attention_mask": torch.tensor([1] * (7 - k % 3) + [0] * (k % 3)),
            "labels": torch.tensor(k % 2),
            "idx": torch.tensor(k),
            "sentence": f"sentence {k}",
        }
        for k in range(TEXTS)
    ]


@pytest.fixture(scope="module")
def mapped(model):
    return xb.map_model(model, "isaac_8bit", calibration=list(DataLoader(rows(), 4)))


def test_three_lines(model, mapped):
    report = xb.simulate(mapped, DataLoader(rows(), 4), metric="f1")
    assert report.images == TEXTS
    assert {"f1", "agreement"} <= set(report.metrics)
    assert list(mapped.body.program.signature.arguments)[:3] == [
        *("input_ids", "attention_mask", "token_type_ids")
    ]
    assert len(mapped.plan.layers) == 8  # 6 of the block, the pooler, the classifier
    assert not [u for u in mapped.plan.unmapped if u.kind == "other"]


def test_what_a_tokenizer_returns_is_data(model, mapped):
    batch = next(iter(DataLoader(rows(), TEXTS)))
    encoding = transformers.BatchEncoding({k: v for k, v in batch.items() if k != "sentence"})
    report = xb.simulate(mapped, [encoding], metric="f1")
    assert report.images == TEXTS
    again = xb.map_model(model, "isaac_8bit", calibration=encoding)
    assert [row.name for row in again.plan.layers] == [row.name for row in mapped.plan.layers]


def test_lists_of_numbers_become_tensors(mapped):
    batch = next(iter(DataLoader(rows(), TEXTS)))
    lists = {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
    want = xb.simulate(mapped, [batch], metric="f1")
    assert xb.simulate(mapped, [lists], metric="f1").metrics == want.metrics


def without(key: str) -> list[dict]:
    return [{k: v for k, v in row.items() if k != key} for row in rows()]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DataLoader(without("attention_mask"), 4), "input 'attention_mask' is missing"),
        ([{"sentence": ["a film", "a play"]}], "holds text .'sentence'.; tokenise it first"),
        ([["a film", "a play"]], "holds text; tokenise it first"),
        ([{"input_ids": [[1, 2], [1, 2, 3]]}], "rows of 'input_ids' have different lengths; pad"),
        ([{"input_ids": [1, 2, 3], "label": 0}], "yields single samples, no batches"),
        ([{"input_ids": [torch.ones(4, dtype=torch.int64)] * 3}], "a list of 3 tensors, one a"),
    ],
    ids=["missing", "text", "texts", "ragged", "rows", "columns"],
)
def test_slips_in_the_data_are_named(mapped, data, words):
    with pytest.raises(DataError, match=words):
        xb.simulate(mapped, data, metric="f1")


def test_a_mask_that_leaves_no_token_is_refused_in_calibration(model):
    batch = next(iter(DataLoader(without("sentence"), TEXTS)))
    batch["attention_mask"][5] = 0
    with pytest.raises(DataError, match="calibration: sample 5: 'attention_mask' is all zeros"):
        xb.map_model(model, "isaac_8bit", calibration=[batch])


def test_a_misspelt_keyword_is_told_the_right_one(model):
    batch = next(iter(DataLoader(without("sentence"), TEXTS)))
    batch["input_idz"] = batch.pop("input_ids")
    with pytest.raises(DataError, match=r"'input_idz' \(did you mean 'input_ids'\?\)"):
        xb.map_model(model, "isaac_8bit", calibration=[batch])


def test_outputs_have_the_attributes_of_the_models_own(model, tmp_path) -> None:
    inputs = {"input_ids": torch.stack([row["input_ids"] for row in rows()])}
    mapped = xb.map_model(model, "ideal_8bit", calibration=inputs)
    for again in (mapped, _saved(mapped, tmp_path)):
        out = again(**inputs)
        assert out.logits is out["logits"]
        assert out.logits is out[0]
        assert isinstance(out, dict)
        with pytest.raises(AttributeError, match="'loss'; the output holds 'logits'"):
            out.loss  # noqa: B018


def _saved(mapped, folder):
    xb.save_mapped(mapped, folder / "m")
    return xb.load_mapped(folder / "m")
