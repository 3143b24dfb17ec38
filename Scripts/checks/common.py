"""What the checks share: running decaf, reading its files, and reporting."""
import hashlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

DECAF = os.environ["DECAF"]
SHARED = pathlib.Path(os.environ["SHARED"])
DATA = SHARED / "data"

_problems = []


def scratch():
    """A temporary folder, removed when the check ends."""
    return tempfile.TemporaryDirectory(prefix="decaf-check-")


def command(*arguments, ranks=None):
    """The command line of decaf, under mpirun when `ranks` is given."""
    launcher = ["mpirun", "--oversubscribe", "-np", str(ranks)] if ranks else []
    return launcher + [DECAF, *map(str, arguments)]


def decaf(*arguments, ranks=None, expect=0, env=None, both=False):
    """Runs decaf; stops the check when the exit status is not the expected one.

    Gives back standard output, with `both` what went to standard error behind it.
    """
    run = subprocess.run(
        command(*arguments, ranks=ranks), capture_output=True, text=True, timeout=900,
        env={**os.environ, **(env or {})})
    if run.returncode != expect:
        sys.exit(f"{' '.join(map(str, arguments))}: status {run.returncode}, expected {expect}\n"
                 f"{run.stdout}{run.stderr}")
    return run.stdout + (run.stderr if both else "")


def oracle():
    """The independent implementation, as a module."""
    spec = importlib.util.spec_from_file_location(
        "caffenet_oracle", SHARED / "tools" / "caffenet_oracle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(store):
    """The store's rows.tsv as a list of dictionaries."""
    lines = (pathlib.Path(store) / "rows.tsv").read_text().splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def hashes(store):
    """SHA-256 by file name of all of a store but its run records."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(pathlib.Path(store).iterdir()) if path.is_file()
    }


def write_list(path, entries):
    """A tab-separated list of (path, label)."""
    pathlib.Path(path).write_text(
        "path\tlabel\n" + "".join(f"{image}\t{label}\n" for image, label in entries))


def expect(condition, statement):
    """Notes a statement that does not hold; the check goes on and fails at the end."""
    if not condition:
        _problems.append(statement)
        print("FAILS:", statement)


def finish():
    """Ends the check: status 1 when a statement did not hold."""
    sys.exit(1 if _problems else 0)
