"""Detectors of values: speed beside DuckDB and Presidio, accuracy beside the goals.

    python benchmarks/detect.py [FOLDER] [--rows N] [--runs N] [--labelled FOLDER] [--presidio PYTHON] [--only SECTION ...]

The texts are generated from a seed into FOLDER (default: a temporary one) unless they are there. Speed is the median of several runs, in
which all methods take turns, each on one thread; ratios are of these medians. The machine's load is printed, for it changes the figures,
and what the scan would reach by the processor's time alone. DuckDB reads the text column of the Parquet file once, and adds up the sizes in
bytes: the least that a pass over it can do; in characters is beside it. `--presidio` names a Python that has presidio-analyzer,
or it is taken from this one; without it Presidio is not measured. Accuracy on labelled texts needs `--labelled`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import lexicon
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heytalk_audit.detect.digests import match_digests
from heytalk_audit.detect.scan import scan

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "detect"))
import generated
import labelled

CHECKED = ("card", "iban", "cn_id", "tr_id", "es_id", "imei")
SUBSET = 2_000  # texts that Presidio reads: more would take it hours
#: One expression a kind, as one would write them for RE2, as one union.
UNION = "|".join(
    (
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        r"https?://[^\s]+",
        r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b",
        r"\b(?:[0-9][ -]?){13,19}\b",
        r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b",
        r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
        r"\b[0-9]{17}[0-9Xx]\b",
        r"\b[1-9][0-9]{10}\b",
        r"\b[0-9]{8}[A-Z]\b",
        r"\+[0-9][0-9 ().-]{7,16}[0-9]",
        r"\b1[3-9][0-9]{9}\b",
        r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b",
        r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",
        r"\bAKIA[A-Z0-9]{16}\b|\bghp_[A-Za-z0-9]{36}\b",
        r"\b[0-9A-Fa-f]{32,64}\b",
    )
)
#: Run by the Python that has Presidio: reads texts from a Parquet file, prints the seconds that they took.
PRESIDIO = """
import sys, time
import pyarrow.parquet as pq
import presidio_analyzer.predefined_recognizers as all
names = "CreditCard Crypto Date Email Iban Ip MacAddress MedicalLicense Phone Url UsBank UsItin UsLicense UsPassport UsSsn".split()
recognizers = [getattr(all, name + "Recognizer")() for name in names]
texts = pq.read_table(sys.argv[1])["text"].to_pylist()
for text in texts[:50]:
    for r in recognizers: r.analyze(text, r.supported_entities, None)
start = time.perf_counter()
for text in texts:
    for r in recognizers: r.analyze(text, r.supported_entities, None)
print(time.perf_counter() - start)
"""


def line(what: str, figure: str, goal: str = "", reached: bool | None = None) -> None:
    """One figure, its goal beside it."""
    print(f"{what:<46} {figure:>14}   {goal:<28} {'' if reached is None else 'met' if reached else 'NOT MET'}".rstrip(), flush=True)


def chat(rows: int, values: float = 0.01, numbers: float = 0.1) -> list[str]:
    """Messages of some 78 bytes; one in a hundred has a value in it, one in ten a number that is nobody's."""
    rng = random.Random(1)
    planted = [text for text, *_ in generated.planted(10)]
    return [rng.choice(planted) if rng.random() < values else text for text in generated.benign(rows, words=(4, 19), share=numbers)]


def sparse(rows: int) -> list[str]:
    """Messages as in `chat`, with a fifth of the values and numbers: what the time goes into is seen by comparison."""
    return chat(rows, 0.002, 0.02)


def long(rows: int) -> list[str]:
    """Texts of some 1,000 bytes; one in ten has a value in it, half of them numbers that are nobody's."""
    rng = random.Random(2)
    values = [text for text, *_ in generated.planted(10)]

    def part() -> str:
        draw = rng.random()
        return rng.choice(values) if draw < 0.05 else rng.choice(generated.BENIGN)(rng) if draw < 0.3 else ""

    return [
        " ".join([generated.talk(rng, rng.randint(50, 130)), part(), generated.talk(rng, 25), part(), generated.talk(rng, 25)])
        for _ in range(rows)
    ]


