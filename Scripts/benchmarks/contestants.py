"""Processes that run a batch on request, so that programs can be timed in turn on the same cores."""
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Contestant:
    """`copies` processes of one program, each on a core of its own unless `cores` says which all of
    them share, asked to run at the same time."""

    def __init__(self, name, command, copies=1, environment=None, cores=None):
        self.name = name
        self.seconds = []
        available = sorted(os.sched_getaffinity(0))
        self.processes = []
        for copy in range(copies):
            own = cores or [available[copy % len(available)]]
            self.processes.append(subprocess.Popen(
                [*map(str, command(copy) if callable(command) else command)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env={**os.environ, **(environment or {})},
                preexec_fn=lambda own=own: os.sched_setaffinity(0, own)))
        # One line once it is ready: what it says of itself.
        self.remark = [self._line(process) for process in self.processes][0]

    def _line(self, process):
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {process.wait()}")
        return line.strip()

    def ask(self, request="run"):
        """Sends the request to all copies; their answers."""
        for process in self.processes:
            process.stdin.write(request + "\n")
            process.stdin.flush()
        return [self._line(process) for process in self.processes]

    def run(self):
        """Runs a batch on every copy and notes the slowest one's seconds."""
        self.seconds.append(max(map(float, self.ask())))

    def close(self):
        for process in self.processes:
            process.stdin.close()
            process.wait()

    @property
    def median(self):
        return statistics.median(self.seconds)


def alternate(contestants, rounds):
    """Runs everybody once for warming up, then in turn."""
    for contestant in contestants:
        contestant.run()
        contestant.seconds.clear()
    for _ in range(rounds):
        for contestant in contestants:
            contestant.run()


def report(contestants, work, unit, file=sys.stdout):
    """A line a contestant: the median of `work` a second, the spread, and how many times its speed
    the first one has."""
    ours = contestants[0]
    for it in contestants:
        rates = sorted(work / s for s in it.seconds)
        print(f"  {it.name:<34}{work / it.median:9.1f} {unit}"
              f"  ({rates[0]:.1f} to {rates[-1]:.1f})"
              + (f"   decaf has {it.median / ours.median:.2f}x" if it is not ours else ""),
              file=file)
    file.flush()
