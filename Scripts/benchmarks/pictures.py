"""Pictures for benchmarks, and how a network wants them."""
import pathlib
import sys

import cv2
import numpy as np

MEAN = np.array([104.00698793, 116.66876762, 122.67891434], np.float32)


def scene(index, width, height):
    """A picture with detail at every scale, as photographs have; the same for the same index."""
    random = np.random.default_rng(index)
    picture = np.zeros((height, width, 3), np.float32)
    for octave in range(7):
        cells = 3 << octave
        noise = random.normal(0, 90 / (1 << octave) ** 0.9, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 120, 0, 255).astype(np.uint8)


def photographs(folder, count):
    """`count` JPEG files from the folder and those in it, evenly spread over their names."""
    found = sorted(pathlib.Path(folder).rglob("*.jp*g"))
    if not found:
        sys.exit(f"bench: {folder}: expected JPEG files, found none; name a folder of photographs")
    return [found[i * len(found) // count] for i in range(count)]


def network_input(picture, side=227, bytewise=False):
    """3 × side × side numbers of an 8-bit picture; `bytewise` resizes to rounded bytes, the faster way."""
    if not bytewise:
        picture = picture.astype(np.float32)
    picture = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_LINEAR)
    edge = (256 - side) // 2
    return (picture[edge:edge + side, edge:edge + side].astype(np.float32) - MEAN).transpose(2, 0, 1)
