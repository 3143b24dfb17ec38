"""Classifiers and networks as ONNX, run by ONNX Runtime: the same predictions and activations."""
import json
import pathlib
import subprocess

import numpy as np

from common import DECAF, decaf, expect, finish, rows, scratch, write_list

try:
    import onnx
    import onnxruntime
except ImportError:
    onnx = None
    print("NOT CHECKED: models in ONNX, for want of onnx and onnxruntime")

# Scores are sums of thousands of products, in another order.
LIMIT = 1e-5
# A network's activations, over the largest.
DEEP_LIMIT = 2e-5


def session(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    notes = {entry.key: entry.value for entry in model.metadata_props}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]), notes


def table(path):
    lines = path.read_text().splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:]]


def compare(name, session_, notes, inputs, predictions):
    """Classes and scores that the session gives, with decaf's own."""
    classes = json.loads(notes["classes"])
    found = session_.run(None, inputs)
    scores = found[0]
    predicted = [classes[i] for i in scores.argmax(1)]
    expect(predicted == [row["predicted"] for row in predictions], f"{name}: other classes")
    wanted = np.array([float(row["score"]) for row in predictions])
    difference = abs(scores.max(1) - wanted).max() / abs(wanted).max()
    print(f"  {name}: scores differ by {difference:.1e} of the largest")
    expect(difference <= LIMIT, f"{name}: scores differ by {difference}")
    if len(found) > 1:
        expect(np.allclose(found[1].sum(1), 1, atol=1e-5), f"{name}: probabilities")


def alone(folder):
    """Of features, by every loss and scaling."""
    random = np.random.default_rng(4)
    features = random.standard_normal((90, 40)).astype(np.float32)
    labels = [f"class {i % 3}" for i in range(90)]
    features[np.arange(90), np.arange(90) % 3] += 2
    features[7] = 0
    np.save(folder / "x.npy", features)
    write_list(folder / "list.tsv", [(f"{i}.jpg", label) for i, label in enumerate(labels)])
    store = folder / "x.store"
    decaf("import", folder / "x.npy", "--list", folder / "list.tsv", "--layer", "fc6",
          "--output", store)
    cases = [("softmax", []), ("softmax", ["--normalize", "l2", "--standardize"]),
             ("logistic", ["--normalize", "l2"]), ("squared-hinge", ["--standardize"]),
             ("softmax", ["--C", "1e8", "--tolerance", "1e-9"])]
    for number, (loss, options) in enumerate(cases):
        name = " ".join([loss, *options])
        classifier, model = folder / f"{number}.safetensors", folder / f"{number}.onnx"
        decaf("train", store, "--layer", "fc6", "--loss", loss, *options, "--output", classifier)
        decaf("predict", classifier, store, "--output", folder / f"{number}.tsv")
        decaf("export", classifier, "--format", "onnx", "--output", model)
        compare(name, *session(model), {"features": features}, table(folder / f"{number}.tsv"))


def behind_network(folder):
    """Behind the whole network, fed with the store's own input tensors; and the network's own classes."""
    images = folder / "images"
    subprocess.run([pathlib.Path(DECAF).parent / "DemoImages", images, "--seed", "2", "--per-class",
                    "4"], check=True, stdout=subprocess.DEVNULL)
    for network, layer, side in [("caffenet", "fc7", 227), ("vgg-s", "fc6", 224)]:
        weights = folder / f"{network}.safetensors"
        decaf("model", "generate", "--network", network, "--seed", "1", "--output", weights)
        store = folder / f"{network}.store"
        decaf("extract", images / "train.tsv", "--model", weights, "--layers", f"data,{layer},prob",
              "--output", store)
        classifier = folder / f"{network}-classifier.safetensors"
        decaf("train", store, "--layer", layer, "--normalize", "l2", "--C", "10", "--output",
              classifier)
        decaf("predict", classifier, store, "--output", folder / "p.tsv", "--overwrite")
        decaf("export", classifier, "--format", "onnx", "--model", weights, "--output",
              folder / f"{network}.onnx")
        kept = [i for i, row in enumerate(rows(store)) if row["status"] == "ok"]
        data = np.load(store / "data.npy")[kept].reshape(-1, 3, side, side)
        predictions = table(folder / "p.tsv")
        compare(f"{network}, {layer}", *session(folder / f"{network}.onnx"), {"data": data},
                [predictions[i] for i in kept])
        decaf("model", "convert", weights, folder / "all.onnx", "--overwrite")
        probabilities = session(folder / "all.onnx")[0].run(None, {"data": data[:2]})[0]
        wanted = np.load(store / "prob.npy")[kept][:2]
        difference = abs(probabilities - wanted).max() / wanted.max()
        print(f"  {network}: probabilities differ by {difference:.1e}")
        expect(difference <= DEEP_LIMIT, f"{network}: probabilities differ by {difference}")
        # The same model comes back, with its weights.
        text = decaf("model", "inspect", folder / "all.onnx", "--network", network)
        expect(text.splitlines()[4].split()[-1] == decaf("model", "inspect", weights)
               .splitlines()[4].split()[-1], f"{network}: weights of the ONNX model")
        weights.unlink()
        (folder / "all.onnx").unlink()
        (folder / f"{network}.onnx").unlink()


if onnx:
    with scratch() as place:
        alone(pathlib.Path(place))
    with scratch() as place:
        behind_network(pathlib.Path(place))
finish()
