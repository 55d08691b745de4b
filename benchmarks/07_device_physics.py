"""What each imperfection of real arrays costs in accuracy, alone and together.

The bundled ResNet-20 (Fashion-MNIST, 95.0 % in float) on ReRAM and on SOT-MRAM crossbars side by
side: programming error, stuck cells in both polarities and all encodings, on/off ratio and what is
done about the pedestal, wire resistance and array size, ADC bits, rows per read; then every effect
alone and all together.  Where ``CROSSBAR_DATA`` is set (see ``benchmarks/cifar.py``), the published
CIFAR-10 ResNet-20 as well.  Each point is the mean of several chips, drawn anew; every study is
kept under ``--out``, and a second run takes seconds.  The figure is ``device_physics.svg``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import options, write
from physics_figure import draw

from crossbar.arch import load_arch
from crossbar.study.description import make_study
from crossbar.sweeping import run_study
from crossbar.tables import table

CLEAN = {"cell.variation": "none", "cell.read_noise": 0.0}
"""The cells of a preset without their errors: levels, on/off ratio and converters stay."""

OFFSET = {
    "array.encoding": "offset",
    "array.subtract": "digital",
    "array.flip_columns": True,
}
"""ISAAC's encoding in place of the presets' pairs of columns."""

RATES = [0.0, 0.002, 0.005, 0.02, 0.1079]
ON_SHARE = 9.04 / 10.79
"""Of all stuck cells, in the polarity of Yuan et al. (ISQED 2021); the other is the reverse."""

QUICK = ("variation sot", "stuck offset mostly on", "together reram")
"""Studies of the short form."""

EFFECTS: dict[str, dict[str, Any]] = {
    "none": {},
    "programming error": {"cell.variation": ...},
    "read noise": {"cell.read_noise.sigma": 0.01, "cell.read_noise.thermal": True},
    "telegraph noise": {
        "cell.read_noise.rtn_share": 0.1,
        "cell.read_noise.rtn_amplitude": 0.1,
    },
    "wires, 0.2 ohm": {
        "array.wire_resistance_row": "0.2 ohm",
        "array.wire_resistance_col": "0.2 ohm",
    },
    "0.2 % stuck": {"faults.on": 0.001, "faults.off": 0.001},
    "ADC errors": {"adc.offset": 0.2, "adc.inl": 0.5, "adc.dnl": 0.3, "adc.noise": 0.3},
}
"""Effects of the last study; ``...`` stands for the preset's own value."""


