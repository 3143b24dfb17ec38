"""Rows a second that rank 0 takes in and records, without images or a network, in memory-backed files.

Beside it, in the same run and alternated with it, what two ranks in C reach that send, receive and write the
same bytes (peers/coordinator): no checksums, no journal, no list, no other ranks. And what so many ranks
as decaf has reach in C: blocking calls, which give way to others where ranks share cores.

    Scripts/bench coordinator [--ranks N ...] [--rounds N] [--megabytes N]

Two kinds of rows: the default 69.6 KB (pool5, fc6 and fc7 in float32) and 64 bytes. Ranks beyond the cores
are oversubscribed.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import machine

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--ranks", type=int, nargs="*", default=[2, 4, 16, 64])
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--megabytes", type=int, default=2400, help="of large rows in a round")
parser.add_argument("--small-rows", type=int, default=1_000_000)
options = parser.parse_args()

BATCH = 64
RANK_BYTES = 32_000_000  # What a rank takes, about.
LARGE = 9216 + 4096 + 4096  # Values of pool5, fc6 and fc7.
BIN = pathlib.Path(os.environ["DECAF_BIN"])
HERE = pathlib.Path(__file__).resolve().parent


def warm(byte_count):
    """Has the machine give memory for so many bytes, then leaves it free.

    A virtual machine hands free memory back to its host within seconds, and waits for it when it is used
    again: that can take longer than what is measured.
    """
    path = pathlib.Path("/dev/shm/coordinator-warm")
    piece = bytes(1 << 20)
    with open(path, "wb") as file:
        path.unlink()
        for _ in range(byte_count >> 20):
            file.write(piece)


def mpirun(ranks, *command):
    run = subprocess.run(
        ["mpirun", "--oversubscribe", "-np", str(ranks), *map(str, command)],
        capture_output=True, text=True, timeout=600)
    if run.returncode:
        raise SystemExit(f"coordinator: status {run.returncode}: {run.stderr[-2000:]}")
    return run.stdout


def decaf(folder, ranks, rows, values, gather):
    """Rows a second."""
    warm(rows * values * 4 + ranks * RANK_BYTES)
    result = json.loads(
        mpirun(ranks, BIN / "CoordinatorBenchmark", folder / "job", rows, values, BATCH, gather))
    shutil.rmtree(folder / "job")
    return result["rows"] / result["seconds"]


def peer(program, folder, ranks, rows, values):
    """Rows a second."""
    warm(rows * values * 4 + ranks * RANK_BYTES)
    messages = rows // BATCH
    seconds = float(mpirun(ranks, program, folder / "file", messages, BATCH * values * 4))
    (folder / "file").unlink()
    return messages * BATCH / seconds


def main():
    memory = pathlib.Path("/dev/shm")
    if not memory.is_dir():
        raise SystemExit("coordinator: no /dev/shm here, a file system in memory")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder = pathlib.Path(name)
        program = folder / "send_and_write"
        subprocess.run(
            ["mpicc", "-O2", HERE / "peers/coordinator/send_and_write.c", "-o", program], check=True)
        print(f"{machine.processor()['model']}, {os.cpu_count()} processors, "
              f"others busy {machine.busy_share():.0%}")
        for label, values in (("69.6 KB", LARGE), ("64 B", 16)):
            rows = options.megabytes * 10**6 // (4 * LARGE) if values == LARGE else options.small_rows
            measured = {}
            for _ in range(options.rounds):
                measured.setdefault("two ranks in C", []).append(
                    peer(program, folder, 2, rows, values))
                for ranks in options.ranks:
                    if ranks > 2:
                        measured.setdefault(f"{ranks} ranks in C", []).append(
                            peer(program, folder, ranks, rows, values))
                    for gather in ("coordinator", "direct"):
                        measured.setdefault(f"{ranks} ranks, {gather}", []).append(
                            decaf(folder, ranks, rows, values, gather))
            print(f"\nrows of {label}, {rows} a round, median of {options.rounds}, batches of {BATCH}")
            best = statistics.median(measured["two ranks in C"])
            for contestant, rates in measured.items():
                rate = statistics.median(rates)
                print(f"  {contestant:24}{rate:12,.0f} rows/s {rate * values * 4 / 1e6:9,.0f} MB/s "
                      f"{rate / best:7.0%}   {min(rates):,.0f} … {max(rates):,.0f}")


main()
