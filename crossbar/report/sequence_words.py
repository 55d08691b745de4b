"""What a report says of samples that are not all as long as the captured one."""

from __future__ import annotations

from crossbar.report.report import Report

__all__ = ["clock_time", "sequence_words", "shown_words"]


def sequence_words(report: Report) -> str | None:
    """Say how long the sentences were: ``"12.3 tokens a sample (3 to 31), captured at 64"``."""
    block = report.sequences
    if block is None:
        return None
    return (
        f"{block['mean']:.4g} tokens a sample ({block['shortest']} to {block['longest']}, captured"
        f" at {block['tokens']}), {block['per_second']:,.0f} tokens/s"
    )


def shown_words(report: Report) -> str:
    """Say of which length a schedule is where times beside it are means: ``" (12 tokens)"``."""
    if report.sequences is None:
        return ""
    return f" ({report.sequences['schedule']['tokens']} tokens)"


def clock_time(report: Report) -> float:
    """Return the length of a clock of the schedule that is shown [s]; 0 for an empty one."""
    latency = report.latency
    if report.sequences is not None:
        latency = report.sequences["schedule"]["latency"]
    return float(latency / report.cycles) if report.cycles else 0.0
