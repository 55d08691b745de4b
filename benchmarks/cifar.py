"""CIFAR-10: published ResNets and their images, for ``crossbar run``.

    export CROSSBAR_DATA=/path/to/data
    crossbar run --model benchmarks.cifar:resnet20 --data benchmarks.cifar:test_images

from the folder of the repository.  CIFAR-10 has no licence that allows shipping it, so nothing here
comes with the package.  ``$CROSSBAR_DATA`` holds

- ``models/resnet{20,32,56}_cifar10_akamaster.safetensors``: the weights of Y. Idelbayev's networks
  (github.com/akamaster/pytorch_resnet_cifar10, BSD-2-Clause);
- ``cifar10/cifar10_test1000_u8.npz`` (`test_images`) and ``cifar10/cifar10_test_jpeg.npz``
  (`test_jpegs`): JPEG copies of the test images.  The networks were trained on the lossless ones
  and lose ten points on these, so compare with the float accuracy on the same images (ResNet-20:
  80.4 % of the 1000, 81.0 % of all), never with the published one (91.8 %).

The lossless images in the official binary form (cs.toronto.edu/~kriz/cifar.html) are read from the
folder ``$CIFAR10_FOLDER`` (`test_binary`).
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.errors import DataError, InputError
from crossbar.nn import resnet
from crossbar.nn.models import load_weights

__all__ = [
    "CLASSES",
    "MEAN",
    "STD",
    "binary_folder",
    "jpeg_images",
    "normalised",
    "resnet20",
    "resnet32",
    "resnet56",
    "test_binary",
    "test_images",
    "test_jpegs",
]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the networks were trained with (ImageNet's), by channel, of pixels in 0..1."""

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_RECORD = 1 + 3 * 32 * 32  # a label, then red, green and blue, row by row

Data = tuple[torch.Tensor, torch.Tensor]


def resnet20() -> resnet.ResNet:
    """Return the published ResNet-20 (91.8 % on the lossless test images)."""
    return _published(resnet.resnet20(), 20)


def resnet32() -> resnet.ResNet:
    """Return the published ResNet-32 (92.8 %)."""
    return _published(resnet.resnet32(), 32)


def resnet56() -> resnet.ResNet:
    """Return the published ResNet-56 (93.6 %)."""
    return _published(resnet.resnet56(), 56)


def test_images() -> Data:
    """Return the first 1000 test images (JPEG copies) and their classes: float32, int64."""
    path = _data_file("cifar10/cifar10_test1000_u8.npz")
    with np.load(path) as file:
        return normalised(file["x"].transpose(0, 3, 1, 2)), torch.from_numpy(
            file["y"].astype(np.int64)
        )


def test_jpegs() -> Data:
    """Return all 10,000 test images (JPEG copies, read with Pillow) and their classes."""
    pixels, classes = jpeg_images(_data_file("cifar10/cifar10_test_jpeg.npz"))
    return normalised(pixels), torch.from_numpy(classes)


def test_binary() -> Data:
    """Return the 10,000 lossless test images of the folder ``$CIFAR10_FOLDER``."""
    folder = os.environ.get("CIFAR10_FOLDER")
    if not folder:
        raise InputError(
            "CIFAR10_FOLDER is not set: give the folder of CIFAR-10's binary files (test_batch.bin)"
        )
    pixels, classes = binary_folder(folder)
    return normalised(pixels), torch.from_numpy(classes)


def binary_folder(
    folder: str | os.PathLike[str], *, train: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read CIFAR-10 in its official binary form.

    Parameters
    ----------
    folder : path
        With ``data_batch_1.bin`` ... ``data_batch_5.bin`` and ``test_batch.bin``.
    train : bool
        Read the 50,000 training images, else the 10,000 test images.

    Returns
    -------
    uint8[images, 3, 32, 32], int64[images]
        Pixels and classes.

    Raises
    ------
    DataError
        When a file is missing, or is not a whole number of records with classes 0..9.
    """
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] if train else ["test_batch.bin"]
    parts = []
    for name in names:
        path = Path(folder) / name
        if not path.is_file():
            raise DataError(f"{path}: no such file (the binary version has {', '.join(names)})")
        data = np.fromfile(path, np.uint8)
        if not len(data) or len(data) % _RECORD:
            raise DataError(
                f"{path}: {len(data)} bytes are no whole number of records of {_RECORD} bytes"
            )
        records = data.reshape(-1, _RECORD)
        if records[:, 0].max() > 9:
            raise DataError(f"{path}: class {records[:, 0].max()}, CIFAR-10 has 0..9")
        parts.append(records)
    records = np.concatenate(parts)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def jpeg_images(
    path: str | os.PathLike[str], first: int | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Decode an npz of JPEG files (``blob``, ``off``, ``y``); needs Pillow.

    Parameters
    ----------
    path : path
    first : int, optional
        Only so many images; any multiple of ten is balanced over the classes.

    Returns
    -------
    uint8[images, 3, 32, 32], int64[images]
        Pixels and classes.
    """
    try:
        from PIL import Image
    except ImportError:
        raise InputError("the JPEG copies of CIFAR-10 need Pillow: pip install pillow") from None
    with np.load(path) as file:
        blob, offsets, classes = file["blob"], file["off"], file["y"][:first]
    pixels = np.empty((len(classes), 3, 32, 32), np.uint8)
    for i in range(len(classes)):
        encoded = blob[offsets[i] : offsets[i + 1]].tobytes()
        pixels[i] = np.asarray(Image.open(io.BytesIO(encoded))).transpose(2, 0, 1)
    return pixels, classes.astype(np.int64)


def normalised(
    pixels: NDArray[np.uint8], mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> torch.Tensor:
    """Scale uint8 ``(images, 3, 32, 32)`` as the networks take it: float32."""
    x = torch.from_numpy(np.ascontiguousarray(pixels)).float() / 255.0
    scale = [torch.tensor(value).reshape(1, 3, 1, 1) for value in (mean, std)]
    return (x - scale[0]) / scale[1]


def _published(model: resnet.ResNet, layers: int) -> resnet.ResNet:
    load_weights(model, _data_file(f"models/resnet{layers}_cifar10_akamaster.safetensors"))
    return model.eval()


def _data_file(name: str) -> Path:
    """Return a file of the data folder."""
    folder = os.environ.get("CROSSBAR_DATA")
    if not folder:
        raise InputError(
            f"CROSSBAR_DATA is not set: give the folder that holds {name} (see benchmarks/cifar.py)"
        )
    path = Path(folder) / name
    if not path.is_file():
        raise DataError(f"{path}: no such file (CROSSBAR_DATA is {folder})")
    return path
