"""Which forms of data are understood, and what is said of the others?"""

from __future__ import annotations

import zipfile
from collections import UserDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from crossbar.errors import DataError
from crossbar.nn.batch_checks import check_finite
from crossbar.nn.data import Head, as_batches, as_loader, first_batch, split_batch
from crossbar.nn.data_files import (
    batches,
    check_labels,
    check_model_takes,
    check_shape,
    find_data,
    load_data,
    load_npz,
)

X = torch.arange(24.0).reshape(6, 4)
Y = torch.arange(6) % 3


@pytest.mark.parametrize(
    "batch",
    [
        (X, Y),
        [X, Y],
        ((X,), Y),
        {"x": X, "labels": Y},
        {"x": X, "label": Y},
        {"x": X, "targets": Y},
        {"x": X, "target": Y},
        {"x": X, "y": Y},
        ({"x": X}, Y),
        UserDict(x=X, labels=Y),  # as tokenisers give it
        (X.numpy(), Y.numpy()),
        (X, Y.tolist()),
    ],
)
def test_inputs_and_targets_are_told_apart(batch: object) -> None:
    split = split_batch(batch)
    (inputs,) = split.args or tuple(split.kwargs.values())
    assert torch.equal(inputs, X)
    assert torch.equal(split.targets, Y)
    assert split.samples == 6


@pytest.mark.parametrize("batch", [X, (X,), {"x": X}])
def test_inputs_may_come_alone(batch: object) -> None:
    assert split_batch(batch).targets is None


def test_only_one_key_holds_the_targets() -> None:
    split = split_batch({"x": X, "labels": Y, "y": X})
    assert torch.equal(split.targets, Y)
    assert set(split.kwargs) == {"x", "y"}


def test_keywords_that_were_not_captured_are_left_out() -> None:
    split = split_batch({"x": X, "idx": Y, "labels": Y}, keywords=["x"])
    assert set(split.kwargs) == {"x"}


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ((X, X, Y), "of 3"),
        ("text", "holds text; tokenise it first"),
        ({"labels": Y}, "no tensor"),
        ((X, Y[:5]), "6 samples and 5 targets"),
        ((X[:0], Y[:0]), "empty"),
        ((X, "cats"), "targets of a batch are a str"),
    ],
)
def test_other_batches_are_refused(batch: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        split_batch(batch, where="pkg:loader")


@pytest.mark.parametrize("data", [X, (X,), {"x": X}, [X], [(X, Y)], [{"x": X, "y": Y}]])
def test_a_verb_takes_a_tensor_a_tuple_a_dictionary_or_a_loader(data: object) -> None:
    args, kwargs = first_batch(data)
    assert torch.equal((args or tuple(kwargs.values()))[0], X)


def test_a_tuple_given_to_a_verb_is_positional_inputs() -> None:
    (batch,) = as_batches((X, X + 1))
    assert len(batch.args) == 2
    assert batch.targets is None


@pytest.mark.parametrize("data", [[], 7, "images"])
def test_a_verb_refuses_what_is_no_data(data: object) -> None:
    with pytest.raises(DataError):
        list(as_batches(data))


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        (X.numpy(), Y.numpy()),
        TensorDataset(X, Y),
        DataLoader(TensorDataset(X, Y), batch_size=2),
        iter([(X[:4], Y[:4]), (X[4:], Y[4:])]),
        {"x": X, "labels": Y},
    ],
)
def test_all_forms_of_data_can_be_read_twice(data: object) -> None:
    loader = as_loader(data, 4)
    for _ in range(2):
        split = [split_batch(batch) for batch in loader]
        assert sum(part.samples for part in split) == 6
        assert torch.equal(torch.cat([part.targets for part in split]), Y)


@given(st.integers(1, 40), st.integers(1, 15), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_the_head_of_a_loader_is_its_first_samples(n: int, size: int, limit: int) -> None:
    x = torch.arange(n)
    head = Head(batches(x, x + 1, size), limit)
    for _ in range(2):
        parts = list(head)
        assert torch.cat([x for x, _ in parts]).tolist() == list(range(min(n, limit)))
        assert torch.cat([y for _, y in parts]).tolist() == list(range(1, min(n, limit) + 1))


def test_the_head_cuts_a_batch_of_keywords_but_not_what_is_not_per_sample() -> None:
    (part,) = Head([{"x": X, "scale": torch.ones(2), "labels": Y}], 3)
    assert (len(part["x"]), len(part["labels"]), len(part["scale"])) == (3, 3, 2)


def test_the_head_of_nothing_is_an_error() -> None:
    with pytest.raises(DataError, match="here: it holds no samples"):
        list(Head([], 3, "here"))


@pytest.mark.parametrize(("bad", "told"), [(float("nan"), "NaN"), (float("inf"), "infinite")])
def test_the_sample_that_is_not_finite_is_named(bad: float, told: str) -> None:
    x = X.clone()
    x[4, 1] = bad
    with pytest.raises(DataError, match=f"data: sample 14 holds .*{told}"):
        check_finite({"x": x}, "data: sample", 10)
    with pytest.raises(DataError, match=f"d: sample 4 holds .*{told}"):
        list(Head(batches(x, None, 2), None, "d"))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.uint8, torch.float32),
        (np.float16, torch.float32),
        (np.float64, torch.float32),
        (np.int32, torch.int64),
        (np.int8, torch.int64),
        (np.uint64, torch.int64),
    ],
)
def test_types_of_a_file(tmp_path: Path, dtype: type, expected: torch.dtype) -> None:
    np.savez(tmp_path / "d.npz", x=np.arange(6).reshape(3, 2).astype(dtype), y=np.arange(3))
    x, y = load_npz(tmp_path / "d.npz")
    assert x.dtype == expected
    assert x.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert y is not None
    assert y.dtype == torch.int64


