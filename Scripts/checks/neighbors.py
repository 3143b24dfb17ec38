"""Published SURF and DeCAF6 features of Office-Caltech10: published accuracies of their nearest neighbours."""
import pathlib
import sys

import numpy as np
from scipy.io import loadmat, savemat

from common import DATA, decaf, expect, finish, scratch

FEATURES = DATA / "decaf_features"
if not FEATURES.is_dir():
    print(f"  SKIPPED: {FEATURES} is not here")
    sys.exit(0)

# jindongwang/transferlearning, data/benchmark.md: 1NN without adaptation, per cent.
SURF = {("amazon", "webcam"): 29.8, ("amazon", "dslr"): 25.5, ("webcam", "amazon"): 23.0,
        ("webcam", "dslr"): 59.2, ("dslr", "amazon"): 28.5, ("dslr", "webcam"): 63.4}
# Of the rows as they are (the page's own preprocessing is unknown).
DECAF6 = {("dslr", "webcam"): 89.15, ("webcam", "dslr"): 98.73}


def accuracy(folder, source, target, layer):
    """Of the nearest row of `source`, over all rows of `target`."""
    table = folder / "near.tsv"
    decaf("neighbors", target, "--layer", layer, "--among", source, "--count", 1, "--output", table)
    lines = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    return 100 * sum(line[2] == line[6] for line in lines) / len(lines)


with scratch() as name:
    folder = pathlib.Path(name)
    for domain in ("amazon", "webcam", "dslr"):
        found = loadmat(FEATURES / "office_caltech10_surf" / f"{domain}.mat")
        rows = found["fts"].astype(float)
        rows /= rows.sum(1, keepdims=True)
        # Columns that are 0 everywhere have no deviation.
        deviation = rows.std(0, ddof=1)
        rows = (rows - rows.mean(0)) / np.where(deviation > 0, deviation, 1)
        savemat(folder / "surf.mat", {"fts": rows, "labels": found["labels"]})
        decaf("import", folder / "surf.mat", "--labels", "labels", "--layer", "surf", "--output",
              folder / f"surf-{domain}")
    for domain in ("webcam", "dslr"):
        decaf("import", FEATURES / "office_caltech10_decaf6" / f"{domain}.mat", "--labels", "labels",
              "--layer", "fc6", "--output", folder / f"fc6-{domain}")
    print("  nearest neighbour            decaf  published")
    for layer, published in (("surf", SURF), ("fc6", DECAF6)):
        for (source, target), expected in published.items():
            found = accuracy(folder, folder / f"{layer}-{source}", folder / f"{layer}-{target}", layer)
            print(f"  {layer:5} {source:>7} → {target:7} {found:10.2f} {expected:9.2f}")
            # The pages print one decimal.
            expect(abs(found - expected) < 0.06, f"{layer}, {source} → {target}: {found:.2f} %")
finish()
