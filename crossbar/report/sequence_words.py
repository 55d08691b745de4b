"""What a report says of the tokens of its samples."""

from __future__ import annotations

from crossbar.report.report import Report

__all__ = [
    "clock_time",
    "length_words",
    "mean_clocks",
    "mean_words",
    "sequence_numbers",
    "sequence_words",
    "shown_words",
]


def sequence_numbers(report: Report) -> dict[str, float]:
    """Return the tokens of a sample and what follows from them.

    Returns
    -------
    dict
        ``mean`` tokens of a sample, ``per_second`` [1/s], ``energy_per_token`` [J]; empty for a
        network without tokens, and for reports of earlier versions that do not tell them.
    """
    block, tokens = report.sequences, report.scenario.get("tokens")
    if block is not None:
        return {key: float(block[key]) for key in ("mean", "per_second", "energy_per_token")}
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 1:
        return {}
    return {
        "mean": tokens,
        "per_second": tokens * report.throughput,
        "energy_per_token": report.energy / tokens,
    }


def sequence_words(report: Report) -> str | None:
    """Say how long the sentences were: ``"12.3 tokens a sample (3 to 31), captured at 64"``."""
    block, numbers = report.sequences, sequence_numbers(report)
    if not numbers:
        return None
    rate = f"{numbers['per_second']:,.0f} tokens/s"
    if block is None:
        return f"{numbers['mean']} tokens a sample, {rate}"
    known = f"{_range(report)}, captured at {block['tokens']}"
    return f"{block['mean']:.4g} tokens a sample ({known}), {rate}"


def length_words(report: Report) -> int | str | None:
    """Return the tokens of a sample as a setting: ``64``, or ``"12.3 (3 to 31)"``."""
    block = report.sequences
    if block is not None and block["shortest"] != block["longest"]:
        return f"{block['mean']:.4g} ({_range(report)})"
    found = sequence_numbers(report).get("mean")
    return None if found is None else int(found)


def mean_words(report: Report) -> str:
    """Say over what times and their clocks are means: ``" (mean over 4 lengths)"``, or nothing."""
    if report.sequences is None:
        return ""
    rows = report.sequences["by_length"]
    return (
        f" (mean over {len(rows)} lengths)" if len(rows) > 1 else f" ({rows[0]['tokens']} tokens)"
    )


def shown_words(report: Report) -> str:
    """Say of which length a schedule is where times beside it are means: ``" of 12 tokens"``."""
    if report.sequences is None:
        return ""
    return f" of {report.sequences['schedule']['tokens']} tokens"


def mean_clocks(report: Report) -> tuple[float, float]:
    """Return the clocks of the latency and between two inferences, means as their seconds are."""
    clock = clock_time(report)
    if report.sequences is None or not clock:
        return float(report.cycles), float(report.stream["interval"])
    return report.latency / clock, 1 / (report.throughput * clock)


def clock_time(report: Report) -> float:
    """Return the length of a clock of the schedule that is shown [s]; 0 for an empty one."""
    latency = report.latency
    if report.sequences is not None:
        latency = report.sequences["schedule"]["latency"]
    return float(latency / report.cycles) if report.cycles else 0.0


def _range(report: Report) -> str:
    block = report.sequences or {}
    return f"{block['shortest']} to {block['longest']}"