def chip(preset: str, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """A preset with keys changed, as a study takes it."""
    return load_arch(preset, {**CLEAN, **(overrides or {})}).to_dict()


def studies(quick: bool) -> dict[str, tuple[dict[str, Any], str, str]]:
    """What is run: hardware and axes, the key across, and the key that tells lines apart."""

    def few(values: Sequence[Any]) -> list[Any]:
        return list(values[:: max(1, len(values) - 1)]) if quick else list(values)

    found: dict[str, tuple[dict[str, Any], str, str]] = {}
    sigmas = few([0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
    for name, arch, kind in (
        ("reram", chip("reram_hfo2"), "proportional"),
        ("reram constant", chip("reram_hfo2"), "constant"),
        ("reram offset", chip("reram_hfo2", OFFSET), "proportional"),
        ("sot", chip("sot_mram"), "proportional"),
    ):
        axis = {"cell.variation.kind/cell.variation.sigma": [(kind, s) for s in sigmas]}
        found[f"variation {name}"] = (
            {"arch": arch, "axes": axis},
            "cell.variation.sigma",
            "cell.variation.kind",
        )
    for encoding in few(["offset", "differential", "twos_complement"]):
        for mostly, share in (("on", ON_SHARE), ("off", 1 - ON_SHARE)):
            rates = [(rate * share, rate * (1 - share)) for rate in few(RATES)]
            # flipped columns are ISAAC's and would help offset alone
            keys = {"array.encoding": encoding, "array.flip_columns": False, "adc.bits": 9}
            found[f"stuck {encoding} mostly {mostly}"] = (
                {
                    "arch": load_arch("isaac_8bit", keys).to_dict(),
                    "axes": {"faults.on/faults.off": rates},
                },
                "faults.on",
                "",
            )
    ratios = few([2.0, 3.0, 5.0, 10.0, 50.0])
    found["on over off"] = (
        {
            "arch": chip("reram_hfo2", OFFSET),
            "axes": {
                "cell.g_off": [f"{40.0 / ratio:.6g} uS" for ratio in ratios],
                "cell.pedestal": few(["reference", "digital", "none"]),
            },
        },
        "cell.g_off",
        "cell.pedestal",
    )
    steps = [(f"{r} ohm", f"{r} ohm") for r in few([0, 0.2, 0.5, 1, 2])]
    wires = "array.wire_resistance_row/array.wire_resistance_col"
    found["wires offset"] = (
        {"arch": chip("reram_hfo2", OFFSET), "axes": {wires: steps}},
        "array.wire_resistance_row",
        "",
    )
    found["wires"] = (
        {
            "arch": chip("reram_hfo2"),
            "axes": {
                "array.rows/array.cols": [(n, n) for n in few([32, 64, 128, 256, 512])],
                wires: steps,
            },
        },
        "array.wire_resistance_row",
        "array.rows",
    )
    found["adc"] = (
        {
            "arch": chip("reram_hfo2", OFFSET),
            "axes": {
                "adc.policy": few(["clip", "full", "calibrated"]),
                "adc.bits": few([4, 5, 6, 7, 8]),
            },
        },
        "adc.bits",
        "adc.policy",
    )
    for name, preset in (("reram", "reram_hfo2"), ("sot", "sot_mram")):
        found[f"rows {name}"] = (
            {
                "arch": load_arch(preset).to_dict(),
                "axes": {"array.rows_per_read": few([16, 32, 64, 128])},
            },
            "array.rows_per_read",
            "",
        )
    for name, preset in (("reram", "reram_hfo2"), ("sot", "sot_mram")):
        found[f"together {name}"] = (together(preset, quick), "", "")
    return {name: found[name] for name in QUICK} if quick else found


def together(preset: str, quick: bool) -> dict[str, Any]:
    """One point an effect, and one with all of them."""
    own = load_arch(preset).to_dict()["cell"]["variation"]
    own = own["name"] if own["kind"] == "fit" else own["sigma"]
    sets = dict(EFFECTS)
    sets["together"] = {key: value for keys in EFFECTS.values() for key, value in keys.items()}
    keys = list(dict.fromkeys(key for keys in EFFECTS.values() for key in keys))
    default: dict[str, Any] = {
        "cell.variation": "none",
        "cell.read_noise.thermal": False,
        "array.wire_resistance_row": "0 ohm",
        "array.wire_resistance_col": "0 ohm",
    }
    rows = [
        [own if (v := chosen.get(key, default.get(key, 0.0))) is ... else v for key in keys]
        for chosen in sets.values()
    ]
    if quick:
        rows = [rows[0], rows[-1]]
    return {"arch": chip(preset, {"adc.kind": "sar"}), "axes": {"/".join(keys): rows}}


def labels(quick: bool) -> list[str]:
    """Names of the points of `together`."""
    names = [*EFFECTS, "together"]
    return [names[0], names[-1]] if quick else names


def compute(
    described: dict[str, Any], name: str, folder: Path, words: dict[str, Any]
) -> list[dict[str, Any]]:
    """Compute what is missing of a study; returns its rows."""
    study = make_study({"name": name, "measure": "accuracy", **words, **described})
    outcome = run_study(study, folder / name.replace(" ", "_"), jobs=1)
    rows = [dict(row) for row in outcome.table]
    broken = [row for row in rows if row["status"] != "done"]
    if broken:
        raise SystemExit(f"{name}: {len(broken)} points failed: {broken[0]}")
    return rows


def show(name: str, rows: list[dict[str, Any]], keys: list[str], names: list[str] | None) -> None:
    """Print a study as a table."""
    cells = []
    for k, row in enumerate(rows):
        where = [names[k]] if names else [str(row[key]) for key in keys]
        spread = row.get("accuracy_std") or 0.0
        cells.append([*where, f"{100 * row['accuracy']:.2f}", f"{100 * spread:.2f}"])
    print(f"\n{name}")
    print(table(["<" + key for key in (["effect"] if names else keys)] + ["%", "+-"], cells))


def main() -> None:
    """Run all studies, print them, draw the figure."""
    args = options(__doc__, "07_device_physics")
    words: dict[str, Any] = {
        "images": 10 if args.quick else 100,
        "trials": 1 if args.quick else 3,
        "seed": args.seed,
    }
    start = time.perf_counter()
    results: dict[str, list[dict[str, Any]]] = {}
    for name, (described, across, lines) in studies(args.quick).items():
        results[name] = compute(described, name, args.out, words)
        keys = [key for key in (lines, across) if key]
        if name.startswith("stuck"):
            keys = ["faults.on", "faults.off"]
        show(name, results[name], keys, labels(args.quick) if name.startswith("together") else None)
    if os.environ.get("CROSSBAR_DATA") and not args.quick:
        network = {
            "model": "benchmarks.cifar:resnet20",
            "data": "benchmarks.cifar:test_images",
            **words,
        }
        for name, preset in (("reram", "reram_hfo2"), ("sot", "sot_mram")):
            here = f"CIFAR-10 together {name}"
            results[here] = compute(together(preset, False), here, args.out, network)
            show(here, results[here], [], labels(False))
    spent = time.perf_counter() - start
    figure = draw(results, labels(args.quick), args.out / "device_physics.svg")
    count = sum(len(rows) for rows in results.values())
    print(f"\n{count} points of {words['images']} images x {words['trials']} chips: {spent:.0f} s")
    print(figure)
    print(write(args.out, "device_physics", {"studies": results, "seconds": spent}))


if __name__ == "__main__":
    main()
