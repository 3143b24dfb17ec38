"""Files to store: `mpirun -np 2 decaf extract` against Python pipelines of two processes.

A peer reads with OpenCV (decode and resize), computes with OpenVINO or MNN in fp32, one thread a process
and a core each, and writes a NumPy file. Both sides use the same two cores, alternately; features of the
same input are compared before anything is timed. `--decode fast` reads large pictures at a quarter of
their size, and so do its peers. Times are of the whole command, and without what comes before the first
image (loading and packing the network, importing modules) on both sides.

    Scripts/bench pipeline [--rounds N] [--rows small,large,fast] [--images FOLDER] [--model FILE]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

import machine
import network
import table
from contestants import Contestant, Served, alternate
from pictures import photographs, scene

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["DECAF_BIN"])
PROCESSES = 2
# Name: images (whole batches of 64 for each process, as a peer computes no smaller ones), width, height,
# decaf's --decode.
ROWS = {
    "small": (1920, 500, 375, "exact"),
    "large": (256, 2000, 1500, "exact"),
    "fast": (256, 2000, 1500, "fast"),
}
PEERS = {"mnn": "OpenCV + MNN fp32", "openvino": "OpenCV + OpenVINO fp32"}


def make_images(folder, count, width, height, sources):
    """Writes `count` JPEGs and the list of them, unless they are there; returns the list."""
    names = folder / "list.txt"
    if names.exists():
        return names
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for i in range(count):
        if sources:
            picture = cv2.imread(str(sources[i]))
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        else:
            picture = scene(i, width, height)
        lines.append(f"{i:05d}.jpg\n")
        cv2.imwrite(str(folder / lines[-1].strip()), picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    names.write_text("".join(lines))
    return names


class Side(Contestant):
    """One side of the comparison: every run gives the seconds of the whole command and those without
    start-up."""

    def __init__(self, name):
        super().__init__(name)
        self.afterwards = []

    def measure(self):
        whole, self.last = self.extract()
        return whole

    def run(self):
        super().run()
        self.afterwards.append(self.last)

    def without_start(self):
        """The same side with its seconds after start-up."""
        found = Contestant(self.name, self.detail, self.check)
        found.seconds = self.afterwards
        return found


class Peer(Side):
    """OpenCV and an engine of `peers/engine` in two processes."""

    def __init__(self, kind, names, count, onnx, output, reduced):
        super().__init__(PEERS[kind])
        self.kind, self.names, self.count, self.onnx, self.output = kind, names, count, onnx, output
        self.how = ["bytewise", *["reduced"] * reduced]

    def extract(self):
        np.lib.format.open_memmap(self.output, "w+", np.float32, (self.count, 4096)).flush()
        begin = time.perf_counter()
        # Its constructor waits for all copies to be ready.
        started = Served(self.name, lambda rank: [
            sys.executable, HERE / "pipeline_peer.py", self.kind, self.onnx, self.names, self.output,
            rank, PROCESSES, *self.how], PROCESSES)
        ready = time.perf_counter()
        for process in started.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in started.processes:
            if process.wait() != 0:
                sys.exit(f"{self.name} failed with status {process.returncode}")
        end = time.perf_counter()
        self.detail = f"{started.detail}{', decoding at 1/4' * ('reduced' in self.how)}, a core each"
        return end - begin, end - ready


class Ours(Side):
    """`decaf extract` of fc7 on two ranks of one thread."""

    def __init__(self, names, model, store, decode):
        super().__init__("decaf fp32")
        self.detail, self.store = f"2 ranks, --decode {decode}", store
        self.command = [
            "mpirun", "--oversubscribe", "--bind-to", "none", "-np", PROCESSES, BIN / "decaf",
            "extract", names, "--model", model, "--output", store, "--layers", "fc7", "--threads", 1,
            "--overwrite", "--decode", decode]

    def extract(self):
        begin = time.perf_counter()
        run = subprocess.run([*map(str, self.command)], capture_output=True, text=True,
                             env=machine.environment())
        elapsed = time.perf_counter() - begin
        if run.returncode != 0:
            sys.exit(f"decaf: status {run.returncode}\n{run.stdout}{run.stderr}")
        record = json.loads(sorted((self.store / "runs").iterdir())[-1].read_text())
        started = record["prepareSeconds"] + max(r["startSeconds"] for r in record["ranks"])
        return elapsed, record["elapsedSeconds"] - started


def difference(found, expected):
    """Relative L2 distance of two feature files."""
    found, expected = np.load(found, mmap_mode="r"), np.load(expected, mmap_mode="r")
    if found.shape != expected.shape:
        sys.exit(f"found {found.shape} features, expected {expected.shape}")
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def checked(kind, arguments, exact):
    """The peer once its features of the same input agree with decaf's, or None where it does not run."""
    peer = Peer(kind, *arguments)
    how, peer.how = peer.how, []
    try:
        peer.extract()
    except RuntimeError as error:
        results.leave_out(peer.name, error)
        return None
    error = difference(peer.output, exact)
    if not error < 1e-4:
        sys.exit(f"{peer.name}: fc7 is at a relative distance of {error:.1e} from ours")
    peer.how = how
    peer.extract()
    # Bytes in place of real numbers, or a quarter of the size, are no longer the same input.
    peer.check = f"L2 {error:.0e} of the same input, {difference(peer.output, exact):.0e} as timed"
    return peer


