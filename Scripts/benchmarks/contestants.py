"""Programs timed in turn on the same cores."""
import os
import re
import statistics
import subprocess
import tempfile

import machine


class Contestant:
    """Somebody who can be timed; subclasses say how in `measure`."""

    def __init__(self, name, detail="", check=""):
        self.name = name      # The same in every run, so that tables can be compared.
        self.detail = detail  # Version and settings.
        self.check = check    # What was compared before timing, and how near it was.
        self.seconds = []

    def measure(self):
        """Runs once; the seconds."""
        raise NotImplementedError

    def run(self):
        self.seconds.append(self.measure())

    def close(self):
        """Ends what was started."""

    @property
    def median(self):
        return statistics.median(self.seconds)


class Served(Contestant):
    """`copies` processes of one program that run a batch for every line they read, all at once. Each has
    a core of its own, unless `cores` says which all of them share."""

    def __init__(self, name, command, copies=1, environment=None, cores=None):
        super().__init__(name)
        available = sorted(os.sched_getaffinity(0))
        if copies > len(available) and not cores:
            raise RuntimeError(f"{copies} processes need a core each, found {len(available)}")
        self._errors = tempfile.TemporaryFile("w+")
        self.processes = []
        for copy in range(copies):
            own = cores or [available[copy]]
            self.processes.append(subprocess.Popen(
                [*map(str, command(copy) if callable(command) else command)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
                env=machine.environment(**(environment or {})),
                preexec_fn=lambda own=own: os.sched_setaffinity(0, own)))
        # One line once it is ready: what it says of itself.
        self.detail = [self._line(process) for process in self.processes][0]

    def _line(self, process):
        line = process.stdout.readline()
        if line:
            return line.strip()
        status = process.wait()
        self.close()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        # A crash is followed by a backtrace, an exception preceded by one.
        telling = [line for line in said if re.search(r"\bError\b|\w+Error:|error:", line)] or said
        raise RuntimeError(telling[-1].strip() if telling else f"ended with status {status}")

    def ask(self, request="run"):
        """Sends the request to all copies; their answers."""
        for process in self.processes:
            process.stdin.write(request + "\n")
            process.stdin.flush()
        return [self._line(process) for process in self.processes]

    def measure(self):
        """The slowest copy's seconds."""
        return max(map(float, self.ask()))

    def close(self):
        for process in self.processes:
            if not process.stdin.closed:
                process.stdin.close()
            process.wait()


def alternate(contestants, rounds, warm_up=True):
    """Runs everybody once for warming up, unless they are warm already, then in turn."""
    if warm_up:
        for contestant in contestants:
            contestant.measure()
    for _ in range(rounds):
        for contestant in contestants:
            contestant.run()
