"""What Scripts/compare-builds runs: one command of decaf an item, in the order of their needs.

Commands run in a folder of each build's own; `../inputs` is shared. A later item reads what an
earlier one wrote by the same name.
"""
import dataclasses
import shlex


@dataclasses.dataclass(frozen=True)
class Item:
    name: str
    command: str              # after `decaf`
    outputs: tuple[str, ...]  # files and folders that it writes
    ranks: int = 0            # under mpirun; 0: a plain process
    compares_output: bool = False  # what it prints, too
    is_slow: bool = False     # left out by --quick
    may_fail: bool = False    # a failure that both builds share is equality

    @property
    def arguments(self):
        return shlex.split(self.command)

    def makes_input_of(self, other):
        words = other.command.replace("=", " ").split()
        return self != other and any(output in words for output in self.outputs)


ITEMS = []


def add(name, command, *outputs, **options):
    ITEMS.append(Item(name, command, outputs, **options))


# Weights.
add("model generate caffenet", "model generate --seed 1 --output caffenet.safetensors",
    "caffenet.safetensors")
add("model inspect", "model inspect caffenet.safetensors", compares_output=True)
add("model convert", "model convert caffenet.safetensors caffenet.caffemodel",
    "caffenet.caffemodel", is_slow=True)
add("model generate alexnet",
    "model generate --architecture alexnet --seed 2 --output alexnet.safetensors",
    "alexnet.safetensors", is_slow=True)

# Stores.
for name, list_, options, more in [
    ("center", "train", "", {}),
    ("center, test", "test", "", {}),
    ("center, 2 ranks", "train", "--batch 7", {"ranks": 2}),
    ("direct, shards, 2 ranks", "train", "--gather direct --rows-per-shard 20 --batch 7",
     {"ranks": 2}),
    ("dedicated coordinator", "train", "--dedicated-coordinator", {"ranks": 2, "is_slow": True}),
    ("float16, shards", "train", "--dtype float16 --rows-per-shard 33", {}),
    ("ten", "few", "--views ten", {"is_slow": True}),
    ("ten-all, 1 rank", "few", "--views ten-all --layers fc6", {"ranks": 1, "is_slow": True}),
    ("decode fast", "few", "--decode fast", {}),
    ("other layers", "few", "--layers data,conv1:pre,norm1,pool2,conv5,fc8,prob", {}),
    ("bfloat16", "few", "--precision bf16", {"may_fail": True}),
]:
    store = name.replace(", ", "-").replace(" ", "-") + ".store"
    add(f"store {name}", f"extract ../inputs/images/{list_}.tsv --model caffenet.safetensors "
        f"--output {store} {options}", store, **more)
add("store caffemodel", "extract ../inputs/images/few.tsv --model caffenet.caffemodel "
    "--output caffemodel.store", "caffemodel.store", is_slow=True)
add("store alexnet", "extract ../inputs/images/few.tsv --model alexnet.safetensors "
    "--output alexnet.store", "alexnet.store", is_slow=True)
add("verify", "verify center.store", compares_output=True)
add("classify", "classify ../inputs/images/images/stripes/000.jpg --model caffenet.safetensors",
    compares_output=True)

# Features of other programs: more rows than features.
add("import svmlight", "import ../inputs/tall.svm --layer made --output tall.store", "tall.store")
for kind, options in [("npy", ""), ("npz", "--variable features"), ("mat", "--dtype float16")]:
    add(f"import {kind}",
        f"import ../inputs/tall.{kind} --labels ../inputs/labels.txt --layer made "
        f"--output {kind}.store {options}", f"{kind}.store")
for ending in ["svmlight", "csv", "npy"]:
    extra = {"svmlight": ["classes.tsv"], "npy": ["labels.txt"]}.get(ending, [])
    for store, layer in [("center", "fc6"), ("tall", "made")]:
        output = f"{store}.{ending}"
        add(f"export {ending}, {store}",
            f"export {store}.store --layer {layer} --format {ending} --output {output}",
            output, *(f"{output}.{name}" for name in extra))

