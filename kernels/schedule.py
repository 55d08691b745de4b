"""The event loop of the schedule: every position of every copy, to one clock (docs/timing.md).

Nothing here knows a component: lengths, resources and services come in tables that
`crossbar.timing.machine` fills from the constraint rows.
"""

from __future__ import annotations

import numpy as np

from crossbar.kernels._jit import jit_uncounted as jit
from crossbar.kernels.schedule_tables import DATA, PIPELINE, ROOM, TURN, WRITE

__all__ = ["ACTIVATE", "FETCH", "MERGE", "STORE", "pop_event", "push_event", "run"]

FETCH, MERGE, ACTIVATE, STORE = 0, 1, 2, 3  # events that ask resources
_FETCHED, _LAST_READ, _CONVERT, _MERGE, _MERGED, _ACTIVATED, _STORED = 0, 1, 2, 3, 4, 5, 6
_WRITTEN = 7
_TASKS = 1 << 24


@jit
def _key(time, event, task):
    """Order events by time; 2^33 clocks and 2^24 tasks fit."""
    return (time * 8 + event) * _TASKS + task


@jit
def push_event(heap, size, key):
    """Add a key to the heap in ``heap[:size]``; return the new size."""
    heap[size] = key
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if heap[parent] <= key:
            break
        heap[child] = heap[parent]
        child = parent
    heap[child] = key
    return size + 1


@jit
def pop_event(heap, size):
    """Remove the smallest; return the new size (the caller has read ``heap[0]``)."""
    size -= 1
    key = heap[size]
    here = 0
    while True:
        child = 2 * here + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[here] = heap[child]
        here = child
    heap[here] = key
    return size


@jit
def _advance(t, now, images, tables, state, log, heap, size, asks, n_asks):
    """Let task ``t`` issue what it may at clock ``now``; return the sizes of heap and asks then.

    Where it has to wait it is put on the list of the count that it waits for.
    """
    n = tables.offset[t + 1] - tables.offset[t]
    total = n * images
    while state.issued[t] < total:
        p = state.issued[t]
        image, place = p // n, p % n
        here = tables.offset[t] + place
        row = tables.offset[t] * images + p
        if state.stage[t] == TURN:
            if not tables.join[t] and (
                state.fetched[t] < p
                or p - state.last_read[t] >= tables.register[t]
                or (place == 0 and tables.write[t] > 0 and state.last_read[t] < p)
            ):
                return size, n_asks
            log.turn[row] = now
            log.data_by[row] = -1
            log.room_by[row] = -1
            state.stage[t] = DATA
            state.entry[t] = tables.data_start[here]
        if state.stage[t] == DATA:
            i = state.entry[t]
            while i < tables.data_start[here + 1]:
                other = tables.data_task[i]
                count = tables.data_count[i] + image * (
                    tables.offset[other + 1] - tables.offset[other]
                )
                if state.stored[other] < count:
                    state.entry[t] = i
                    state.wait_count[t] = count
                    state.wait_next[t] = state.stored_head[other]
                    state.stored_head[other] = t
                    log.data_by[row] = i
                    return size, n_asks
                i += 1
            log.data[row] = now
            log.written[row] = now
            state.stage[t] = ROOM
            state.entry[t] = tables.room_start[here]
            if place == 0 and tables.write[t] > 0:
                begin = now  # or when the last read of the image before has ended
                if p > 0:
                    begin = max(now, log.last[row - 1] + tables.array_clocks)
                log.written[row] = begin + tables.write[t]
                state.stage[t] = WRITE
                size = push_event(heap, size, _key(log.written[row], _WRITTEN, t))
        if state.stage[t] == WRITE:
            return size, n_asks
        if state.stage[t] == ROOM:
            i = state.entry[t]
            while i < tables.room_start[here + 1]:
                other = tables.room_task[i]
                count = tables.room_count[i] + image * (
                    tables.offset[other + 1] - tables.offset[other]
                )
                if state.taken[other] < count:
                    state.entry[t] = i
                    state.wait_count[t] = count
                    state.wait_next[t] = state.taken_head[other]
                    state.taken_head[other] = t
                    log.room_by[row] = i
                    return size, n_asks
                i += 1
            log.room[row] = now
            state.stage[t] = PIPELINE
        if state.stored[t] < p - tables.flight[t] + 1:
            state.wait_count[t] = p - tables.flight[t] + 1
            state.wait_next[t] = state.stored_head[t]
            state.stored_head[t] = t
            return size, n_asks
        log.issue[row] = now
        state.issued[t] = p + 1
        state.stage[t] = TURN
        asks[n_asks] = 4 * t + (ACTIVATE if tables.join[t] else FETCH)
        n_asks += 1
    return size, n_asks


