"""Traces of what is counted: actions, saturated conversions, arrays, tiles, right answers."""

from __future__ import annotations

from dataclasses import replace

from crossbar.errors import DataError
from crossbar.report.facts import Facts
from crossbar.report.trace import Term, given, named, product, round_up, total
from crossbar.timing.formulas import FORMULAS

__all__ = [
    "LAYER_NUMBERS",
    "accuracy",
    "chip_number",
    "count",
    "given_number",
    "layer_arrays",
    "layer_count",
    "layer_number",
    "saturated_share",
    "score",
    "width",
]

_ACCURACIES = {
    "accuracy": "on the crossbars",
    "float_accuracy": "of the float model",
    "digital_accuracy": "of the integer network without crossbars",
}

_GIVEN = {
    "images": ("samples that were run", "an estimate: no data ran"),
    "seed": ("seed of everything that was drawn; injected faults have one of their own", ""),
}

_WIDTHS = {
    "weight_bits": "bits of a weight, as most layers were mapped; of ternary weights two",
    "input_bits": "bits of an input, as most layers were mapped",
}

_FULL = "where the buffer of a tile is full, the layer goes on in the next (docs/timing.md)"
_EMPTY = {
    "skipped_arrays": ("arrays left empty between those in use", _FULL),
    "skipped_pes": ("PEs left empty between those in use", _FULL),
    "lending_tiles": (
        "tiles used for their buffers alone",
        "they hold what had no room in the tiles with arrays",
    ),
}
"""Numbers of what holds no array, what they are and why."""

LAYER_NUMBERS = {
    "weight_bits": "bits of a weight, as the layer was mapped; of ternary weights two",
    "input_bits": "bits of an input, as the layer was mapped",
    "positions": "input vectors of one inference: output pixels of a convolution, tokens",
    "replicas": "copies of the layer that share its positions; set by the hardware's replication",
    "cells": "inputs x outputs x columns a weight, times the copies",
    "reads": "reads of a row group for one position: the input's bits in digits of dac.bits",
    "row_groups": "groups of rows that the fullest array reads one after the other"
    " (array.rows_per_read)",
    "slot_cycles": "clocks of one read: the longer of array.cycle and the conversions of one ADC",
    "ideal_slot_cycles": "the same with an ADC for every array",
    "write_cycles": "clocks before an image in which its cells are programmed, and fetched for",
    "ideal_write_cycles": "the same with an ADC for every array",
    "buffer.need": "bytes that its inputs need in the buffers of its tiles: kernel height rows of"
    " the input, a vector for a linear layer (docs/timing.md)",
    "buffer.given": "bytes that its inputs are given there, a multiple of what they need that fills"
    " tile.buffer",
}
"""Numbers of a layer that are as the Plan has them, with what they mean."""


def count(facts: Facts, action: str) -> Term:
    """Trace a count to the layers."""
    parts = [named(f"{layer}.{action}", facts.count_in(layer, action)) for layer in facts.layers]
    of = "programming" if action == "cell_writes" else "one inference"
    term = total(f"{action} of {of}", "", parts, note=_formula(action))
    return facts.agreed(term, facts.count(action), f"counts.{action}")


def layer_count(facts: Facts, layer: str, action: str) -> Term:
    """Trace a count of one layer to its reads and positions, where it is a multiple of them."""
    value = facts.count_in(layer, action)
    what = f"{action} of {layer}"
    factors = [given("positions", facts.of_layer(layer, "positions"))]
    per = FORMULAS[action].per
    if per == "read":
        factors.insert(0, given("reads", facts.of_layer(layer, "reads")))
    each = None if value is None else value / (product("", "", factors).value or 1)
    if not per or not each or not each.is_integer():
        return given(what, value, note=_formula(action))
    unit = "a read and position" if per == "read" else "a position"
    term = product(what, "", [given(unit, int(each)), *factors], note=_formula(action))
    return facts.agreed(term, value, f"layers.{layer}.counts.{action}")


def saturated_share(facts: Facts) -> Term:
    """Trace the share of conversions that were clipped."""
    return product(
        "share of saturated conversions",
        "%",
        [
            given("saturations", facts.count("saturations"), name="saturations"),
            given(
                "adc_conversions", facts.count("adc_conversions"), name="adc_conversions"
            ).under(),
        ],
    )


