"""Times the engine against other engines: images in memory to a layer's activations.

Everybody gets the same weights and inputs and one thread a process. Before anything is timed the
outputs are compared; then the programs run one batch each in turn. decaf's inputs are brought into
its own order, channels innermost and folded for conv1's stride, when they are set, which is not timed:
an extraction writes them so in the first place (`Scripts/bench pipeline` times all of it). Peers read
channels first.

decaf's inner products leave out inputs that are zero, so their speed depends on the network and the
pictures: in trained networks a third of pool5 and less of fc6 is not zero, in an untrained one more.
The report says how many. `--model` and `--images` give it real ones.

`--network` times others of those that come with decaf, on one core beside the two fastest peers.
"""
import argparse
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

import cv2
import numpy as np

import table
from contestants import Served, alternate
from network import save_onnx
from pictures import network_input, photographs, scene

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["DECAF_BIN"])
# Relative L2 distance of a peer's output from ours. Single precision sums in other orders differ by
# some 1e-6; bfloat16 has 8 bits.
TOLERANCES = {"openvino:bf16": 2e-2}
TOLERANCE = 1e-4
NAMES = {"openvino": "OpenVINO fp32", "openvino:bf16": "OpenVINO bf16", "mnn": "MNN fp32",
         "onnxruntime": "ONNX Runtime fp32", "torch": "torch fp32", "opencv": "OpenCV fp32",
         "ncnn": "ncnn fp32"}
# The layer that is computed, by network; the first has more rows than that of a batch on one core.
LAYERS = {"caffenet": "fc7", "torchvision": "classifier.5", "vgg16": "fc7", "nin": "pool4"}
SIDES = {"caffenet": 227}

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--network", choices=LAYERS, default="caffenet",
                       help="what is computed (default caffenet)")
arguments.add_argument("--model", help="a weight file; default: seeded, untrained weights")
arguments.add_argument("--images", help="a folder of JPEG photographs; default: made pictures")
arguments.add_argument("--rounds", type=int, default=9, help="timed runs of each (default 9)")
arguments.add_argument("--only", help="rows whose title contains this text")
table.add_options(arguments)
options = arguments.parse_args()
SIDE = SIDES.get(options.network, 224)
folder = tempfile.TemporaryDirectory(prefix="decaf-bench-")
scratch = pathlib.Path(folder.name)
results = table.Table(
    "engine", options, "Images in memory to a layer's values; loading left out on both sides; one "
    "thread a process, a core each. Medians; the last number is how many times decaf's speed is theirs.")


def wanted(title):
    return not options.only or options.only in title


