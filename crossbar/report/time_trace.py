"""Traces of times: the closed form of `crossbar.timing.bound`, layer by layer."""

from __future__ import annotations

from crossbar.errors import DataError
from crossbar.report.facts import Facts
from crossbar.report.trace import Term, given, named, product, round_up, total
from crossbar.timing.bound import OVERHEAD_SLOTS

__all__ = ["latency", "layer_cycles", "layer_fill", "layer_time", "throughput"]

_PIPELINE = (
    "ISAAC, ISCA 2016, figure 4: fetch, last conversion, its shift-and-add, tile adder,"
    " activation, write"
)


def latency(facts: Facts) -> Term:
    """Trace the latency to the fill of the pipeline and the positions of the slowest layer."""
    _check_kind(facts)
    on_path = [name for name in facts.layers if facts.of_layer(name, "fill_passes")]
    parts = [named(f"{name}.fill", layer_fill(facts, name).value, "s") for name in on_path]
    slowest = _slowest(facts)
    term = total(
        "latency",
        "s",
        [
            total("fill: first position through the longest path", "s", parts),
            _further(facts, slowest, f"further positions of the slowest layer, {slowest}"),
        ],
        "closed form of a pipeline with infinite buffers and free links"
        " (crossbar.timing.bound); a real schedule is never faster",
        note=_ties(facts, slowest),
    )
    return facts.agreed(term, facts.report.latency, "latency")


def throughput(facts: Facts) -> Term:
    """Trace the throughput to the work of the slowest layer."""
    _check_kind(facts)
    slowest = _slowest(facts)
    parts = [_turns(facts, slowest), *_slots(facts, slowest), _slot(facts, slowest)]
    term = product(
        "throughput",
        "1/s",
        [part.under() for part in parts],
        note="inferences that follow one another without a gap wait for the slowest layer,"
        f" {slowest}; {_ties(facts, slowest)}".rstrip("; "),
    )
    return facts.agreed(term, facts.report.throughput, "throughput")


def layer_time(facts: Facts, layer: str) -> Term:
    """Trace the time of a layer from its first issue to its last retire."""
    _check_kind(facts)
    term = total(
        f"time of {layer}",
        "s",
        [
            _depth(facts, layer, "first position"),
            _further(facts, layer, "further positions of one copy"),
        ],
        note="from first issue to last retire, if the layer never waits for others",
    )
    return facts.agreed(term, facts.of_layer(layer, "time"), f"layers.{layer}.time")


def layer_cycles(facts: Facts, layer: str) -> Term:
    """Trace the clocks of a layer to its time."""
    term = product(
        f"cycles of {layer}",
        "clock",
        [
            given(
                f"time of {layer}",
                layer_time(facts, layer).value,
                "s",
                name=f"layers.{layer}.time",
            ),
            given("clock", facts.arch.clock, "Hz"),
        ],
    )
    return facts.agreed(term, facts.of_layer(layer, "cycles"), f"layers.{layer}.cycles")


def _check_kind(facts: Facts) -> None:
    kind = facts.report.latency_kind
    if kind != "bound":
        raise DataError(
            f"{facts.source}: latency_kind: {kind!r} has no closed form to trace, only 'bound' has"
        )


def _slowest(facts: Facts) -> str:
    """Name the layer whose copies read longest."""
    return max(facts.layers, key=lambda name: _work(facts, name))


def _work(facts: Facts, layer: str) -> float:
    """Clocks in which the busiest copy of a layer reads; whole, so that equal ones are equal."""
    clocks = given("clocks", facts.of_layer(layer, "slot_cycles"))
    parts = [_turns(facts, layer), *_slots(facts, layer), clocks]
    return product("work", "clock", parts).value or 0


def _ties(facts: Facts, slowest: str) -> str:
    """Say that others are as slow, since speeding up one alone would change nothing."""
    most = _work(facts, slowest)
    others = sum(_work(facts, name) == most for name in facts.layers) - 1
    are = "other layer is" if others == 1 else "other layers are"
    return f"{others} {are} as slow as {slowest}" if others else ""


def layer_fill(facts: Facts, layer: str) -> Term:
    """Trace what a layer adds to the fill; one whose weights are shared may add twice."""
    passes = given("fill_passes", facts.of_layer(layer, "fill_passes"))
    note = "first position through the layer, as often as the longest path passes it"
    depth = _depth(facts, layer, "time of the first position")
    return product(f"fill of {layer}", "s", [passes, depth], note=note)


def _depth(facts: Facts, layer: str, what: str) -> Term:
    """Time from the first input of a position to its output."""
    slots = total(
        "slots of a position",
        "",
        [
            product("reads of a position", "", _slots(facts, layer)),
            given("fetch, join and write", OVERHEAD_SLOTS),
        ],
        _PIPELINE,
    )
    return product(what, "s", [slots, _slot(facts, layer)])


def _further(facts: Facts, layer: str, what: str) -> Term:
    """Time in which a copy reads all its positions but the first."""
    turns = _turns(facts, layer)
    parts = [turns, given("first", -1)]
    others = total("positions of a copy after the first", "", parts)
    return product(what, "s", [others, *_slots(facts, layer), _slot(facts, layer)])


def _turns(facts: Facts, layer: str) -> Term:
    positions = given("positions", facts.of_layer(layer, "positions"))
    copies = given("copies", facts.of_layer(layer, "replicas")).under()
    return round_up("positions of one copy", "", [positions, copies])


def _slots(facts: Facts, layer: str) -> list[Term]:
    return [
        given("reads", facts.of_layer(layer, "reads")),
        given("row groups", facts.of_layer(layer, "row_groups")),
    ]


def _slot(facts: Facts, layer: str) -> Term:
    """Time of one read."""
    arch = facts.arch
    clocks = facts.of_layer(layer, "slot_cycles")
    in_array = -(-round(arch.array.cycle * arch.clock * 1e6) // 10**6)
    limit = "array.cycle" if clocks == in_array else "the conversions"
    note = (
        "the longer of array.cycle and the conversions of one ADC at adc.rate"
        f" ({arch.pe.adcs} ADCs serve {arch.pe.arrays} arrays), in whole clocks; here {limit}"
    )
    parts = [given("clocks", clocks), given("clock", arch.clock, "Hz").under()]
    return product("time of a read", "s", parts, note=note)
