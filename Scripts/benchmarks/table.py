"""The table of a comparison: printed as it grows, recorded as JSON, compared with an earlier one."""
import datetime
import json
import pathlib
import re

import machine

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
# More than this share of the cores' time used by others, and speeds are not worth keeping.
QUIET = 0.05


def add_options(parser):
    """Options that every comparison has."""
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS, metavar="FOLDER",
                        help="where the table is recorded (default: Scripts/benchmarks/results)")
    parser.add_argument("--compare", nargs="?", const="latest", metavar="FILE",
                        help="print what changed since this record; without a name since the last one "
                        "of the same processor")


class Table:
    """Rows of contestants, the first of which is decaf; ratios are of medians, more is better for us."""

    def __init__(self, name, options, about, is_trial=False):
        self.name, self.options = name, options
        # Small sizes or few rounds are for trying out; they are not to replace what was measured.
        self.is_trial = is_trial or options.rounds < 3
        self.processor, self.commit = machine.processor(), machine.commit()
        self.versions = machine.versions()
        self.busy = machine.busy_share()
        self.rows, self.missing, self.notes = [], [], []
        print(f"{self.processor['model']}; {' '.join(self.processor['vectors'])}; "
              f"{self.processor['cores']} cores; commit {self.commit}")
        print("peers: " + ", ".join(f"{it} {version or 'MISSING'}"
                                    for it, version in self.versions.items()))
        print(about)
        if self.busy > QUIET:
            print(f"WARNING: others use {self.busy:.0%} of this machine: these speeds tell little")

    def note(self, text):
        """Says something beside the rows, and records it."""
        self.notes.append(text)
        print(text, flush=True)

    def leave_out(self, who, why):
        """Says aloud who is missing from the next row and why."""
        self.missing.append({"who": who, "why": str(why)})
        print(f"  {who}: LEFT OUT: {why}", flush=True)

    def row(self, title, contestants, work=None, unit="s"):
        """Prints and records a row: `work` units a second, or without it the seconds themselves."""
        print(title)
        self.busy = max(self.busy, machine.busy_share())
        ours, entries = contestants[0], []
        for it in contestants:
            values = sorted(work / s if work else s for s in it.seconds)
            entry = {
                "name": it.name, "detail": it.detail, "check": it.check, "rounds": len(values),
                "median": work / it.median if work else it.median, "low": values[0],
                "high": values[-1], "ratio": it.median / ours.median}
            entries.append(entry)
            ratio = "" if it is ours else f"{entry['ratio']:7.2f}"
            print(f"  {it.name:<32}{entry['median']:9.{1 if work else 3}f} {unit:<9}"
                  f" ({values[0]:.{1 if work else 3}f}…{values[-1]:.{1 if work else 3}f}){ratio:>8}"
                  f"   {'; '.join(filter(None, (it.check, it.detail)))}", flush=True)
        self.rows.append({"title": title, "unit": unit, "entries": entries})

    def finish(self):
        """Compares with an earlier record where asked, and records this one if the machine was quiet."""
        before = self._earlier()
        if before:
            self._compare(before)
        for it in self.missing:
            print(f"left out: {it['who']}: {it['why']}")
        if self.is_trial:
            print("not recorded: a trial, of small sizes or less than 3 rounds")
            return
        if self.busy > QUIET:
            print(f"not recorded: others used {self.busy:.0%} of the machine, more than {QUIET:.0%}")
            return
        path = self.options.results / f"{self.name}-{self._slug()}-{self.commit}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        # A run of some rows (`--only`) renews those in the record of the same commit.
        titles = {row["title"] for row in self.rows}
        kept = json.loads(path.read_text())["rows"] if path.exists() else []
        rows = [row for row in kept if row["title"] not in titles] + _rounded(self.rows)
        path.write_text(json.dumps({
            "comparison": self.name, "commit": self.commit,
            "recorded": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "processor": self.processor, "busyShare": round(self.busy, 3), "peers": self.versions,
            "rows": rows, "leftOut": self.missing, "notes": self.notes,
        }, indent=1, ensure_ascii=False) + "\n")
        print(f"recorded: {path}")

    def _slug(self):
        return re.sub(r"\W+", "-", self.processor["model"]).strip("-").lower()

    def _earlier(self):
        wanted = self.options.compare
        if wanted == "latest":
            found = [json.loads(path.read_text()) for path in
                     self.options.results.glob(f"{self.name}-{self._slug()}-*.json")]
            if not found:
                print(f"nothing to compare with: no {self.name} record of this processor")
                return None
            return max(found, key=lambda record: record["recorded"])
        return json.loads(pathlib.Path(wanted).read_text()) if wanted else None

    def _compare(self, before):
        """How much faster each contestant is than it was, and the ratios then and now."""
        print(f"since {before['commit']} on {before['processor']['model']}: "
              "speed now over then; ratio then, now")
        then = {(row["title"], entry["name"]): entry
                for row in before["rows"] for entry in row["entries"]}
        for row in self.rows:
            for now in row["entries"]:
                old = then.get((row["title"], now["name"]))
                if old:
                    speed = now["median"] / old["median"]
                    speed = 1 / speed if row["unit"] == "s" else speed
                    print(f"  {row['title']:<44} {now['name']:<32} {speed:6.2f}"
                          f" {old['ratio']:9.2f} {now['ratio']:6.2f}")


def _rounded(value):
    """Numbers with four digits that count: more would be noise in the record's differences."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list):
        return [_rounded(it) for it in value]
    if isinstance(value, dict):
        return {key: _rounded(it) for key, it in value.items()}
    return value
