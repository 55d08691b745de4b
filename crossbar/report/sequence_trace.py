"""Traces of lengths: tokens of a sample, tokens a second, energy of a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from crossbar.report.facts import Facts
from crossbar.report.sequence_words import sequence_numbers
from crossbar.report.trace import Term, given, product, total

__all__ = ["sequence_traces"]

_GIVEN = {
    "tokens": "tokens of the example with which the network was captured",
    "shortest": "tokens of the shortest sample",
    "longest": "tokens of the longest sample",
}


def sequence_traces(facts: Facts) -> Iterator[tuple[str, tuple[Callable[[Facts], Term], ...]]]:
    """List the numbers of the lengths by their full names, and what traces each."""
    if not sequence_numbers(facts.report):
        return
    for name, trace in (
        ("mean", _mean),
        ("per_second", _per_second),
        ("energy_per_token", _energy_per_token),
    ):
        yield f"sequences.{name}", (trace,)
    for name in _GIVEN if facts.report.sequences is not None else ():
        yield f"sequences.{name}", (partial(_length, name=name),)


def _mean(facts: Facts) -> Term:
    """Trace the tokens of a sample to the lengths that occur."""
    block, mean = facts.report.sequences, sequence_numbers(facts.report)["mean"]
    what = "tokens of a sample"
    if block is None:
        return given(what, mean, note="every sample has as many")
    samples = sum(row["samples"] for row in block["by_length"])
    parts = [
        product(
            f"{row['tokens']} tokens",
            "",
            [
                given("tokens", row["tokens"]),
                given("share of the samples", row["samples"] / samples),
            ],
        )
        for row in block["by_length"]
    ]
    note = "mean over the samples; what was computed counts, padding that is left out does not"
    return facts.agreed(total(what, "", parts, note=note), mean, "sequences.mean")


def _per_second(facts: Facts) -> Term:
    """Trace the tokens a second to those of a sample and the throughput."""
    parts = [
        _named_mean(facts),
        given("throughput", facts.report.throughput, "1/s", name="throughput"),
    ]
    note = "of a long stream of samples"
    term = product("tokens a second", "1/s", parts, note=note)
    reported = sequence_numbers(facts.report)["per_second"]
    return facts.agreed(term, reported, "sequences.per_second")


def _energy_per_token(facts: Facts) -> Term:
    """Trace the energy of a token to that of an inference."""
    parts = [
        given("energy of one inference", facts.report.energy, "J", name="energy"),
        _named_mean(facts).under(),
    ]
    term = product("energy of a token", "J", parts)
    reported = sequence_numbers(facts.report)["energy_per_token"]
    return facts.agreed(term, reported, "sequences.energy_per_token")


def _named_mean(facts: Facts) -> Term:
    mean = sequence_numbers(facts.report)["mean"]
    return given("tokens of a sample", mean, name="sequences.mean")


def _length(facts: Facts, name: str) -> Term:
    return given(_GIVEN[name], (facts.report.sequences or {})[name])
