"""What the event loop of the schedule reads, changes and writes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = [
    "DATA",
    "PIPELINE",
    "ROOM",
    "TURN",
    "WRITE",
    "Log",
    "State",
    "Tables",
    "new_log",
    "new_space",
    "new_state",
]

DATA, ROOM, PIPELINE, TURN, WRITE = 0, 1, 2, 3, 4
"""What the next position of a task waits for."""


class Tables(NamedTuple):
    """What does not change: tasks, what they wait for, what they ask.

    Parameters
    ----------
    offset : int64[tasks + 1]
        Where the positions of each task begin in tables by position.
    join : bool[tasks]
    reads, slot, tail, flight, register : int64[tasks]
        Reads of a position, clocks from one to the next, clocks from the last read to the merge,
        positions under way at most, vectors that the input register holds.
    write : int64[tasks]
        Clocks in which the cells are programmed before each image; 0 where they never are.
    length : int64[tasks, 4]
        Least clocks of each event.
    ask_start, ask_resource, ask_hold, ask_lead : int64[...]
        For ``4 * task + event``, resources, clocks that each is held, and clocks from its grant to
        the end of the event.
    adc_start, adc_resource, adc_hold : int64[...]
        For each task, converters that it shares with others, and clocks of one read's conversions.
    array_clocks : int
        Clocks of a read, and least clocks of the steps of conversion and shift-and-add.
    data_start, data_task, data_count : int64[...]
    room_start, room_task, room_count : int64[...]
        For each position, tasks and how many of their positions must be stored (fetched) before;
        counted from the beginning of the same image, so 0 or less is of an image before.
    """

    offset: np.ndarray
    join: np.ndarray
    reads: np.ndarray
    slot: np.ndarray
    tail: np.ndarray
    flight: np.ndarray
    register: np.ndarray
    write: np.ndarray
    length: np.ndarray
    ask_start: np.ndarray
    ask_resource: np.ndarray
    ask_hold: np.ndarray
    ask_lead: np.ndarray
    adc_start: np.ndarray
    adc_resource: np.ndarray
    adc_hold: np.ndarray
    array_clocks: int
    data_start: np.ndarray
    data_task: np.ndarray
    data_count: np.ndarray
    room_start: np.ndarray
    room_task: np.ndarray
    room_count: np.ndarray


class Log(NamedTuple):
    """Clocks of every position, image after image of each task: int64[images * positions].

    ``turn`` when the copy turned to it, ``data`` when its inputs were there, ``written`` when its
    cells were programmed, ``room`` when its result had room, ``issue`` when it asked to be fetched,
    ``fetched``, ``read`` and ``last`` when its first and last read began, ``stored``; ``data_by``
    and ``room_by`` the entry of the tables that it waited for last, -1 for none.
    """

    turn: np.ndarray
    data: np.ndarray
    written: np.ndarray
    room: np.ndarray
    issue: np.ndarray
    fetched: np.ndarray
    read: np.ndarray
    last: np.ndarray
    stored: np.ndarray
    data_by: np.ndarray
    room_by: np.ndarray


class State(NamedTuple):
    """What changes: counts of each task, who waits, when resources are free.

    Parameters
    ----------
    issued, fetched, reading, last_read, taken, stored : int64[tasks]
        Positions so far.
    stage : int64[tasks]
        What the next position waits for: 0 data, 1 room, 2 the pipeline, 3 its turn, 4 its cells.
    entry : int64[tasks]
        Entry of the tables that it waits for.
    wait_count, wait_next : int64[tasks]
    stored_head, taken_head : int64[tasks]
        Lists of tasks that wait for a count.
    free_array : int64[tasks]
        Clock from which the arrays of a task are free; -1 while that is not known.
    read_left : int64[tasks]
        Reads of the present position that have still to begin (shared converters only).
    free, busy : int64[resources]
        Clock from which each is free, clocks of service.
    """

    issued: np.ndarray
    fetched: np.ndarray
    reading: np.ndarray
    last_read: np.ndarray
    taken: np.ndarray
    stored: np.ndarray
    stage: np.ndarray
    entry: np.ndarray
    wait_count: np.ndarray
    wait_next: np.ndarray
    stored_head: np.ndarray
    taken_head: np.ndarray
    free_array: np.ndarray
    read_left: np.ndarray
    free: np.ndarray
    busy: np.ndarray


def new_state(tasks, resources):
    """Return the state at clock 0."""
    zero = [np.zeros(tasks, np.int64) for _ in range(6)]
    stage = np.full(tasks, TURN, np.int64)
    entry, count = np.zeros(tasks, np.int64), np.zeros(tasks, np.int64)
    lists = [np.full(tasks, -1, np.int64) for _ in range(3)]
    arrays = [np.zeros(tasks, np.int64) for _ in range(2)]
    used = [np.zeros(resources, np.int64) for _ in range(2)]
    return State(*zero, stage, entry, count, *lists, *arrays, *used)


def new_log(size):
    """Return a log for ``size`` positions; what is never written stays -1."""
    return Log(*(np.full(size, -1, np.int64) for _ in Log._fields))


def new_space(tables):
    """Return the arrays in which the loop keeps events to come and asks of one clock."""
    tasks = tables.offset.size - 1
    room = 8 * tasks + 16 + int(tables.flight.sum())
    return tuple(np.empty(size, np.int64) for size in (room, room, tasks + 1, tasks + 1))
