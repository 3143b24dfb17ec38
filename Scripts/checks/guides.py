"""Runs the blocks of commands of README and guides; started by Scripts/check-guides."""
import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv[1]).resolve()
DECAF = BIN / "decaf"
TIMEOUT = 900
SHELLS = ("sh",)


@dataclasses.dataclass
class Block:
    page: str
    line: int
    language: str
    text: str
    #: What the comment before it says: why it is not run, or what it needs.
    reason: str = ""
    need: str = ""

    @property
    def place(self):
        return f"{self.page}, line {self.line}"


def blocks(path):
    found, block, comment = [], None, ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if block is not None:
            if line == "```":
                found.append(block)
                block = None
            else:
                block.text += line + "\n"
            continue
        if line.startswith("```"):
            block = Block(path.stem, number, line[3:].strip(), "")
            match = re.fullmatch(r"<!-- (not run|needs): (.*) -->", comment)
            if match:
                setattr(block, "reason" if match[1] == "not run" else "need", match[2])
        comment = line
    return found


def run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, **options)


class Shelf:
    """What pages speak of, made once by the first that asks."""

    def __init__(self, folder):
        self.folder = folder
        self.makers = {
            "caffenet.safetensors": self.model,
            "models/caffenet.safetensors": self.model,
            "bvlc_reference_caffenet.caffemodel": self.caffemodel,
            "models/bvlc_reference_caffenet.caffemodel": self.caffemodel,
            "alexnet-owt-7be5be79.pth": self.torchvision,
            "images.tsv": lambda path: self.listed(path, "\t", True),
            "images.txt": lambda path: self.listed(path, " ", False),
            "new.txt": self.unlabelled,
            "photos": self.photos,
            "101_ObjectCategories": self.photos,
            "stimuli": self.photos,
            "cat.jpg": self.photo,
            "synset_words.txt": lambda path: path.write_text(
                "".join(f"n{i:08} class {i}\n" for i in range(1000))),
            "webcam.mat": lambda path: self.matrix(path, 295),
            "dslr.mat": lambda path: self.matrix(path, 157),
            "x.npy": lambda path: np.save(path, self.random((30, 16))),
            "y.npy": lambda path: np.save(path, np.arange(30) % 3),
            "demo/train.store": self.store,
            "images.store": self.store,
        }

    def random(self, shape):
        return np.random.default_rng(1).standard_normal(shape).astype(np.float32)

    def images(self):
        folder = self.folder / "images"
        if not folder.exists():
            run(BIN / "DemoImages", folder, "--seed", "1", "--per-class", "6")
        return folder

    def get(self, name):
        path = self.folder / name.replace("/", "-")
        if not path.exists():
            self.makers[name](path)
        return path

    def model(self, path):
        shared = self.folder / "network.safetensors"
        if not shared.exists():
            run(DECAF, "model", "generate", "--seed", "1", "--output", shared)
        path.symlink_to(shared)

    def caffemodel(self, path):
        shared = self.folder / "network.caffemodel"
        if not shared.exists():
            run(DECAF, "model", "convert", self.get("caffenet.safetensors"), shared)
        path.symlink_to(shared)

    def torchvision(self, path):
        import torch
        shapes = {"features.0": (64, 3, 11, 11), "features.3": (192, 64, 5, 5),
                  "features.6": (384, 192, 3, 3), "features.8": (256, 384, 3, 3),
                  "features.10": (256, 256, 3, 3), "classifier.1": (4096, 9216),
                  "classifier.4": (4096, 4096), "classifier.6": (1000, 4096)}
        torch.manual_seed(1)
        state = {}
        for name, shape in shapes.items():
            state[f"{name}.weight"] = torch.randn(shape) * (2 / np.prod(shape[1:])) ** 0.5
            state[f"{name}.bias"] = torch.zeros(shape[0])
        torch.save(state, path)

    def entries(self):
        """(path, label) of images that can be read, a few of each class."""
        lines = (self.images() / "train.tsv").read_text().splitlines()
        names = lines[0].split("\t")
        rows = [dict(zip(names, line.split("\t"))) for line in lines[1:]]
        good = [(self.images() / row["path"], row["label"]) for row in rows]
        good = [(path, label) for path, label in good
                if path.exists() and path.read_bytes()[:2] == b"\xff\xd8"
                and path.read_bytes()[-2:] == b"\xff\xd9"]
        return [entry for label in sorted({label for _, label in good})
                for entry in [pair for pair in good if pair[1] == label][:5]]

    def listed(self, path, separator, has_header):
        lines = [f"path{separator}label"] if has_header else []
        path.write_text("\n".join(
            lines + [separator.join((str(image), label)) for image, label in self.entries()]) + "\n")

    def unlabelled(self, path):
        path.write_text("".join(f"{label}/{image.name}\n" for image, label in self.entries()))

    def photos(self, path):
        for image, label in self.entries():
            (path / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(image, path / label)

    def photo(self, path):
        shutil.copy(self.entries()[0][0], path)

    def matrix(self, path, rows):
        import scipy.io
        labels = np.arange(rows) % 10 + 1
        features = abs(self.random((rows, 64))) + (labels[:, None] == np.arange(64)[None] % 10 + 1)
        scipy.io.savemat(path, {"feas": features, "labels": labels[:, None].astype(float)})

    def store(self, path):
        run(DECAF, "extract", self.get("images.tsv"), "--model", self.get("caffenet.safetensors"),
            "--output", path, stderr=subprocess.DEVNULL)

    def lay_out(self, page, folder):
        """Puts what the page's blocks name into its folder."""
        text = "\n".join(block.text for block in page if block.need != "torch" or has_torch())
        for name in self.makers:
            if not re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w.-])", text):
                continue
            # A block of the page makes it itself.
            if re.search(rf"(--output|>)\s+{re.escape(name)}(\s|$)", text, re.M):
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(self.get(name))


