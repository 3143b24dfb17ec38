"""GIST, dense SIFT and LLC beside implementations in numpy, float64, written for this check; SIFT
beside VLFeat's too, where its library is."""
import ctypes
import ctypes.util
import pathlib
import subprocess

import numpy as np
from PIL import Image

from common import DATA, DECAF, decaf, expect, finish, hashes, scratch, write_list

INSPECTOR = pathlib.Path(DECAF).parent / "ImageInspector"
CALTECH = DATA / "caltech101_20classes"
IMAGES = [path for folder in sorted(CALTECH.iterdir()) if folder.is_dir()
          for path in sorted(folder.iterdir())[:3]]
PATCH, STEP = 16, 6


def decoded(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float64)


def resizing(old, new):
    """The matrix that resizes an axis: a triangle as wide as what a new pixel covers."""
    step = old / new
    support = max(step, 1)
    centers = (np.arange(new) + 0.5) * step
    weights = 1 - np.abs(np.arange(old)[None] + 0.5 - centers[:, None]) / support
    weights = np.maximum(weights, 0)
    return weights / weights.sum(1, keepdims=True)


def resized(image, height, width):
    rows, columns = resizing(image.shape[0], height), resizing(image.shape[1], width)
    return np.einsum("ya,abc,xb->yxc", rows, image, columns, optimize=True)


# GIST, as LMgist.m has it.