@jit
def _wake(head, count, other, state, ready, n_ready):
    """List those that waited for task ``other`` to reach ``count``; return how many there are."""
    t = head[other]
    head[other] = -1
    while t >= 0:
        following = state.wait_next[t]
        if state.wait_count[t] <= count:
            ready[n_ready] = t
            n_ready += 1
        else:
            state.wait_next[t] = head[other]
            head[other] = t
        t = following
    return n_ready


@jit
def _start_reading(t, now, images, tables, state, log, heap, size):
    """Begin the reads of the next fetched position; the arrays are free from a known clock on."""
    row = tables.offset[t] * images + state.reading[t]
    begin = max(now, state.free_array[t])
    state.reading[t] += 1
    log.read[row] = begin
    if tables.adc_start[t] == tables.adc_start[t + 1]:
        last = begin + (tables.reads[t] - 1) * tables.slot[t]
        state.free_array[t] = last + tables.slot[t]
        log.last[row] = last
        size = push_event(heap, size, _key(last, _LAST_READ, t))
        return push_event(heap, size, _key(last + tables.tail[t], _MERGE, t))
    state.free_array[t] = -1
    state.read_left[t] = tables.reads[t] - 1
    if state.read_left[t] == 0:
        log.last[row] = begin
        size = push_event(heap, size, _key(begin, _LAST_READ, t))
    return push_event(heap, size, _key(begin + tables.array_clocks, _CONVERT, t))


@jit
def _convert(t, now, images, tables, state, log, heap, size, queue):
    """Book the converters for the read of task ``t`` that has ended; begin the next one."""
    end = now
    for i in range(tables.adc_start[t], tables.adc_start[t + 1]):
        resource = tables.adc_resource[i]
        grant = max(now, state.free[resource]) if queue else now
        state.free[resource] = max(state.free[resource], grant + tables.adc_hold[i])
        state.busy[resource] += tables.adc_hold[i]
        end = max(end, grant + tables.adc_hold[i])
    following = max(now, end - tables.array_clocks)
    if state.read_left[t] > 0:
        state.read_left[t] -= 1
        if state.read_left[t] == 0:
            log.last[tables.offset[t] * images + state.reading[t] - 1] = following
            size = push_event(heap, size, _key(following, _LAST_READ, t))
        return push_event(heap, size, _key(following + tables.array_clocks, _CONVERT, t))
    added = max(end, now + tables.array_clocks) + tables.array_clocks
    size = push_event(heap, size, _key(added, _MERGE, t))
    state.free_array[t] = following
    if state.fetched[t] > state.reading[t]:
        size = _start_reading(t, now, images, tables, state, log, heap, size)
    return size


@jit
def _book(ask, now, tables, state, heap, size, queue):
    """Grant an event its resources, first come first served; its end is then known."""
    event, t = ask % 4, ask // 4
    end = now + tables.length[t, event]
    for i in range(tables.ask_start[ask], tables.ask_start[ask + 1]):
        resource = tables.ask_resource[i]
        grant = max(now, state.free[resource]) if queue else now
        state.free[resource] = max(state.free[resource], grant + tables.ask_hold[i])
        state.busy[resource] += tables.ask_hold[i]
        end = max(end, grant + tables.ask_lead[i])
    if event == FETCH:
        return push_event(heap, size, _key(end, _FETCHED, t))
    if event == MERGE:
        return push_event(heap, size, _key(end, _MERGED, t))
    if event == ACTIVATE:
        return push_event(heap, size, _key(end, _ACTIVATED, t))
    return push_event(heap, size, _key(end, _STORED, t))