# Classifiers: "wide" has more features than rows, "tall" more rows than features.
SHAPES = {"wide": "center.store --layer fc6", "tall": "tall.store --layer made"}
for shape, source in SHAPES.items():
    for loss in ["softmax", "logistic", "squared-hinge"]:
        for name, options in [
            ("", "--normalize l2 --C 10"),
            (", standardized, regularized bias", "--standardize --regularize-bias --C 0.01"),
        ]:
            output = f"{shape}-{loss}{'-standardized' if name else ''}.safetensors"
            add(f"train {shape}, {loss}{name}",
                f"train {source} --loss {loss} {options} --output {output}", output)
for name, command, more in [
    ("wide, 2 ranks", f"{SHAPES['wide']} --normalize l2 --C 10", {"ranks": 2}),
    ("tall, 2 ranks", f"{SHAPES['tall']} --normalize l2 --C 10", {"ranks": 2}),
    ("wide, raw rows", f"{SHAPES['wide']} --loss squared-hinge --C 1", {}),
    ("wide, C path", f"{SHAPES['wide']} --normalize l2 --C-path 0.1,1,10,100 --folds 3", {}),
    ("tall, C path", f"{SHAPES['tall']} --C-path 0.01,1 --folds 4 --seed 3", {"ranks": 2}),
    ("wide, dropout", f"{SHAPES['wide']} --normalize l2 --dropout 0.5 --seed 5", {}),
    ("tall, dropout", f"{SHAPES['tall']} --dropout 0.3 --dropout-copies 2", {}),
    ("wide, balanced", f"{SHAPES['wide']} --normalize l2 --class-weight balanced", {}),
    ("tall, class weights",
     f"{SHAPES['tall']} --loss logistic --class-weight ../inputs/class-weights.txt", {}),
    ("tall, row weights", f"{SHAPES['tall']} --weights ../inputs/row-weights.txt", {}),
    # So far from the end that the status is 65; the classifier is written and compared all the same.
    ("tall, cut short", f"{SHAPES['tall']} --C 100 --max-iterations 3", {"may_fail": True}),
    ("wide, warm start",
     f"{SHAPES['wide']} --normalize l2 --C 20 --warm-start wide-softmax.safetensors", {}),
    ("two stores, float16 pool5",
     "float16-shards.store float16-shards.store --layer pool5 --normalize l2", {}),
]:
    output = name.replace(", ", "-").replace(" ", "-") + ".safetensors"
    add(f"train {name}", f"train {command} --output {output}", output, **more)

# Predictions.
add("predict store", "predict wide-softmax.safetensors center-test.store --scores --output p1.tsv",
    "p1.tsv", compares_output=True)
add("predict store, 2 ranks", "predict wide-squared-hinge-standardized.safetensors "
    "center-test.store --scores --output p2.tsv", "p2.tsv", ranks=2)
add("predict tall", "predict tall-logistic.safetensors tall.store --scores --output p3.tsv",
    "p3.tsv", compares_output=True)
add("predict images", "predict wide-softmax.safetensors ../inputs/images/test.tsv "
    "--model caffenet.safetensors --output p4.tsv", "p4.tsv", ranks=2)

# Results and drawings.
for name, stores, ranks in [
    ("few-shot", "images=tall.store", 2),
    ("adaptation", "here=center.store --store there=center-test.store", 0),
    ("fixed", "train=center.store --store test=center-test.store", 2),
]:
    # What it prints ends with the time it took.
    add(f"evaluate {name}",
        f"evaluate ../inputs/{name}.yaml --store {stores} --output {name}.results",
        f"{name}.results", ranks=ranks)
for ending in ["svg", "html", "tsv"]:
    add(f"embed {ending}, wide",
        f"embed center.store --layer fc6 --normalize l2 --output wide.{ending}", f"wide.{ending}")
add("embed tsv, tall", "embed tall.store --rows 250 --output tall.tsv", "tall.tsv")
