"""Which step of the ladder takes accuracy, in which layer, and what of the hardware to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.arch import Arch
from crossbar.arch.keys import arch_values
from crossbar.nn.explain_text import LADDER, share_text

__all__ = ["keys_to_try", "sentence"]

_MISMATCH = ("offset", "gain_error", "inl", "dnl", "noise", "enob")
_ROUNDING = ("precision.zero_point", "precision.activation_scale")
_NOISES = ("sigma", "additive", "rtn_share")


def keys_to_try(step: str, arch: Arch, precision: Mapping[str, Any] | None = None) -> list[str]:
    """Name keys of the hardware that a step depends on, with what they are now.

    Parameters
    ----------
    step : str
        Of `LADDER`.
    arch : Arch
    precision : mapping, optional
        Of the layer, in place of the arch's: see `crossbar.mapping.precision.KEYS`.
    """
    values = arch_values(arch)
    values |= {f"precision.{key}": value for key, value in (precision or {}).items()}
    keys = dict.fromkeys(_KEYS[step](arch))
    if step == "quantised":  # of the layer, where it is known
        keys |= dict.fromkeys(k for k in _ROUNDING if k in values)
    return [f"{key} (now {_now(values.get(key))})" for key in keys]


def sentence(
    measure: str, steps: tuple[dict[str, Any], ...], guilty: Mapping[str, Any] | None, images: int
) -> str:
    """Say where the measure goes.

    Parameters
    ----------
    measure : str
    steps : tuple of dict
        As in `Explanation`.
    guilty : mapping or None
        As in `Explanation`.
    images : int
    """
    first = steps[0]["so_far"]
    last = next(step["so_far"] for step in reversed(steps) if step["present"])
    ends = f"{share_text(first)} in float, {share_text(last)} with everything on"
    if guilty is None:
        return f"Nothing is lost on these {images} samples: {measure} is {ends}."
    lost, step = share_text(first - last), guilty["step"]
    parts = [
        f"{lost} of {measure} is lost: {ends}.",
        f"The step '{step}' ({LADDER[step]}) takes most, {share_text(guilty['lost'])}.",
    ]
    parts += _others(steps, guilty)
    own = f"{guilty['own']:.1f} dB by this step alone"
    tried = len(guilty["spared"])
    if guilty["regained"] > 0:
        where = "It happens in" if 2 * guilty["regained"] >= guilty["lost"] else "Most of all in"
        parts.append(
            f"{where} {guilty['layer']} (its signal-to-noise ratio: {own}): without this step"
            f" there, {share_text(guilty['regained'])} comes back."
        )
    else:
        which = "the only layer" if tried == 1 else f"any one of the {tried} noisiest layers"
        parts.append(
            f"It is no single layer's: sparing {which} brings nothing back; the noisiest is"
            f" {guilty['layer']} ({own})."
        )
    if guilty["by_chance"]:
        parts.append(f"With {images} samples so little may be chance; run more.")
    parts.append(f"To try: {', '.join(guilty['try'])}.")
    return " ".join(parts)


def _others(steps: tuple[dict[str, Any], ...], guilty: Mapping[str, Any]) -> list[str]:
    """Name steps that take as much, and one that takes more when it acts alone."""
    said = []
    present = [step for step in steps[1:] if step["present"] and step["name"] != guilty["step"]]
    lost = {step["name"]: step["lost"] for step in present if step["lost"] is not None}
    equal = [name for name, share in lost.items() if share >= guilty["lost"]]
    if equal:
        said.append(f"As much goes with {' and '.join(repr(name) for name in equal)}.")
    alone = {step["name"]: step["alone"] for step in steps[1:] if step["alone"] is not None}
    if alone:
        worst = min(alone, key=lambda name: alone[name])
        mine = alone.get(guilty["step"])
        if worst != guilty["step"] and (mine is None or alone[worst] < mine):
            first = steps[0]["so_far"]
            said.append(f"Alone, '{worst}' takes more: {share_text(first - alone[worst])}.")
    return said


def _quantised(arch: Arch) -> Iterator[str]:
    yield "precision.weight_bits"
    yield "precision.input_bits"


def _converters(arch: Arch) -> Iterator[str]:
    adc = arch.adc
    if adc.policy != "lossless":
        yield "adc.bits"
        yield "adc.policy"
    yield from (f"adc.{key}" for key in _MISMATCH if getattr(adc, key))
    yield from (f"dac.{key}" for key in ("inl", "noise") if getattr(arch.dac, key))
    if arch.cell.pedestal in ("digital", "none") and arch.array.subtract != "analog":
        yield "cell.pedestal"
    if arch.cell.nonlinearity.kind != "none" and arch.dac.bits > 1:
        yield "dac.bits"
    yield "array.rows_per_read"


def _faults(arch: Arch) -> Iterator[str]:
    yield "array.encoding"
    if arch.cell.bits > 1:
        yield "cell.bits"
    yield "cell.narrow_slice"


def _variation(arch: Arch) -> Iterator[str]:
    variation = arch.cell.variation
    yield next(
        (f"cell.variation.{key}" for key in ("sigma", "sigmas", "name") if hasattr(variation, key)),
        "cell.table",
    )
    yield "cell.variation.verify_tolerance"
    yield "cell.bits" if arch.cell.bits > 1 else "cell.g_on"
    if arch.array.encoding != "differential":
        yield "array.encoding"


def _drift(arch: Arch) -> Iterator[str]:
    yield "cell.drift.nu" if hasattr(arch.cell.drift, "nu") else "cell.drift.kind"
    yield "cell.pedestal"
    yield "array.subtract"


def _wires(arch: Arch) -> Iterator[str]:
    resistances = ("wire_resistance_row", "wire_resistance_col", "driver_resistance")
    for key in (*resistances, "sense_resistance"):
        if getattr(arch.array, key):
            yield f"array.{key}"
    yield "array.rows"
    yield "array.cols"
    yield "cell.g_on"
    if arch.array.drive != "both":
        yield "array.drive"


def _noise(arch: Arch) -> Iterator[str]:
    noise = arch.cell.read_noise
    yield from (f"cell.read_noise.{key}" for key in _NOISES if getattr(noise, key))
    if noise.thermal or noise.shot:
        yield "cell.read_pulse"
        yield "cell.read_voltage"
    yield "array.rows_per_read"


_KEYS = {
    "quantised": _quantised,
    "converters": _converters,
    "faults": _faults,
    "variation": _variation,
    "drift": _drift,
    "wires": _wires,
    "noise": _noise,
}


def _now(value: Any) -> str:
    return "not set" if value is None else str(value)