def has_torch():
    return subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL
                          ).returncode == 0


def environment(folder):
    """`decaf` and `mpirun` as on a machine of two processors."""
    tools = folder / ".tools"
    tools.mkdir()
    (tools / "decaf").symlink_to(DECAF)
    launcher = tools / "mpirun"
    launcher.write_text(
        "#!/usr/bin/env bash\n# At most two ranks, whatever the page says.\n"
        f"[ \"$1\" = -np ] && shift 2\nexec {shutil.which('mpirun')} --oversubscribe -np 2 \"$@\"\n")
    launcher.chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY / "Scripts/python")}


def commands(text):
    """The command lines of decaf in a block, without launchers and comments."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        if "decaf" in words[:8] and "<<" not in line:
            words = words[words.index("decaf") + 1:]
            for end in (">", "|"):
                if end in words:
                    words = words[:words.index(end)]
            yield words


def check_words(block, folder, env):
    """Of a block that is not run: its commands are ones that decaf takes."""
    problems = []
    for words in commands(block.text):
        names = words[:2] if words[0] == "model" else words[:1]
        help_text = subprocess.run([DECAF, *names, "--help"], capture_output=True, text=True).stdout
        # A command without --dry-run fails for want of files: not for its words.
        dry = ["--dry-run"] if "--dry-run" in help_text else []
        done = subprocess.run([DECAF, *words, *dry], cwd=folder, env=env, capture_output=True,
                              text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL)
        if done.returncode == 64:
            problems.append(f"decaf {shlex.join(words)}: {done.stderr.strip()}")
    return problems


def main(names):
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "Sources/decaf/decaf.docc").glob("*.md"))]
    unknown = set(names) - {page.stem for page in pages}
    if unknown:
        sys.exit(f"check-guides: no page {', '.join(sorted(unknown))}")
    failures, left_out, ran = [], [], 0
    with tempfile.TemporaryDirectory(prefix="decaf-guides-") as scratch:
        shelf_folder = pathlib.Path(scratch) / "shelf"
        shelf_folder.mkdir()
        shelf = Shelf(shelf_folder)
        for path in pages:
            page = [block for block in blocks(path) if block.language in (*SHELLS, "python")]
            if not page or (names and path.stem not in names):
                continue
            folder = pathlib.Path(scratch) / path.stem
            folder.mkdir()
            shelf.lay_out(page, folder)
            for name in ("Configs", "Cluster", "Scripts"):
                (folder / name).symlink_to(REPOSITORY / name)
            env = environment(folder)
            # Blocks of Python go on from those before them.
            python = ""
            for block in page:
                if block.need == "torch" and not has_torch():
                    block.reason = "it needs torch, which is not here"
                if block.reason:
                    left_out.append(f"{block.place}: {block.reason}")
                    failures += [f"{block.place}: {problem}"
                                 for problem in check_words(block, folder, env)]
                    continue
                if block.language == "python":
                    python += block.text
                    command, text = [sys.executable, "-"], python
                else:
                    command, text = ["bash", "-euo", "pipefail"], block.text
                done = subprocess.run(command, input=text, cwd=folder, env=env, text=True,
                                      capture_output=True, timeout=TIMEOUT)
                ran += 1
                print(f"  {block.place}: {'runs' if done.returncode == 0 else 'FAILS'}", flush=True)
                if done.returncode != 0:
                    failures.append(
                        f"{block.place}: status {done.returncode}\n{block.text}{done.stdout[-2000:]}"
                        f"{done.stderr[-3000:]}")
    print(f"{ran} blocks ran")
    for line in left_out:
        print(f"NOT RUN, {line}")
    for failure in failures:
        print(f"FAILS: {failure}")
    sys.exit(1 if failures else 0)


main(sys.argv[2:])
