"""What speeds are measured on: processor, cores, who else is busy; and an environment fair to all."""
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
import time

# Set in some containers, they make OpenBLAS (numpy's, scipy's) run kernels of another processor.
_SLOWS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_VECTOR_SETS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve")
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def environment(**added):
    """This process's environment without what slows numpy down, and with `added`."""
    kept = {name: value for name, value in os.environ.items() if name not in _SLOWS}
    return kept | {name: str(value) for name, value in added.items()}


def processor():
    """Model, vector sets and cores of this machine."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^(?:model name|CPU part)\s*:\s*(.*)$", text, re.M)
    found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.M)
    flags = found[1].split() if found else []
    family = [re.search(rf"^{key}\s*:\s*(\d+)$", text, re.M) for key in ("cpu family", "model")]
    # A virtual machine may hide the model's name; family and model still tell the design.
    numbers = " family {} model {}".format(*(it[1] for it in family)) if all(family) else ""
    return {
        "model": (model[1] if model else platform.machine()) + numbers,
        "vectors": [it for it in _VECTOR_SETS if it in flags],
        "cores": len(os.sched_getaffinity(0)),
    }


def busy_share(seconds=1.0):
    """What share of all cores' time others use now, other tenants of the host (steal) included."""
    def times():
        line = pathlib.Path("/proc/stat").read_text().splitlines()[0]
        numbers = [int(it) for it in line.split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]  # All; idle and waiting for disks.

    before = times()
    time.sleep(seconds)
    after = times()
    return 1 - (after[1] - before[1]) / max(1, after[0] - before[0])


def commit():
    """The commit that is measured, with `-dirty` where files differ from it."""
    run = subprocess.run(["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT,
                         capture_output=True, text=True)
    return run.stdout.strip() or "unknown"


def versions():
    """The peers' packages with their exact versions, in the order of `peers.txt`; None: not there."""
    names = [re.split("[=<>]", line)[0]
             for line in (ROOT / "Scripts/benchmarks/peers.txt").read_text().split("\n")
             if line and not line.startswith("#")]
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def blas():
    """The kernels and threads of the BLAS that this process has loaded, such as `openblas Zen 2`."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "BLAS not known without threadpoolctl"
    found = {f"{it['internal_api']} {it['architecture']} {it['num_threads']} threads"
             for it in threadpool_info() if it["user_api"] == "blas" and "architecture" in it}
    return ", ".join(sorted(found)) or "no BLAS"
