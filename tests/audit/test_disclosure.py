"""Readers outside: no small number is printed, and none can be computed from those that are, whatever the reader knows of the method."""

from __future__ import annotations

import csv
import io
import itertools
import json
import random
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import heytalk_audit, params, run
from rule_results import rule_result

from heytalk_audit import exports
from heytalk_audit.audit import disclosure
from heytalk_audit.audit.disclosure import THINGS, of_rule
from heytalk_audit.audit.document import read_results
from heytalk_audit.audit.limits import Limits
from heytalk_audit.audit.rule_result import Ledger
from heytalk_audit.audit.suppression import hidden, is_small, of_ledger
from heytalk_audit.canonical import canonical, digest
from heytalk_audit.errors import InputError
from heytalk_audit.evidence import chain
from heytalk_audit.evidence.signature import load_key, new_key
from heytalk_audit.evidence.verify import verify_pack
from heytalk_audit.handover import resolution
from heytalk_audit.params import check
from heytalk_audit.vocabulary import OPEN_OUTCOMES as OPEN
from heytalk_audit.vocabulary import Outcome as OUTCOMES

pytestmark = pytest.mark.xdist_group("outside")

# the attacker ---------------------------------------------------------------------------------------


class Attacker:
    """Integers of which some are stated, sums of them, and bounds that follow, to the last."""

    def __init__(self):
        self.low, self.high, self.sums = {}, {}, []

    def number(self, name, value, most=10**6):
        self.low[name], self.high[name] = (value, value) if value is not None else (0, most)

    def sum(self, total, parts):
        self.sums.append({total: -1} | dict.fromkeys(parts, 1))

    def at_most(self, small, large):
        slack = f"{large} - {small}"
        self.number(slack, None)
        self.sum(large, [small, slack])

    def think(self):
        """Bounds through every sum, and through every difference of two sums that share something unknown."""
        sums = [*self.sums]
        for one, two in itertools.combinations(self.sums, 2):
            if any(self.low[n] < self.high[n] for n in set(one) & set(two)):
                for sign in (1, -1):
                    both = {n: one.get(n, 0) + sign * two.get(n, 0) for n in {**one, **two}}
                    sums.append({n: f for n, f in both.items() if f})
        moved = True
        while moved:
            moved = any([self._bound(s, n) for s in sums for n in s])
        return self

    def _bound(self, sum_, name):
        rest = [(self.low[n] * f, self.high[n] * f) for n, f in sum_.items() if n != name]
        low, high = -sum(max(r) for r in rest), -sum(min(r) for r in rest)
        factor = sum_[name]
        low, high = sorted((low / factor, high / factor))
        low, high = max(self.low[name], -(-low // 1)), min(self.high[name], high // 1)
        moved = (low, high) != (self.low[name], self.high[name])
        self.low[name], self.high[name] = low, high
        return moved


def attack(shown, also=()):
    """What follows from a rule's result as it is shown; `also` are identities that only the trade knows."""
    a = Attacker()
    ledger = shown.ledger
    for name in ("in_scope", *OUTCOMES):
        a.number(name, ledger[name])
    a.sum("in_scope", OUTCOMES)
    for o in OPEN:
        a.number(f"people {o}", shown.subjects[o])
        a.at_most(f"people {o}", o)
    listed = {}
    for r in shown.reasons:
        a.number(f"{r.outcome} {r.reason}", r.rows)
        listed.setdefault(r.outcome, []).append(f"{r.outcome} {r.reason}")
    for outcome, names in listed.items():
        a.sum(outcome, names)
    for split, values in shown.breakdowns.items():
        for o in OPEN:
            names = [f"{split} {v.value} {o}" for v in values if v[o] is not None]
            for v in values:
                a.number(f"{split} {v.value} {o}", v[o])
            if names and len(names) == len(values):
                a.sum(o, names)
    for total, parts in also:
        if {total, *parts} <= set(a.low):
            a.sum(total, parts)
    if shown.rate is not None:
        a.number("tested", round(ledger.violation / shown.rate) if shown.rate else None)
        a.sum("in_scope", ["tested", "excluded"])
    return a.think()


def safe(truth, shown, attacker):
    """No small number is shown, and each keeps a range that tells nothing."""
    numbers = {n: truth.ledger[n] for n in ("in_scope", *OUTCOMES)} | {f"people {o}": truth.subjects[o] for o in OPEN}
    numbers |= {f"{r.outcome} {r.reason}": r.rows for r in truth.reasons}
    numbers |= {f"{s} {v.value} {o}": v[o] for s, values in truth.breakdowns.items() for v in values for o in OPEN}
    for name, n in numbers.items():
        if is_small(n) and name in attacker.low:
            low, high = attacker.low[name], attacker.high[name]
            assert low <= n <= high and high - low >= 3 and low <= 1, (name, n, low, high, shown.ledger, shown.reasons)


# a world of random results ---------------------------------------------------------------------------

REGIONS = ("EEA", "TR", "UK")


def random_result(dice):
    """A random result that adds up; each reason belongs to one kind, so that kinds are sums of reasons."""
    reasons = {o: [f"{o}_{i}" for i in range(dice.randint(1, 4))] for o in OPEN}
    kind = {r: dice.choice("abc") for names in reasons.values() for r in names}
    sizes = (0, 1, 2, 3, 4, 5, 6, 8, 9, 20, 300)
    rows = [
        (o, r, kind[r], dice.choice(REGIONS), f"p{dice.randint(0, 9999) if dice.random() < 0.7 else dice.randint(0, 5)}")
        for o, names in reasons.items()
        for r in names
        for _ in range(dice.choice(sizes))
    ]
    excluded, passed = dice.choice((0, 0, 3, 5, 12)), dice.choice((0, 2, 5, 40, 900, 6000))
    rows += [("excluded", "test_account", "a", "EEA", f"t{i}") for i in range(excluded)]
    count = Counter(r[0] for r in rows)
    ledger = {"in_scope": len(rows) + passed, "pass": passed} | {o: count[o] for o in (*OPEN, "excluded")}
    regions = {r[4]: r[3] for r in rows if r[0] in ("violation", "review")}
    people = {o: len({r[4] for r in rows if r[0] == o}) for o in OPEN}
    tested = ledger["in_scope"] - excluded

    def split(place):
        values = sorted({r[place] for r in rows})
        lines = [{"value": v} | {o: sum(r[0] == o and r[place] == v for r in rows) for o in OPEN} for v in values]
        return [line for line in lines if any(line[o] for o in OPEN)]

    by_reason = Counter((r[0], r[1]) for r in rows)
    result = {
        "ledger": ledger,
        "subjects": people | {"by_region": dict(sorted(Counter(regions.values()).items())), "by_age": {}},
        "reasons": [{"outcome": o, "reason": r, "rows": n, "people": n} for (o, r), n in by_reason.items()],
        "breakdowns": {"kind": split(2), "law_region": split(3)},
        "ageing": {"0-7": ledger["violation"]} if ledger["violation"] else {},
        "rate": ledger["violation"] / tested if tested else None,
    }
    by_kind = {(o, k): [f"{o} {r}" for r in names if kind[r] == k] for o, names in reasons.items() for k in "abc"}
    also = [(f"kind {k} {o}", names) for (o, k), names in by_kind.items() if names]
    return rule_result(**result), also


def test_no_small_number_follows_from_what_is_shown():
    dice, hid = random.Random(7), 0
    for _ in range(1500):
        truth, also = random_result(dice)
        shown = of_rule(truth, "regulator")
        ledger = list(shown.ledger.plain().values())
        numbers = [*ledger, *(shown.subjects[o] for o in OPEN), *(r.rows for r in shown.reasons)]
        numbers += [v[o] for values in shown.breakdowns.values() for v in values for o in OPEN]
        assert not any(map(is_small, numbers))
        hid += None in numbers
        if all(n is not None for n in ledger):
            assert shown.ledger == truth.ledger
        safe(truth, shown, attack(shown, also))
    assert hid > 500


def test_a_split_that_is_shown_in_part_is_the_same_for_every_choice_of_small_numbers():
    """A reader who knows the method tries every split of the same total: each small part may still be 1, and may still be 4."""
    for size, total in itertools.product((1, 2, 3, 4), range(5, 19)):
        names, pages = "abcd"[:size], {}
        for cut in itertools.product(range(total + 1), repeat=size - 1):
            if sum(cut) <= total:
                world = (*cut, total - sum(cut))
                parts = dict(zip(names, world, strict=True))
                hide = hidden(parts)
                page = None if hide is None else tuple(None if n in hide else v for n, v in parts.items())
                pages.setdefault(page, []).append(world)
        for page, worlds in pages.items():
            for place in range(size):
                if any(is_small(world[place]) for world in worlds):
                    values = {world[place] for world in worlds}
                    assert max(values) - min(values) >= 3 or values == {0}, (page, place, sorted(values))


def test_a_ledger_is_the_same_for_every_choice_of_small_numbers():
    """The verdict's limit and the ratings' thresholds tell nothing of it either: these are printed, and exact."""
    for tested, limit in itertools.product((5, 60, 150, 399, 3999, 4001, 500_000), (0.0, 0.0001, 0.01)):
        pages = {}
        for n in (1, 2, 3, 4):
            ledger = dict.fromkeys(OUTCOMES, 0) | {"in_scope": tested, "unknown": n, "pass": tested - n}
            shown = of_ledger(Ledger.model_validate(ledger), Limits(limit, limit, limit))
            above = shown.in_scope is not None and (n > limit * tested, n / tested >= 0.01, n / tested >= 0.001)
            pages.setdefault((tuple(shown.plain().items()), above), []).append(n)
        assert list(pages.values()) == [[1, 2, 3, 4]], (tested, limit)


def test_what_concerns_no_people_is_shown():
    truth, _ = random_result(random.Random(1))
    things = truth.with_(tables=("delivered_tables",), subjects=rule_result().subjects)
    assert of_rule(things, "regulator").ledger == things.ledger
    assert of_rule(truth, "internal") is truth


@pytest.mark.parametrize(
    "accepted,violations,shown", [(3, 50, None), (47, 50, None), (50, 50, 50), (0, 50, 0), (20, 50, 20), (3, None, None)]
)
def test_what_is_accepted_gives_no_remainder_away(accepted, violations, shown):
    assert disclosure._accepted(accepted, violations) == shown


def test_an_old_audience_is_refused_with_the_nearest():
    for old, hint in {"external": "regulator or public", "regulater": "did you mean 'regulator'", "": "public"}.items():
        with pytest.raises(InputError, match="report.audience.*" + hint):
            check({"audit": {"id": "x"}, "snapshot": "s", "report": {"audience": old}}, "params")


# a run for outside -----------------------------------------------------------------------------------


class Tables(HTMLParser):
    """The tables of a page: captions and cells; and every text that describes an image."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.alts, self._in, self._text = [], [], None, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append(["", []])
        if tag in ("caption", "td", "th"):
            self._in, self._text = tag, ""
        if tag == "img":
            self.alts.append(dict(attrs).get("alt", ""))

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        if tag == self._in:
            if tag == "caption":
                self.tables[-1][0] = self._text
            else:
                self.tables[-1][1].append(self._text)
            self._in = None


@pytest.fixture(scope="module", params=["regulator", "public"])
def outside(request, shared, demo):
    def make(folder):
        more = {"accepted": "accepted.yaml", "attestations": "attestations.yaml"}
        parameters = params(folder.parent / f"{folder.name}-params", demo, report={"audience": request.param}, **more)
        home = Path(__file__).parents[2] / "params"
        for name in more.values():
            (parameters.parent / name).write_bytes((home / name).read_bytes())
        chapters = "[evidence]" if request.param == "public" else "[evidence, retention, consent]"
        assert heytalk_audit("run", parameters, "-p", f"chapters={chapters}", "--out", folder).returncode == 1

    return request.param, shared(f"outside-{request.param}", make)


def rules(folder):
    return {r.id: r for r in read_results(json.loads((folder / "results.json").read_bytes())).rules}


def test_no_number_of_a_run_gives_a_small_one_away(outside, audited):
    _, folder = outside
    truth = rules(audited)
    for id, shown in rules(folder).items():
        if shown.tables[0] not in THINGS:
            safe(truth[id], shown, attack(shown))


def about_people(text: str, things: set[str]) -> str:
    """A page without the sections of rules that are not about people: their numbers may be small."""
    of_things = re.compile(rf'<h2 id="({"|".join(sorted(things))})"')
    return "".join(section for section in re.split(r'(?=<h2 id=")', text) if not of_things.match(section))


def test_no_small_number_is_on_any_page_or_in_any_notebook(outside):
    _, folder = outside
    things = {id for id, r in rules(folder).items() if r.tables[0] in THINGS}
    texts = [p.read_text("utf-8") for p in folder.glob("*.html")]
    for file in (folder / "notebooks").glob("*.ipynb"):
        cells = json.loads(file.read_text("utf-8"))["cells"]
        texts += ["".join(o.get("data", {}).get("text/html", "")) for c in cells for o in c.get("outputs", [])]
    seen = 0
    for text in texts:
        page = Tables(text)
        for caption, cells in page.tables:
            id = re.search(r"\b[A-Z]{2,3}-\d\dL?\b", caption)
            if id and id[0] not in things and not caption.startswith(("Numbers that", "Accepted")):
                seen += 1
                assert not {"1", "2", "3", "4"} & set(cells), caption
        sentences = re.sub(r"<pre>.*?</pre>", "", about_people(text, things), flags=re.DOTALL)
        assert not re.search(r"\b[1-4] (rows?|people|person)\b", sentences.replace("1 row (", ""))
        for alt in page.alts:
            if re.match(r"(Violations of )?[A-Z]{2,3}-\d\d", alt):
                assert not re.search(r"(?<![\d,-])[1-4] (at|violation|review|unknown|exempt)", alt), alt
    assert seen > 3


def test_exports_say_no_more(outside, tmp_path):
    _, folder = outside
    run_ = exports.read_recorded(folder)
    people = {id for id, r in rules(folder).items() if r.tables[0] not in THINGS}
    for name in ("csv", "junit", "oscal", "xlsx"):
        exports.FORMATS[name](run_, tmp_path)
    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert "exceptions.csv" not in written
    for row in csv.DictReader(io.StringIO(written["findings.csv"].decode("utf-8-sig"))):
        counts = {v for k, v in row.items() if k in ("in_scope", "pass", "excluded", *OPEN) or k.startswith("people_")}
        assert row["id"] not in people or not counts & {"1", "2", "3", "4"}, row
    for name in ("junit.xml", "oscal-assessment-results.json"):
        text = written[name].decode()
        for id in people:
            for line in (x for x in text.splitlines() if id in x):
                assert not re.search(r"(scope|pass|violation|review|unknown|exempt|excluded) [1-4]\b(?!,)", line), line


def test_rows_registers_and_names_stay_inside(outside, audited):
    audience, folder = outside
    assert not verify_pack(folder).faults
    assert {p.name for p in (folder / "inputs").iterdir()} == {"parameters.yaml"}
    pseudonyms = set()
    for file in (folder / "exceptions").iterdir():
        assert pq.read_metadata(file).num_rows == 0
        pseudonyms |= set(pq.read_table(audited / "exceptions" / file.name)["record"].to_pylist())
    text = "".join(p.read_text("utf-8") for p in folder.rglob("*") if p.suffix in (".html", ".json", ".ipynb", ".yaml"))
    assert pseudonyms and not any(p in text for p in pseudonyms)
    named = "Ines Marquez" in text
    assert named == (audience == "regulator")
    audit = json.loads((folder / "results.json").read_bytes())["audit"]
    assert audit["suppression"]["rows"] == "withheld" and (audit["snapshot"]["producer"] is None) == (audience == "public")
    page = (folder / "index.html").read_text("utf-8")
    assert page.count(disclosure.statement_in_words(audience)) == 2  # on the cover and in the footer


def test_verdicts_and_ratings_are_those_of_the_internal_report(outside, audited):
    _, folder = outside
    inside, shown = (json.loads((f / "results.json").read_bytes()) for f in (audited, folder))
    areas = {a["name"]: a["rating"] for a in inside["areas"]}
    assert all(areas[a["name"]] == a["rating"] for a in shown["areas"] if a["name"] != "evidence")


# back to a person ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(shared, demo):
    """A run that names its data protection officer, and the officer's key."""

    def make(folder):
        folder.mkdir()
        officer = new_key(folder / "officer")
        done = run(
            demo,
            folder / "run",
            resolution={"keys": [f"{officer.public} officer@example"]},
            chapters=["evidence"],
            rules=["DQ-03", "DQ-08"],
        )
        assert done.returncode == 1, done.stderr

    return shared("kept", make)


def rows_of(kept, rule):
    return pq.read_table(kept / "run" / "exceptions" / f"{rule}.parquet").to_pylist()


def ask(kept, demo, log, *pseudonyms, env=None, **changed):
    values = {"snapshot": demo, "key": kept / "officer", "by": "Dana", "case": "C-7", "purpose": "a request", "log": log} | changed
    options = [x for k, v in values.items() if v is not None for x in (f"--{k}", v)]
    return heytalk_audit("resolve", kept / "run", *pseudonyms, *options, env=env)


def test_a_record_and_a_person_are_found_and_logged_first(kept, demo, tmp_path):
    row = next(r for r in rows_of(kept, "DQ-03") if r["outcome"] == "violation" and r["subject"] and r["reason"] != "key_blank")
    log = tmp_path / "custody.jsonl"
    done = ask(kept, demo, log, row["record"], row["subject"])
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    with (demo / "truth.csv").open(encoding="utf-8", newline="") as handle:
        assert first.split(": ", 1)[1].split("  ")[0].replace(" ", ":", 1) in {t["record"] for t in csv.DictReader(handle)}
    assert second.startswith(f"{row['subject']}: users ")
    lines = chain.entries(log)
    assert [(e["event"], e["by"], e["case"], e["pseudonym"], e["found"]) for e in lines] == [
        ("resolved", "Dana", "C-7", p, True) for p in (row["record"], row["subject"])
    ]
    officer = (kept / "officer.pub").read_text("ascii").strip()
    assert {resolution.signer_of(e).public for e in lines} == {officer} and resolution.signer_of(lines[0] | {"case": "C-8"}) is None
    signers = tmp_path / "signers"
    for line, status in ((f"dana {officer}", 0), (f'dana namespaces="git" {officer}', 1)):
        signers.write_text(line, "ascii")
        checked = heytalk_audit("custody", "verify", log, "--signers", signers)
        assert checked.returncode == status and ("2 look-ups" in checked.stdout) == (status == 0), checked.stdout
    # the officer's key has signed the head: not even together with it can a line be cut off
    head = json.loads(chain.head_file(log).read_text("utf-8"))
    assert head["signed"]["lines"] == 2
    first_line = log.read_bytes().splitlines(keepends=True)[0]
    log.write_bytes(first_line)
    chain.head_file(log).write_bytes(canonical(head | {"lines": 1, "head": digest(first_line)}))
    checked = heytalk_audit("custody", "verify", log)
    assert checked.returncode == 1 and "the last were cut off" in checked.stdout


REFUSED = {
    "no name": ({"by": " "}, {}, "--by"),
    "no case": ({"case": None}, {}, "--case"),
    "no purpose": ({"purpose": ""}, {}, "--purpose"),
    "another engagement key": ({}, {"HEYTALK_AUDIT_KEY": "another-key-which-is-long-enough-too"}, "another key"),
    "a stranger's key": ({"key": "stranger"}, {}, "resolution.keys"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_not_answered(name, kept, demo, tmp_path):
    changed, env, hint = REFUSED[name]
    if "key" in changed:
        new_key(tmp_path / "stranger")
        changed = {"key": tmp_path / "stranger"}
    done = ask(kept, demo, tmp_path / "log", rows_of(kept, "DQ-08")[0]["record"], env=env, **changed)
    assert done.returncode == 2 and hint in done.stderr and not done.stdout and not (tmp_path / "log").exists()


def test_nothing_is_fished_for_and_nothing_is_told_unlogged(kept, demo, audited, outside, tmp_path):
    done = ask(kept, demo, tmp_path / "log", "0" * 16)
    assert done.returncode == 2 and "no exceptions file" in done.stderr
    done = ask(kept, demo, tmp_path, rows_of(kept, "DQ-08")[0]["record"])  # a folder is no log
    assert done.returncode == 2 and not done.stdout
    officer = resolution.LookUp("Dana", "C", "p", load_key(kept / "officer"))
    for folder, hint in ((audited, "nobody who may resolve"), (outside[1], "withholds its rows")):
        with pytest.raises(InputError, match=hint):
            next(resolution.resolve(folder, ["0" * 16], demo, officer, tmp_path / "log", None))