def written(folder: Path, name: str, make: Callable[[int], list[str]], rows: int) -> Path:
    path = folder / f"{name.replace(' ', '-')}-{rows}.parquet"
    if not path.exists():
        pq.write_table(pa.table({"text": pa.array(make(rows), pa.string())}), path)
    return path


def timed(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    call()
    return clock() - start


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()}" if hasattr(os, "getloadavg") else "load unknown"


def speed(folder: Path, runs: int, rows: int, presidio: str | None) -> None:
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    for name, make, count, times in (("chat", chat, rows, 900), ("sparse chat", sparse, rows, 900), ("long", long, rows // 10, 400)):
        path = written(folder, name, make, count)
        array = pq.read_table(path)["text"]
        size = pc.sum(pc.binary_length(array)).as_py() / 1e6
        engine = duckdb.connect()
        engine.execute("SET threads = 1")
        methods = {
            "scan": lambda array=array: scan(array),
            "parquet": lambda engine=engine, path=path: engine.execute(f"SELECT sum(strlen(text)) FROM '{path}'").fetchall(),
            "characters": lambda engine=engine, path=path: engine.execute(f"SELECT sum(length(text)) FROM '{path}'").fetchall(),
            "re2": lambda engine=engine, path=path: engine.execute(
                f"SELECT count(*) FROM '{path}' WHERE regexp_matches(text, ?)", [UNION]
            ).fetchall(),
        }
        scan(array[:1000])
        seconds = {method: [] for method in methods}
        for _ in range(runs):
            for method, call in methods.items():
                seconds[method].append(timed(call))
        rate = {method: size / statistics.median(values) for method, values in seconds.items()}
        best = size / min(seconds["scan"])
        busy = size / statistics.median(timed(lambda array=array: scan(array), time.process_time) for _ in range(runs))
        print(f"\n{name}: {count:,} texts, {size:.0f} MB, one thread, median of {runs}, {load()}")
        line("scan, MB/s", f"{rate['scan']:.0f} (best {best:.0f})", "at least 150", rate["scan"] >= 150)
        line("scan, MB/s of processor time", f"{busy:.0f}")
        line("DuckDB Parquet scan, bytes, MB/s", f"{rate['parquet']:.0f}")
        line("DuckDB Parquet scan, characters, MB/s", f"{rate['characters']:.0f}")
        share = rate["scan"] / rate["parquet"]
        line("scan / Parquet scan", f"{share:.3f}", "at least 0.15", share >= 0.15)
        line("DuckDB RE2, union of 15 patterns, MB/s", f"{rate['re2']:.0f}")
        line("scan / RE2", f"{rate['scan'] / rate['re2']:.2f}")
        peer = _presidio(folder, array, presidio)
        if peer:
            line(f"Presidio's patterns, {SUBSET:,} texts, MB/s", f"{peer:.3f}")
            line("scan / Presidio", f"{rate['scan'] / peer:.0f}", f"at least {times}", rate["scan"] >= times * peer)
        else:
            line("Presidio's patterns", "not measured", "presidio-analyzer is absent")


def _presidio(folder: Path, array: pa.ChunkedArray, python: str | None) -> float | None:
    """MB/s of Presidio's pattern recognisers, on every n-th text; None where it is absent."""
    if not python and importlib.util.find_spec("presidio_analyzer"):
        python = sys.executable
    if not python:
        return None
    few = array.take(pa.array(range(0, len(array), max(1, len(array) // SUBSET))))
    path = folder / "subset.parquet"
    pq.write_table(pa.table({"text": few}), path)
    done = subprocess.run([python, "-c", PRESIDIO, str(path)], capture_output=True, text=True, check=True)
    return pc.sum(pc.binary_length(few)).as_py() / 1e6 / float(done.stdout)


def attack(runs: int, rows: int) -> None:
    """One million identifiers against one million digests, half of which are theirs."""
    rng = random.Random(5)
    clear = [f"User{i}.{rng.randint(0, 9999)}@example.com" if i % 2 else f"+90 53{rng.randint(10**7, 10**8 - 1)}" for i in range(rows)]
    makers = [hashlib.md5, hashlib.sha1, hashlib.sha256]
    wanted = [rng.randrange(rows) if rng.random() < 0.5 else None for _ in range(rows)]
    digests = [
        makers[i % 3]((str(rng.random()) if of is None else clear[of].lower() if i % 2 else clear[of]).encode()).hexdigest()
        for i, of in enumerate(wanted)
    ]
    arrays = pa.array(clear), pa.array(digests)
    matches = match_digests(*arrays, threads=2)
    pairs = set(zip(matches.digest_row.tolist(), matches.clear_row.tolist(), strict=True))
    missed = sum(of is not None and (i, of) not in pairs for i, of in enumerate(wanted))
    seconds = statistics.median(timed(lambda: match_digests(*arrays, threads=2)) for _ in range(runs))
    print(f"\ndictionary attack: {rows:,} identifiers in 12 variants, {rows:,} digests, two threads, median of {runs}, {load()}")
    line("seconds", f"{seconds:.2f}", "at most 2", seconds <= 2)
    line("matches missed", f"{missed}", "0", missed == 0)
    wrong = len({i for i, _ in pairs} - {i for i, of in enumerate(wanted) if of is not None})
    line("matches of digests that are nobody's", f"{wrong}", "0", wrong == 0)


def forms(per: int = 40) -> None:
    planted = list(generated.planted(per))
    findings = scan([text for text, *_ in planted])
    seen = set(zip(findings.row, findings.kind, findings.start, findings.end, strict=True))
    total: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for row, (_, kind, form, language, start, end) in enumerate(planted):
        for group in (kind, form, language, "all"):
            total[group] += 1
            hits[group] += (row, kind, start, end) in seen
    for row, kind in zip(findings.row, findings.kind, strict=True):
        wrong[kind] += planted[row][1] != kind
    print(f"\nsurface forms: recall by the exact place, {len(planted):,} texts")
    for group in (*generated.DIGIT_FORMS, *generated.LANGUAGES, "all"):
        share = hits[group] / total[group]
        line(group, f"{share:.4f}", "at least 0.98", share >= 0.98)
    print("\nchecksum types, the same texts")
    for kind in CHECKED:
        recall, precision = hits[kind] / total[kind], hits[kind] / max(1, hits[kind] + wrong[kind])
        line(f"{kind}: P / R", f"{precision:.4f} / {recall:.4f}", "at least 0.99 / 0.995", precision >= 0.99 and recall >= 0.995)


def benign(rows: int) -> None:
    findings = scan(pa.array(generated.benign(rows, seed=5, share=0.6), pa.string()))
    print(f"\nbenign rows: {rows:,}, six in ten with a number")
    line("false findings", f"{len(findings)}", f"at most {25 * rows // 1_000_000}", len(findings) <= 25 * rows // 1_000_000)
    for kind, count in findings.kind.value_counts().items():
        line(f"  {kind}", str(count))


def accuracy(folder: Path) -> None:
    for name, score_of in ((labelled.SPANS, labelled.by_spans), (labelled.VALUES, labelled.by_values)):
        if not (folder / name).exists():
            continue
        scores = score_of(folder / name)
        print(f"\nlabelled: {name} (P / R / F1, by overlap)")
        for kind, score in scores.items():
            goal = ("F1 at least 0.90", score.f1 >= 0.90) if kind == "phone" and name == labelled.SPANS else ("", None)
            line(f"{kind}, {score.right + score.missed} labels", f"{score.precision:.3f} / {score.recall:.3f} / {score.f1:.3f}", *goal)
        total = labelled.total(scores.values())
        if name == labelled.SPANS:
            reached = total.f1 >= 0.97 and total.precision >= 0.96 and total.recall >= 0.96
            line("all seven", f"{total.precision:.3f} / {total.recall:.3f} / {total.f1:.3f}", "0.96 / 0.96 / 0.97", reached)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--presidio")
    parser.add_argument("--only", nargs="*", default=["speed", "attack", "forms", "benign", "accuracy", "lexicon"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sections = {
            "speed": lambda: speed(folder, args.runs, args.rows, args.presidio),
            "attack": lambda: attack(args.runs, args.rows),
            "forms": forms,
            "benign": lambda: benign(args.rows),
            "accuracy": lambda: accuracy(args.labelled) if args.labelled else print("\nlabelled: not measured, no --labelled folder"),
            "lexicon": lambda: lexicon.measure(args.rows, args.labelled),
        }
        for name in args.only:
            sections[name]()


if __name__ == "__main__":
    main()
