"""Do the figures of a report say what they show, for any number of layers?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crossbar.report.drawing import COLOURS, drawn, scaled, short, style
from crossbar.report.figures import pictures
from tests.report.reports import made
from tests.report.schedules import many, scheduled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crossbar.report import Report
    from crossbar.report.figures import Picture

SMALL = scheduled(made("lenet5"))
LARGE = many(150)
TITLES = [
    "Energy of one inference by component",
    "Dynamic energy of one inference by layer and component",
    "Timeline of the first inference",
    "What the arrays of each layer do during the first inference",
    "Critical path: what the latency consists of",
    "Utilisation of shared resources during the first inference",
]


def named(report: Report, title: str) -> tuple[Picture, Axes]:
    (found,) = [each for each in pictures(report) if each.title == title]
    return found, found.figure.axes[0]


def rows(axes: Axes) -> list[str]:
    """Names of the rows, from the top."""
    return [each.get_text() for each in axes.texts if each.get_horizontalalignment() == "right"]


def widths(axes: Axes) -> dict[int, float]:
    """Row -> right end of its bars."""
    ends: dict[int, float] = {}
    for collection in axes.collections:
        for path in collection.get_paths():
            corners = np.asarray(path.vertices, dtype=float)
            (left, low), (right, high) = corners.min(axis=0), corners.max(axis=0)
            row = round((low + high) / 2)
            assert left == pytest.approx(ends.get(row, 0.0))  # no gap between the parts
            ends[row] = right
    return dict(sorted(ends.items()))


@pytest.mark.parametrize("report", [SMALL, many(1), LARGE])
def test_every_figure_has_a_title_units_and_a_row_for_each_name(report: Report) -> None:
    found = pictures(report)
    assert [each.title for each in found] == TITLES
    for each in found:
        axes = each.figure.axes[0]
        assert axes.get_title(loc="left") == each.title
        assert axes.get_xlabel().endswith(("J]", "[us]", "[%]"))
        assert 1 <= len(rows(axes)) <= 42
        assert all(rows(axes))
        assert each.figure.get_figheight() < 11


def test_energies_of_layers_are_the_lengths_of_their_bars() -> None:
    _, axes = named(SMALL, TITLES[1])
    assert axes.get_xlabel() == "energy [nJ]"
    expected = [row["energy"] * 1e9 for row in SMALL.layers]
    assert list(widths(axes).values()) == pytest.approx(expected)


def test_leakage_is_a_part_of_its_component() -> None:
    report = made("lenet5", {"energy.leakage_share": 0.3})
    _, axes = named(report, TITLES[0])
    factor = {"energy [uJ]": 1e6, "energy [mJ]": 1e3}[axes.get_xlabel()]
    ranked = sorted((c["energy"] * factor for c in report.components.values()), reverse=True)
    assert list(widths(axes).values()) == pytest.approx([each for each in ranked if each])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["of actions", "leakage"]


def test_busy_and_idle_make_a_hundred_per_cent() -> None:
    for report in (SMALL, made("lenet5")):
        _, axes = named(report, TITLES[3])
        assert axes.get_xlim() == (0.0, 100.0)
        assert list(widths(axes).values()) == pytest.approx([100.0] * len(report.layers))


def test_the_critical_path_adds_up_to_the_latency() -> None:
    found, axes = named(SMALL, TITLES[4])
    assert sum(widths(axes).values()) == pytest.approx(SMALL.latency * 1e6)
    assert "costs no latency" in found.caption


def test_the_timeline_is_in_microseconds_and_of_all_layers() -> None:
    found, axes = named(SMALL, TITLES[2])
    assert axes.get_xlabel() == "time since the first input [us]"
    (image,) = axes.get_images()
    assert np.array_equal(np.asarray(image.get_array()), list(SMALL.timeline["layers"].values()))
    clocks = SMALL.timeline["bins"] * SMALL.timeline["window"]
    assert image.get_extent()[1] == pytest.approx(clocks / 1.28e9 * 1e6)
    assert f"{SMALL.timeline['window']:,} clocks" in found.caption


def test_many_layers_are_cut_to_the_largest_and_it_is_said() -> None:
    found, axes = named(LARGE, TITLES[1])
    assert len(rows(axes)) == 28
    assert {"stage0.block0.conv", "stage14.block9.conv"} <= set(rows(axes))
    assert found.caption.startswith("The 28 of 150 layers that need most, in network order: ")
    assert "The table below has all." in found.caption
    assert "28 of 150 layers" in named(LARGE, TITLES[3])[0].caption
    assert "28 of 150 layers and joins that take" in named(LARGE, TITLES[4])[0].caption
    found, axes = named(LARGE, TITLES[5])
    assert found.caption.startswith("148 of them: the busiest of each kind, and their mean. ")
    assert rows(axes)[:2] == ["tile 36 bus", "mean of 37 buses"]
    assert len(rows(axes)) == 8
    found, axes = named(LARGE, TITLES[2])
    assert np.asarray(axes.get_images()[0].get_array()).shape == (150, 100)
    assert "150 layers; every 4th is named" in found.caption


def test_what_a_report_does_not_have_is_not_drawn() -> None:
    report = replace(
        SMALL, resources=(), critical_path=(), timeline={"window": 1, "bins": 0, "layers": {}}
    )
    assert [each.title for each in pictures(report)] == [TITLES[0], TITLES[1], TITLES[3]]


def test_causes_and_kinds_that_are_new_are_drawn_all_the_same() -> None:
    first, *others = SMALL.layers
    idle = {**first["idle"], "_gated $": first["idle"]["drained"]}
    idle["drained"] = 0
    path = ({"layer": "conv1", "what": "noc", "cycles": SMALL.cycles},)
    bus = ({**SMALL.resources[0], "kind": "noc"},)
    report = replace(
        SMALL, layers=({**first, "idle": idle}, *others), critical_path=path, resources=bus
    )
    for title, name in ((TITLES[3], "_gated $"), (TITLES[4], "noc"), (TITLES[5], "noc")):
        legend = named(report, title)[1].get_legend()
        assert legend is not None
        assert name in [text.get_text() for text in legend.get_texts()]
    assert all(drawn(each.figure) for each in pictures(report))


def test_figures_are_written_as_pictures_and_leave_no_trace() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    found = pictures(SMALL)
    assert drawn(found[0].figure) == drawn(pictures(SMALL)[0].figure)
    assert drawn(found[0].figure, "png").startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before
    with style():
        assert matplotlib.rcParams["svg.fonttype"] == "none"


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(0.0, (1.0, "J")), (2e-6, (1e-6, "uJ")), (9.99e-10, (1e-12, "pJ")), (5e4, (1e3, "kJ"))],
)
def test_units_have_a_prefix(largest: float, expected: tuple[float, str]) -> None:
    factor, unit = scaled(largest, "J")
    assert factor == pytest.approx(expected[0])
    assert unit == expected[1]


def test_names_keep_their_end() -> None:
    assert short("encoder.layer.0.attention.self.query", 12) == "...elf.query"
    assert short("conv1") == "conv1"


def test_colours_differ() -> None:
    assert len(set(COLOURS)) == 8


def test_utilisation_is_drawn_as_large_as_it_is() -> None:
    idle = [{**row, "busy": row["busy"] // 100} for row in SMALL.resources]
    _, axes = named(replace(SMALL, resources=tuple(idle)), TITLES[5])
    largest = max(100 * row["busy"] / SMALL.cycles for row in idle)
    assert axes.get_xlim()[1] == pytest.approx(1.02 * largest)
    assert len(rows(axes)) == len(SMALL.resources) == 8


def test_where_layers_wait_for_room_the_critical_path_says_where_that_stands() -> None:
    words = "Layers wait for room in buffers, conv1 longest; on this path such time stands with"
    assert "room" not in named(made("lenet5"), TITLES[4])[0].caption
    blocked = {"cause": "blocked", "layer": "conv2", "clocks": SMALL.cycles}
    layers = ({**SMALL.layers[0], "waits_for": blocked}, *SMALL.layers[1:])
    assert words in named(replace(SMALL, layers=layers), TITLES[4])[0].caption