def compare(name, options, folder, onnx, model):
    """Checks and times one row."""
    count, width, height, decode = ROWS[name]
    sources = photographs(options.images, count) if options.images else None
    names = make_images(folder / f"{width}x{height}", count, width, height, sources)
    exact, ours = (Ours(names, model, folder / f"store-{it}", it) for it in ("exact", decode))
    exact.extract()
    features = exact.store / "fc7.npy"
    if decode != "exact":
        ours.extract()
        ours.check = f"L2 {difference(ours.store / 'fc7.npy', features):.0e} from exact"
    sides = [ours, *filter(None, (
        checked(kind, (names, count, onnx, folder / f"{kind}.npy", decode == "fast"), features)
        for kind in PEERS))]
    alternate(sides, options.rounds, warm_up=False)  # The checks did.
    title = f"{count} JPEGs of {width}×{height} to fc7, --decode {decode}"
    results.row(f"{title}, whole command", sides, count, "images/s")
    results.row(f"{title}, without start-up", [it.without_start() for it in sides], count, "images/s")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side (default 3)")
    parser.add_argument("--rows", default=",".join(ROWS), help="of " + ",".join(ROWS))
    parser.add_argument("--images", help="JPEGs to rescale; default: drawn ones")
    parser.add_argument("--model", help="a complete network; default: a generated one")
    parser.add_argument("--folder", type=pathlib.Path, help="keeps the images for the next time")
    parser.add_argument("--count", type=int, help="so many images in every row, for trying it out")
    table.add_options(parser)
    return parser.parse_args()


options = parse()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSES])
if options.count:
    ROWS = {name: (options.count, *row[1:]) for name, row in ROWS.items()}
results = table.Table(
    "pipeline", options, "JPEG files to fc7 in a file, two processes on two cores. Medians; the last "
    "number is how many times decaf's speed is theirs.", is_trial=options.count is not None)
with tempfile.TemporaryDirectory(prefix="decaf-bench-") as scratch:
    folder = options.folder or pathlib.Path(scratch)
    folder.mkdir(parents=True, exist_ok=True)
    model, onnx = folder / "network.safetensors", folder / "network.onnx"
    command = ["convert", options.model] if options.model else ["generate", "--output"]
    subprocess.run([BIN / "decaf", "model", *command, model], check=True, stdout=subprocess.DEVNULL)
    network.save_onnx(model, "fc7", 64, onnx)
    for name in options.rows.split(","):
        compare(name, options, folder, onnx, model)
results.finish()
