"""Times the engine against other engines: images in memory to a layer's activations.

Everybody gets the same weights and inputs and one thread a process. Before anything is timed the
outputs are compared; then the programs run one batch each in turn. decaf's inputs are brought into
its own order, channels innermost and folded for conv1's stride, when they are set, which is not timed:
an extraction writes them so in the first place (`Scripts/bench pipeline` times all of it). Peers read
channels first.

decaf's inner products leave out inputs that are zero, so their speed depends on the network and the
pictures: in trained networks a third of pool5 and less of fc6 is not zero, in an untrained one more.
The report says how many. `--model` and `--images` give it real ones.
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

from contestants import HERE, Contestant, alternate, report
from network import save_onnx
from pictures import network_input, photographs, scene

BIN = pathlib.Path(os.environ["DECAF_BIN"])
# Relative L2 distance of a peer's output from ours. Single precision sums in other orders differ by
# some 1e-6; bfloat16 has 8 bits.
TOLERANCES = {"openvino-bf16": 2e-2}
TOLERANCE = 1e-4

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--model", help="a weight file; default: seeded, untrained weights")
arguments.add_argument("--images", help="a folder of JPEG photographs; default: made pictures")
arguments.add_argument("--rounds", type=int, default=9, help="timed runs of each (default 9)")
arguments.add_argument("--only", help="rows whose title contains this text")
options = arguments.parse_args()
folder = tempfile.TemporaryDirectory(prefix="decaf-bench-")
scratch = pathlib.Path(folder.name)
left_out = []


def model():
    """The weights as decaf itself writes them, which is what it reads fastest."""
    path = scratch / "net.safetensors"
    command = ["convert", options.model, path] if options.model else ["generate", "--output", path]
    subprocess.run([BIN / "decaf", "model", *command], check=True, stdout=subprocess.DEVNULL)
    return path


def onnx(layer, batch):
    path = scratch / f"{layer}-{batch}.onnx"
    if not path.exists():
        save_onnx(weights, layer, batch, path)
    return path


def ncnn(layer):
    """The network as pnnx converts it for ncnn, in full precision."""
    path = scratch / f"ncnn-{layer}"
    if not path.exists():
        path.mkdir()
        source = path / "net.onnx"
        source.write_bytes(onnx(layer, 1).read_bytes())
        subprocess.run(
            [pathlib.Path(sys.executable).parent / "pnnx", source, "inputshape=[1,3,227,227]",
             "fp16=0"], cwd=path, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def inputs(batch):
    path = scratch / f"input-{batch}.bin"
    if not path.exists():
        if options.images:
            pictures = [cv2.imread(str(path)) for path in photographs(options.images, batch)]
        else:
            pictures = [scene(index, 500, 375) for index in range(batch)]
        np.stack([network_input(picture) for picture in pictures]).astype("<f4").tofile(path)
    return path


def nonzero_inputs():
    """What is not zero of the inputs of fc6 and fc7 in a batch of 64."""
    shares = []
    for layer in ("pool5", "fc6"):
        decaf(layer, 64, 1).close()
        shares.append(np.mean(np.fromfile(scratch / "decaf-0.bin", "<f4") != 0))
    print(f"inputs that are not zero: fc6 {shares[0]:.0%}, fc7 {shares[1]:.0%}", flush=True)


def decaf(layer, batch, copies, environment=None, threads=1, cores=None, precision="fp32"):
    def command(copy):
        return [BIN / "EngineBenchmark", weights, layer, batch, threads, inputs(batch),
                scratch / f"decaf-{copy}.bin", precision]
    contestant = Contestant("decaf", command, copies, environment, cores)
    contestant.name += f" ({contestant.remark})"
    return contestant


def peer(kind, layer, batch, copies, environment=None, label=""):
    """The peer once its output agrees with ours, or None where it does not run."""
    try:
        source = ncnn(layer) if kind == "ncnn" else onnx(layer, batch)

        def command(copy):
            return [sys.executable, HERE / "engine_peer.py", kind, source, layer, inputs(batch),
                    scratch / f"peer-{copy}.bin"]
        found = Contestant(kind, command, copies, environment)
    except (RuntimeError, OSError, subprocess.CalledProcessError, ImportError) as error:
        left_out.append(f"{kind}: {error}")
        return None
    ours = np.fromfile(scratch / "decaf-0.bin", "<f4")
    theirs = np.fromfile(scratch / "peer-0.bin", "<f4")
    distance = np.linalg.norm(ours - theirs) / np.linalg.norm(ours)
    if not distance <= TOLERANCES.get(kind, TOLERANCE):
        sys.exit(f"{kind}: its {layer} is at a relative distance of {distance:.1e} from ours")
    found.name = f"{kind} {found.remark}{label} (L2 {distance:.0e})"
    return found


def row(title, layer, batch, copies, kinds, environment=None, peer_environment=None):
    if options.only and options.only not in title:
        return
    print(title, flush=True)
    contestants = [decaf(layer, batch, copies, environment)]
    contestants += filter(None, (
        peer(kind, layer, batch, copies, peer_environment) for kind in kinds))
    alternate(contestants, options.rounds)
    report(contestants, batch * copies, "images/s")
    for contestant in contestants:
        contestant.close()


def bfloat16(copies):
    """Our own reduced precision beside theirs, and beside our full one."""
    title = f"fc7, batch 64, bfloat16, {copies} process{'es' if copies > 1 else ''}"
    if options.only and options.only not in title:
        return
    print(title, flush=True)
    full = decaf("fc7", 64, copies)
    exact = np.fromfile(scratch / "decaf-0.bin", "<f4")
    try:
        ours = decaf("fc7", 64, copies, precision="bf16")
    except RuntimeError:
        left_out.append("decaf bf16: this processor has no AMX")
        full.close()
        return
    rounded = np.fromfile(scratch / "decaf-0.bin", "<f4")
    distance = np.linalg.norm(rounded - exact) / np.linalg.norm(exact)
    if not distance <= 5e-3:
        sys.exit(f"decaf bf16: fc7 is at a relative distance of {distance:.1e} from fp32")
    ours.name += f" (L2 {distance:.1e})"
    contestants = [ours, full, *filter(None, [peer("openvino-bf16", "fc7", 64, copies)])]
    alternate(contestants, options.rounds)
    report(contestants, 64 * copies, "images/s")
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
        print(f"  {name:<34}{64 * work / contestant.median:9.1f} images/s"
              f"   {work * one / contestant.median:.2f}x one thread")
    print(f"  {'one thread':<34}{64 / one:9.1f} images/s"
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
    print("milliseconds an image by layer, one core, batch 64 (median)")
    for name in runs[0]:
        print(f"  {name:<34}{np.median([run[name] for run in runs]):9.3f}")


def peak():
    """A process that measures the processor's multiply-adds in registers."""
    program = scratch / "peak"
    swift = pathlib.Path(shutil.which("swift")).resolve()
    wide = ["-mprefer-vector-width=512"] if platform.machine() == "x86_64" else []
    subprocess.run(
        [swift.parent / "clang", "-O2", "-march=native", *wide, HERE / "peak.c", "-o", program],
        check=True)
    return Contestant("peak", [program])


