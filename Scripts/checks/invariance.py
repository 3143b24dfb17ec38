"""Bytes of stores and classifiers, whatever the ranks, threads, batches and interruptions."""
import os
import pathlib
import signal
import subprocess
import sys
import time

from common import DATA, command, decaf, expect, finish, hashes, scratch, write_list

IMAGES = sorted((DATA / "office_caltech10" / "images" / "webcam").glob("*/*.jpg"))


def extract_arguments(folder, images, model, store, *options):
    return ["extract", images, "--model", model, "--output", store, *options]


def children(pid):
    """Processes below `pid`, all generations."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def ranks_of(launcher):
    """Process numbers by rank of the decaf processes that `launcher` started."""
    result = {}
    for pid in children(launcher):
        try:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        for entry in environment:
            if name == "decaf" and entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                result[int(entry.split(b"=")[1])] = pid
    return result


def recorded(store):
    """Whether a running job has journalled finished rows."""
    try:
        return b" finished " in (store / "journal").read_bytes()
    except OSError:
        return False


def interrupt(arguments, store, ranks, how):
    """Starts a job, interrupts it once it has recorded something, and returns its status."""
    job = subprocess.Popen(
        command(*arguments, ranks=ranks), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "DECAF_FAULT_DELAY": "30"})  # so that it is not over too soon
    deadline = time.time() + 120
    while not recorded(store) and job.poll() is None and time.time() < deadline:
        time.sleep(0.01)
    if job.poll() is not None:
        return None
    how(job.pid)
    try:
        return job.wait(timeout=60)
    except subprocess.TimeoutExpired:
        job.kill()
        sys.exit("an interrupted job did not end")


INTERRUPTIONS = {
    "kill -9 of a worker": lambda pid: os.kill(ranks_of(pid)[1], signal.SIGKILL),
    "kill -9 of the coordinator": lambda pid: os.kill(ranks_of(pid)[0], signal.SIGKILL),
    "SIGTERM to mpirun": lambda pid: os.kill(pid, signal.SIGTERM),
    "SIGUSR1 to mpirun": lambda pid: os.kill(pid, signal.SIGUSR1),
}

with scratch() as name:
    folder = pathlib.Path(name)
    model = folder / "model.safetensors"
    decaf("model", "generate", "--architecture", "caffenet", "--seed", 3, "--output", model)
    images = folder / "images.tsv"
    write_list(images, [(path, path.parent.name) for path in IMAGES] + [("missing.jpg", "mug")])

    plain = folder / "plain"
    decaf(*extract_arguments(folder, images, model, plain))
    reference = hashes(plain)
    print(f"  {len(IMAGES)} images, {', '.join(reference)}: identical to a plain process?")

    def compare(label, store):
        same = hashes(store) == reference
        print(f"  {'yes' if same else 'NO ':3}  {label}")
        expect(same, f"{label}: {[n for n in reference if hashes(store).get(n) != reference[n]]}")
        subprocess.run(["rm", "-rf", store], check=True)

    spreads = [(ranks, ()) for ranks in (1, 2, 3, 5)]
    spreads += [(None, ("--threads", n)) for n in (1, 2)]
    spreads += [(2, ("--batch", n)) for n in (1, 7, 64)]
    spreads += [(None, ("--batch", 7)), (2, ("--gather", "direct")), (3, ("--gather", "direct")),
                (3, ("--dedicated-coordinator",)),
                (3, ("--dedicated-coordinator", "--gather", "direct", "--batch", 7))]
    for ranks, options in spreads:
        store = folder / "spread"
        decaf(*extract_arguments(folder, images, model, store, *options), ranks=ranks)
        launcher = f"-np {ranks}" if ranks else "plain"
        compare(f"{launcher} {' '.join(map(str, options))}", store)

    for gather in ("coordinator", "direct"):
        for (label, how), (before, after) in zip(
                INTERRUPTIONS.items(), [(2, 3), (3, 1), (2, 5), (3, 2)]):
            store = folder / "interrupted"
            arguments = extract_arguments(
                folder, images, model, store, "--batch", 8, "--gather", gather)
            status = interrupt(arguments, store, before, how)
            expect(status not in (None, 0), f"{label}: the job was over before the interruption")
            if label.startswith("SIGUSR1"):
                expect(status == 75, f"{label}: status {status}, expected 75")
            decaf(*arguments, ranks=after)
            compare(f"{label} at {before} ranks ({gather}, status {status}), resumed at {after}",
                    store)

    print("  classifiers, fc6:")
    for loss in ("softmax", "logistic", "squared-hinge"):
        found = {}
        for ranks, threads in [(None, 1), (None, 2), (1, 1), (2, 1), (3, 1), (5, 1), (2, 2)]:
            output = folder / "classifier.safetensors"
            decaf("train", plain, "--layer", "fc6", "--loss", loss, "--normalize", "l2",
                  "--C", 1, "--threads", threads, "--output", output, "--overwrite", ranks=ranks)
            found[ranks, threads] = output.read_bytes()
        same = len(set(found.values())) == 1
        print(f"  {'yes' if same else 'NO ':3}  {loss} at {len(found)} combinations of ranks "
              "and threads")
        expect(same, f"{loss}: classifiers differ")
finish()
