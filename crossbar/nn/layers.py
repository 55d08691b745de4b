"""One mapped layer: torch tensors in and out, integers and arrays in between."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.errors import DataError
from crossbar.kernels.inputs import quantise
from crossbar.nn.graph.product import Product
from crossbar.nn.quantise import InputScale

__all__ = ["MappedLayer", "Place", "Recorder"]


@dataclass
class Recorder:
    """What a run measured, summed over its images, by layer.

    Parameters
    ----------
    drives : dict of str to float64[copies, inputs]
        What was driven on the rows (`ProgrammedLayer.drives`).
    saturations : dict of str to int
        Conversions that clipped.
    """

    drives: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    saturations: dict[str, int] = field(default_factory=dict)

    def add(self, layer: str, drives: NDArray[np.float64], saturations: int) -> None:
        """Add one batch of one layer."""
        self.drives[layer] = self.drives[layer] + drives if layer in self.drives else drives
        self.saturations[layer] = self.saturations.get(layer, 0) + saturations


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a run a batch is, and which use of the layer: noise belongs to images.

    Parameters
    ----------
    first : int
        Samples of the run before this batch.
    samples : int
        Samples of this batch; 0 where that is not known (then a row of the layer is a sample).
    use : int
        Number of the layer's use in the network.
    """

    first: int = 0
    samples: int = 0
    use: int = 0

    def first_of(self, rows: int) -> int:
        """Rows of a layer's input before this batch; windows of an image are rows of their own."""
        return self.first * (rows // self.samples if self.samples else 1)


@dataclass(frozen=True)
class MappedLayer:
    """A layer on crossbars with its scales.

    Parameters
    ----------
    programmed : ProgrammedLayer
    input : InputScale
    weight_scale : float64[outputs]
    """

    programmed: ProgrammedLayer
    input: InputScale
    weight_scale: NDArray[np.float64]

    def under(self, conditions: Conditions) -> MappedLayer:
        """Return the layer under other conditions."""
        return replace(self, programmed=replace(self.programmed, conditions=conditions))

    def integers(self, x: torch.Tensor, product: Product) -> tuple[NDArray[np.integer], Window]:
        """Quantise the input and pad it: ``int[batch, channels, height, width]``."""
        a = product.attrs
        if product.kind == "conv2d":
            kernel, stride, padding, dilation = (
                (int(a[k][0]), int(a[k][1])) for k in ("kernel", "stride", "padding", "dilation")
            )
            image = x
            height, width = (
                (x.shape[2 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i]
                + 1
                for i in (0, 1)
            )
            window = Window(kernel, stride, padding, dilation, (height, width))
        else:
            # tokens stand where an image has pixels, so that copies split them into stripes
            tokens = x.shape[1:-1].numel()
            image = x.reshape(x.shape[0], tokens, 1, x.shape[-1])
            window = Window(size=(1, tokens), tokens=True)
        down, across = window.padding
        dtype = np.int16 if self.input.high < 1 << 15 else np.int32
        source = image.detach().to(torch.float32).contiguous().numpy()
        shape = (*source.shape[:2], source.shape[2] + 2 * down, source.shape[3] + 2 * across)
        out = np.zeros(shape, dtype=dtype)
        scale = np.float32(self.input.scale)
        if quantise(source, scale, self.input.low, self.input.high, down, across, out):
            raise DataError(f"{product.step}: its input holds NaN")
        return (out.transpose(0, 3, 2, 1) if window.tokens else out), window

    def empty_result(
        self, batch: int, window: Window, dtype: type[np.floating]
    ) -> NDArray[np.floating]:
        """Make room for ``[batch, outputs, positions]``, laid out as the layer computes it."""
        outputs = len(self.weight_scale)
        if window.tokens:
            return np.empty((batch, window.positions, outputs), dtype=dtype).transpose(0, 2, 1)
        return np.empty((batch, outputs, window.positions), dtype=dtype)

    def result_shape(self, x: torch.Tensor, product: Product, window: Window) -> tuple[int, ...]:
        """Shape that the layer's output has for this input."""
        outputs = len(self.weight_scale)
        if product.kind == "conv2d":
            return (x.shape[0], outputs, *window.size)
        return (*x.shape[:-1], outputs)

    def run(
        self,
        x: torch.Tensor,
        product: Product,
        *,
        digital: bool = False,
        recorder: Recorder | None = None,
        place: Place = Place(),
    ) -> torch.Tensor:
        """Compute the layer through its arrays, or through the integer twin.

        Parameters
        ----------
        x : Tensor
            ``(batch, channels, height, width)`` or ``(batch, ..., inputs)``.
        product : Product
            The use of the layer: geometry and bias.
        digital : bool
        recorder : Recorder, optional
            Measure energy and saturations into it.
        place : Place
            Where in the run this batch is.
        """
        integers, window = self.integers(x, product)
        scale = self.weight_scale * self.input.scale
        bias = np.zeros(len(scale)) if product.bias is None else product.bias.double().numpy()
        out = self.empty_result(x.shape[0], window, np.float32)
        saturated = self.programmed.compute(
            integers,
            window,
            scale,
            bias,
            out,
            digital=digital,
            first_image=place.first_of(len(integers)),
            use=place.use,
        )
        if recorder is not None:
            drives = self.programmed.drives(integers, window)
            recorder.add(self.programmed.plan.name, drives, saturated)
        result = torch.from_numpy(out)
        if product.kind == "linear":
            result = result.transpose(1, 2)
        return result.reshape(self.result_shape(x, product, window)).to(x.dtype)