def products():
    """What the products of a layer reach of what the processor can multiply and add: those of
    convolutions at the points of their tiles, without the transforms; inner products as they are run,
    perhaps without the inputs that are zero."""
    try:
        reference = peak()
    except (OSError, TypeError, subprocess.CalledProcessError) as error:
        left_out.append(f"share of the peak, which peak.c measures: {error}")
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
    print("products alone, one core, batch 64 (median): ms an image, share of the peak,"
          f" {np.median([round[0] for round in rounds]):.0f} GFLOP/s in registers")
    for name in rounds[0][1]:
        milliseconds, share = np.median([round[1][name] for round in rounds], axis=0)
        print(f"  {name:<34}{milliseconds:9.3f}{100 * share:9.0f} %")


weights = model()
nonzero_inputs()
fast = ["openvino-f32", "openvino-bf16"]
others = ["onnxruntime", "torch", "opencv"]
row("fc7, batch 64, one core", "fc7", 64, 1, fast + others)
row("fc7, batch 64, two processes", "fc7", 64, 2, fast)
bfloat16(1)
bfloat16(2)
row("fc7, batch 64, one core, AVX2 only", "fc7", 64, 1, fast[:1], {"DECAF_KERNEL": "avx2"},
    {"ONEDNN_MAX_CPU_ISA": "AVX2"})
row("pool5, batch 64, one core", "pool5", 64, 1, fast[:1])
row("fc7, batch 1, one core", "fc7", 1, 1, ["ncnn", "openvino-f32"])
if not options.only or options.only in "scaling":
    scaling()
if not options.only or options.only in "layers":
    layers()
if not options.only or options.only in "products":
    products()
for reason in left_out:
    print("left out:", reason)
