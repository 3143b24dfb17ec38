"""Files to store: `mpirun -np 2 decaf extract` against a Python pipeline of two processes.

The peer reads with opencv (decode and resize) and computes with OpenVINO in fp32, one thread a
process, and writes a NumPy file. Both sides use the same two cores, alternately; outputs are compared
before anything is timed. Times are of the whole command, and without what comes before the first
image (loading and packing the network, importing modules) on both sides.

    Scripts/bench pipeline [--rounds N] [--rows small,large] [--images FOLDER] [--model FILE]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

from pictures import network_input, photographs, scene

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BATCH = 64
PROCESSES = 2
# Name: images, width, height, options of decaf, the ratio aimed at.
ROWS = {
    "small": (2000, 500, 375, ["--decode", "exact"], 2.7),
    "large": (300, 2000, 1500, ["--decode", "fast"], 2.0),
}


# --- Images -----------------------------------------------------------------------------------

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


# --- The peer ---------------------------------------------------------------------------------

def peer_process(options):
    """What one of the peer's processes does; waits for a line before it starts."""
    import openvino

    cv2.setNumThreads(1)
    flags = cv2.IMREAD_REDUCED_COLOR_4 if options.reduced else cv2.IMREAD_COLOR
    network = openvino.Core().compile_model(
        options.network, "CPU",
        {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"})
    folder = pathlib.Path(options.list).parent
    paths = [str(folder / line) for line in pathlib.Path(options.list).read_text().split()]
    rows = np.lib.format.open_memmap(options.output, "r+")
    inputs = np.zeros((BATCH, 3, 227, 227), np.float32)
    network(inputs)
    print("ready", flush=True)
    sys.stdin.readline()
    for start in range(options.rank * BATCH, len(paths), PROCESSES * BATCH):
        part = paths[start:start + BATCH]
        for slot, path in enumerate(part):
            inputs[slot] = network_input(cv2.imread(path, flags), options.bytewise)
        rows[start:start + len(part)] = network(inputs)[0][:len(part)]
    rows.flush()


def peer(images, count, network, output, bytewise=True, reduced=False):
    """Runs the peer; seconds in all, and from the moment that both processes are ready."""
    np.lib.format.open_memmap(output, "w+", np.float32, (count, 4096)).flush()
    begin = time.perf_counter()
    processes = [subprocess.Popen(
        [sys.executable, __file__, "--peer", "--rank", str(rank), "--list", str(images),
         "--network", str(network), "--output", str(output)]
        + ["--bytewise"] * bytewise + ["--reduced"] * reduced,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for rank in range(PROCESSES)]
    for process in processes:
        if process.stdout.readline().strip() != "ready":
            sys.exit("the peer did not start")
    ready = time.perf_counter()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        if process.wait() != 0:
            sys.exit(f"the peer failed with status {process.returncode}")
    end = time.perf_counter()
    return end - begin, end - ready


# --- decaf ------------------------------------------------------------------------------------

def environment():
    """What mpirun needs on one machine, in a container too; as Scripts/environment sets it."""
    added = {"OMPI_MCA_btl_vader_single_copy_mechanism": "none"}
    if os.geteuid() == 0:
        added |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**added, **os.environ}


def decaf(program, images, model, store, *options):
    """Extracts fc7 on two ranks; seconds in all, and from the first image on."""
    begin = time.perf_counter()
    run = subprocess.run(
        ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(PROCESSES), program,
         "extract", str(images), "--model", str(model), "--output", str(store), "--layers", "fc7",
         "--threads", "1", "--overwrite", *options],
        capture_output=True, text=True, env=environment())
    elapsed = time.perf_counter() - begin
    if run.returncode != 0:
        sys.exit(f"decaf: status {run.returncode}\n{run.stdout}{run.stderr}")
    record = json.loads(sorted((store / "runs").iterdir())[-1].read_text())
    started = record["prepareSeconds"] + max(r["startSeconds"] for r in record["ranks"])
    return elapsed, record["elapsedSeconds"] - started


# --- Comparison -------------------------------------------------------------------------------

def difference(found, expected):
    """Relative L2 distance of two feature files."""
    found, expected = np.load(found, mmap_mode="r"), np.load(expected, mmap_mode="r")
    if found.shape != expected.shape:
        sys.exit(f"found {found.shape} features, expected {expected.shape}")
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def spread(values, count):
    """Median images a second, and the lowest and highest."""
    rates = sorted(count / v for v in values)
    return f"{statistics.median(rates):7.1f} ({rates[0]:.1f}…{rates[-1]:.1f})"


def compare(name, options, folder, network, model):
    """Checks and times one row."""
    count, width, height, decaf_options, aim = ROWS[name]
    sources = photographs(options.images, count) if options.images else None
    images = make_images(folder / name, count, width, height, sources)
    store, output = folder / f"{name}-store", folder / f"{name}-peer.npy"
    print(f"{name}: {count} JPEGs of {width}×{height} to fc7, {PROCESSES} ranks or processes, "
          f"decaf {' '.join(decaf_options)}")

    decaf(options.decaf, images, model, store, "--decode", "exact")
    peer(images, count, network, output, bytewise=False)
    error = difference(store / "fc7.npy", output)
    print(f"  same input: relative L2 difference of fc7 {error:.1e}")
    if not error < 1e-4:
        sys.exit("decaf and the peer disagree: nothing is timed")
    exact = folder / f"{name}-exact.npy"
    exact.write_bytes((store / "fc7.npy").read_bytes())

    variants = {"peer": False, **({"peer, reduced 1/4": True} if name == "large" else {})}
    times = {key: [] for key in ["decaf", *variants]}
    for _ in range(options.rounds):
        times["decaf"].append(decaf(options.decaf, images, model, store, *decaf_options))
        for key, reduced in variants.items():
            times[key].append(peer(images, count, network, output, reduced=reduced))
    if "fast" in decaf_options:
        print(f"  fast against exact: {difference(store / 'fc7.npy', exact):.1e}")
    print("  images/s, median (lowest…highest)   whole command           without start-up")
    for key, values in times.items():
        print(f"  {key:20s}                {spread([v[0] for v in values], count)}"
              f"   {spread([v[1] for v in values], count)}")
    for key in variants:
        ratios = [statistics.median(v[i] for v in times[key])
                  / statistics.median(v[i] for v in times["decaf"]) for i in (0, 1)]
        print(f"  ratio to {key}: {ratios[0]:.2f} whole, {ratios[1]:.2f} without start-up"
              + (f" (aim {aim})" if key == "peer" else ""))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each side")
    parser.add_argument("--rows", default="small,large", help="of " + ",".join(ROWS))
    parser.add_argument("--images", help="JPEGs to rescale; default: drawn ones")
    parser.add_argument("--model", help="a complete network; default: a generated one")
    parser.add_argument("--folder", help="keeps the images for the next time")
    parser.add_argument("--decaf", default=str(ROOT / ".build" / "release" / "decaf"),
                        help="the program; default: the release build's")
    hidden = argparse.SUPPRESS
    for flag in ("--peer", "--bytewise", "--reduced"):
        parser.add_argument(flag, action="store_true", help=hidden)
    parser.add_argument("--rank", type=int, help=hidden)
    for name in ("--list", "--network", "--output"):
        parser.add_argument(name, help=hidden)
    return parser.parse_args()


def main():
    options = parse()
    if options.peer:
        return peer_process(options)
    cores = sorted(os.sched_getaffinity(0))[:PROCESSES]
    os.sched_setaffinity(0, cores)
    import network
    with tempfile.TemporaryDirectory(prefix="decaf-bench-") as scratch:
        folder = pathlib.Path(options.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / "network.safetensors"
        command = ["convert", options.model] if options.model else ["generate", "--output"]
        subprocess.run([options.decaf, "model", *command, str(model)],
                       check=True, stdout=subprocess.DEVNULL)
        graph = folder / "network.onnx"
        network.save_onnx(str(model), "fc7", BATCH, str(graph))
        print(f"cores {cores}; {options.rounds} rounds, sides alternating")
        for name in options.rows.split(","):
            compare(name, options, folder, graph, model)
    return 0


if __name__ == "__main__":
    sys.exit(main())
