"""The head of a printed report: what was run, and what was changed before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.arch import load_arch, preset_names
from crossbar.arch.keys import key_table
from crossbar.mapping.plan_text import counted
from crossbar.report.difference import changed_hardware
from crossbar.report.difference_text import setting_text
from crossbar.report.lines import broken_line, cut_line
from crossbar.report.report import Report
from crossbar.units import text

__all__ = ["LABEL", "duration", "facts_of_run", "head", "precision_words"]

LABEL = 12
"""Columns before what a line of the summary says."""

_CHANGES = 6
_NAMED = 3
_LONGEST = 40
_RATES = {
    "stuck_at": {"on": "stuck on", "off": "stuck off"},
    "clustered": {"on": "stuck on", "off": "stuck off"},
    "lines": {
        "row_on": "of rows stuck on",
        "row_off": "of rows stuck off",
        "col_on": "of columns stuck on",
        "col_off": "of columns stuck off",
    },
}
"""Kinds of faults (`crossbar.device.fault_data`), their rates and what these are shares of."""

_BITS = {"weight_bits": "weights", "input_bits": "inputs"}

_LONG_TIMES = ((31557600.0, "year"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"))


def head(report: Report) -> list[str]:
    """Write what was run: network, hardware and what differs from the hardware of that name."""
    (_, first), *others = facts_of_run(report)
    lines = [cut_line(f"{report.workload} on {report.arch}, {first}")]
    for label, words in others:
        is_long = len(label) >= LABEL
        start, indent = (f"{label}: ", 2) if is_long else (f"{label:<{LABEL}}", LABEL)
        lines += broken_line(start, words, indent)
    return lines


def facts_of_run(report: Report) -> list[tuple[str, str]]:
    """List what was run and what is not as the names say: a label, and what there is to say."""
    images = "" if report.images is None else f"{counted(report.images, 'sample')}, "
    return [
        ("run", f"{images}seed {report.seed}"),
        *_changes(report),
        *_precision(report),
        *_faults(report),
        *_conditions(report),
        *_not_mapped(report),
    ]


def precision_words(report: Report) -> str:
    """Write the widths of weights and inputs: ``"8-bit"``, ``"ternary weights, 8-bit inputs"``.

    Where layers differ: ``"mixed precision"``.
    """
    weights, inputs = report.precision["weight_bits"], report.precision["input_bits"]
    widths = {(row.get("weight_bits"), row.get("input_bits")) for row in report.layers}
    if len(widths) > 1:
        return "mixed precision"
    return _widths(weights, inputs, _asked(report).get("weight_levels"))


def _asked(report: Report) -> Mapping[str, Any]:
    asked = report.scenario.get("precision")
    return asked if isinstance(asked, Mapping) else {}


def _widths(weights: object, inputs: object, levels: object) -> str:
    if levels == 3:
        return f"ternary weights, {inputs}-bit inputs"
    return f"{weights}-bit" + (f" weights, {inputs}-bit inputs" if weights != inputs else "")


def _changes(report: Report) -> Iterator[tuple[str, str]]:
    """Say which keys of the hardware differ from the preset that has its name."""
    arch = report.scenario.get("arch")
    if not isinstance(arch, Mapping) or report.arch not in preset_names():
        return
    changed = changed_hardware(load_arch(report.arch).to_dict(), arch)
    rows = [
        row
        for row in changed
        if not _comes_along(row.key, row.a, row.b) and not _came_later(row.key, row.b)
    ]
    parts = [f"{row.key} {_setting(row.a)} -> {_setting(row.b)}" for row in rows[:_CHANGES]]
    if len(rows) > _CHANGES:
        parts.append(f"and {len(rows) - _CHANGES} more")
    if parts:
        yield "changed", ", ".join(parts)


def _comes_along(key: str, before: Any, after: Any) -> bool:
    """Whether a key has its default because another kind of its section has it."""
    known = key_table().get(key)
    if before is not None or known is None or known.default is ...:
        return before is None and key.endswith(".kind") and after == "none"
    written = known.default
    if known.marker is not None and written is not None:
        written = known.marker.write(written)
    return bool(after == written)


def _came_later(key: str, value: Any) -> bool:
    """Whether a file of an earlier version lacks a key, which is set on all hardware."""
    known = key_table().get(key)
    is_always_set = known is not None and not known.kinds and known.default not in (..., None)
    return value is None and is_always_set


def _setting(value: Any) -> str:
    words = setting_text(value)
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."


def _precision(report: Report) -> Iterator[tuple[str, str]]:
    """Name the widths where weights and inputs differ, or where they are not the hardware's.

    Layers with widths of their own, zero points, scales of tokens and ranges are named too.
    """
    words, asked = precision_words(report), _asked(report)
    if words == "mixed precision":
        widths = [asked.get(key) for key in ("weight_bits", "input_bits", "weight_levels")]
        words = f"{_widths(*widths)} but where said otherwise"
    extras = [f"{_quantised(asked)}"] if _quantised(asked) else []
    extras += [f"{place}: {_rule(asked[place])}" for place in ("first", "last") if place in asked]
    by_name = asked.get("layers")
    rules = list(by_name.items()) if isinstance(by_name, Mapping) else []
    extras += [f"{pattern}: {_rule(rule)}" for pattern, rule in rules[:_CHANGES]]
    extras += [f"and {len(rules) - _CHANGES} patterns more"] if len(rules) > _CHANGES else []
    observer = report.scenario.get("observer", "minmax")
    if observer != "minmax":
        yield "ranges", f"of inputs by {observer}"
    arch = report.scenario.get("arch")
    own = arch.get("precision") if isinstance(arch, Mapping) else None
    usual = words
    if isinstance(own, Mapping):
        levels = own.get("weight_levels")
        weights = 2 if levels == 3 else own.get("weight_bits")
        usual = _widths(weights, own.get("input_bits"), levels)
    if usual != words:
        yield "precision", "; ".join([f"{words} (the hardware's own: {usual})", *extras])
    elif " " in words or extras:
        yield "precision", "; ".join([words, *extras])


def _quantised(rule: Mapping[str, Any]) -> str:
    """Say in words how activations are rounded, where that is not the usual way."""
    words = {True: "zero points", False: "no zero points", None: ""}[rule.get("zero_point")]
    scale = str(rule.get("activation_scale"))
    by = {"token": "a scale for each token", "tensor": "one scale for all tokens"}.get(scale, "")
    return ", ".join(part for part in (words, by) if part)


def _rule(rule: Mapping[str, Any]) -> str:
    """Say in words what is asked for of single layers."""
    parts = [f"{rule[key]}-bit {what}" for key, what in _BITS.items() if rule.get(key) is not None]
    parts += ["ternary weights"] if rule.get("weight_levels") == 3 else []
    return ", ".join([*parts, *([_quantised(rule)] if _quantised(rule) else [])])


def _faults(report: Report) -> Iterator[tuple[str, str]]:
    """Name the harm that was done to the cells, with its own seed."""
    effects = report.scenario.get("effects")
    for name, effect in effects.items() if isinstance(effects, Mapping) else ():
        rates = _RATES.get(name.partition(" ")[0])
        if rates is not None and isinstance(effect, Mapping):
            shares = {what: effect.get(key) for key, what in rates.items()}
            parts = [f"{_percent(x)} {what}" for what, x in shares.items() if x or len(shares) < 3]
            if "size" in effect:
                parts.append(f"in clusters of {effect['size']:g} cells")
            yield "faults", ", ".join([*parts, f"seed {effect.get('seed')}"])
        elif name.startswith("fault_map") and isinstance(effect, Mapping):
            broken = counted(int(effect.get("broken_cells") or 0), "broken cell")
            yield "faults", f"{broken} of {effect.get('source')}"
        else:
            yield "faults", f"{name}: {_setting(effect)}"


def _conditions(report: Report) -> Iterator[tuple[str, str]]:
    """Say when the cells were read, and what was left out."""
    held = report.scenario.get("conditions")
    held = held if isinstance(held, Mapping) else {}
    parts = []
    drifts = _drifts(report.scenario.get("arch"))
    if isinstance(held.get("t_inference"), (int, float)):
        parts.append(f"read {duration(held['t_inference'])} after programming")
        if not drifts:
            parts.append("which changes nothing (cell.drift: none)")
    elif drifts:
        parts.append("read as programmed: cell.drift needs a time (t_inference)")
    if isinstance(held.get("effects"), list):
        parts.append(f"only {', '.join(held['effects']) or 'no effect'} taking part")
    if held.get("layers"):
        parts.append(f"{counted(len(held['layers']), 'layer')} under conditions of their own")
    if parts:
        yield "conditions", ", ".join(parts)


def _drifts(arch: Any) -> bool:
    """Whether the hardware of a scenario has cells that drift."""
    cell = arch.get("cell") if isinstance(arch, Mapping) else None
    drift = cell.get("drift") if isinstance(cell, Mapping) else None
    return isinstance(drift, Mapping) and drift.get("kind") not in (None, "none")


def duration(seconds: float) -> str:
    """Write a time as people say it: ``"1 day"``, ``"2.5 years"``, ``"20 s"``."""
    for length, unit in _LONG_TIMES:
        if seconds >= length:
            number = f"{seconds / length:.3g}"
            return f"{number} {unit}{'' if number == '1' else 's'}"
    return text(seconds, "s")


def _percent(share: Any) -> str:
    return f"{100 * share:.4g} %" if isinstance(share, (int, float)) else str(share)


def _not_mapped(report: Report) -> Iterator[tuple[str, str]]:
    """Name the layers that hold weights and are on no crossbar, those of most weights first."""
    nodes = [node for node in report.unpriced if node.get("weights")]
    nodes.sort(key=lambda node: -node["weights"])
    parts = [
        f"{node['name']} ({node['operator']}, {counted(node['weights'], 'weight')},"
        f" {counted(node['operations'], 'operation')})"
        for node in nodes[:_NAMED]
    ]
    rest = sum(node["weights"] for node in nodes[_NAMED:])
    if rest:
        parts.append(f"and {len(nodes) - _NAMED} more ({counted(rest, 'weight')})")
    if parts:
        them = "it" if len(nodes) == 1 else "them"
        words = f"{', '.join(parts)}; run in float, energy, time and area leave {them} out"
        yield "NOT on crossbars", words
