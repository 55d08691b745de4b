"""What ships with the package: a ResNet-20 trained on Fashion-MNIST, and 500 of its test images.

Fashion-MNIST is MIT-licensed (Xiao et al., 2017, arXiv:1708.07747); the licence stands beside the
files. ``benchmarks/train_fashion_resnet20.py`` trained the network (93.5 % of the 10,000 test
images).
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from crossbar.nn.resnet import ResNet

__all__ = ["MEAN", "STD", "fashion_images", "fashion_resnet20"]

MEAN, STD = 0.2860, 0.3530
"""Of the pixels (0..1) of the 60,000 training images; the network takes (pixel - MEAN) / STD."""


def fashion_resnet20() -> ResNet:
    """Return the trained network, in evaluation mode.

    Returns
    -------
    ResNet
        Takes float32 ``(batch, 1, 28, 28)``, gives ``(batch, 10)``.
    """
    from crossbar.nn.models import load_weights
    from crossbar.nn.resnet import resnet20

    model = resnet20(in_channels=1)
    with as_file(files(__name__) / "fashion_resnet20.safetensors") as path:
        load_weights(model, path)
    return model.eval()


def fashion_images() -> tuple[Tensor, Tensor]:
    """Return the first 500 test images with their labels.

    Returns
    -------
    x : float32[500, 1, 28, 28]
        Normalised with `MEAN` and `STD`.
    y : int64[500]
        Classes 0..9.
    """
    from crossbar.nn.data_files import load_npz

    with as_file(files(__name__) / "fashion_test500.npz") as path:
        x, y = load_npz(path)
    assert y is not None  # the file ships with the package
    return ((x / 255.0 - MEAN) / STD).unsqueeze(1), y
