"""One trainer beside decaf: finds how hard it must try to reach a gap, then trains for every line it reads.

    training_peer.py KIND ROWS LOSS C THREADS BOUND GAP

KIND is a file of `peers/training` with a class `Peer`; ROWS an .npz of `x` and `y`. BOUND is decaf's
lower bound of the objective: (objective − BOUND) / objective is a trainer's relative gap. Uses one thread or
THREADS, whichever is quicker. Answers what it is and the gap that it reaches, as JSON, then the seconds of
each training, reading left out.
"""
import importlib
import json
import sys
import time
import warnings

import numpy as np

import machine
from objective import objective
from peers.answers import answer


class Effort:
    """The least effort, a number of steps or the like, with which `peer` reaches the gap."""

    def __init__(self, peer, gap_of, goal):
        self.peer, self.gap_of, self.goal = peer, gap_of, goal
        self.best = self.gap = None
        self._grow()
        if self.gap <= goal:
            self._narrow()

    def _try(self, effort):
        """The gap with this effort, kept if it is the best."""
        gap = self.gap_of(*self.peer.fit(effort))
        # Who gets no nearer with more effort has its best time with less.
        if self.gap is None or gap < 0.98 * self.gap:
            self.best, self.gap = effort, gap
        return gap

    def _grow(self):
        """Tries ever harder, until the gap is reached or more effort has twice brought nothing."""
        effort, idle, self.short = self.peer.start, 0, 0
        while idle < 2 and effort <= self.peer.limit:
            before = self.best
            if self._try(effort) <= self.goal:
                return
            self.short = effort
            idle = idle + 1 if self.best == before else 0
            if self.peer.is_finished(effort):
                return
            effort = int(effort * 1.6) + 1

    def _narrow(self):
        """Takes back effort that is not needed, to within a tenth."""
        low, high = self.short, self.best
        while high > 1.1 * low + 1:
            middle = (low + high) // 2
            gap = self.gap_of(*self.peer.fit(middle))
            if gap <= self.goal:
                high, self.gap = middle, gap
            else:
                low = middle
        self.best = high


def use_quickest(peer, threads):
    """Small problems are done sooner by one thread than by several that wait for each other."""
    def seconds(count):
        peer.use(count)
        peer.fit(peer.start)
        start = time.perf_counter()
        peer.fit(peer.start)
        return time.perf_counter() - start
    best = min({1, threads}, key=seconds)
    peer.use(best)
    return f"{best} of {threads} threads"


def main():
    kind, source, loss, C, threads, bound, goal = sys.argv[1:]
    C, threads, bound, goal = float(C), int(threads), float(bound), float(goal)
    warnings.simplefilter("ignore")  # Of not converging, which is what is asked for.
    rows = np.load(source)
    x, y = rows["x"], rows["y"]
    peer = importlib.import_module(f"peers.training.{kind}").Peer(x, y, loss, C)
    used = use_quickest(peer, threads) if peer.is_parallel else "1 thread"

    def gap(weight, bias):
        value = objective(loss, x, y, weight, bias, C, loss != "softmax")
        return (value - bound) / value

    effort = Effort(peer, gap, goal)
    answer(json.dumps({
        "detail": f"{peer.detail}, {used}, {peer.says(effort.best)}; {machine.blas()}", "gap": effort.gap}))
    for _ in sys.stdin:
        start = time.perf_counter()
        peer.fit(effort.best)
        answer(time.perf_counter() - start)


main()
