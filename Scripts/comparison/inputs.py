"""The made-up inputs of Scripts/compare-builds; the same at every run."""
import random
import struct
import subprocess
import zipfile

ROWS, CLASSES, WIDTH = 600, 4, 40

FEW_SHOT = """\
name: small
kind: few-shot
stores: {images: tall.store}
layers: [made]
losses: [softmax, squared-hinge]
dropout: [0, 0.5]
normalize: l2
C: [1, 10]
validation: {rows: 1, of: 3, fallback-C: 1}
training-rows: [1, 3, 6]
splits: 3
seed: 1
"""

ADAPTATION = """\
name: domains
kind: adaptation
layers: [fc6]
losses: [softmax, squared-hinge]
normalize: l2
C: [1, 10]
validation: {rows: 1, of: 4, fallback-C: 1}
source-rows: {here: 4, there: 4}
target-rows: 1
pairs: [here→there]
methods: [S, T, ST, Daumé]
splits: 2
seed: 1
"""

FIXED = """\
name: halves
kind: fixed
layers: [fc6]
losses: [logistic]
normalize: l2
C: [1]
seed: 1
"""


def make_inputs(folder, demo_images):
    """Fills `folder`: images and their lists, features of other programs, protocols, weights."""
    images = folder / "images"
    images.mkdir(parents=True)
    subprocess.run([demo_images, images, "--seed", "1", "--per-class", "10"],
                   check=True, stdout=subprocess.DEVNULL)
    lines = (images / "train.tsv").read_text().splitlines(keepends=True)
    (images / "few.tsv").write_text("".join(lines[:1] + lines[1::6]))
    _make_features(folder)
    for name, text in [("few-shot", FEW_SHOT), ("adaptation", ADAPTATION), ("fixed", FIXED)]:
        (folder / f"{name}.yaml").write_text(text)


def _make_features(folder):
    """More rows than features, as svmlight text, NumPy array, archive and MATLAB file."""
    generator = random.Random(1)
    centres = [[generator.gauss(0, 1) for _ in range(WIDTH)] for _ in range(CLASSES)]
    labels = [row % CLASSES if row % 7 else 0 for row in range(ROWS)]  # classes of unequal sizes
    rows = [[round(generator.gauss(c, 1.5), 4) if generator.random() < 0.8 else 0.0
             for c in centres[label]] for label in labels]
    (folder / "tall.svm").write_text("".join(
        f"c{label} " + " ".join(f"{i + 1}:{v}" for i, v in enumerate(row) if v) + "\n"
        for label, row in zip(labels, rows)))
    (folder / "labels.txt").write_text("".join(f"c{label}\n" for label in labels))
    (folder / "class-weights.txt").write_text("c0 0.5\nc2 2\n")
    (folder / "row-weights.txt").write_text(
        "".join(f"{generator.choice([0, 0.5, 1, 2])}\n" for _ in range(ROWS)))
    array = _npy(rows)
    (folder / "tall.npy").write_bytes(array)
    with zipfile.ZipFile(folder / "tall.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("features.npy"), array)
    (folder / "tall.mat").write_bytes(_mat("features", rows))


def _npy(rows):
    """A NumPy file, format version 1.0, of float32."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {WIDTH}), }}"
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    numbers = b"".join(struct.pack(f"<{WIDTH}f", *row) for row in rows)
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + numbers


def _mat(name, rows):
    """A MATLAB file of version 5 with one matrix of doubles, which are written by columns."""
    def element(kind, data):
        return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    columns = [row[k] for k in range(WIDTH) for row in rows]
    matrix = (element(6, struct.pack("<II", 6, 0))  # flags: class double
              + element(5, struct.pack("<ii", len(rows), WIDTH))
              + element(1, name.encode())
              + element(9, struct.pack(f"<{len(columns)}d", *columns)))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    return head + element(14, matrix)
