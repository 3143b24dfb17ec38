"""A discrete-event simulation of `decaf extract`: who waits for whom, from costs that were measured.

Rank 0 hands out batches, keeps every worker two ahead, takes rows in, writes and records them, one message
after the other. Workers compute, and send or write their rows. Nothing is drawn at random but the time of a
batch, whose spread `Job.spread` stands for images that differ; the seed is fixed.
"""
import dataclasses
import heapq
import json
import random


@dataclasses.dataclass(frozen=True)
class Costs:
    """Seconds, as measured on one machine; `Scripts/simulate-scale --measure` makes them."""

    # Rank 0, for a batch: looking its rows up, the journal's record, the order sent.
    order: float
    # Rank 0, for a batch: its report received, decoded and recorded, rows left out.
    report: float
    # Rank 0, for a row: its part of the report and of the journal's record.
    row: float
    # Rank 0, for a byte of rows: received and written.
    gathered_byte: float
    # A worker, for a byte of rows: sent to rank 0.
    sent_byte: float
    # A worker in direct mode, for a byte of rows: written; and for a batch: synchronized.
    written_byte: float
    synchronized: float
    # From one rank to another, seconds; rank 0's link, bytes a second.
    latency: float = 30e-6
    link: float = 1.25e9
    # Rank 0 at the end, for a byte of the store: hashed, shared out to all ranks in direct mode.
    hashed_byte: float = 1 / 1.6e9
    # A job until its first batch.
    start: float = 0.5

    @staticmethod
    def read(path):
        with open(path, encoding="utf-8") as file:
            return Costs(**json.load(file)["costs"])


@dataclasses.dataclass(frozen=True)
class Job:
    """What is computed, and how."""

    ranks: int
    image_seconds: float
    images: int
    row_bytes: int = 4 * (9216 + 4096 + 4096)
    batch: int = 64
    direct: bool = False
    dedicated: bool = False
    # The deviation of an image's time, relative to its mean.
    spread: float = 0.3


@dataclasses.dataclass(frozen=True)
class Outcome:
    seconds: float
    # Of the seconds of all ranks: those in which images were computed.
    efficiency: float
    # The share of the time between first and last batch in which rank 0 was at work.
    coordinator: float

    @property
    def rows_a_second(self):
        return self.images / self.seconds

    images: int = 0


AHEAD = 2
SMALLEST = 16


class Simulation:
    """One job from its start to its end."""

    def __init__(self, job, costs, seed=1):
        self.job, self.costs = job, costs
        self.random = random.Random(seed)
        self.workers = range(1 if job.dedicated else 0, job.ranks)
        self.left = job.images
        self.events, self.count = [], 0
        self.in_flight = {rank: 0 for rank in self.workers}
        self.queued = {rank: [] for rank in self.workers}
        self.is_busy = {rank: False for rank in self.workers}
        self.busy = 0.0  # Rank 0's seconds of work.
        self.free = costs.start  # When rank 0 has done all that it knows of.
        self.link_free = 0.0
        self.last = costs.start

    def at(self, time, kind, *values):
        self.count += 1
        heapq.heappush(self.events, (time, self.count, kind, values))

    def run(self):
        for depth in range(AHEAD + 1):
            for rank in self.workers:
                self.hand_out(rank)
        while self.events:
            time, _, kind, values = heapq.heappop(self.events)
            getattr(self, kind)(time, *values)
        computed = self.job.images * self.job.image_seconds
        work = self.last - self.costs.start
        hashing = self.job.images * self.job.row_bytes * self.costs.hashed_byte
        end = self.last + hashing / (self.job.ranks if self.job.direct else 1)
        return Outcome(end, computed / (self.job.ranks * end), self.busy / work, self.job.images)

    def work(self, time, seconds):
        """Rank 0 works so long, after what it has to do before; when it is done."""
        self.free = max(self.free, time) + seconds
        self.busy += seconds
        return self.free

    def hand_out(self, rank):
        """The next batch to a worker, while there is one; towards the end they shrink."""
        share = self.left // (len(self.workers) * (AHEAD + 1)) // 8 * 8
        count = min(self.job.batch, max(share, SMALLEST), self.left)
        if count == 0:
            return
        self.left -= count
        self.in_flight[rank] += 1
        done = self.work(self.free, self.costs.order)
        self.at(done + (self.costs.latency if rank else 0), "ordered", rank, count)

    def ordered(self, time, rank, count):
        self.queued[rank].append(count)
        if not self.is_busy[rank]:
            self.begin(time, rank)

    def begin(self, time, rank):
        count = self.queued[rank].pop(0)
        self.is_busy[rank] = True
        deviation = self.job.spread * self.random.gauss(0, 1) / count**0.5
        seconds = count * self.job.image_seconds * max(0.1, 1 + deviation)
        size = count * self.job.row_bytes
        if self.job.direct:
            seconds += size * self.costs.written_byte + self.costs.synchronized
        elif rank:
            seconds += size * self.costs.sent_byte
        self.at(time + seconds, "computed", rank, count, time, self.busy)

    def computed(self, time, rank, count, began, busy):
        if rank == 0 and not self.job.dedicated and self.busy > busy:
            # What rank 0's main thread did meanwhile, its worker could not.
            self.at(time + self.busy - busy, "computed", rank, count, began, self.busy)
            return
        self.is_busy[rank] = False
        if self.queued[rank]:
            self.begin(time, rank)
        arrival = time
        if rank:
            size = 0 if self.job.direct else count * self.job.row_bytes
            self.link_free = max(self.link_free, time) + size / self.costs.link
            arrival = self.link_free + self.costs.latency
        self.at(arrival, "reported", rank, count)

    def reported(self, time, rank, count):
        costs = self.costs
        size = 0 if self.job.direct else count * self.job.row_bytes
        self.last = self.work(
            time, costs.report + count * costs.row + size * costs.gathered_byte)
        self.in_flight[rank] -= 1
        self.hand_out(rank)


def simulate(job, costs):
    return Simulation(job, costs).run()
