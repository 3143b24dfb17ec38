"""What extraction costs on this machine, and whether the simulation foretells what jobs take.

The network is a small one of the script's own, so that hardly anything is computed: what is left is what
ranks do for each other. Jobs are run under mpirun, on files in memory.
"""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

from extraction import Costs, Job, simulate

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("DECAF_BIN", ROOT / ".build/release"))
# A row of the default layers, pool5, fc6 and fc7.
LARGE = 9216 + 4096 + 4096

NETWORK = """name: "scale"
input: "data"
input_shape {{ dim: 1 dim: 3 dim: 227 dim: 227 }}
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 4 kernel_size: 3 stride: 32 }} }}
layer {{ name: "row" type: "InnerProduct" bottom: "conv" top: "row"
  inner_product_param {{ num_output: {width} }} }}
"""


class Bench:
    """A folder with images, networks and jobs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.run(BIN / "DemoImages", "images", "--per-class", "8")
        self.files = sorted(str(p) for p in (self.folder / "images").rglob("*.jpg"))[:16]
        for width in (4, LARGE):
            (self.folder / f"{width}.prototxt").write_text(NETWORK.format(width=width))
            self.run(BIN / "decaf", "model", "generate", "--network", f"{width}.prototxt",
                     "--output", f"{width}.safetensors")

    def run(self, *command, environment=None):
        found = subprocess.run([*map(str, command)], cwd=self.folder, capture_output=True, text=True,
                               env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1",
                                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", **(environment or {})})
        if found.returncode:
            sys.exit(f"simulate-scale: {' '.join(map(str, command))}:\n{found.stderr}")
        return found

    def extract(self, images, ranks, width, *options, batch=64, milliseconds=0):
        """A job's own account of itself, with the processor time of rank 0 and of all others."""
        (self.folder / "list.txt").write_text(
            "\n".join(self.files[i % len(self.files)] for i in range(images)))
        subprocess.run(["rm", "-rf", "store"], cwd=self.folder, check=True)
        decaf = [BIN / "decaf", "extract", "list.txt", "--model", f"{width}.safetensors", "--network",
                 f"{width}.prototxt", "--layers", "row", "--output", "store", "--threads", "1",
                 "--batch", batch, "--progress", "log", *options]
        clock = lambda name: ["/usr/bin/env", "bash", "-c",
                              'TIMEFORMAT="%U %S"; { time "$@" 2>&3; } 3>&2 2>>' + name, "bash"]
        command = ["mpirun", "--oversubscribe", "--bind-to", "none",
                   "-np", "1", *clock("first"), *decaf]
        if ranks > 1:
            command += [":", "-np", ranks - 1, *clock("others"), *decaf]
        for name in ("first", "others"):
            (self.folder / name).write_text("")
        self.run(*command, environment={"DECAF_FAULT_DELAY": str(milliseconds)})
        account = json.loads((self.folder / "store/runs/0001.json").read_text())
        for name in ("first", "others"):
            account[name] = sum(map(float, (self.folder / name).read_text().split()))
        return account


def gathered_byte(bench, rows=16384):
    """Seconds a byte of a rank 0 that takes in rows as fast as it can from two others.

    Not its processor time: it receives and writes at once, and looks for what comes without a pause.
    """
    def seconds(values):
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", 3,
                   BIN / "CoordinatorBenchmark", "rows", rows, values, 64, "coordinator"]
        times = []
        for _ in range(3):
            times.append(json.loads(bench.run(*command).stdout)["seconds"])
            bench.run("rm", "-r", "rows")
        return statistics.median(times)

    return max(0, seconds(LARGE) - seconds(4)) / (rows * 4 * (LARGE - 4))


def costs_of(bench, images=4096):
    """`Costs` of this machine, most from the processor time that jobs take beyond an empty one."""
    def job(count, *options, **settings):
        return bench.extract(count, 2, settings.pop("width", 4), *options, **settings)

    lone = ("--dedicated-coordinator", "--gather", "coordinator")
    empty = job(1, *lone)
    single = job(images, *lone, batch=1)["first"] - empty["first"]
    batched = job(images, *lone)
    large = job(images, *lone, width=LARGE)
    direct = job(images, "--dedicated-coordinator", "--gather", "direct", width=LARGE)
    size = images * 4 * LARGE
    # single = images·(order + report + row), batched = images/64·(order + report) + images·row
    together = batched["first"] - empty["first"]
    batch = max(0, (single - together) / (images - images / 64))
    row = max(0, (together - batch * images / 64) / images)
    written = sum(rank["writeSeconds"] for rank in direct["ranks"])
    return Costs(
        order=batch / 2, report=batch / 2, row=row,
        gathered_byte=gathered_byte(bench),
        sent_byte=max(0, large["others"] - direct["others"] + written) / size,
        written_byte=written / size, synchronized=0, start=empty["elapsedSeconds"])


def measure(path):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        costs = costs_of(Bench(folder))
    found = {"machine": f"{processor()}, {os.cpu_count()} processors; rank and coordinator on one host, "
             "files in memory, by Scripts/simulate-scale --measure",
             "costs": {key: rounded(value) for key, value in vars(costs).items()}}
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(path.read_text(encoding="utf-8"), end="")
    return 0


def rounded(value):
    return float(f"{value:.3g}")


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def check(costs):
    """Simulates and runs jobs whose images take a set time; the status is 70 when one is 10 % off."""
    worst = 0
    print("images of 40 ms on a rank, rows of 69.6 KB: seconds, simulated and measured")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        bench = Bench(folder)
        # What an image takes on a rank, sleep included, and what a job takes before its first batch.
        one = bench.extract(128, 1, LARGE, milliseconds=40, batch=16)
        image = (one["elapsedSeconds"] - one["prepareSeconds"]) / 128
        for ranks, images, options in [(2, 256, ()), (8, 1024, ()), (8, 1024, ("--gather", "direct")),
                                       (8, 1024, ("--dedicated-coordinator",))]:
            found = bench.extract(images, ranks, LARGE, *options, milliseconds=40, batch=16)
            job = Job(ranks, image, images, batch=16, direct="direct" in options, spread=0,
                      dedicated="--dedicated-coordinator" in options)
            start = found["prepareSeconds"]
            expected = simulate(job, Costs(**{**vars(costs), "start": start})).seconds
            off = expected / found["elapsedSeconds"] - 1
            worst = max(worst, abs(off))
            print(f"  {ranks} ranks, {images} images {' '.join(options):24}"
                  f"{expected:8.2f} {found['elapsedSeconds']:8.2f}   {off:+.1%}")
    return 0 if worst <= 0.1 else 70
