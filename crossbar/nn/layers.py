"""One mapped layer: torch tensors in and out, integers and arrays in between."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.array.conditions import Conditions
from crossbar.array.layer import ProgrammedLayer
from crossbar.array.window import Window
from crossbar.errors import DataError
from crossbar.kernels.inputs import quantise
from crossbar.nn.graph.product import Product
from crossbar.nn.quantise import InputScale, token_scales
from crossbar.nn.unfolding import result_shape, unfold

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
    energies : dict of str to float
        Of the cells [J], of layers whose cells are programmed for every image.
    """

    drives: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    saturations: dict[str, int] = field(default_factory=dict)
    energies: dict[str, float] = field(default_factory=dict)

    def add(self, layer: str, drives: NDArray[np.float64], saturations: int) -> None:
        """Add one batch of one layer."""
        self.drives[layer] = self.drives[layer] + drives if layer in self.drives else drives
        self.saturations[layer] = self.saturations.get(layer, 0) + saturations

    def add_energy(self, layer: str, energy: float, saturations: int) -> None:
        """Add one image [J] of a layer whose cells are programmed for it."""
        self.energies[layer] = self.energies.get(layer, 0.0) + energy
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
    room : int
        Numbers of input vectors that a sample has; as many as it has vectors where 0.
    """

    first: int = 0
    samples: int = 0
    use: int = 0
    room: int = 0

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

    @cached_property
    def _raised(self) -> NDArray[np.float64]:
        """What the code of zero adds to each output: ``zero`` times the sum of its weights."""
        sums = self.programmed.weights.sum(1, dtype=np.int64)
        return np.asarray(self.input.zero * sums, dtype=np.float64)

    def token_scales(self, x: torch.Tensor, product: Product) -> NDArray[np.float32] | None:
        """Scale of each input vector, ``float32[batch, tokens]``; None where all have the same."""
        if not self.input.by_token:
            return None
        image, _ = unfold(x, product)
        return token_scales(image[:, :, 0], self.input)

    def integers(
        self, x: torch.Tensor, product: Product, scales: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.integer], Window]:
        """Quantise the input and pad it: ``int[batch, channels, height, width]``.

        Parameters
        ----------
        x : Tensor
        product : Product
        scales : float32[batch, tokens], optional
            Of `token_scales`, where they are known already.
        """
        if self.input.by_token and scales is None:
            scales = self.token_scales(x, product)
        image, window = unfold(x, product)
        down, across = window.padding
        dtype = np.int16 if self.input.high < 1 << 15 else np.int32
        source = image.detach().to(torch.float32).contiguous().numpy()
        shape = (*source.shape[:2], source.shape[2] + 2 * down, source.shape[3] + 2 * across)
        own, zero = self.input, self.input.zero
        out = np.full(shape, zero, dtype=dtype)
        scale = np.float32(own.scale)
        if scales is not None:
            source, scale = source / scales[:, :, None, None], np.float32(1.0)
        if quantise(source, scale, own.low, own.high, down, across, out, zero):
            raise DataError(f"{product.step}: its input holds NaN")
        if source.size and source.min() == -np.inf:  # of a mask that is no mask here
            raise DataError(f"{product.step}: its input holds -inf")
        return (out.transpose(0, 3, 2, 1) if window.tokens else out), window

    def empty_result(
        self, batch: int, window: Window, dtype: type[np.floating]
    ) -> NDArray[np.floating]:
        """Make room for ``[batch, outputs, positions]``, laid out as the layer computes it."""
        outputs = len(self.weight_scale)
        if window.tokens:
            return np.empty((batch, window.positions, outputs), dtype=dtype).transpose(0, 2, 1)
        return np.empty((batch, outputs, window.positions), dtype=dtype)

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
            ``(batch, channels, *map)`` or ``(batch, ..., inputs)``.
        product : Product
            The use of the layer: geometry and bias.
        digital : bool
        recorder : Recorder, optional
            Measure energy and saturations into it.
        place : Place
            Where in the run this batch is.
        """
        rows = self.token_scales(x, product)
        integers, window = self.integers(x, product, rows)
        scale = self.weight_scale * (self.input.scale if rows is None else 1.0)
        bias = np.zeros(len(scale)) if product.bias is None else product.bias.double().numpy()
        if self.input.zero:
            bias = bias - scale * self._raised
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
            room=place.room,
            rows=rows,
            count=recorder is not None,
        )
        if recorder is not None:
            drives = self.programmed.drives(integers, window)
            recorder.add(self.programmed.plan.name, drives, saturated)
        result = torch.from_numpy(out)
        if product.kind == "linear":
            result = result.transpose(1, 2)
        return result.reshape(result_shape(x, product)).to(x.dtype)