def test_scores_stay_floats(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones((2, 3)), y=np.array([0.5, 2.5]))
    _, y = load_npz(tmp_path / "d.npz")
    assert y is not None
    assert y.tolist() == [0.5, 2.5]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.ones(3) * 1e300}, "infinite"),
        ({"x": np.array([1, 2**64 - 1], np.uint64)}, "64-bit"),
        ({"x": np.ones((2, 2)), "y": np.array([np.nan, 1.0])}, "y: sample 0 holds NaN"),
        ({"x": np.float32(3)}, "holds no samples"),
        ({"x": np.ones((3, 0))}, "holds no samples"),
        ({"x": np.ones(3, complex)}, "complex128 is no number"),
        ({"x": np.ones(3), "y": np.array(["a", "b", "c"])}, "y: <U1 is no number"),
    ],
)
def test_numbers_that_cannot_be_passed_on(tmp_path: Path, arrays: dict, told: str) -> None:
    np.savez(tmp_path / "d.npz", **arrays)
    with pytest.raises(DataError, match=told):
        load_npz(tmp_path / "d.npz")


def test_a_pickle_in_a_file_is_never_run(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple:
            return (open, (str(tmp_path / "harmed"), "w"))

    np.savez(tmp_path / "d.npz", x=np.array([Harm()], dtype=object))
    with pytest.raises(DataError, match="Python objects"):
        load_npz(tmp_path / "d.npz")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("where", ["middle", "end"])
def test_a_damaged_file_is_one_error(tmp_path: Path, where: str) -> None:
    path = tmp_path / "d.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).random((50, 8)))
    whole = bytearray(path.read_bytes())
    if where == "middle":
        whole[len(whole) // 2] ^= 255
    else:
        del whole[-30:]
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"damaged|not an npz"):
        load_npz(path)


def test_a_zip_of_other_files_is_no_data(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("x", "not an array")
    with pytest.raises(DataError, match="d.npz"):
        load_npz(tmp_path / "d.npz")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "folder.npz").mkdir()
    for name, told in (("folder.npz", "a folder, not a file"), ("none.npz", "no such file")):
        with pytest.raises(DataError, match=told):
            load_npz(tmp_path / name)


def test_data_can_be_cut_into_batches_of_several_sizes(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.zeros((10, 3), np.float32), y=np.arange(10))
    data = find_data(str(tmp_path / "d.npz"))
    for size, lengths in ((4, [4, 4, 2]), (7, [7, 3])):
        assert [len(x) for x, _ in as_loader(data, size)] == lengths


@pytest.mark.parametrize("spec", ["data.csv", "data", "folder/"])
def test_other_files_are_refused_by_name(spec: str) -> None:
    with pytest.raises(DataError, match="neither FILE.npz nor pkg.mod:loader"):
        load_data(spec, 4)


def test_labels_are_class_numbers() -> None:
    check_labels(Y, "y")
    for bad in (Y.float(), Y[:, None], Y - 1, Y > 0):
        with pytest.raises(DataError):
            check_labels(bad, "y")


def test_shapes_are_compared_by_sample() -> None:
    check_shape((3, 32, 32), (3, 32, 32), "d")
    check_shape((7, 16), ("any", 16), "d")
    with pytest.raises(DataError, match=r"d: a sample has shape \(28, 28\).* \(1, 28, 28\)"):
        check_shape((28, 28), (1, 28, 28), "d")


def test_data_that_a_model_does_not_take_names_the_layer() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(5, 2))
    with pytest.raises(DataError, match=r"layer '1' = Linear.*given float32 \(6, 3\)"):
        check_model_takes(model, (X, Y), "d")
    assert not any(module._forward_hooks for module in model.modules())


def test_data_that_a_model_takes_passes() -> None:
    check_model_takes(torch.nn.Linear(4, 3), (X, Y), "d")
    check_model_takes(torch.nn.Embedding(30, 3), X.long(), "d")


def test_extra_keys_of_a_dictionary_are_not_passed_to_the_model() -> None:
    check_model_takes(torch.nn.Linear(4, 3), {"input": X, "idx": Y, "labels": Y}, "d")
