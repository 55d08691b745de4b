"""Do the CIFAR-10 loaders read what they say, and the published networks what they score?"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import cifar
from crossbar.errors import DataError, InputError

needs_data = pytest.mark.skipif(
    not os.environ.get("CROSSBAR_DATA"), reason="CROSSBAR_DATA is not set"
)


def records(count: int, seed: int = 0) -> np.ndarray:
    data = np.random.default_rng(seed).integers(0, 256, (count, 3073), dtype=np.uint8)
    data[:, 0] %= 10
    return data


def test_without_the_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROSSBAR_DATA", raising=False)
    monkeypatch.delenv("CIFAR10_FOLDER", raising=False)
    for factory in (cifar.resnet20, cifar.resnet56, cifar.test_images, cifar.test_jpegs):
        with pytest.raises(InputError, match="CROSSBAR_DATA is not set"):
            factory()
    with pytest.raises(InputError, match="CIFAR10_FOLDER is not set"):
        cifar.test_binary()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSBAR_DATA", str(tmp_path))
    with pytest.raises(DataError, match="resnet20_cifar10_akamaster.safetensors: no such file"):
        cifar.resnet20()


def test_the_official_binary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(1, 6):
        records(2, i).tofile(tmp_path / f"data_batch_{i}.bin")
    test = records(3)
    test.tofile(tmp_path / "test_batch.bin")
    pixels, classes = cifar.binary_folder(tmp_path)
    assert (pixels.shape, classes.tolist()) == ((3, 3, 32, 32), test[:, 0].tolist())
    assert pixels[1, 2, 0, 5] == test[1, 1 + 2 * 1024 + 5]  # blue, first row, sixth pixel
    assert len(cifar.binary_folder(tmp_path, train=True)[0]) == 10
    monkeypatch.setenv("CIFAR10_FOLDER", str(tmp_path))
    x, y = cifar.test_binary()
    expected = (pixels[0, 0, 0, 0] / 255 - cifar.MEAN[0]) / cifar.STD[0]
    assert float(x[0, 0, 0, 0]) == pytest.approx(expected, abs=1e-6)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("content", [b"", b"\x00" * 3000, b"\x0b" + b"\x00" * 3072])
def test_a_binary_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataError, match="test_batch.bin"):
        cifar.binary_folder(tmp_path)


def test_jpeg_copies_are_decoded(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    files = []
    for value in (0, 100, 200):
        out = io.BytesIO()
        image.fromarray(np.full((32, 32, 3), value, np.uint8)).save(out, "JPEG")
        files.append(out.getvalue())
    offsets = np.cumsum([0, *map(len, files)])
    blob = np.frombuffer(b"".join(files), np.uint8)
    np.savez(tmp_path / "j.npz", blob=blob, off=offsets, y=np.arange(3, dtype=np.uint8))
    pixels, classes = cifar.jpeg_images(tmp_path / "j.npz", 2)
    assert pixels.shape == (2, 3, 32, 32)
    assert abs(int(pixels[1].mean()) - 100) <= 1
    assert classes.tolist() == [0, 1]


@needs_data
def test_the_published_resnet20_scores_what_was_measured_on_these_images() -> None:
    model, (x, y) = cifar.resnet20(), cifar.test_images()
    with torch.no_grad():
        right = sum(
            int((model(x[i : i + 250]).argmax(1) == y[i : i + 250]).sum())
            for i in (0, 250, 500, 750)
        )
    assert right == 804


@needs_data
@pytest.mark.parametrize("factory", [cifar.resnet32, cifar.resnet56])
def test_the_deeper_networks_load(factory: object) -> None:
    x, y = cifar.test_images()
    with torch.no_grad():
        assert (factory()(x[:50]).argmax(1) == y[:50]).float().mean() > 0.7


@needs_data
def test_the_decoded_images_are_the_jpegs() -> None:
    pytest.importorskip("PIL.Image")
    path = Path(os.environ["CROSSBAR_DATA"]) / "cifar10" / "cifar10_test_jpeg.npz"
    pixels, classes = cifar.jpeg_images(path, 20)
    x, y = cifar.test_images()
    assert torch.allclose(cifar.normalised(pixels), x[:20], atol=0.05)
    assert classes.tolist() == y[:20].tolist()
