"""Times steps of training CaffeNet beside PyTorch: images in memory, forward, backward and the descent.

Everybody gets the same weights and images, without dropout. Before anything is timed the first step's
gradients are compared. One process on one core; then two ranks on two cores: decaf under mpirun, PyTorch by
DistributedDataParallel over gloo.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import table
from contestants import Served, alternate
from pictures import network_input, scene

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["DECAF_BIN"])
# Relative L2 distance of a layer's gradients. Where two numbers of a pooling window are nearly equal, rounding
# decides which of them gets the gradient: PyTorch's own float32 and float64 differ by 1e-2 of conv1's largest
# so, and as much in length where an image has a few such windows.
TOLERANCE = 3e-2

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--batch", type=int, default=64, help="images of a step (default 64)")
arguments.add_argument("--rounds", type=int, default=7, help="timed steps of each (default 7)")
table.add_options(arguments)
options = arguments.parse_args()
folder = tempfile.TemporaryDirectory(prefix="decaf-bench-")
scratch = pathlib.Path(folder.name)
results = table.Table(
    "train-network", options, f"Training steps of CaffeNet at {options.batch} images; loading left out "
    "on both sides. Medians; the last number is how many times decaf's speed is theirs.")
weights, images = scratch / "net.safetensors", scratch / "images.bin"
subprocess.run([BIN / "decaf", "model", "generate", "--output", weights], check=True,
               stdout=subprocess.DEVNULL)
np.stack([network_input(scene(index, 500, 375)) for index in range(options.batch)]) \
    .astype("<f4").tofile(images)
# Numbers of each layer's weights and biases.
COUNTS = [34848, 96, 307200, 256, 884736, 384, 663552, 384, 442368, 256, 37748736, 4096, 16777216, 4096,
          4096000, 1000]


def decaf(ranks, cores):
    command = [BIN / "TrainingBenchmark", weights, options.batch, 1, images, scratch / "decaf.bin"]
    if ranks > 1:
        command = ["mpirun", "-np", ranks, "--bind-to", "none", *command]
    return Served("decaf", command, cores=cores)


def peer(layout, ranks, cores):
    name = f"torch {layout}" + (" DDP" if ranks > 1 else "")
    target = scratch / "peer.bin"
    command = [sys.executable, HERE / "training_network_peer.py", layout, ranks, weights,
               options.batch, images, target]
    try:
        found = Served(name, command, cores=cores)
    except RuntimeError as error:
        results.leave_out(name, error)
        return None
    ours, theirs = (np.fromfile(scratch / it, "<f4") for it in ("decaf.bin", "peer.bin"))
    ends = np.cumsum(COUNTS)
    errors = [np.linalg.norm(a - b) / np.linalg.norm(b)
              for a, b in zip(np.split(ours, ends[:-1]), np.split(theirs, ends[:-1]))]
    if not max(errors) <= TOLERANCE:
        sys.exit(f"{name}: its gradients are at {max(errors):.1e} from ours")
    found.check = f"L2 {max(errors):.0e}"
    return found


cores = sorted(os.sched_getaffinity(0))
for ranks in (1, 2):
    title = f"batch {options.batch}, {ranks} core{'s, a rank each' if ranks > 1 else ''}"
    if len(cores) < ranks:
        results.leave_out(title, f"{len(cores)} cores")
        continue
    contestants = [decaf(ranks, cores[:ranks])]
    contestants += filter(None, (
        peer(layout, ranks, cores[:ranks]) for layout in ("contiguous", "channels_last")))
    alternate(contestants, options.rounds)
    results.row(title, contestants, options.batch, "images/s")
    for contestant in contestants:
        contestant.close()
results.finish()
