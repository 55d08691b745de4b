"""What ``crossbar run`` looks at before the long work: batches, labels, inputs, kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from crossbar.errors import InputError

if TYPE_CHECKING:
    from crossbar.cli.progress import Stages
    from crossbar.nn.models import Model

__all__ = [
    "check_inputs",
    "check_labels",
    "check_whole_batches",
    "fixed_batch",
    "note_compiling",
]


def fixed_batch(name: str | None, batch: int, network: Model) -> int | None:
    """Return the only size of batches that an exported program takes, None where any will do."""
    from torch.export import ExportedProgram

    from crossbar.nn.pt2 import input_shapes_of

    if isinstance(network, ExportedProgram):
        sizes = {shape[0] for shape in input_shapes_of(network).values() if shape}
        fixed = [size for size in sizes if isinstance(size, int)]
        if fixed and fixed != [batch]:
            raise InputError(
                f"{name}: exported for batches of {fixed[0]} only; export it with a free batch"
                f" axis (dynamic_shapes=...), or give --batch {fixed[0]}"
            )
        if fixed:
            return fixed[0]
    return None


def check_whole_batches(samples: Iterable[Any], fixed: int | None, where: str) -> None:
    """Refuse samples whose last batch would be smaller than the only size that is taken."""
    from crossbar.nn.data import count_samples

    count = None if fixed is None else count_samples(samples)
    if fixed and count and count % fixed:
        raise InputError(
            f"{where}: {count} sample{'' if count == 1 else 's'}, but the network was exported for"
            f" batches of {fixed} only; give --images with a multiple of {fixed}"
        )


def check_labels(data: Any, loader: Iterable[Any], where: str) -> None:
    """Find labels that are no class numbers before the long work, all of them where it is cheap."""
    from crossbar.nn.data import Head, is_whole, split_batch
    from crossbar.nn.data_files import check_labels as check_classes

    if is_whole(data):
        targets = split_batch(data, where=where).targets
        if targets is not None:
            check_classes(targets, f"{where}: y")
    for batch in Head(loader, None if isinstance(loader, list) else 2, where):
        targets = split_batch(batch, where=where).targets
        if targets is not None:
            check_classes(targets, f"{where}: y of a batch")


def check_inputs(network: Model, loader: Iterable[Any], where: str) -> None:
    """Find data that the network does not take before the long work."""
    from torch.export import ExportedProgram

    from crossbar.nn.data import Head, split_batch
    from crossbar.nn.data_files import check_model_takes, check_shape
    from crossbar.nn.pt2 import input_shapes_of

    first = next(iter(Head(loader, 2, where)))
    if not isinstance(network, ExportedProgram):
        check_model_takes(network, first, where)
        return
    shapes = input_shapes_of(network).values()
    for value, expected in zip(split_batch(first, where=where).args, shapes, strict=False):
        check_shape(tuple(value.shape[1:]), expected[1:], where)


def note_compiling(stages: Stages) -> None:
    """Say so when the kernels have not been compiled yet on this machine, or never stay."""
    from crossbar.kernels._jit import cache_folder, cache_problem

    folder = cache_folder()
    if cache_problem():
        stages.note(
            f"kernels cannot be cached in {folder} ({cache_problem()}): every run compiles them"
            " anew, for less than a minute; name another folder with CROSSBAR_CACHE"
        )
    elif not any(folder.rglob("*.nbi")):  # numba makes the folder itself as soon as it is imported
        stages.note(
            f"first run: kernels are compiled once, for less than a minute, and cached in {folder}"
        )
