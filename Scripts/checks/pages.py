"""Uses the pages of embed, neighbors and report in a browser; started by Scripts/check-pages."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from browser import Browser

BIN = pathlib.Path(sys.argv[1]).resolve()
DECAF = BIN / "decaf"
PHONE = 390
CLASSES = 8

#: Names that are markup: shown as they are, they do nothing.
HOSTILE = '<img src=x onerror="window.hit=1">.jpg'
LABEL = "</script><script>window.hit=1</script>&lt;"

PROTOCOL = """name: demo
title: Demo, few training images
kind: few-shot
layers: [gist]
losses: [softmax]
normalize: none
C: [1]
training-rows: [1, 2, 4]
splits: 3
seed: 1
paper: [{layer: gist, loss: softmax, column: 4, accuracy: 70, deviation: 3, method: LogReg}]
"""

HISTORY = ("epoch\titeration\trate\tloss\taccuracy\tvalidation_loss\tvalidation_accuracy\n"
           + "".join(f"{e}\t{10 * e}\t0.01\t{2 / e}\t{1 - 1 / (e + 1)}\t{2.2 / e}\t{1 - 1.1 / (e + 1)}\n"
                     for e in range(1, 6)))


def decaf(*arguments):
    run = subprocess.run([DECAF, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if run.returncode != 0:
        sys.exit(f"check-pages: decaf {' '.join(map(str, arguments))}: {run.stderr}")
    return run.stdout


def make(folder):
    """Every kind of page, of demo images by a descriptor that needs no weights."""
    images = folder / "images"
    subprocess.run([BIN / "DemoImages", images, "--seed", "1", "--per-class", "12"], check=True,
                   stdout=subprocess.DEVNULL)
    found = sorted((p.relative_to(images), p.parent.name) for p in images.glob("*/*/*.jpg"))
    found += sorted((p.relative_to(images), p.parent.name) for p in images.glob("*/*.jpg"))
    rows = [(str(path), label) for path, label in found]
    rows += [("gone.jpg", rows[0][1]), (HOSTILE, LABEL), ("broken.jpg", rows[0][1])]
    (images / "broken.jpg").write_bytes(b"no picture")
    shutil.copy(images / rows[0][0], images / "hostile.jpg")
    listed = images / "listed.tsv"
    listed.write_text("path\tlabel\n" + "".join(f"{p}\t{l}\n" for p, l in rows)
                      + f"hostile.jpg\t{LABEL}\n")
    store = folder / "demo.store"
    decaf("extract", listed, "--descriptor", "gist", "--output", store)
    decaf("train", store, "--layer", "gist", "--C", "0.01", "--output", folder / "c.safetensors")
    decaf("predict", folder / "c.safetensors", store, "--output", folder / "predictions.tsv")
    labelled = folder / "labelled.tsv"
    labelled.write_text("path\tlabel\n" + "".join(f"{images / p}\t{l}\n" for p, l in rows[:-3]))
    decaf("extract", labelled, "--descriptor", "gist", "--output", folder / "labelled.store")
    (folder / "demo.yaml").write_text(PROTOCOL)
    decaf("evaluate", folder / "demo.yaml", "--store", folder / "labelled.store", "--output",
          folder / "results")
    (folder / "net.history.tsv").write_text(HISTORY)
    decaf("embed", store, "--layer", "gist", "--perplexity", "8", "--output", folder / "embed.html")
    decaf("embed", labelled.with_suffix(".store"), "--layer", "gist", "--method", "pca", "--compare",
          "gist", "--output", folder / "compare.html")
    decaf("neighbors", store, "--layer", "gist", "--count", "5", "--output",
          folder / "neighbors.html")
    decaf("report", store, folder / "results", folder / "c.safetensors", folder / "predictions.tsv",
          folder / "net.history.tsv", labelled.with_suffix(".store"), "--output",
          folder / "report.html")
    decaf("report", folder / "c.safetensors", "--output", folder / "small.html")


def told(browser):
    """Errors of the page; what the browser says of our own looking at its pixels is none."""
    return [f"console: {error}" for error in browser.errors if "willReadFrequently" not in error]


class Problems(list):
    def expect(self, holds, what):
        if not holds:
            self.append(what)


def common(browser, page, problems, keep):
    """What holds of every page, whatever it shows."""
    expect = problems.expect
    browser.open(page)
    expect(browser.value("document.title.length > 3"), "no title")
    expect(browser.value("[...document.images].every(i => i.complete && i.naturalWidth > 0)"),
           "an image that is not there")
    expect(not browser.value("window.hit"), "a name was taken for markup")
    browser.screenshot(keep / f"{page.stem}.png")
    browser.media("print")
    expect(browser.value(
        "[...document.querySelectorAll('nav, #search, #tip, button')].every("
        "e => !e.getClientRects().length)"), "controls are printed")
    pdf = browser.printed()
    (keep / f"{page.stem}.pdf").write_bytes(pdf)
    expect(pdf.startswith(b"%PDF") and len(pdf) > 5000, "nothing is printed")
    # On a phone the page itself does not scroll sideways; wide tables and drawings do by themselves.
    browser.open(page, width=PHONE, height=844, is_phone=True)
    width = browser.value("document.documentElement.scrollWidth")
    expect(width <= PHONE, f"a phone's page is {width} pixels wide")
    expect(browser.value(
        "[...document.querySelectorAll('h1, h2, p')].every("
        "e => e.getBoundingClientRect().right <= innerWidth + 1)"), "a phone cuts a text")
    browser.screenshot(keep / f"{page.stem}-phone.png")


def canvas(index=0):
    """A number that tells one drawing from another; 0 for an empty one."""
    return ("(() => { const c = document.querySelectorAll('figure canvas')[%d];"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let h = 0;"
            "for (let i = 3; i < d.length; i += 4) if (d[i]) h = (h * 31 + i + d[i - 1]) %% 1e9;"
            "return h; })()" % index)


def scatter(browser, page, problems, planes):
    expect = problems.expect
    browser.open(page)
    expect(browser.value("document.querySelectorAll('figure canvas').length") == planes,
           "planes are missing")
    data = "JSON.parse(document.getElementById('data').textContent)"
    groups = browser.value(f"{data}.groups.length")
    expect(browser.value("document.querySelectorAll('#legend input').length") == groups >= CLASSES,
           "classes are missing in the legend")
    whole = browser.value(canvas())
    expect(whole != 0, "nothing is drawn")
    # A class goes and comes back.
    browser.value("document.querySelector('#legend input').click()")
    expect(browser.value(canvas()) not in (0, whole), "a class cannot be hidden")
    browser.value("document.querySelector('#legend input').click()")
    expect(browser.value(canvas()) == whole, "a hidden class does not come back")
    browser.value("document.getElementById('none').click()")
    expect(browser.value(canvas()) == 0, "classes stay when all are hidden")
    browser.value("document.getElementById('all').click()")
    expect(browser.value(canvas()) == whole, "not all classes come back")
    # A path is found.
    path = browser.value(f"{data}.points[3][2]")
    browser.value("(text => { const s = document.getElementById('search'); s.value = text;"
                  "s.dispatchEvent(new Event('input')); })(%r)" % path.upper())
    expect(browser.value("document.getElementById('found').textContent") == "1 found",
           "a path is not found")
    expect(browser.value(canvas()) != whole, "what is found does not stand out")
    browser.value("(() => { const s = document.getElementById('search'); s.value = '';"
                  "s.dispatchEvent(new Event('input')); })()")
    expect(browser.value(canvas()) == whole, "an ended search leaves traces")
    # The wheel zooms, dragging moves, and the button shows all again.
    box = browser.value("(b => [b.left, b.top, b.width, b.height])"
                        "(document.querySelector('figure canvas').getBoundingClientRect())")
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-300)
    browser.value("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
    zoomed = browser.value(canvas())
    expect(zoomed not in (0, whole), "the wheel does not zoom")
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", x + 40, y + 25, button="left", buttons=1)
    browser.mouse("mouseReleased", x + 40, y + 25, button="left", clickCount=1)
    expect(browser.value(canvas()) != zoomed, "the plane cannot be moved")
    browser.value("document.getElementById('reset').click()")
    expect(browser.value(canvas()) == whole, "the whole plane does not come back")
    # A point tells its name, and shows its image.
    place = browser.value(
        f"(d => [d.panels[0].at[0], d.panels[0].at[1], d.groups.length])({data})")
    x = box[0] + box[2] * (0.5 + place[0])
    y = box[1] + box[3] * (0.5 - place[1])
    browser.mouse("mouseMoved", x, y)
    browser.value("new Promise(r => setTimeout(r, 100))")
    expect(browser.value("!document.getElementById('tip').hidden"), "a point tells nothing")
    expect(browser.value("document.querySelector('#tip img')?.naturalWidth > 0"),
           "a point shows no image")
    expect(browser.value("document.getElementById('tip').textContent.length > 3"),
           "a point has no name")


def sheet(browser, page, problems):
    browser.open(page)
    problems.expect(browser.value("document.querySelectorAll('.sheet tr').length") > CLASSES,
                    "lines are missing")
    problems.expect(browser.value("document.querySelectorAll('.sheet img').length") > 5 * CLASSES,
                    "images are missing")
    problems.expect(browser.value("document.querySelectorAll('td.other').length") > 0,
                    "no neighbor of another class is framed")


def report(browser, page, problems):
    expect = problems.expect
    browser.open(page)
    headings = browser.value("[...document.querySelectorAll('h2')].map(e => e.textContent)")
    for name in ("Provenance", "Throughput", "Failures", "Classes", "Nearest neighbors", "Evaluation",
                 "Learning curve", "Confusion", "Classifier", "Predictions", "Training"):
        expect(any(h.startswith(name) for h in headings), f"no section {name}")
    expect(browser.value("[...document.querySelectorAll('nav a')].every("
                         "a => document.querySelector(a.getAttribute('href')))"),
           "a link leads nowhere")
    expect(browser.value("document.scripts.length") == 0, "a script in a page without any")
    expect(browser.value("document.querySelectorAll('svg').length") >= 5, "drawings are missing")
    text = browser.value("document.body.textContent")
    for part in (HOSTILE, LABEL, "cannot be read now", "no picture in the file", "images/s"):
        expect(part in text, f"no “{part}”")
    expect(browser.value("document.querySelectorAll('.sheet img').length") > 20,
           "images are missing")
    # In the dark its text stands out from its ground.
    browser.open(page, scheme="dark")
    colors = browser.value(
        "(s => [s.color, s.backgroundColor].map(c => c.match(/\\d+/g).slice(0, 3)"
        ".reduce((a, b) => a + +b, 0) / 765))(getComputedStyle(document.body))")
    expect(colors[0] > 0.7 and colors[1] < 0.3, f"no dark page: {colors}")


def small(browser, page, problems):
    browser.open(page)
    absent = browser.value("document.getElementById('absent').textContent")
    for name in ("store", "decaf predict", "decaf evaluate", ".history.tsv"):
        problems.expect(name in absent, f"not told: what brings {name}")


CHECKS = {
    "embed": lambda b, page, p: scatter(b, page, p, planes=1),
    "compare": lambda b, page, p: scatter(b, page, p, planes=2),
    "neighbors": sheet,
    "report": report,
    "small": small,
}


def check(browser, page, keep, kind=None):
    """What is wrong with a page."""
    problems = Problems()
    try:
        common(browser, page, problems, keep)
        problems += told(browser)
        CHECKS[kind or page.stem](browser, page, problems)
    except (RuntimeError, TypeError) as error:
        problems.append(str(error))
    problems += told(browser)
    problems += [f"asks the network for {address}" for address in browser.requests]
    return problems


#: Pages broken on purpose: each must be found out.
BROKEN = [
    ("embed", '<div id="legend"></div>', ""),
    ("embed", '"use strict";', '"use strict"; console.error("broken");'),
    ("embed", "view.zoom = zoom;", ""),
    ("report", "<h2>Throughput", "<h3>Throughput"),
    ("report", "</h1>", '</h1><img src="http://decaf.invalid/x.png">'),
    ("report", "max-width:62em", "width:62em"),
]


def main(folder):
    make(folder)
    made = time.monotonic()
    browser = Browser()
    failed = 0
    try:
        for name in CHECKS:
            problems = check(browser, folder / f"{name}.html", folder)
            print(f"{name}.html: {'; '.join(problems) or 'holds'}", flush=True)
            failed += bool(problems)
        for index, (name, old, new) in enumerate(BROKEN):
            text = (folder / f"{name}.html").read_text()
            if old not in text:
                sys.exit(f"check-pages: {name}.html has no {old!r} to break")
            page = folder / f"broken{index}.html"
            page.write_text(text.replace(old, new))
            problems = check(browser, page, folder, name)
            print(f"{name}.html with {new!r} for {old!r}: "
                  f"{'found out: ' + problems[0].splitlines()[0] if problems else 'NOT NOTICED'}", flush=True)
            failed += not problems
    finally:
        browser.close()
    print(f"check-pages: {made - START:.0f} s to make pages, "
          f"{time.monotonic() - made:.0f} s to use them")
    if failed:
        sys.exit(f"check-pages: {failed} failed")


START = time.monotonic()
if len(sys.argv) > 2:
    kept = pathlib.Path(sys.argv[2]).resolve()
    kept.mkdir(parents=True)
    main(kept)
else:
    with tempfile.TemporaryDirectory(prefix="decaf-pages-") as scratch:
        main(pathlib.Path(scratch))