def model():
    """The weights as decaf itself writes them, which is what it reads fastest."""
    path = scratch / "net.safetensors"
    command = ["convert", options.model, path] if options.model else ["generate", "--output", path]
    subprocess.run([BIN / "decaf", "model", *command, "--network", options.network], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def onnx(layer, batch):
    path = scratch / f"{layer}-{batch}.onnx"
    if not path.exists():
        save_onnx(weights, layer, batch, path)
    return path


def inputs(batch):
    path = scratch / f"input-{batch}.bin"
    if not path.exists():
        if options.images:
            pictures = [cv2.imread(str(path)) for path in photographs(options.images, batch)]
        else:
            pictures = [scene(index, 500, 375) for index in range(batch)]
        np.stack([network_input(picture, SIDE) for picture in pictures]).astype("<f4").tofile(path)
    return path


def nonzero_inputs():
    """What is not zero of the inputs of fc6 and fc7 in a batch of 64."""
    shares = []
    for layer in ("pool5", "fc6"):
        decaf(layer, 64, 1).close()
        shares.append(np.mean(np.fromfile(scratch / "decaf-0.bin", "<f4") != 0))
    results.note(f"inputs that are not zero: fc6 {shares[0]:.0%}, fc7 {shares[1]:.0%}")


def decaf(layer, batch, copies, environment=None, threads=1, cores=None, precision="fp32"):
    def command(copy):
        return [BIN / "EngineBenchmark", weights, layer, batch, threads, inputs(batch),
                scratch / f"decaf-{copy}.bin", precision]
    found = Served(f"decaf {precision}", command, copies, environment, cores)
    found.detail += " kernels"
    return found


def distance(found, expected):
    """Relative L2 distance of two files of values."""
    ours, theirs = (np.fromfile(scratch / name, "<f4") for name in (expected, found))
    return np.linalg.norm(ours - theirs) / np.linalg.norm(ours)


def peer(kind, layer, batch, copies, environment=None):
    """The peer once its output agrees with ours, or None where it does not run."""
    def command(copy):
        return [sys.executable, HERE / "engine_peer.py", kind, onnx(layer, batch), layer, SIDE,
                inputs(batch), scratch / f"peer-{copy}.bin"]
    try:
        found = Served(NAMES[kind], command, copies, environment)
    except RuntimeError as error:
        results.leave_out(NAMES[kind], error)
        return None
    error = distance("peer-0.bin", "decaf-0.bin")
    if not error <= TOLERANCES.get(kind, TOLERANCE):
        sys.exit(f"{kind}: its {layer} is at a relative distance of {error:.1e} from ours")
    found.check = f"L2 {error:.0e}"
    return found


def row(title, layer, batch, copies, kinds, environment=None, peer_environment=None):
    if not wanted(title):
        return
    contestants = [decaf(layer, batch, copies, environment)]
    contestants += filter(None, (
        peer(kind, layer, batch, copies, peer_environment) for kind in kinds))
    alternate(contestants, options.rounds)
    results.row(title, contestants, batch * copies, "images/s")
    for contestant in contestants:
        contestant.close()


def bfloat16(copies):
    """Our own reduced precision beside theirs, and beside our full one."""
    title = f"fc7, batch 64, bfloat16, {copies} process{'es' if copies > 1 else ''}"
    if not wanted(title):
        return
    full = decaf("fc7", 64, copies)
    (scratch / "decaf-0.bin").rename(scratch / "exact.bin")
    try:
        ours = decaf("fc7", 64, copies, precision="bf16")
    except RuntimeError as error:
        results.leave_out(f"decaf bf16 ({title})", error)
        full.close()
        return
    error = distance("decaf-0.bin", "exact.bin")
    if not error <= 5e-3:
        sys.exit(f"decaf bf16: fc7 is at a relative distance of {error:.1e} from fp32")
    ours.check = f"L2 {error:.1e}"
    contestants = [ours, full, *filter(None, [peer("openvino:bf16", "fc7", 64, copies)])]
    alternate(contestants, options.rounds)
    results.row(title, contestants, 64 * copies, "images/s")
    for contestant in contestants:
        contestant.close()


def scaling():
    """What a second thread, and a second process, bring over the mean of one thread on either core:
    a shared machine's cores are not equally fast."""
    print("decaf alone, fc7, batch 64: two threads, two processes, one of either", flush=True)
    cores = sorted(os.sched_getaffinity(0))[:2]
    both = [decaf("fc7", 64, 1, threads=2, cores=cores), decaf("fc7", 64, 2)]
    single = [decaf("fc7", 64, 1, cores=[core]) for core in cores]
    alternate(both + single, 3 * options.rounds)
    one = np.mean([contestant.median for contestant in single])
    for contestant, name, work in zip(both, ("two threads", "two processes"), (1, 2)):
        results.note(f"  {name:<34}{64 * work / contestant.median:9.1f} images/s"
                     f"   {work * one / contestant.median:.2f}x one thread")
    results.note(f"  {'one thread':<34}{64 / one:9.1f} images/s"
                 f"   ({', '.join(f'{64 / it.median:.1f}' for it in single)} by core)")
    for contestant in both + single:
        contestant.close()


def layers():
    """Where an image's time goes."""
    contestant = decaf("fc7", 64, 1)
    runs = [dict((name, float(ms)) for name, ms in (
        part.split("=") for part in contestant.ask("layers")[0].split(",")))
        for _ in range(options.rounds)]
    contestant.close()
    results.note("milliseconds an image by layer, one core, batch 64 (median)")
    for name in runs[0]:
        results.note(f"  {name:<34}{np.median([run[name] for run in runs]):9.3f}")


def peak():
    """A process that measures the processor's multiply-adds in registers."""
    program = scratch / "peak"
    swift = pathlib.Path(shutil.which("swift")).resolve()
    wide = ["-mprefer-vector-width=512"] if platform.machine() == "x86_64" else []
    subprocess.run(
        [swift.parent / "clang", "-O2", "-march=native", *wide, HERE / "peak.c", "-o", program],
        check=True)
    return Served("peak", [program])


def products():
    """What the products of a layer reach of what the processor can multiply and add: those of
    convolutions at the points of their tiles, without the transforms; inner products as they are run,
    perhaps without the inputs that are zero."""
    try:
        reference = peak()
    except (OSError, TypeError, subprocess.CalledProcessError) as error:
        results.leave_out("share of the peak, which peak.c measures", error)
        return
    contestant = decaf("fc7", 64, 1)
    rounds = []
    for _ in range(options.rounds):
        gigaflops = float(reference.ask()[0])
        layers = {}
        for part in contestant.ask("products")[0].split(","):
            name, figures = part.split("=")
            milliseconds, millions = map(float, figures.split(":"))
            layers[name] = (milliseconds, 2 * millions / milliseconds / gigaflops)
        rounds.append((gigaflops, layers))
    contestant.close()
    reference.close()
    results.note(
        "products alone, one core, batch 64 (median): ms an image, share of the peak,"
        f" {np.median([round[0] for round in rounds]):.0f} GFLOP/s in registers")
    for name in rounds[0][1]:
        milliseconds, share = np.median([round[1][name] for round in rounds], axis=0)
        results.note(f"  {name:<34}{milliseconds:9.3f}{100 * share:9.0f} %")


def caffenet():
    """Everything about DeCAF's network."""
    nonzero_inputs()
    fast = ["mnn", "openvino"]
    row("fc7, batch 64, one core", "fc7", 64, 1,
        [*fast, "openvino:bf16", "onnxruntime", "torch", "opencv"])
    row("fc7, batch 64, two processes", "fc7", 64, 2, fast)
    bfloat16(1)
    bfloat16(2)
    # MNN cannot be told to do without AVX-512.
    row("fc7, batch 64, one core, AVX2 only", "fc7", 64, 1, ["openvino"], {"DECAF_KERNEL": "avx2"},
        {"ONEDNN_MAX_CPU_ISA": "AVX2"})
    row("pool5, batch 64, one core", "pool5", 64, 1, fast)
    row("fc7, batch 1, one core", "fc7", 1, 1, ["mnn", "ncnn", "openvino", "openvino:bf16"])
    for part in (scaling, layers, products):
        if wanted(part.__name__):
            part()


weights = model()
if options.network == "caffenet":
    caffenet()
else:
    layer = LAYERS[options.network]
    row(f"{options.network} to {layer}, batch 64, one core", layer, 64, 1, ["mnn", "openvino"])
results.finish()
