"""Are fine-tuned networks and finished points found again, and do the tables say what they hold?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from benchmarks import glue_tables, glue_train
from benchmarks.glue_bert import Classifier, batches_of, cosine_spearman, mean_of_tokens
from benchmarks.glue_points import Lines
from benchmarks.glue_train import Recipe, find, fine_tune, score_of
from crossbar.errors import DataError, InputError

WORDS = ("dull", "poor", "fine", "great", "film", "plot")  # the first two are bad
RECIPE = Recipe("sst2", epochs=12, batch=8, rate=0.02, dropout=0.0)


class TinyBert(torch.nn.Module):
    """Looks words up; enough to tell good from bad."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=4)
        self.words = torch.nn.Embedding(10, 4)

    def forward(self, input_ids, attention_mask, token_type_ids):
        return SimpleNamespace(last_hidden_state=self.words(input_ids))


def tokens(texts, truncation, max_length, padding=False, return_tensors=None):
    ids = [[1, *(WORDS.index(word) + 2 for word in text.split())] for text in texts]
    if return_tensors is None:
        return {"input_ids": ids}
    longest = max(map(len, ids))
    found = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    mask = (found > 0).long()
    return {"input_ids": found, "attention_mask": mask, "token_type_ids": 0 * mask}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task of 64 sentences and a network that learns it; returns an empty store."""
    rng = np.random.default_rng(0)
    (tmp_path / "SST-2").mkdir()
    for name in ("train", "dev"):
        lines = ["sentence\tlabel"]
        for k in range(64):
            word = WORDS[2 * (k % 2) + int(rng.integers(2))]
            lines.append(" ".join([word, *rng.choice(WORDS[4:], k % 3)]) + f"\t{k % 2}")
        (tmp_path / "SST-2" / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setenv("GLUE_FOLDER", str(tmp_path))
    monkeypatch.setattr(glue_train, "model_folder", lambda: tmp_path)
    monkeypatch.setattr(glue_train, "encoder", TinyBert)
    monkeypatch.setattr("benchmarks.glue_bert.tokenizer", lambda: tokens)
    return tmp_path / "store"


def test_a_network_is_trained_once_and_found_again(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find(RECIPE, tiny) is None
    before = torch.random.get_rng_state()
    trained = fine_tune(RECIPE, tiny)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert trained.facts["dev_score"] == 1.0
    assert trained.facts["dev_samples"] == 64
    assert sorted(p.name for p in tiny.iterdir()) == [trained.folder.name]
    monkeypatch.setattr(glue_train, "_train", None)
    again = fine_tune(RECIPE, tiny)
    assert again.facts == json.loads((trained.folder / "recipe.json").read_text())
    for name, tensor in trained.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor)
    assert not again.model.training


def test_another_recipe_or_other_data_is_another_network(tiny: Path) -> None:
    short = replace(RECIPE, epochs=1)
    first = fine_tune(short, tiny)
    for other in (replace(short, seed=1), replace(short, rate=0.01), replace(short, samples=32)):
        assert find(other, tiny) is None
    assert find(short, tiny) is not None
    dev = tiny.parent / "SST-2" / "dev.tsv"
    dev.write_text(dev.read_text().replace("film", "plot"))
    assert find(short, tiny) is None
    assert fine_tune(replace(short, seed=1), tiny).folder != first.folder


def test_a_seed_decides_the_network(tiny: Path) -> None:
    short = replace(RECIPE, epochs=1)
    one, other = fine_tune(short, tiny), fine_tune(short, tiny.parent / "elsewhere")
    assert one.folder.name == other.folder.name
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], tensor)


def test_a_broken_network_is_named(tiny: Path) -> None:
    short = replace(RECIPE, epochs=1)
    folder = fine_tune(short, tiny).folder
    (folder / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(DataError, match="not a stored network") as caught:
        find(short, tiny)
    assert str(caught.value).startswith(str(folder))


def test_batches_do_not_change_a_score(tiny: Path) -> None:
    split = glue_train.training_data(RECIPE)[1]
    torch.manual_seed(0)
    model = Classifier(TinyBert(), 2).eval()
    single = score_of(model, batches_of(split, 1), "accuracy")
    assert score_of(model, batches_of(split, 13), "accuracy") == single
    states = torch.tensor([[[1.0], [3.0], [99.0]]])
    assert mean_of_tokens(states, torch.tensor([[1, 1, 0]])).tolist() == [[2.0]]


def test_the_score_of_pairs_is_the_rank_correlation_of_cosines() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30, 5))
    a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (a, b))
    targets = rng.uniform(0, 5, 30)
    outputs = np.stack([a, b], axis=1).reshape(60, 5)
    known = spearmanr([float(x @ y) for x, y in zip(a, b, strict=True)], targets).statistic
    assert cosine_spearman(outputs, np.repeat(targets, 2)) == pytest.approx(known)


def test_finished_points_survive_and_garbage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    Lines.read(path).add({"digest": "a", "score": 0.5})
    Lines.read(path).add({"digest": "b", "score": 0.25})
    with path.open("a") as stream:
        stream.write('{"digest": "c", "sco')  # stopped while writing
    found = Lines.read(path)
    assert [row["score"] for row in found.rows.values()] == [0.5, 0.25]
    found.add({"digest": "d", "score": 1.0})
    assert list(Lines.read(path).rows) == ["a", "b", "d"]
    path.write_text("[]\n")
    with pytest.raises(DataError, match=r"points\.jsonl: a line is no row"):
        Lines.read(path)


def row(task: str, label: str, score: float, **more: object) -> dict[str, object]:
    return {
        "task": task,
        "label": label,
        "samples": 300,
        "of": 1500,
        "float": None,
        "digital": None,
        "score": score,
        "float_of_all": None,
        "data": "GLUE dev",
        "arrays": 2592,
        "area": 1e-4,
        "tokens": 20.0,
        "energy": 2e-4,
        "latency": 1e-4,
        "throughput": 1000.0,
        "components": {"adc": 1e-4, "softmax": 2e-6},
        "attention": {"energy": 0.03, "time": None},
        "unpriced": [],
        **more,
    }


def test_tables_hold_the_numbers_of_the_rows() -> None:
    rows = [
        row("stsb", "8-bit ADC", 0.866, float=0.867, digital=0.8661),
        row("stsb", "6 bits", 0.5),
        row("wnli", "8-bit ADC", 0.56, float=0.563, digital=0.5577, float_of_all=0.562),
    ]
    lines = glue_tables.quality(rows, glue_tables.markdown).split("\n")
    assert lines[0] == "| task | score | of | float | 8-bit | 8-bit ADC | 6 bits |"
    assert lines[2] == "| STS-B | spearman | 300 | 86.7 | 86.6 | 86.6 | 50.0 |"
    assert lines[3] == "| WNLI | accuracy | 300 | 56.3 | 55.8 | 56.0 | - |"
    costs = glue_tables.costs(rows, glue_tables.markdown).split("\n")[2]
    assert costs == "| STS-B | 20.0 | 200 uJ | 100 us | 20,000 | 50.0 | 1.0 | - | 3.0 | - |"
    assert "2,592 | 100 | 200 uJ" in glue_tables.by_design(rows, glue_tables.markdown)
    said = "\n".join(glue_tables.words(rows))
    assert "WNLI proves nothing" in said
    assert "56.2 in float on all 1,500" in said


def test_tables_go_between_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- glue -->\nold\n<!-- end -->\nb\n<!-- other -->\nc\n<!-- end -->\n")
    for text in ("new", "newer"):
        glue_tables.put_into(page, "glue", text)
        assert page.read_text() == (
            f"a\n<!-- glue -->\n\n{text}\n\n<!-- end -->\nb\n<!-- other -->\nc\n<!-- end -->\n"
        )
    with pytest.raises(InputError, match="no lines <!-- observers -->"):
        glue_tables.put_into(page, "observers", "new")
