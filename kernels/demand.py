"""How much buffers must hold: a run in which nothing is computed before it is asked for."""

from __future__ import annotations

import numpy as np

from crossbar.kernels._jit import jit

__all__ = ["most_held"]


@jit
def most_held(
    offset, data_start, data_task, data_count, room_start, room_claim, room_rank, consumer, begin,
    oldest,
):  # fmt: skip
    """Most pixels that each claim holds at once when every position is computed on demand.

    All positions of all tasks are asked for, task by task from the last one; a position first asks
    for those that it waits for.

    Parameters
    ----------
    offset : int64[tasks + 1]
        Where the positions of each task begin in the lists below.
    data_start, data_task, data_count : int64[...]
        For each position, tasks and how many of their positions must be done before.
    room_start, room_claim, room_rank : int64[...]
        For each position, claims and the newest pixel that takes its place there.
    consumer : int64[claims]
        Task that reads each claim.
    begin : int64[claims + 1]
        Where each claim's part of ``oldest`` begins.
    oldest : int64[...]
        For each claim and number of positions done by its reader, the oldest pixel still needed.

    Returns
    -------
    int64[claims]
        -1 entries do not occur; a claim that nothing is written into holds 0.

    Raises
    ------
    ValueError
        If a position waits for itself.
    """
    tasks = offset.size - 1
    done = np.zeros(tasks, np.int64)
    most = np.zeros(consumer.size, np.int64)
    newest = np.full(consumer.size, -1, np.int64)
    stack_task = np.empty(4 * tasks + 4, np.int64)
    stack_count = np.empty(4 * tasks + 4, np.int64)
    for last in range(tasks - 1, -1, -1):
        depth = 0
        stack_task[0] = last
        stack_count[0] = offset[last + 1] - offset[last]
        while depth >= 0:
            task = stack_task[depth]
            if done[task] >= stack_count[depth]:
                depth -= 1
                continue
            here = offset[task] + done[task]
            missing = -1
            for i in range(data_start[here], data_start[here + 1]):
                if done[data_task[i]] < data_count[i]:
                    missing = i
                    break
            if missing >= 0:
                depth += 1
                if depth == stack_task.size:
                    raise ValueError("a position waits for itself")
                stack_task[depth] = data_task[missing]
                stack_count[depth] = data_count[missing]
                continue
            for i in range(room_start[here], room_start[here + 1]):
                claim = room_claim[i]
                newest[claim] = max(newest[claim], room_rank[i])
                held = newest[claim] - oldest[begin[claim] + done[consumer[claim]]] + 1
                most[claim] = max(most[claim], held)
            done[task] += 1
    return most
