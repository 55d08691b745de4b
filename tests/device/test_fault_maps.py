"""Does a fault map come back from its file, and is a wrong one refused in one clear line?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.device.faults import FaultMap, StuckAt, draw_map, stuck_states
from crossbar.errors import DataError, InputError


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.sets(st.integers(0, 9), min_size=1), st.data())
def test_a_map_comes_back_from_both_kinds_of_file(tmp_path_factory, rows, cols, numbers, data):
    folder = tmp_path_factory.mktemp("maps")
    seed = data.draw(st.integers(0, 2**62))
    drawn = draw_map(StuckAt(0.2, 0.3), numbers, (rows, cols), seed)
    drawn.save(folder / "map.npz")
    drawn.save(folder / "map.csv")
    whole, listed = FaultMap.load(folder / "map.npz"), FaultMap.load(str(folder / "map.csv"))
    assert whole == drawn
    assert hash(whole) == hash(drawn)
    assert np.array_equal(listed.cells, drawn.cells)
    for number in numbers:
        expected = stuck_states(StuckAt(0.2, 0.3), number, (rows, cols), seed)
        assert np.array_equal(stuck_states(whole, number, (rows, cols), 0), expected)
        assert np.array_equal(stuck_states(listed, number, (rows, cols), 99), expected)


def test_a_list_says_nothing_of_other_arrays_and_a_whole_map_does(tmp_path):
    drawn = draw_map(StuckAt(0.5, 0.2), [1, 5], (4, 6), 0)
    drawn.save(tmp_path / "map.csv")
    listed = FaultMap.load(tmp_path / "map.csv")
    assert not stuck_states(listed, 3, (100, 100), 0).any()
    with pytest.raises(DataError, match=r"no array 3 \(it has 2 arrays, 1 to 5\)"):
        stuck_states(drawn, 3, (4, 6), 0)
    with pytest.raises(DataError, match="arrays of 4 x 6 cells; the chip's have 6 x 4"):
        stuck_states(drawn, 1, (6, 4), 0)
    with pytest.raises(DataError, match="array 1, row .*: outside an array of 2 x 2"):
        stuck_states(listed, 1, (2, 2), 0)
    with pytest.raises(InputError, match=r"does not say which arrays .*\(allowed: .csv\)"):
        listed.save(tmp_path / "again.npz")


def test_cells_may_come_in_any_order_and_equal_maps_are_equal():
    cells = np.array([[3, 1, 2, 1], [0, 5, 5, 2], [3, 0, 9, 2]])
    one, other = FaultMap(cells), FaultMap(cells[::-1], source="elsewhere")
    assert one == other
    assert hash(one) == hash(other)
    assert one != FaultMap(cells[:2])
    assert one != FaultMap(cells, shape=(10, 10))
    assert one.cells.tolist() == [[0, 5, 5, 2], [3, 0, 9, 2], [3, 1, 2, 1]]
    states = stuck_states(one, 3, (2, 10), 0)
    assert (states[1, 2], states[0, 9], states.sum()) == (1, 2, 3)
    assert "3 broken cells" in repr(one)


GOOD = "array,row,col,stuck\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns missing (allowed: array,row,col,stuck)"),
        ("array,row,column,stuck\n", "columns array,row,column,stuck (allowed: "),
        ("array;row;col;stuck\n", "columns array;row;col;stuck (allowed: "),
        (GOOD + "0,1,2\n", "line 2: 3 values (allowed: array, row, col, stuck)"),
        (GOOD + "0,1,2,on\n\n0,1,x,on\n", "line 4: col 'x' (allowed: a whole number, 0 or more)"),
        (GOOD + "0,-1,2,on\n", "line 2: row '-1' (allowed: a whole number, 0 or more)"),
        (GOOD + "0,1.5,2,on\n", "line 2: row '1.5' (allowed: a whole number"),
        (GOOD + "0,99999999999,2,on\n", "line 2: row '99999999999' (allowed: a whole number"),
        (GOOD + "0,1,2,SA0\n", "line 2: stuck 'SA0' (allowed: on, off)"),
        (GOOD + "0,1,2,on\n0,1,2,off\n", "array 0, row 1, col 2: named twice (allowed: once)"),
        (b"\xff\xfe\x00", "not a text file of comma-separated values"),
    ],
)
def test_a_wrong_list_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "map.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as caught:
        FaultMap.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


STATES = np.zeros((2, 3, 4), np.int8)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"state": STATES}, "holds state (allowed: states and arrays)"),
        ({"states": STATES, "seed": 1}, "holds states, seed (allowed: states and arrays)"),
        ({"states": STATES[0]}, "states has shape (3, 4) (allowed: arrays x rows x cols)"),
        ({"states": STATES[:0]}, "states has shape (0, 3, 4) (allowed: arrays x rows x cols)"),
        ({"states": STATES + 3}, "states holds 3 (allowed: 0 healthy, 1 stuck on, 2 stuck off)"),
        ({"states": STATES - 1}, "states holds -1 (allowed: 0 healthy"),
        ({"states": STATES * 0.5}, "states holds float64 (allowed: whole numbers)"),
        ({"states": STATES, "arrays": [1]}, "arrays holds int64 of shape (1,) (allowed: 2 whole"),
        ({"states": STATES, "arrays": [0.5, 1]}, "arrays holds float64 of shape (2,) (allowed: 2"),
        ({"states": STATES, "arrays": [4, 4]}, "array 4: given twice (allowed: once)"),
        ({"states": STATES, "arrays": [-4, 4]}, "array -4 is negative (allowed: 0 or more)"),
        ({"states": np.array([None])}, "not an .npz file of plain arrays"),
    ],
)
def test_a_wrong_archive_is_refused_in_one_line(tmp_path, held, message):
    path = tmp_path / "map.npz"
    np.savez(path, **held)
    with pytest.raises(DataError) as caught:
        FaultMap.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(DataError, match="map.csv: no such file"):
        FaultMap.load(tmp_path / "map.csv")
    with pytest.raises(DataError, match="map.npz: no such file"):
        FaultMap.load(tmp_path / "map.npz")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="folder.csv: cannot be read"):
        FaultMap.load(tmp_path / "folder.csv")
    np.savez_compressed(tmp_path / "whole.npz", states=np.ones((2, 9, 9), np.int8))
    whole = (tmp_path / "whole.npz").read_bytes()
    np.save(tmp_path / "one.npy", STATES)
    broken = whole[:60] + b"xxxxxxxx" + whole[68:]
    contents = (b"", b"no archive", whole[:-20], broken, (tmp_path / "one.npy").read_bytes())
    for content in contents:
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"bad.npz: not an .npz file of plain arrays"):
            FaultMap.load(tmp_path / "bad.npz")
    with pytest.raises(InputError, match=r"map.txt: not a fault map by its name \(allowed: .npz"):
        FaultMap.load("map.txt")
    with pytest.raises(InputError, match=r"map.json: not a fault map by its name"):
        draw_map(StuckAt(0.5), [0], (2, 2), 0).save("map.json")


@pytest.mark.parametrize(
    ("cells", "arrays", "shape", "message"),
    [
        ([[0, -1, 0, 1]], None, None, "row -1 is negative"),
        ([[0, 1, 0, 3]], None, None, "array 0, row 1, col 0: state 3 (allowed: 1 on, 2 off)"),
        ([[0, 1, 0, 1]], [1], None, "array 0, row 1, col 0: not one of its arrays (array 1 only)"),
        ([[0, 1, 0, 1]], [], None, "array 0, row 1, col 0: not one of its arrays (none)"),
        ([[0, 5, 0, 1]], None, (5, 5), "array 0, row 5, col 0: outside an array of 5 x 5"),
    ],
)
def test_a_wrong_map_is_refused_when_it_is_made(cells, arrays, shape, message):
    with pytest.raises(DataError) as caught:
        FaultMap(np.array(cells), arrays, shape)
    assert str(caught.value).startswith(f"fault map: {message}")
