"""Does a store keep every point, and say in one line what is wrong with a folder?"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import CrossbarError, DataError, InputError, RunError, SchemaVersionError
from crossbar.study.database import FILE
from crossbar.study.packing import NUMBERS
from crossbar.study.quantities import QUANTITIES
from crossbar.study.store import Counted, Store
from tests.study.toy import ABOUT, answer, grid


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, ABOUT) as opened:
        opened.add(grid(4))
        yield opened


def work_through(store: Store, most: int = 10**6) -> list[str]:
    keys: list[str] = []
    while len(keys) < most and (claimed := store.claim(1)):
        (key, values), *_ = claimed
        store.finish(key, answer(values), 0.5)
        keys.append(key)
    return keys


def statuses(store: Store) -> list[str]:
    return [row["status"] for row in store.rows()]


def refused(folder: Path, about: dict[str, Any] = ABOUT, wait: float = 0.1) -> CrossbarError:
    with pytest.raises(CrossbarError) as caught:
        Store.open(folder, about, wait=wait)
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_point_goes_from_pending_to_done_with_its_report(store: Store) -> None:
    (key, values), *rest = store.claim(1)
    assert (key, values, rest) == ("key00000", {"array.rows": 0, "adc.bits": 0}, [])
    assert statuses(store) == ["running", "pending", "pending", "pending"]
    store.finish(key, answer(values), 0.25)
    row = next(iter(store.rows()))
    assert (row["status"], row["seconds"], row["error"]) == ("done", 0.25, None)
    assert row["numbers"]["latency"] == 1e-6
    assert row["numbers"]["power.average"] == 0.0
    assert store.report(key) == answer(values)
    assert store.report("key00001") is None


def test_every_number_that_figures_know_is_kept() -> None:
    assert tuple(QUANTITIES) == NUMBERS


def test_what_is_finished_is_reused(tmp_path: Path) -> None:
    for n, there in ((2, 0), (5, 2), (3, 3), (5, 5)):
        with Store.open(tmp_path, ABOUT) as store:
            assert store.add(grid(n)) == there
            assert len(work_through(store)) == n - there
            assert len(statuses(store)) == n


def test_points_of_one_key_are_computed_once_and_stand_in_every_place(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT) as store:
        store.add([("same", {"adc.bits": 8}), ("same", {"adc.bits": "8"}), ("b", {"adc.bits": 4})])
        assert [key for key, _ in store.claim(3)] == ["same", "b"]
        store.finish("same", {"energy": 1.0}, 0.0)
        rows = list(store.rows())
    assert [row["values"]["adc.bits"] for row in rows] == [8, "8", 4]
    assert [row["numbers"].get("energy") for row in rows] == [1.0, 1.0, None]


def test_a_lot_is_claimed_whole_and_alone(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(6), lots=["a", "a", "a", "b", "b", "c"])
        sizes = [len(store.claim(1)) for _ in range(4)]
    assert sizes == [3, 2, 1, 0]


def test_failed_points_keep_their_error_until_they_are_tried_again(store: Store) -> None:
    key, _ = store.claim(1)[0]
    store.fail(key, "DoesNotFitError: too large", 0.1)
    assert store.add(grid(4)) == 0
    assert next(iter(store.rows()))["error"] == "DoesNotFitError: too large"
    assert len(work_through(store)) == 3
    assert store.counted() == Counted(done=3, failed=1)
    assert store.retry_failed() == 1
    assert work_through(store) == [key]
    assert {row["error"] for row in store.rows()} == {None}


def test_points_of_a_run_that_ended_are_pending_again(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT) as first:
        first.add(grid(4))
        with Store.open(tmp_path, ABOUT) as second:
            second.add(grid(4))
            assert [key for key, _ in first.claim(3)] == ["key00000", "key00001", "key00002"]
            assert [key for key, _ in second.claim(3)] == ["key00003"]
            assert second.claim(3) == []
            first.close()
            assert [key for key, _ in second.claim(9)] == ["key00000", "key00001", "key00002"]


def test_points_that_are_given_back_are_claimed_by_others(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT) as first, Store.open(tmp_path, ABOUT) as second:
        for store in (first, second):
            store.add(grid(2))
        first.claim(2)
        assert second.claim(2) == []
        first.release()
        assert len(second.claim(2)) == 2


def test_only_a_claimed_point_can_be_finished(store: Store) -> None:
    with pytest.raises(RunError, match="key00003 is not claimed by this process"):
        store.finish("key00003", {}, 0.0)


def test_no_point_that_another_grid_needs_is_claimed(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT) as large, Store.open(tmp_path, ABOUT) as small:
        large.add(grid(4))
        small.add(grid(2)[1:])
        assert work_through(small) == ["key00001"]
        assert work_through(large) == ["key00000", "key00002", "key00003"]


@settings(max_examples=30, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["claim", "finish", "fail", "leave", "retry"]), st.integers(0, 1)
        ),
        max_size=25,
    )
)
def test_any_order_of_steps_keeps_every_point_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    stores = [Store.open(folder, ABOUT) for _ in range(2)]
    held: list[list[str]] = [[], []]
    done: set[str] = set()
    for store in stores:
        store.add(grid(5))
    for step, who in steps:
        if step == "claim":
            held[who] += [key for key, _ in stores[who].claim(2)]
        elif step == "leave":
            stores[who].close()
            stores[who], held[who] = Store.open(folder, ABOUT), []
        elif step == "retry":
            stores[who].retry_failed()
        elif held[who]:
            key = held[who].pop(0)
            if step == "finish":
                stores[who].finish(key, {"energy": 1.0}, 0.0)
                done.add(key)
            else:
                stores[who].fail(key, "Error: x", 0.0)
        assert not set(held[0]) & set(held[1])
        assert not done & {*held[0], *held[1]}
        assert {row["key"] for row in stores[who].rows() if row["status"] == "done"} == done
    for store in stores:
        store.close()


def test_another_study_is_refused_unless_it_has_the_same_points(store: Store) -> None:
    other = {"name": "toy", "measure": "accuracy", "images": 500}
    error = refused(store.folder, other)
    assert isinstance(error, InputError)
    assert "images None there, 500 here; measure 'cost' there, 'accuracy' here" in str(error)
    with Store.open(store.folder, other, keys=["new", "key00002"]) as again:
        assert len(statuses(again)) == 4
    refused(store.folder)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "cannot be made a folder" in str(refused(tmp_path / "file" / "study"))
    assert "cannot be made a folder" in str(refused(tmp_path / "file"))
    (tmp_path / FILE).mkdir()
    assert "cannot be written or opened" in str(refused(tmp_path))


def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("a text about crossbars\n" * 50)
    assert "no store of a study" in str(refused(tmp_path))
    assert path.read_text() == "a text about crossbars\n" * 50
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    error = refused(tmp_path)
    assert isinstance(error, DataError)
    assert "an SQLite file, but no store of a study" in str(error)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    with Store.open(tmp_path, ABOUT) as store:
        assert store.add(grid(1)) == 0


def test_a_store_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT) as store:
        store.add(grid(300))
        work_through(store, 50)
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[:8192])
    error = refused(tmp_path)
    assert isinstance(error, DataError)
    assert "damaged" in str(error)


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path, ABOUT).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("PRAGMA user_version = 7")
    error = refused(tmp_path)
    assert isinstance(error, SchemaVersionError)
    assert "version 7 was written by a newer crossbar; this one reads up to 1" in str(error)


def test_a_locked_store_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with Store.open(tmp_path, ABOUT, wait=0.1) as store:
        store.add(grid(4))
        done = work_through(store, 2)
        (key, values), *_ = store.claim(1)
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
            assert "locked by another program" in str(refused(tmp_path))
            with pytest.raises(RunError, match="locked by another program .* kept"):
                store.finish(key, answer(values), 0.0)
            db.execute("ROLLBACK")
        store.finish(key, answer(values), 0.0)
        assert [r["key"] for r in store.rows() if r["status"] == "done"] == [*done, key]


def test_a_store_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(tmp_path, ABOUT).close()
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def read_only(path: Path, **options: Any) -> sqlite3.Connection:
        # a superuser, which tests may run as, can write any file
        return connect(f"{path.as_uri()}?mode=ro", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with Store.open(tmp_path, ABOUT) as store, pytest.raises(InputError, match="be written"):
        store.add(grid(1))