@jit
def _sort(values, n):
    """Sort the few entries of one clock in place."""
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@jit
def _happen(event, t, now, images, tables, state, log, heap, size, asks, n_asks, ready):
    """Let one event take effect; return the sizes of heap, asks and the list of who may go on."""
    n_ready = 0
    if event == _FETCHED:
        log.fetched[tables.offset[t] * images + state.fetched[t]] = now
        state.fetched[t] += 1
        state.taken[t] += 1
        if state.free_array[t] >= 0:
            size = _start_reading(t, now, images, tables, state, log, heap, size)
        ready[0] = t  # it stood between two positions, on no list
        n_ready = _wake(state.taken_head, state.taken[t], t, state, ready, 1)
    elif event == _WRITTEN:
        state.stage[t] = ROOM
        ready[0] = t
        n_ready = 1
    elif event == _LAST_READ:
        state.last_read[t] += 1
        if state.stage[t] == TURN:
            ready[0] = t
            n_ready = 1
    elif event in (_MERGE, _MERGED):
        asks[n_asks] = 4 * t + (MERGE if event == _MERGE else ACTIVATE)
        n_asks += 1
    elif event == _ACTIVATED:
        if tables.join[t]:
            state.taken[t] += 1
            n_ready = _wake(state.taken_head, state.taken[t], t, state, ready, 0)
        asks[n_asks] = 4 * t + STORE
        n_asks += 1
    else:
        log.stored[tables.offset[t] * images + state.stored[t]] = now
        state.stored[t] += 1
        n_ready = _wake(state.stored_head, state.stored[t], t, state, ready, 0)
    return size, n_asks, n_ready


@jit
def run(images, until, queue, tables, state, log, heap, asks, reads, ready):
    """Run the schedule.

    Parameters
    ----------
    images : int
        Inferences that follow one another.
    until : int
        Last clock that is worked through.
    queue : bool
        Whether resources serve one at a time; else everybody at once.
    tables : Tables
    state : State
        As `new_state` returns it; changed.
    log : Log
        Filled.
    heap, asks, reads, ready : int64[...]
        Space to work in, as `new_space` returns it.

    Returns
    -------
    int
        Events that happened.
    """
    tasks = tables.offset.size - 1
    # of one type from the start: a literal 0 would have every function below compiled twice
    size = n_asks = n_reads = n_ready = events = now = np.int64(0)
    n_ready += tasks
    for t in range(tasks):
        ready[t] = t
    while True:
        while True:
            for i in range(n_ready):
                size, n_asks = _advance(
                    ready[i], now, images, tables, state, log, heap, size, asks, n_asks
                )
            n_ready = 0
            if size == 0 or heap[0] // (8 * _TASKS) != now:
                break
            key = heap[0]
            size = pop_event(heap, size)
            events += 1
            event, t = key // _TASKS % 8, key % _TASKS
            if event == _CONVERT:
                reads[n_reads] = t
                n_reads += 1
            else:
                size, n_asks, n_ready = _happen(
                    event, t, now, images, tables, state, log, heap, size, asks, n_asks, ready
                )
        if n_reads > 0:  # converters first: the next read may begin, and be the last, at this clock
            _sort(reads, n_reads)
            for i in range(n_reads):
                size = _convert(reads[i], now, images, tables, state, log, heap, size, queue)
            n_reads = 0
            continue
        _sort(asks, n_asks)
        for i in range(n_asks):
            size = _book(asks[i], now, tables, state, heap, size, queue)
        n_asks = 0
        if size == 0:
            return events
        now = heap[0] // (8 * _TASKS)
        if now > until:
            return events
