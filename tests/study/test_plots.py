"""Do the figures of a study show its points, say what is held equal, and stand odd studies?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InputError, UnknownNameError
from crossbar.report.drawing import drawn
from crossbar.study.pareto import front
from crossbar.study.plots import KINDS, draw_plot, study_pictures
from tests.study.grids import HELD, Grid, costs, failed, point, vgg8

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crossbar.report.figures import Picture

NAMES = ["_offset $a", "$\\frac{", "<script>x()</script>", "a\x00b", "&amp;", True, None]


def lines(axes: Axes) -> dict[str, list[float]]:
    """Colour -> heights of the points of a line."""
    return {
        str(line.get_color()): [float(y) for y in np.asarray(line.get_ydata())]
        for line in axes.get_lines()
        if line.get_linestyle() in ("-", ":") and line.get_marker() != "None"
    }


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


def words(found: Picture) -> list[str]:
    """Everything that is written outside of the panels."""
    return [text.get_text() for text in found.figure.texts]


def crosses(axes: Axes) -> int:
    found = [line for line in axes.get_lines() if line.get_marker() == "x"]
    return sum(len(np.asarray(line.get_xdata())) for line in found)


def test_a_line_a_value_shows_the_energies_over_the_rows() -> None:
    grid = vgg8()
    found = draw_plot(grid)
    (axes,) = found.figure.axes
    assert axes.get_xlabel() == "array.rows"
    assert axes.get_ylabel() == "energy of one inference [uJ]"
    assert ticks(axes) == ["64", "128", "256"]
    assert axes.get_xscale() == "log"
    expected = [
        [row["energy"] * 1e6 for row in grid.rows if row["adc.bits"] == bits] for bits in (6, 7, 8)
    ]
    assert list(lines(axes).values()) == [pytest.approx(each) for each in expected]
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "adc.bits"
    assert [text.get_text() for text in legend.get_texts()] == ["6", "7", "8"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_has_a_title_and_says_what_is_held_equal(kind: str) -> None:
    found = draw_plot(vgg8(), kind)
    written = [*words(found), found.figure.axes[0].get_title(loc="left")]
    assert HELD in written
    assert found.title in written
    assert any("array size" in each for each in written)


def test_units_of_each_number() -> None:
    for name, label in (
        ("energy", "energy of one inference [uJ]"),
        ("latency", "latency [us]"),
        ("throughput", "throughput [thousand inferences/s]"),
        ("area", "area of the chip [mm2]"),
        ("power.average", "average power [mW]"),
        ("power.peak", "peak power [W]"),
    ):
        assert draw_plot(vgg8(), y=name).figure.axes[0].get_ylabel() == label


def test_seeds_become_a_mean_and_a_band() -> None:
    shares = {1e-3: [0.8, 0.9, 0.7], 1e-2: [0.5, 0.6, 0.4], 1e-1: [0.2, 0.1, 0.3]}
    rows = [
        point({"faults.on": rate, "seed": seed}, accuracy=share)
        for rate, found in shares.items()
        for seed, share in enumerate(found)
    ]
    found = draw_plot(Grid("faults", ("faults.on", "seed"), rows), y="accuracy")
    (axes,) = found.figure.axes
    assert axes.get_xlabel() == "faults.on"
    assert ticks(axes) == ["0.001", "0.01", "0.1"]
    assert list(lines(axes).values()) == [pytest.approx([80.0, 50.0, 20.0])]
    (band,) = axes.collections
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((10.0, 90.0))
    assert "Means over up to 3 values of seed. Bands reach" in found.caption


def test_a_failed_point_breaks_the_line_and_is_marked() -> None:
    grid = vgg8()
    for place in (4, 8):
        grid.rows[place] = failed({key: grid.rows[place][key] for key in grid.axes})
    found = draw_plot(grid)
    (axes,) = found.figure.axes
    middle = list(lines(axes).values())[1]
    assert np.isnan(middle[1])
    assert np.isfinite([middle[0], middle[2]]).all()
    assert crosses(axes) == 2
    assert found.caption.startswith("Not drawn, of 9 points: 2 failed.")
    heat = draw_plot(grid, "heat")
    assert crosses(heat.figure.axes[0]) == 2


def test_a_point_that_the_grid_does_not_have_is_no_gap() -> None:
    grid = vgg8()
    del grid.rows[4]
    (axes,) = draw_plot(grid).figure.axes
    assert crosses(axes) == 0
    assert [len(each) for each in lines(axes).values()] == [3, 2, 3]


def test_quantities_stand_where_they_are_and_keep_their_units() -> None:
    cycles = ["50 ns", "1 us", "100 ns", "200 ns"]
    grid = costs("lenet5", {"array.cycle": cycles})
    (axes,) = draw_plot(grid, y="latency").figure.axes
    assert ticks(axes) == ["50 ns", "100 ns", "200 ns", "1 us"]
    assert axes.get_xticks() == pytest.approx([5e-8, 1e-7, 2e-7, 1e-6])
    done = [row["latency"] * 1e3 for row in grid.rows if row["status"] == "done"]
    (heights,) = lines(axes).values()
    assert sorted(height for height in heights if np.isfinite(height)) == pytest.approx(
        sorted(done)
    )


def test_words_stand_in_the_order_of_the_study() -> None:
    axes = {"array.encoding": ["offset", "differential", "twos_complement"]}
    (panel,) = draw_plot(costs("lenet5", axes)).figure.axes
    assert ticks(panel) == ["offset", "differential", "twos_complement"]


def test_keys_that_move_together_are_one_axis() -> None:
    same = [point({"array.rows": n, "array.cols": n}, energy=1 / n) for n in (64, 128, 256)]
    (axes,) = draw_plot(Grid("square", ("array.rows", "array.cols"), same)).figure.axes
    assert (axes.get_xlabel(), ticks(axes)) == ("array.rows = array.cols", ["64", "128", "256"])
    both = [point({"array.rows": n, "adc.bits": b}, energy=1 / n) for n, b in ((64, 7), (128, 8))]
    grid = Grid("pairs", ("array.rows", "adc.bits"), both)
    (axes,) = draw_plot(grid).figure.axes
    assert (axes.get_xlabel(), ticks(axes)) == ("array.rows / adc.bits", ["64 / 7", "128 / 8"])
    with pytest.raises(InputError, match="adc.bits: is across already"):
        draw_plot(grid, x="array.rows", by="adc.bits")


def test_a_third_axis_becomes_panels_of_one_scale() -> None:
    axes = {"array.rows": [64, 128], "adc.bits": [7, 8], "cell.bits": [1, 2]}
    grid = costs("lenet5", axes)
    found = draw_plot(grid, by="adc.bits")
    titles = [panel.get_title(loc="left") for panel in found.figure.axes]
    assert titles == ["cell.bits 1", "cell.bits 2"]
    assert len({panel.get_ylim() for panel in found.figure.axes}) == 1
    drawn_heights = [y for panel in found.figure.axes for y in sum(lines(panel).values(), [])]
    factor = 1e6
    assert sorted(drawn_heights) == pytest.approx(
        sorted(row["energy"] * factor for row in grid.rows)
    )


def test_a_heat_map_has_the_values_in_its_cells_and_frames_the_best() -> None:
    grid = vgg8()
    found = draw_plot(grid, "heat", x="array.rows", by="adc.bits")
    axes, bar = found.figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("array.rows", "adc.bits")
    assert bar.get_ylabel() == "energy of one inference [uJ]"
    cells = {(t.get_position()[0], t.get_position()[1]): t.get_text() for t in axes.texts}
    least = min(grid.rows, key=lambda row: row["energy"])
    for row in grid.rows:
        place = ([64, 128, 256].index(row["array.rows"]), [6, 7, 8].index(row["adc.bits"]))
        assert cells[place] == f"{row['energy'] * 1e6:.3g}"
        if row is least:
            (frame,) = axes.patches
            assert frame.get_window_extent().contains(*axes.transData.transform(place))


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_no_point_beats_one_of_the_front(
    places: list[tuple[int, int]], less_x: bool, less_y: bool
) -> None:
    xs, ys = [float(x) for x, _ in places], [float(y) for _, y in places]
    best = front(xs, ys, less_x=less_x, less_y=less_y)
    key = {(x if less_x else -x, y if less_y else -y) for x, y in places}
    kept = {(xs[p] if less_x else -xs[p], ys[p] if less_y else -ys[p]) for p in best}
    assert len(kept) == len(best)
    assert kept == {
        (x, y) for x, y in key if not any(a <= x and b <= y and (a, b) != (x, y) for a, b in key)
    }
    assert [xs[p] for p in best] == sorted(xs[p] for p in best)


def test_points_of_a_front_are_numbered_and_listed_with_their_axes() -> None:
    rows = [
        point(
            {"array.rows": 2**n, "adc.bits": b}, energy=b * 2**-n * 1e-6, accuracy=b / 10 - n / 50
        )
        for n in (6, 7, 8)
        for b in (5, 7, 9)
    ]
    grid = Grid("front", ("array.rows", "adc.bits"), rows)
    found = draw_plot(grid, "pareto")
    (axes,) = found.figure.axes
    assert axes.get_xlabel().endswith("J], less is better")
    assert axes.get_ylabel() == "accuracy [%], more is better"
    best = front([row["energy"] for row in rows], [row["accuracy"] for row in rows], less_y=False)
    listed = [text.get_text() for text in axes.texts]
    for place in best:
        assert f"{100 * rows[place]['accuracy']:.2f} %" in listed
    assert f"the {len(best)} points that no other beats" in found.caption


def test_networks_are_not_played_off_against_one_another() -> None:
    rows = [
        point({"workload": name, "adc.bits": bits}, energy=size * bits, latency=size / bits)
        for name, size in (("lenet5", 1.0), ("vgg8", 100.0))
        for bits in (6, 7, 8)
    ]
    found = draw_plot(Grid("nets", ("workload", "adc.bits"), rows), "pareto")
    assert "A line for each workload" in found.caption
    steps = [x for x in found.figure.axes[0].get_lines() if "steps" in x.get_drawstyle()]
    assert [len(np.asarray(each.get_xdata())) for each in steps] == [3, 3]


def test_the_parts_of_each_bar_are_the_energy_of_its_point() -> None:
    grid = vgg8()
    axes = draw_plot(grid, "breakdown").figure.axes[0]
    ends: dict[int, float] = {}
    for collection in axes.collections:
        for path in collection.get_paths():
            corners = np.asarray(path.vertices, dtype=float)
            row = round(float(corners[:, 1].mean()))
            ends[row] = max(ends.get(row, 0.0), float(corners[:, 0].max()))
    assert [ends[row] for row in sorted(ends)] == pytest.approx(
        [row["energy"] * 1e6 for row in grid.rows]
    )
    texts = [text.get_text() for text in axes.texts]
    assert texts[:4] == ["array.rows", "adc.bits", "64", "6"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_the_same_study_gives_the_same_bytes(kind: str, form: Literal["svg", "png", "pdf"]) -> None:
    first, second = (drawn(draw_plot(vgg8(), kind).figure, form) for _ in range(2))
    assert first == second
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[form]
    assert first.startswith(start)


def odd() -> list[Grid]:
    """Studies that are not a grid of numbers."""
    one = vgg8()
    single = Grid("one point", ("array.rows",), one.rows[:1], reports={0: one.reports[0]})
    bare = Grid("no axis", (), [dict(one.rows[0])])
    names = [point({"array.encoding": n}, energy=1e-6 * (i + 1)) for i, n in enumerate(NAMES)]
    nasty = Grid("$x_1$ <b>&amp;\x07", ("array.encoding",), names, "held: $y$ <i> " * 40)
    nothing = Grid("all failed", ("adc.bits",), [failed({"adc.bits": bits}) for bits in (6, 7)])
    pending = [{**point({"adc.bits": bits}), "status": "pending"} for bits in (6, 7)]
    waiting = Grid("waiting", ("adc.bits",), pending, "")
    zero = [point({"faults.on": rate}, accuracy=0.0, energy=0.0) for rate in (0.0, 1e-4, 1e-2)]
    zeros = Grid("zeros", ("faults.on",), zero)
    long = [
        point({"array.rows": 8 * n, "adc.bits": b, "seed": 0}, energy=n * b * 1e-6, latency=1 / n)
        for n in range(1, 26)
        for b in range(1, 21)
    ]
    large = Grid("500 points", ("array.rows", "adc.bits", "seed"), long)
    seeds = [point({"seed": n}, accuracy=0.5 + n / 100) for n in range(4)]
    only_seeds = Grid("seeds", ("seed",), seeds)
    lists = [
        point({"arch": f"/a/long/path/to/some/hardware_{n}.yaml"}, energy=1.0) for n in range(30)
    ]
    files = Grid("files", ("arch",), lists)
    keys = tuple(f"section_{n}.a_long_name_of_a_key" for n in range(6))
    wide = [
        point(dict.fromkeys(keys, "a word") | {key: f"a very long word indeed {n} {m}"}, energy=1.0)
        | {"latency": 1.0 + n, "accuracy": m / 4}
        for n, key in enumerate(keys)
        for m in range(4)
    ]
    report = one.reports[0]
    words = Grid("words", keys, wide, reports={place: report for place in range(len(wide))})
    return [single, bare, nasty, nothing, waiting, zeros, large, only_seeds, files, words]


@pytest.mark.parametrize("grid", odd(), ids=lambda grid: grid.name[:12].strip())
def test_odd_studies_are_drawn_or_refused_in_one_line(grid: Grid) -> None:
    for found in study_pictures(grid):
        assert drawn(found.figure)
        assert drawn(found.figure, "png")
        assert found.figure.get_figheight() < 14
    refused = []
    for kind in KINDS:
        try:
            found = draw_plot(grid, kind)
        except InputError as error:
            refused.append(str(error))
        else:
            assert drawn(found.figure)
    assert [message for message in refused if "\n" in message] == []
    assert (len(refused) == len(KINDS)) == (grid.name in ("all failed", "waiting"))


def test_what_is_not_there_is_told_with_what_is() -> None:
    grid = vgg8()
    for words_of, error, message in (
        ({"y": "accuracy"}, InputError, "accuracy: no finished point has it; they have energy"),
        ({"y": "enrgy"}, UnknownNameError, "did you mean 'energy'"),
        ({"x": "adc.bit"}, UnknownNameError, "unknown axis 'adc.bit' .did you mean 'adc.bits'"),
        ({"kind": "heatmap"}, UnknownNameError, "did you mean 'heat'"),
        ({"kind": "pareto", "x": "energy", "y": "energy"}, InputError, "needs two numbers"),
        ({"kind": "breakdown", "y": "energy"}, InputError, "y energy: a breakdown shows"),
    ):
        options: dict[str, Any] = words_of
        with pytest.raises(error, match=message):
            draw_plot(grid, **options)
    with pytest.raises(InputError, match="heat: needs two axes, the study has adc.bits"):
        draw_plot(Grid("one", ("adc.bits",), [point({"adc.bits": 7}, energy=1.0)]), "heat")
    assert draw_plot(grid, x="arch.adc.bits").figure.axes[0].get_xlabel() == "adc.bits"