def chip_number(facts: Facts, key: str) -> Term:
    """Trace what is in use: arrays, PEs, tiles, tiles of the chip, share of cells."""
    arch = facts.arch
    arrays = given("arrays", facts.of_chip("arrays"), name="chip.arrays")
    in_pe = given("pe.arrays", arch.pe.arrays).under()
    in_tile = given("tile.pes", arch.tile.pes).under()
    if key == "arrays":
        parts = [
            named(f"layers.{layer}.arrays", facts.of_layer(layer, "arrays"))
            for layer in facts.layers
        ]
        term = total("arrays in use", "", parts)
    elif key == "pes":
        held = round_up("PEs up to the last array", "", [_up_to_last(facts), in_pe])
        term = _less(facts, "PEs in use", held, "skipped_pes", -1)
    elif key == "tiles":
        held = round_up("tiles up to the last array", "", [_up_to_last(facts), in_pe, in_tile])
        term = _less(facts, "tiles in use", held, "lending_tiles", 1)
    elif key in _EMPTY:
        term = given(_EMPTY[key][0], facts.of_chip(key), note=_EMPTY[key][1])
    elif key == "chip_tiles":
        fixed = arch.chip.tiles != "auto"
        number = arch.chip.tiles if arch.chip.tiles != "auto" else facts.of_chip("tiles")
        source = "chip.tiles" if fixed else "chip.tiles: auto, as many as are in use"
        term = given("tiles of the chip", number, source=source)
    else:
        cells = [named(f"{layer}.cells", facts.of_layer(layer, "cells")) for layer in facts.layers]
        parts = [
            total("cells that hold weights", "", cells),
            arrays.under(),
            given("array.rows", arch.array.rows).under(),
            given("array.cols", arch.array.cols).under(),
        ]
        term = product("share of used cells", "%", parts)
    return facts.agreed(term, facts.of_chip(key), f"chip.{key}")


def _up_to_last(facts: Facts) -> Term:
    """Arrays up to the last one in use: also those that were left empty."""
    arrays = given("arrays in use", facts.of_chip("arrays"), name="chip.arrays")
    skipped = facts.of_chip("skipped_arrays")
    if not skipped:
        return arrays
    empty = given("arrays left empty", skipped, name="chip.skipped_arrays")
    return total("arrays up to the last in use", "", [arrays, empty])


def _less(facts: Facts, what: str, held: Term, key: str, sign: int) -> Term:
    """Add or take away what there is of units that hold none of the arrays or lie between."""
    other = facts.of_chip(key)
    if not other:
        return replace(held, what=what, note="neighbouring layers share them")
    return total(what, "", [held, given(_EMPTY[key][0], sign * other, note=_EMPTY[key][1])])


def layer_arrays(facts: Facts, layer: str) -> Term:
    """Trace the arrays of a layer to its copies."""
    arrays, copies = facts.of_layer(layer, "arrays"), facts.of_layer(layer, "replicas")
    if copies < 1 or arrays % copies:
        raise DataError(
            f"{facts.source}: layers.{layer}.arrays: {arrays} in {copies} equal copies is not"
            " possible"
        )
    parts = [given("copies", copies), given("arrays of one copy", arrays // copies)]
    note = (
        "a copy: its matrix, a column for each slice of a weight, cut into arrays; the copies are"
        " the hardware's replication"
    )
    term = product(f"arrays of {layer}", "", parts, note=note)
    return facts.agreed(term, arrays, f"layers.{layer}.arrays")


def layer_number(facts: Facts, layer: str, key: str) -> Term:
    """Say what a number of the Plan means."""
    group, point, inner = key.partition(".")
    value = facts.of_layer(layer, key) if not point else facts.inside_layer(layer, group, inner)
    return given(f"{key} of {layer}", value, "byte" if point else "", note=LAYER_NUMBERS[key])


def accuracy(facts: Facts, name: str) -> Term:
    """Trace an accuracy to the right answers, where the metric counts them."""
    report = facts.report
    value: float | None = getattr(report, name)
    of = _ACCURACIES[name]
    if value is None:
        return given(f"{name} {of}", None, "%", note="no targets, or not asked for")
    metric = report.scenario.get("metric", "accuracy")
    if metric != "accuracy":
        return given(f"{metric} {of}", value, note=f"the metric {metric} of the data that ran")
    trials = report.trials
    if trials is not None and name == "accuracy" and not trials["identical"]:
        number = trials["number"]
        note = f"mean of {number} trials, each the share of right answers in the data"
        return given(f"{name} {of}", value, "%", note=note)
    right = value * (report.images or 0)
    if not report.images or abs(right - round(right)) > 1e-6 * report.images:
        return given(f"{name} {of}", value, "%", note="share of right answers in the data")
    parts = [
        given("right answers", round(right)),
        given("samples", report.images, name="images").under(),
    ]
    note = "right: the largest output is the class that the data names"
    term = product(f"{name} {of}", "%", parts, note=note)
    return facts.agreed(term, value, name)


def width(facts: Facts, name: str) -> Term:
    """Say what the width of weights or inputs is."""
    note = _WIDTHS.get(name, "")
    return given(f"{name} of the network", facts.report.precision[name], note=note)


def given_number(facts: Facts, name: str) -> Term:
    """Say what a number is that the run was given."""
    what, missing = _GIVEN[name]
    value: int | None = getattr(facts.report, name)
    return given(what, value, note=missing if value is None else "")


def score(facts: Facts, name: str) -> Term:
    """Say what another score is."""
    value = facts.report.metrics[name]
    if name == "agreement":
        what = "share of samples for which the crossbars choose as the float model does"
        return given("agreement", value, "%", note=f"{what} (a single output: their correlation)")
    if name == "digital_agreement":
        what = "share of samples for which the integer network chooses as the float model does"
        return given(name, value, "%", note=f"{what} (a single output: their correlation)")
    return given(name, value, note="a score of the crossbars' outputs against the targets")


def _formula(action: str) -> str:
    found = FORMULAS[action]
    return f"{found.what}; of each layer: {found.formula}"
