"""Is a chip of other arrays as large as it should be, and does the figure say so?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import Arch, load_arch
from crossbar.errors import InputError
from crossbar.study.held import Held, chip_size, held_words, hold

BASE = load_arch("isaac_8bit")


def sized(rows: int, cols: int, **more: Any) -> Arch:
    return load_arch(BASE, {"array.rows": rows, "array.cols": cols} | more)


def test_sizes_of_isaac() -> None:
    size = chip_size(BASE)
    assert (size.tiles, size.arrays) == (168, 168 * 12 * 8)
    assert size.cells == size.arrays * 128 * 128
    assert 1e6 * size.area == pytest.approx(85.7, abs=0.05)


@pytest.mark.parametrize(
    ("rows", "what", "tiles"),
    [
        (64, "cells", 672),
        (128, "cells", 168),
        (256, "cells", 42),
        (512, "cells", 11),
        (4096, "cells", 1),
        (256, "arrays", 168),
        (256, None, 168),
    ],
)
def test_tiles_are_chosen(rows: int, what: Held | None, tiles: int) -> None:
    assert hold(sized(rows, rows), BASE, what).chip.tiles == tiles


def test_the_area_of_the_whole_chip_is_held() -> None:
    for rows in (32, 64, 256, 512):
        held = hold(sized(rows, rows), BASE, "area")
        tile = (chip_size(held).area - chip_size(held, 0).area) / chip_size(held).tiles
        assert abs(chip_size(held).area - chip_size(BASE).area) <= tile / 2 * (1 + 1e-9)


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(8, 1024),
    cols=st.integers(8, 1024),
    what=st.sampled_from(["cells", "area", "arrays"]),
)
def test_no_other_number_of_tiles_comes_nearer(rows: int, cols: int, what: Held) -> None:
    arch = hold(sized(rows, cols), BASE, what)
    wanted = chip_size(BASE).of(what)
    tiles = chip_size(arch).tiles

    def off(tiles: int) -> float:
        return abs(chip_size(arch, tiles).of(what) - wanted)

    assert off(tiles) <= off(tiles + 1) * (1 + 1e-9)
    assert tiles == 1 or off(tiles) <= off(tiles - 1) * (1 + 1e-9)


def test_only_the_tiles_change() -> None:
    arch = sized(256, 256)
    held = hold(arch, BASE, "cells")
    assert load_arch(held, {"chip.tiles": arch.chip.tiles}) == arch
    assert hold(arch, BASE, None) is arch


def test_the_tiles_of_the_point_do_not_matter() -> None:
    auto = load_arch(BASE, {"chip.tiles": "auto"})
    assert hold(auto, BASE, "cells") == BASE


def test_a_chip_without_a_size_cannot_be_held() -> None:
    with pytest.raises(InputError, match="tiny_reram: chip.tiles is auto, so the chip has no size"):
        hold(BASE, load_arch("tiny_reram"), "cells")


def test_a_chip_of_too_many_tiles_is_refused() -> None:
    with pytest.raises(InputError, match="cells of isaac_8bit take 2,752,512 tiles"):
        hold(sized(1, 1), BASE, "cells")


def test_a_mistyped_quantity_is_told() -> None:
    with pytest.raises(InputError, match=r"iso: 'cell' is not one of .* \(did you mean 'cells'\?"):
        hold(BASE, BASE, "cell")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"iso: 'cell' is not one of"):
        held_words([BASE], "cell", BASE)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="base is missing"):
        held_words([BASE], "cells")


@pytest.mark.parametrize(
    ("what", "sizes", "words"),
    [
        ("cells", (64, 128, 256), "held: cells of the chip (264 M, exactly)"),
        ("cells", (64, 100), "held: cells of the chip (264 M, within 0.091 %)"),
        ("area", (64, 128), "held: area of the chip (85.7 mm2, within 0.17 %)"),
        ("arrays", (64, 128), "held: arrays of the chip (16.1 k, exactly)"),
        (None, (32, 128, 512), "held: chip.tiles 168: cells vary 16.5 M .. 4.23 G"),
        (None, (128,), "held: chip.tiles 168 (264 M cells), area 85.7 mm2"),
    ],
)
def test_words_for_a_sweep_of_array_sizes(
    what: Held | None, sizes: tuple[int, ...], words: str
) -> None:
    archs = [hold(sized(n, n), BASE, what) for n in sizes]
    assert held_words(archs, what, BASE) == words


def test_words_where_tiles_are_too_few_to_hold_anything() -> None:
    small = load_arch(BASE, {"chip.tiles": 1})
    archs = [hold(sized(n, n), small, "cells") for n in (128, 256)]
    assert held_words(archs, "cells", small) == (
        "held: cells of the chip (1.57 M, off by up to 300 %: tiles are whole)"
    )


def test_words_where_nothing_is_held() -> None:
    auto = load_arch("tiny_reram")
    few = load_arch(BASE, {"chip.tiles": 16})
    assert held_words([auto]) == "held: nothing but the network (chip.tiles: auto)"
    assert held_words([auto], one_network=False) == "held: nothing (chip.tiles: auto)"
    assert held_words([auto, BASE], one_network=False) == "held: nothing (chip.tiles: auto or 168)"
    assert held_words([few, BASE]) == (
        "held: nothing but the network (chip.tiles 16 .. 168: cells vary 25.2 M .. 264 M)"
    )


def test_words_where_only_converters_change() -> None:
    archs = [load_arch(BASE, {"adc.bits": bits}) for bits in (6, 8)]
    assert held_words(archs) == (
        "held: chip.tiles 168 (264 M cells): area varies 76.4 mm2 .. 85.7 mm2"
    )
