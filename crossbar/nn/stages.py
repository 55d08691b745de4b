"""One network and its data on many chips: what does not depend on the hardware is done once.

Loading and capturing need no hardware, calibration only the width of the inputs, the float and the
integer answers only the widths.  What is left for each chip is to program its cells and to read
them: converters that clip change the inputs of every later layer, so reads cannot be shared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.device.faults import Faults
from crossbar.mapping.precision import complete_precision
from crossbar.nn.calibrate import Calibrated, calibrate
from crossbar.nn.convert import dynamic_of, map_captured, precisions_of
from crossbar.nn.data import Head, as_loader, inputs_for, split_batch
from crossbar.nn.effects import inject
from crossbar.nn.graph.captured import Captured, capture_model
from crossbar.nn.graph.export import parameter_names
from crossbar.nn.run import simulate_beside
from crossbar.report import Report

__all__ = ["Bench", "network_digest"]

_CALIBRATION, _BATCH = 64, 50


@dataclass
class Bench:
    """A network with its data, to be put on one chip after the other.

    Parameters
    ----------
    load : callable
        Returns the model and its data, as `crossbar.nn.run.simulate` takes it.
    images : int, optional
        Use only the first samples.
    observer : str
    """

    load: Callable[[], tuple[torch.nn.Module, Any]]
    images: int | None = None
    observer: str = "minmax"
    _network: tuple[Captured, Any] | None = None
    _scales: dict[tuple[int, str], dict[str, Calibrated]] = field(default_factory=dict)
    _float: dict[str, NDArray[np.floating]] = field(default_factory=dict)
    _answers: dict[tuple[Any, ...], dict[str, NDArray[np.floating]]] = field(default_factory=dict)

    def report(
        self,
        arch: Arch,
        faults: Faults | None = None,
        seed: int = 0,
        *,
        trials: int | None = None,
        t_inference: float | None = None,
    ) -> Report:
        """Run the data through the network on a chip.

        Parameters
        ----------
        arch : Arch
        faults : StuckAt, ClusteredFaults, LineFaults, FaultMap or a tuple of them, optional
        seed : int
            Of everything that is drawn.
        trials : int, optional
        t_inference : float, optional
            Time between programming and the run [s].
        """
        precision = complete_precision(arch, None)
        captured, data = self._captured()
        scales = self._scales_of(captured, data, arch)
        mapped = map_captured(captured, arch, scales, precision=precision, observer=self.observer)
        if faults is not None:
            mapped = inject(mapped, faults, seed=seed)
        samples = Head(as_loader(data, _BATCH), self.images, "data")
        widths = (*precision.values(), arch.attention)
        known = self._answers.get(widths, self._float)
        report, outputs = simulate_beside(
            mapped, samples, seed=seed, trials=trials, t_inference=t_inference, known=known
        )
        self._float = {"float": outputs["float"]}
        self._answers[widths] = {mode: outputs[mode] for mode in ("float", "digital")}
        return report

    def _captured(self) -> tuple[Captured, Any]:
        if self._network is None:
            model, data = self.load()
            names = parameter_names(model)
            args, kwargs = inputs_for(names, self._calibration(data), "calibration")
            self._network = capture_model(model, args, kwargs), data
        return self._network

    def _calibration(self, data: Any) -> list[Any]:
        return list(Head(as_loader(data, _CALIBRATION), _CALIBRATION, "calibration"))

    def _scales_of(self, captured: Captured, data: Any, arch: Arch) -> dict[str, Calibrated]:
        key = arch.precision.input_bits, arch.attention
        if key not in self._scales:
            own, dynamic = precisions_of(captured, arch, {}), dynamic_of(captured, arch)
            samples = self._calibration(data)
            self._scales[key] = calibrate(captured, samples, self.observer, own, dynamic)
        return self._scales[key]


def network_digest(model: Any, data: Any, images: int | None) -> str:
    """Return digits that change with a model's parameters and structure, or with its data.

    Parameters
    ----------
    model : nn.Module or ExportedProgram
    data
        As `crossbar.nn.run.simulate` takes it.
    images : int, optional
        Samples that are run; the first `_CALIBRATION` count in any case.
    """
    digest = hashlib.sha256()
    structure = model if isinstance(model, torch.nn.Module) else model.graph_module.code
    digest.update(str(structure).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor))
    limit = None if images is None else max(images, _CALIBRATION)
    for raw in Head(as_loader(data, _BATCH), limit, "data"):
        batch = split_batch(raw)
        for value in (*batch.args, *batch.kwargs.values(), batch.targets):
            if isinstance(value, torch.Tensor):
                digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
                digest.update(_bytes(value))
    return digest.hexdigest()[:24]


def _bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
