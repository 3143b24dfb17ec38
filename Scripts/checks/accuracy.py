"""pool5 of real convolution weights over Office-Caltech10 and Caltech-101: domain transfer."""
import pathlib
import time

from common import DATA, decaf, expect, finish, rows, scratch, write_list

MODEL = DATA / "caffenet_conv" / "caffenet_conv1to5_sparse.caffemodel"
# An independent implementation of the same definitions.
EXPECTED = {"webcam → dslr": 99.4, "dslr → webcam": 95.9, "amazon → webcam": 70.5,
            "Caltech-101, 30 → 20": 96.5}


def extract(folder, name, entries):
    images = folder / f"{name}.tsv"
    write_list(images, entries)
    store = folder / name
    start = time.time()
    decaf("extract", images, "--model", MODEL, "--architecture", "caffenet", "--layers", "pool5",
          "--output", store, ranks=2)
    seconds = time.time() - start
    failed = sum(row["status"] == "failed" for row in rows(store))
    print(f"  {name:14} {len(entries):5} images, {failed} failed, {seconds:.1f} s on two ranks")
    expect(failed == 0, f"{name}: {failed} images failed")
    return store


def accuracy(folder, train, test):
    classifier = folder / "classifier.safetensors"
    predictions = folder / "predictions.tsv"
    decaf("train", train, "--layer", "pool5", "--loss", "squared-hinge", "--C", 1,
          "--normalize", "l2", "--output", classifier, "--overwrite", ranks=2)
    decaf("predict", classifier, test, "--output", predictions, "--overwrite", ranks=2)
    lines = [line.split("\t") for line in predictions.read_text().splitlines()[1:]]
    return 100 * sum(line[2] == line[3] for line in lines) / len(lines)


def images_of(folder):
    return {
        entry.name: sorted(entry.iterdir(), key=lambda path: path.name.encode())
        for entry in sorted(folder.iterdir()) if entry.is_dir()
    }


with scratch() as name:
    folder = pathlib.Path(name)
    stores = {}
    for domain in ("amazon", "dslr", "webcam"):
        classes = images_of(DATA / "office_caltech10" / "images" / domain)
        stores[domain] = extract(
            folder, domain, [(image, label) for label, images in classes.items() for image in images])
    classes = images_of(DATA / "caltech101_20classes")
    for part, choice in (("caltech-train", slice(0, 30)), ("caltech-test", slice(30, 50))):
        stores[part] = extract(
            folder, part,
            [(image, label) for label, images in classes.items() for image in images[choice]])

    pairs = [("webcam", "dslr"), ("dslr", "webcam"), ("amazon", "webcam"),
             ("caltech-train", "caltech-test")]
    print("  accuracy, squared hinge, C = 1, rows of length 1      decaf  expected")
    for (train, test), (label, expected) in zip(pairs, EXPECTED.items()):
        found = accuracy(folder, stores[train], stores[test])
        print(f"  {label:52} {found:6.1f}  {expected:8.1f}")
        expect(abs(found - expected) <= 1, f"{label}: {found:.1f}, expected {expected}")
finish()
