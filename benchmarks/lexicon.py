"""Special categories in free text: speed beside a plain scan of the same column, and recall on labelled texts. Goals beside figures.

    python benchmarks/lexicon.py [--texts N] [--labelled FOLDER]

Writes texts of five languages to a temporary Parquet file and measures, in turns within one run, the lexicon over the column and DuckDB
reading that column and adding up its bytes. Prints the best and the median of some rounds, by the clock and by the
processor's time, which other work on the machine changes less.

FOLDER holds tab-separated files, one a language (`en.tsv`): a category or `none`, the form (`mention`, `self` or `-`), the text. It may
also hold `hatecheck_en.csv`. Only counts are printed, never a text.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from heytalk_audit.detect import special_categories
from heytalk_audit.detect.sieve import gate
from heytalk_audit.detect.terms import LANGUAGES, terms

GOALS = {"MB/s": 300, "recall": 0.90, "unmarked": 0.98}
ROUNDS = 5
#: Ordinary chat, in which nothing is to be found, and lines in which something is.
CHAT = {
    "en": (
        "see you at the station at eight, bring the tickets",
        "how do i change my profile picture?",
        "good morning everyone, coffee first",
    ),
    "es": ("nos vemos en la estación a las ocho", "cómo cambio mi foto de perfil?", "la comida estaba rica pero tardaron mucho"),
    "tr": ("sekizde istasyonda görüşürüz, biletleri getir", "profil fotoğrafımı nasıl değiştiririm?", "yemek güzeldi ama garson geç geldi"),
    "ar": ("اشوفك في المحطة الساعة ثمانية", "كيف اغير صورة الملف الشخصي؟", "صباح الخير للجميع"),
    "zh": ("八点在车站见，记得带票", "怎么换头像？", "今晚和朋友一起看球，哈哈哈"),
}
SPECIAL = (
    "I am a lesbian and I live here",
    "soy diabético y hoy no como",
    "ben Aleviyim, bilmeyen yok",
    "أنا كردي وأفتخر",
    "我的抑郁症又犯了",
)
#: Inputs that tempt an automaton or a regular expression: each a million bytes or more.
HOSTILE = {"one letter": "a" * 1_000_000, "Arabic vowels": "\u0650" * 500_000, "emoji": "\U0001f600" * 250_000, "a term": "gay " * 250_000}


def chat(texts: int, every: int, lines: int = 2) -> pa.LargeStringArray:
    """Texts that follow from their number, the languages in turns; in one of `every` something is to be found."""
    ordinary = [line for language in LANGUAGES for line in CHAT[language]]
    written = (
        SPECIAL[n // every % len(SPECIAL)]
        if every and n % every == 0
        else " ".join((ordinary[(n * 7 + k * 4) % len(ordinary)]) for k in range(lines))
        for n in range(texts)
    )
    return pa.array(written, pa.large_string())


def times(*runs: Callable[[], object]) -> list[list[tuple[float, float]]]:
    """Seconds of each by the clock and of the processor, of some rounds in which they take turns."""
    times: list[list[tuple[float, float]]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for taken, run in zip(times, runs, strict=True):
            begun, used = time.perf_counter(), time.process_time()
            run()
            taken.append((time.perf_counter() - begun, time.process_time() - used))
    return times


def speed(name: str, texts: pa.LargeStringArray) -> None:
    """The lexicon over a column, on one thread and on all, beside DuckDB's scan of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.parquet"
        pq.write_table(pa.table({"text": texts}), path, use_dictionary=False)
        con = duckdb.connect()
        measured = times(
            lambda: special_categories(texts),
            lambda: gate(texts),
            lambda: con.execute(f"SELECT sum(strlen(text)) FROM '{path}'").fetchall(),
            lambda: on_one_thread(texts),
        )
    size = texts.nbytes / 1e6
    print(
        f"{name}, {size:.0f} MB, {len(gate(texts)[0]):,} of {len(texts):,} rows read; load {os.getloadavg()[0]:.1f}; best (median), MB/s:"
    )
    for what, taken in zip(("lexicon, all threads", "its gate", "DuckDB's scan", "lexicon, one thread"), measured, strict=True):
        clock, used = ([size / seconds for seconds in sorted(kind)] for kind in zip(*taken, strict=True))
        goal = f", goal {GOALS['MB/s']}" if what.startswith("lexicon") else ""
        middle = len(clock) // 2
        print(
            f"  {what}, MB/s, best (median): clock {clock[0]:.0f} ({clock[middle]:.0f}), processor {used[0]:.0f} ({used[middle]:.0f}){goal}"
        )


