"""Normal, unusual and malformed JPEG files: decoded like other decoders do, or refused with a reason."""
import csv
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
from PIL import Image, ImageOps

from common import DATA, DECAF, expect, finish, scratch

INSPECTOR = pathlib.Path(DECAF).parent / "ImageInspector"
CASES = DATA / "jpeg_cases"
SECONDS = 2
MEGABYTES = 512


def inspect(*arguments):
    """Runs the inspector: its output, seconds and peak memory in MB; stops at a crash."""
    start = time.time()
    process = subprocess.Popen([INSPECTOR, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{arguments}: the decoder ended with wait status {status}")
    return output.rstrip("\n").split("\t"), time.time() - start, usage.ru_maxrss / 1024


def close(found, wanted):
    return wanted != "" and all(
        abs(a - float(b)) <= 2 for a, b in zip(found, wanted.split(",")))


with scratch() as name, open(CASES / "cases.tsv", newline="") as table:
    folder = pathlib.Path(name)
    counts, slowest, largest = {}, (0, ""), (0, "")
    for case in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
        path = CASES / case["path"]
        (_, status, width, height, red, green, blue, message), seconds, megabytes = inspect(
            "decode", path)
        slowest, largest = max(slowest, (seconds, path.name)), max(largest, (megabytes, path.name))
        expected = case["expected"]
        if expected == "not_jpeg" and path.read_bytes()[:4] in (b"\x89PNG", b"RIFF"):
            expected = "decodes"  # whatever its name
        counts[expected, status] = counts.get((expected, status), 0) + 1
        if expected == "decodes":
            expect(status == "ok", f"{path.name}: {message}")
            if status != "ok":
                continue
            size = [int(width), int(height)]
            if int(case["exif_orientation"] or 1) >= 5:
                size.reverse()
            expect(size == [int(case["width"]), int(case["height"])], f"{path.name}: size {size}")
            means = [float(red), float(green), float(blue)]
            expect(close(means, case["pillow_mean_rgb"]) or close(means, case["opencv_mean_rgb"]),
                   f"{path.name}: mean {means}, expected {case['pillow_mean_rgb']}")
            if int(case["exif_orientation"] or 1) > 1:
                pixels = folder / "pixels.ppm"
                inspect("pixels", path, pixels)
                upright = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
                found = np.asarray(Image.open(pixels), "f4")
                wanted = np.asarray(upright, "f4")
                expect(found.shape == wanted.shape and abs(found - wanted).mean() < 2,
                       f"{path.name}: not upright")
        elif expected in ("refused", "not_jpeg"):
            expect(status == "failed" and message, f"{path.name}: accepted")
    for (expected, status), count in sorted(counts.items()):
        print(f"  {expected:9} {status:7} {count}")
    print(f"  slowest {slowest[0]:.2f} s ({slowest[1]}), largest {largest[0]:.0f} MB ({largest[1]})")
    expect(slowest[0] <= SECONDS, f"{slowest[1]} took {slowest[0]:.1f} s")
    expect(largest[0] <= MEGABYTES, f"{largest[1]} took {largest[0]:.0f} MB")
finish()
