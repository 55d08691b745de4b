"""The head of a printed report: what was run, and what was changed before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.arch import load_arch, preset_names
from crossbar.mapping.plan_text import counted
from crossbar.report.difference import changed_hardware
from crossbar.report.difference_text import setting_text
from crossbar.report.lines import broken_line, cut_line
from crossbar.report.report import Report

__all__ = ["LABEL", "facts_of_run", "head", "precision_words"]

LABEL = 12
"""Columns before what a line of the summary says."""

_CHANGES = 6
_NAMED = 3
_LONGEST = 40


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
        *_not_mapped(report),
    ]


def precision_words(report: Report) -> str:
    """Write the widths of weights and inputs: ``"8-bit"``, ``"ternary weights, 8-bit inputs"``."""
    weights, inputs = report.precision["weight_bits"], report.precision["input_bits"]
    asked = report.scenario.get("precision")
    levels = asked.get("weight_levels") if isinstance(asked, Mapping) else None
    return _widths(weights, inputs, levels)


def _widths(weights: object, inputs: object, levels: object) -> str:
    if levels == 3:
        return f"ternary weights, {inputs}-bit inputs"
    return f"{weights}-bit" + (f" weights, {inputs}-bit inputs" if weights != inputs else "")


def _changes(report: Report) -> Iterator[tuple[str, str]]:
    """Say which keys of the hardware differ from the preset that has its name."""
    arch = report.scenario.get("arch")
    if not isinstance(arch, Mapping) or report.arch not in preset_names():
        return
    rows = changed_hardware(load_arch(report.arch).to_dict(), arch)
    parts = [f"{row.key} {_setting(row.a)} -> {_setting(row.b)}" for row in rows[:_CHANGES]]
    if len(rows) > _CHANGES:
        parts.append(f"and {len(rows) - _CHANGES} more")
    if parts:
        yield "changed", ", ".join(parts)


def _setting(value: Any) -> str:
    text = setting_text(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _precision(report: Report) -> Iterator[tuple[str, str]]:
    """Name the widths where weights and inputs differ, or where they are not the hardware's."""
    words = precision_words(report)
    arch = report.scenario.get("arch")
    own = arch.get("precision") if isinstance(arch, Mapping) else None
    usual = words
    if isinstance(own, Mapping):
        levels = own.get("weight_levels")
        weights = 2 if levels == 3 else own.get("weight_bits")
        usual = _widths(weights, own.get("input_bits"), levels)
    if usual != words:
        yield "precision", f"{words} (the hardware's own: {usual})"
    elif " " in words:
        yield "precision", words


def _faults(report: Report) -> Iterator[tuple[str, str]]:
    """Name the harm that was done to the cells, with its own seed."""
    effects = report.scenario.get("effects")
    for name, effect in effects.items() if isinstance(effects, Mapping) else ():
        if name == "stuck_at" and isinstance(effect, Mapping):
            parts = [f"{_percent(effect.get(key))} stuck {key}" for key in ("on", "off")]
            parts.append(f"seed {effect.get('seed')}")
            yield "faults", ", ".join(parts)
        else:
            yield "faults", f"{name}: {_setting(effect)}"


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