def on_one_thread(texts: pa.LargeStringArray) -> None:
    """The lexicon with one thread for the gate, and none beside it: the process is kept on one processor while it runs."""
    if not hasattr(os, "sched_setaffinity"):
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        special_categories(texts)
    finally:
        os.sched_setaffinity(0, allowed)


def score(name: str, labelled: Iterable[tuple[str, str, str]]) -> None:
    """Recall of mentions, texts without one that stay unmarked, and first-person statements told apart."""
    rows = list(labelled)
    categories: dict[int, set[tuple[str, str]]] = {}
    marks = special_categories([text for _, _, text in rows])
    for row, category, form in zip(marks.row, marks.category, marks.form, strict=True):
        categories.setdefault(row, set()).add((category, form))
    forms = {n: {form for category, form in categories.get(n, ()) if category == rows[n][0]} for n in range(len(rows))}
    parts = {
        "recall": [bool(forms[n]) for n, row in enumerate(rows) if row[0] != "none"],
        "unmarked": [n not in categories for n, row in enumerate(rows) if row[0] == "none"],
        "self told as self": ["self" in forms[n] for n, row in enumerate(rows) if row[1] == "self" and forms[n]],
        "mention told as mention": ["self" not in forms[n] for n, row in enumerate(rows) if row[1] == "mention" and forms[n]],
    }
    figures = [
        f"{part} {sum(hits) / len(hits):.3f} of {len(hits)}" + (f" (goal {GOALS[part]})" if part in GOALS else "")
        for part, hits in parts.items()
        if hits
    ]
    print(f"{name}: {', '.join(figures)}")


def tabbed(path: Path) -> list[tuple[str, str, str]]:
    lines = (line.split("\t") for line in path.read_text("utf-8").splitlines())
    return [(category, form, text) for category, form, text in (line for line in lines if len(line) == 3)]


def hatecheck(path: Path) -> list[tuple[str, str, str]]:
    """The groups of HateCheck by category; women are none of these, and texts about nobody's group have none."""
    groups = {"gay people": "orientation", "trans people": "orientation", "Muslims": "religion", "disabled people": "health"}
    groups |= {"black people": "ethnicity", "immigrants": "ethnicity"}
    with path.open(encoding="utf-8", newline="") as file:
        return [(groups.get(row["target_ident"], "none"), "-", row["test_case"]) for row in csv.DictReader(file)]


def measure(texts: int, labelled: Path | None) -> None:
    """Speed, hostile inputs, then accuracy where there are labels."""
    special_categories(["warm"])
    print(f"{len(terms()):,} terms, {os.cpu_count()} processors")
    speed("chat, five languages", chat(texts, 0))
    speed("chat, 1 in 50 told", chat(texts, 50))
    speed("texts of 1 kB", chat(texts // 20, 0, lines=18))
    for name, text in HOSTILE.items():
        print(f"1 MB of {name}: {min(times(lambda text=text: special_categories([text]))[0])[1]:.2f} s of the processor, goal below 1")
    for path in sorted(labelled.glob("*.tsv")) if labelled else ():
        score(path.stem, tabbed(path))
    if labelled and (path := labelled / "hatecheck_en.csv").exists():
        score(path.stem, hatecheck(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--labelled", type=Path)
    args = parser.parse_args()
    measure(args.texts, args.labelled)


if __name__ == "__main__":
    main()
