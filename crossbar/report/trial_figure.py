"""A figure of the accuracies that several draws of a chip gave."""

from __future__ import annotations

from crossbar.mapping.plan_text import counted
from crossbar.report.drawing import COLOURS, INK
from crossbar.report.figures import Picture
from crossbar.report.report import Report
from crossbar.report.trial_words import spread_words

__all__ = ["accuracies"]

_SIZE = (5.2, 2.6)


def accuracies(report: Report) -> Picture | None:
    """Draw how many trials gave which accuracy; None where there are fewer than two to show."""
    trials = report.trials
    if trials is None or trials["identical"] or trials["histogram"] is None:
        return None
    counts = trials["histogram"]["counts"]
    edges = [100 * edge for edge in trials["histogram"]["edges"]]
    if sum(counts) < 2:
        return None
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    spread = trials["accuracy"]
    figure = Figure(figsize=_SIZE, facecolor="white")
    axes = figure.add_axes((0.11, 0.2, 0.86, 0.66))
    title = f"Accuracy over {counted(int(trials['number']), 'trial')}"
    axes.set_title(title, loc="left")
    axes.bar(
        edges[:-1],
        counts,
        width=[b - a for a, b in zip(edges, edges[1:], strict=False)],
        align="edge",
        color=COLOURS[0],
        edgecolor="white",
        linewidth=0.6,
    )
    axes.axvline(100 * spread["mean"], color=INK, linewidth=1.2, linestyle="--", label="mean")
    if report.float_accuracy is not None and _near(100 * report.float_accuracy, edges):
        axes.axvline(
            100 * report.float_accuracy, color=COLOURS[5], linewidth=1.2, label="float model"
        )
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("accuracy [%]")
    axes.set_ylabel("trials")
    axes.spines[["top", "right"]].set_visible(False)
    caption = f"{spread_words(spread)}; +-: standard deviation. Dashed: the mean."
    return Picture(title, figure, caption)


def _near(value: float, edges: list[float]) -> bool:
    """Whether a value is not so far off that the bars would be squeezed."""
    width = edges[-1] - edges[0]
    return edges[0] - width <= value <= edges[-1] + width