def gist_input(image, side=256):
    scale = side / min(image.shape[:2])
    height, width = (int(length * scale + 0.5) for length in image.shape[:2])
    image = resized(image, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    gray = image[top:top + side, left:left + side].mean(2)
    gray = gray - gray.min()
    return 255 * gray / gray.max()


def prefiltered(image, cycles=4, border=5):
    image = np.pad(np.log(image + 1), border, mode="symmetric")
    size = image.shape[0]
    frequency = np.fft.fftfreq(size, 1 / size)
    gain = np.exp(-(frequency[:, None]**2 + frequency[None]**2) / (cycles**2 / np.log(2)))
    low = lambda x: np.fft.ifft2(np.fft.fft2(x) * gain)
    details = image - low(image).real
    contrast = np.sqrt(np.abs(low(details**2)))
    return (details / (0.2 + contrast))[border:-border, border:-border]


def gabor(size, scales=4, orientations=8):
    frequency = np.fft.fftfreq(size, 1 / size)
    x, y = np.meshgrid(frequency, frequency)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    for scale in range(scales):
        for orientation in range(orientations):
            turned = angle + np.pi / orientations * orientation
            turned = turned + 2 * np.pi * (turned < -np.pi) - 2 * np.pi * (turned > np.pi)
            yield np.exp(-10 * 0.35 * (radius / size / (0.3 / 1.85**scale) - 1)**2
                         - 2 * 16 * orientations**2 / 32**2 * np.pi * turned**2)


FILTERS = list(gabor(320))


def gist(path, border=32, blocks=4):
    image = prefiltered(gist_input(decoded(path)))
    spectrum = np.fft.fft2(np.pad(image, border, mode="symmetric"))
    row = []
    for gain in FILTERS:
        response = np.abs(np.fft.ifft2(spectrum * gain))[border:-border, border:-border]
        side = response.shape[0] // blocks
        row.append(response.reshape(blocks, side, blocks, side).mean((1, 3)).T.ravel())
    return np.concatenate(row)


# Dense SIFT.

def smoothed_gray(path):
    image = decoded(path)
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest > 300:
        height, width = -(-height * 300 // longest), -(-width * 300 // longest)
        image = resized(image, height, width)
    gray = image @ [0.2989, 0.5870, 0.1140] / 255
    weights = np.exp(-np.arange(-2, 3)**2 / (2 * 0.8**2))
    weights /= weights.sum()
    padded = np.pad(gray, 2, mode="edge")
    rows = sum(w * padded[i:i + gray.shape[0]] for i, w in enumerate(weights))
    return sum(w * rows[:, i:i + gray.shape[1]] for i, w in enumerate(weights))


def places(length):
    spare = length - PATCH
    return np.arange(spare % STEP // 2, spare + 1, STEP)


def vlfeat_arctan2(y, x):
    """VLFeat's approximation, `vl_fast_atan2_f`, wrong by up to 0.006."""
    height = np.abs(y) + 1.19209290e-07
    r = np.where(x >= 0, (x - height) / (np.abs(x) + height), (x + height) / (height + np.abs(x)))
    angle = np.where(x >= 0, np.pi / 4, 3 * np.pi / 4) + (0.1821 * r * r - 0.9675) * r
    return np.where(y < 0, -angle, angle)


def raw_sift(gray, arctan2=np.arctan2):
    """Before they are scaled: rows × columns × 128."""
    dy, dx = np.gradient(gray)
    length = np.hypot(dx, dy)
    place = np.mod(arctan2(dy, dx), 2 * np.pi) * 4 / np.pi
    first = np.minimum(np.floor(place).astype(int), 7)
    rest = place - first
    maps = np.zeros((8, *gray.shape))
    for k in range(8):
        maps[k] = np.where(first == k, (1 - rest) * length, 0)
        maps[k] += np.where((first + 1) % 8 == k, rest * length, 0)
    maps = np.pad(maps, ((0, 0), (2, 2), (2, 2)), mode="edge")
    offset = np.arange(-1, 18)
    window = np.exp(-(offset - 8)**2 / (2 * 8**2))
    bins = np.maximum(1 - np.abs(offset[None] - 2 - 4 * np.arange(4)[:, None]) / 4, 0) * window
    rows, columns = places(gray.shape[0]), places(gray.shape[1])
    result = np.empty((len(rows), len(columns), 128))
    for j, y in enumerate(rows):
        for i, x in enumerate(columns):
            patch = maps[:, y + 1:y + 20, x + 1:x + 20]
            result[j, i] = np.einsum("ay,kyx,bx->abk", bins, patch, bins, optimize=True).ravel()
    return result


def sift(raw):
    length = np.linalg.norm(raw, axis=-1, keepdims=True)
    values = np.minimum(raw / np.maximum(length, 0.4), 0.2)
    again = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.where(length < 0.4, values, values / np.where(again > 0, again, 1))


def own_sift(path, folder, shape):
    output = folder / "sift.bin"
    subprocess.run([INSPECTOR, "sift", path, output], check=True)
    return np.fromfile(output, np.float32).reshape(*shape[:2], 128)


class Geometry(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in
                ("numBinT", "numBinX", "numBinY", "binSizeX", "binSizeY")]


class Filter(ctypes.Structure):
    """The beginning of `VlDsiftFilter_`, dsift.h, whose accessors are inline there."""
    _fields_ = (
        [(name, ctypes.c_int) for name in
         ("imWidth", "imHeight", "stepX", "stepY", "boundMinX", "boundMinY", "boundMaxX",
          "boundMaxY")]
        + [("geom", Geometry), ("useFlatWindow", ctypes.c_int), ("windowSize", ctypes.c_double),
           ("numFrames", ctypes.c_int), ("descrSize", ctypes.c_int), ("frames", ctypes.c_void_p),
           ("descrs", ctypes.POINTER(ctypes.c_float))])


def vlfeat():
    """VLFeat's `vl_dsift`, or None."""
    for name in (ctypes.util.find_library("vl"), "libvl.so", "libvl.so.1"):
        try:
            library = ctypes.CDLL(name) if name else None
        except OSError:
            library = None
        if library:
            library.vl_dsift_new_basic.restype = ctypes.POINTER(Filter)
            return library
    return None


def vlfeat_sift(library, gray):
    """Of the same patches: VLFeat numbers a patch by its first bin's centre, 2 pixels in."""
    gray = np.ascontiguousarray(gray, np.float32)
    height, width = gray.shape
    rows, columns = places(height) + 2, places(width) + 2
    filter_ = library.vl_dsift_new_basic(width, height, STEP, 4)
    fields = filter_.contents
    assert fields.stepX == STEP and fields.geom.numBinT == 8 and fields.geom.binSizeX == 4
    assert not fields.useFlatWindow and fields.windowSize == 2
    # Inclusive bounds of the bins' centres; then what the header's `vl_dsift_set_bounds` calls.
    fields.boundMinX, fields.boundMinY = int(columns[0]), int(rows[0])
    fields.boundMaxX, fields.boundMaxY = int(columns[-1]) + 12, int(rows[-1]) + 12
    library._vl_dsift_update_buffers(filter_)
    library.vl_dsift_process(filter_, gray.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
    count = len(rows) * len(columns)
    assert fields.numFrames == count and fields.descrSize == 128
    found = np.ctypeslib.as_array(fields.descrs, (count, 128)).copy()
    library.vl_dsift_delete(filter_)
    return found.reshape(len(rows), len(columns), 128)


# LLC.

def llc(path, words):
    gray = smoothed_gray(path)
    descriptors = sift(raw_sift(gray)).reshape(-1, 128)
    rows, columns = places(gray.shape[0]), places(gray.shape[1])
    squares = (descriptors**2).sum(1)[:, None] - 2 * descriptors @ words.T + (words**2).sum(1)
    codes = np.zeros(squares.shape)
    for i, x in enumerate(descriptors):
        nearest = np.argpartition(squares[i], 5)[:5]
        z = words[nearest] - x
        system = z @ z.T
        system += 1e-4 * np.trace(system) * np.eye(5)
        w = np.linalg.solve(system, np.ones(5))
        codes[i, nearest] = w / w.sum()
    codes = codes.reshape(len(rows), len(columns), -1)
    cells = []
    for grid in (1, 2, 4):
        y = np.ceil((rows + 8.5) / (gray.shape[0] / grid)).astype(int) - 1
        x = np.ceil((columns + 8.5) / (gray.shape[1] / grid)).astype(int) - 1
        for j in range(grid):
            for i in range(grid):
                cell = codes[y == j][:, x == i]
                cells.append(np.maximum(cell.max((0, 1)), 0) if cell.size else 0 * codes[0, 0])
    row = np.concatenate(cells)
    return row / np.linalg.norm(row)


with scratch() as name:
    folder = pathlib.Path(name)
    images = folder / "images.tsv"
    write_list(images, [(path, path.parent.name) for path in IMAGES])

    decaf("extract", images, "--descriptor", "gist", "--output", folder / "gist")
    found = np.load(folder / "gist" / "gist.npy")
    worst = 0
    for row, path in zip(found, IMAGES):
        expected = gist(path)
        worst = max(worst, np.abs(row - expected).max() / expected.max())
    print(f"  GIST, {len(IMAGES)} images: {worst:.1e} of the largest value off", flush=True)
    expect(worst <= 1e-5, f"GIST is off by {worst:.1e}, expected at most 1e-5")

    library = vlfeat()
    worst, off, twin_off, flat, patches = 0, [], [], 0, 0
    for path in IMAGES[::3]:
        gray = smoothed_gray(path)
        raw = raw_sift(gray)
        own = own_sift(path, folder, raw.shape)
        worst = max(worst, np.abs(own - sift(raw)).max())
        length = np.linalg.norm(raw, axis=-1)
        flat, patches = flat + (length < 0.4).sum(), patches + length.size
        if library:
            theirs = vlfeat_sift(library, gray)
            off += list(np.abs(own - theirs)[length >= 0.4].max(-1))
            twin = sift(raw_sift(gray, vlfeat_arctan2))
            twin_off += list(np.abs(twin - theirs)[length >= 0.4].max(-1))
    print(f"  dense SIFT, {patches} patches, {flat} of them flat: {worst:.1e} off")
    expect(worst <= 1e-5, f"dense SIFT is off by {worst:.1e}, expected at most 1e-5")
    if library:
        # Values are up to 0.5 or so. VLFeat moves up to 0.008 of a gradient to the next orientation;
        # what is cut at 0.2 then lets the small ones grow. Its square root is an approximation, too.
        print(f"  beside VLFeat's: {np.max(off):.1e} off at most, median {np.median(off):.1e}; "
              f"numpy's with VLFeat's arctangent {np.max(twin_off):.1e}")
        expect(np.max(twin_off) < 2e-3, f"VLFeat's SIFT differs by {np.max(twin_off):.1e}")
        expect(np.max(off) < 0.02, f"VLFeat's SIFT differs by {np.max(off):.1e}")
    else:
        print("  VLFeat is not here (apt-get install libvlfeat-dev): SIFT not compared with it")

    for ranks in (None, 2, 3):
        decaf("codebook", images, "--words", 64, "--sample", 6000, "--iterations", 8, "--output",
              folder / f"words-{ranks}.safetensors", ranks=ranks)
    bytes_ = {(folder / f"words-{ranks}.safetensors").read_bytes() for ranks in (None, 2, 3)}
    print(f"  codebooks of 1, 2 and 3 ranks: {'the same bytes' if len(bytes_) == 1 else 'differ'}")
    expect(len(bytes_) == 1, "codebooks depend on the ranks")

    codebook = folder / "words-None.safetensors"
    stores = []
    for ranks in (None, 3):
        stores.append(folder / f"llc-{ranks}")
        decaf("extract", images, "--descriptor", "llc", "--codebook", codebook, "--output",
              stores[-1], ranks=ranks)
    expect(hashes(stores[0]) == hashes(stores[1]), "LLC depends on the ranks")
    from safetensors.numpy import load_file
    words = load_file(codebook)["words"].astype(np.float64)
    found = np.load(stores[0] / "llc.npy")
    off = []
    for row, path in list(zip(found, IMAGES))[::3]:
        expected = llc(path, words)
        off.append(np.abs(row - expected).max() / expected.max())
    print(f"  LLC, {len(off)} images: {max(off):.1e} of the largest value off, "
          f"median {np.median(off):.1e}")
    # Where the fifth and the sixth word are as near, single precision may take the other.
    expect(np.median(off) <= 1e-5, f"LLC is off by {np.median(off):.1e} in the middle")
    expect(max(off) <= 1e-2, f"LLC is off by {max(off):.1e}")

finish()
