"""What several draws of a chip gave, in words, and what of the accuracy is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossbar.mapping.plan_text import counted
from crossbar.report.report import Report

__all__ = ["lost_words", "score_text", "spread_words", "trial_rows", "trial_words"]

_NOTICED = 0.005
"""Less of a loss is none."""

_WHERE = "where: crossbar run --explain, or xb.explain(mapped, data)"


def trial_words(report: Report) -> str | None:
    """Say how much the draws differ: ``"91.20 % +- 0.40 (worst 90.10) over 20 trials"``.

    None where the report is of a single draw.
    """
    trials = report.trials
    if trials is None:
        return None
    number = counted(int(trials["number"]), "trial")
    if trials["identical"]:
        return f"nothing is drawn on this hardware: one run stands for {number}"
    name, spread = "", trials["accuracy"]
    if spread is None:
        name, spread = next(iter(trials["metrics"].items()), ("", None))
    said = "" if spread is None else f"{f'{name} ' if name else ''}{spread_words(spread)} "
    seeds = trials["seeds"]
    of = f"seeds {seeds[0]}..{seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    return f"{said}over {number}, {of}"


def score_text(metric: str, value: float) -> str:
    """Write an accuracy in per cent, another score as it is."""
    return f"{100 * value:.2f} %" if metric == "accuracy" else f"{value:.4g}"


def spread_words(spread: Mapping[str, Any]) -> str:
    """Write mean, standard deviation and worst of shares in per cent."""
    if spread["mean"] is None:
        return "undefined"
    std = "" if spread["std"] is None else f" +- {100 * spread['std']:.2f}"
    return f"{100 * spread['mean']:.2f} %{std} (worst {100 * spread['worst']:.2f})"


def trial_rows(report: Report) -> list[tuple[str, Mapping[str, Any], str]]:
    """List what was measured in each draw: name, its spread, SI unit (``"%"``: a share)."""
    trials = report.trials
    if trials is None:
        return []
    rows = [] if trials["accuracy"] is None else [("accuracy", trials["accuracy"], "%")]
    rows += [(name, part, "") for name, part in trials["metrics"].items() if name != "accuracy"]
    return [*rows, ("energy", trials["energy"], "J")]


def lost_words(report: Report) -> str | None:
    """Say how much accuracy the crossbars lose, and how to find out where; None where they do not.

    Parameters
    ----------
    report : Report
    """
    before, after = report.float_accuracy, report.accuracy
    if before is None or after is None or report.scenario.get("metric", "accuracy") != "accuracy":
        return None
    if before - after < _NOTICED:
        return None
    lost, between = f"{100 * (before - after):.2f} % against the float model", ""
    if report.digital_accuracy is not None:  # what integers lose is not the hardware's doing
        rounding = 100 * (before - report.digital_accuracy)
        hardware = 100 * (report.digital_accuracy - after)
        between = f" ({rounding:.2f} % by rounding to integers, {hardware:.2f} % by the crossbars)"
    return f"{lost}{between}; {_WHERE}"
