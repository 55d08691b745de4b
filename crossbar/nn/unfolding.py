"""From a layer's input to the images that arrays read, and back to the shape of its result.

Arrays take images ``[batch, channels, height, width]`` and a window that slides over two axes.  A
map of one axis is an image of height one; tokens stand where an image has pixels, so that copies
split them into stripes; a volume is unfolded, so that each of its positions is a token.
"""

from __future__ import annotations

from math import prod

import torch
from torch.nn import functional

from crossbar.array.window import Window
from crossbar.nn.graph.product import Product
from crossbar.workload.shapes import window_size

__all__ = ["result_shape", "unfold"]


def unfold(x: torch.Tensor, product: Product) -> tuple[torch.Tensor, Window]:
    """Return what the arrays of a product read of its input, and how.

    Parameters
    ----------
    x : Tensor
        ``(batch, channels, *map)`` of a convolution, ``(batch, ..., inputs)`` of a linear layer.
    product : Product

    Returns
    -------
    Tensor[batch, channels, height, width] or, for tokens, Tensor[batch, tokens, 1, inputs]
        Not yet padded where the window says so; those of a volume are padded with zeros.  The
        inputs of a token of a volume are ordered like its weights: channel, depth, height, width.
    Window
    """
    if product.kind == "linear":
        tokens = x.shape[1:-1].numel()
        image = x.reshape(x.shape[0], tokens, 1, x.shape[-1])
        return image, Window(size=(1, tokens), tokens=True)
    kernel, stride, padding, dilation = _geometry(product)
    size = _size(x, product)
    if product.kind == "conv3d":
        image = _volume(x, kernel, stride, padding, dilation, size)
        return image, Window(size=(1, prod(size)), tokens=True)
    if product.kind == "conv1d":
        x = x.unsqueeze(2)
        kernel, stride, dilation, size = ((1, *n) for n in (kernel, stride, dilation, size))
        padding = (0, *padding)
    pairs = [(n[0], n[1]) for n in (kernel, stride, padding, dilation, size)]
    return x, Window(pairs[0], pairs[1], pairs[2], pairs[3], pairs[4])


def result_shape(x: torch.Tensor, product: Product) -> tuple[int, ...]:
    """Return the shape of the product's result for this input."""
    outputs = product.weight_shape[0]
    if product.kind == "linear":
        return (*x.shape[:-1], outputs)
    return (x.shape[0], outputs, *_size(x, product))


def _geometry(product: Product) -> tuple[tuple[int, ...], ...]:
    """Kernel, stride, padding and dilation, an axis each."""
    attrs = product.attrs
    return tuple(
        tuple(int(n) for n in attrs[key]) for key in ("kernel", "stride", "padding", "dilation")
    )


def _size(x: torch.Tensor, product: Product) -> tuple[int, ...]:
    """Sizes of the map that a convolution makes."""
    axes = zip(x.shape[2:], *_geometry(product), strict=True)
    return tuple(window_size(*axis) for axis in axes)


def _volume(
    x: torch.Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    size: tuple[int, ...],
) -> torch.Tensor:
    """Unfold a volume into tokens, each with all values under the kernel."""
    batch, channels = x.shape[:2]
    x = functional.pad(x, [n for p in reversed(padding) for n in (p, p)]).contiguous()
    steps = x.stride()
    windows = x.as_strided(
        (batch, *size, channels, *kernel),
        (
            steps[0],
            *(s * n for s, n in zip(steps[2:], stride, strict=True)),
            steps[1],
            *(s * n for s, n in zip(steps[2:], dilation, strict=True)),
        ),
    )
    return windows.reshape(batch, prod(size), 1, channels * prod(kernel))
