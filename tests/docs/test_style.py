"""The language of everything that a reader meets: no phrase of the strike list, no claim that a report may not make, one spelling.

docs/style.md says how to write instead; it quotes what it forbids, and is not searched.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from heytalk_audit.policy import load_policy
from heytalk_audit.policy.method import method_of
from heytalk_audit.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "heytalk_audit"
PAGES = [p for p in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if p.name != "style.md"]
#: Modules whose sentences stand in reports, exports and documents; of commands, the help too.
SPOKEN = [
    *(path for room in ("report", "exports", "handover", "follow_up", "registers") for path in (CODE / room).glob("*.py")),
    *(CODE / "audit" / f"{name}.py" for name in ("verdict", "describe", "rating", "limits", "faults", "clauses", "no_value", "results")),
    CODE / "vocabulary.py",
    CODE / "policy" / "chapters.py",
    CODE / "policy" / "method.py",
]
COMMANDS = sorted((CODE / "cli").glob("*.py"))

#: What no text says, and what to say in its place.
STRIKE = {
    r"for (a person|people) to decide|(?<!two )(person|people) decides?\b|person must decide": "say who decides, and what",
    r"end of keeping|is kept too|be kept too|promise is kept too": "say until when something is kept",
    r"are not the clause|(that|which) does not bear": "say what the test does not show",
    r"\baccus": "a rule finds, it does not blame",
    r"one thing alone|go(es)? on being|whatever (it|they) (is|are) of": "write a plain sentence",
    r"\btells nothing\b|\bsays nothing of\b|\bspeaks? of\b|nothing of the kind": "say what is not known",
    r"\bled? back to (a |one )?(person|people|row)": "traced to a person",
    r"\bbeyond what may be\b|\blater than it may\b|\bthan it may\b": "give the limit",
    r"\bis there no more\b|\bnot there any more\b|\bin which it lies\b": "is no longer stored",
    r"area [A-Z]\w+ is rated": "one sentence for all areas",
    r"\bgets? (data|marketing|nothing|no)\b": "receives",
    r"\bword of (an? (erasure|deletion|refusal)|it)\b": "notice",
}
#: Claims that a report may not make, and where the words may stand all the same.
CLAIMS = re.compile(r"\b(complian\w*|opinion\w*|assurance\w*|certif\w*)", re.IGNORECASE)
ALLOWED = re.compile(
    r"\(no assurance\)|\bno (opinion|assurance|certificate)\b|compliance-trestle|legal[ _]compliance|LegalCompliance"
    r"|SSH certificates?|certificates? of (its )?destruction|the certificate names|destroyed, with a certificate|covered by this "
    r"certificate|certificate beside the log"
    r"|destruction of a snapshot",
    re.IGNORECASE,
)
AMERICAN = re.compile(
    r"\b(\w*(?:anonymi|personali|authori|recogni|organi|minimi|optimi|customi|summari|normali|prioriti|categori)z\w*|\w*analyz\w*"
    r"|(?:mis)?behavior\w*|favor(?!ite)\w*|color\w*|honor\w*|center\w*|labell?ed(?<=labeled)|cancel(?:ed|ing)|fulfills?|judgment|gray)\b",
    re.IGNORECASE,
)
CONTRACTED = re.compile(r"\b(can|don|doesn|isn|aren|won|wasn|didn|hasn|haven|couldn|wouldn)['\u2019]t\b", re.IGNORECASE)


def of_policy() -> Iterator[tuple[str, str]]:
    """All that the policy's data says: rules, reasons, clauses, findings, numbers."""
    policy = load_policy()
    for id, words in policy.rules.items():
        method = method_of(id, policy)
        prose = [RULES[id].promise, method.tested, method.exempt or "", *(step.when for step in method.steps)]
        yield id, "\n".join([*prose, *(words[key] for key in ("title", "limits", "effect", "recommendation"))])
    for code, reason in policy.reasons.items():
        yield code, f"{reason.says}\n{reason.next or ''}"
    for clause in policy.clauses.values():
        yield clause.id, clause.paraphrase
    for finding in policy.findings:
        yield finding["id"], f"{finding['title']}\n{finding['text']}"
    for number in (*policy.periods.values(), *policy.settings.values()):
        yield number.name, number.means


def of_notebooks() -> Iterator[tuple[str, str]]:
    """The prose of the notebooks."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        yield path.name, "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def sentences_in(path: Path, docstrings: bool = False) -> str:
    """The texts of three words or more in a module; `docstrings` of functions are help texts, others are for programmers."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = [n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(n)]
    left_out = {id(n.body[0].value) for n in documented if not (docstrings and isinstance(n, ast.FunctionDef))}
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in left_out]
    return "\n".join(text for text in texts if len(re.findall(r"[A-Za-z]+", text)) >= 3)


def of_modules() -> Iterator[tuple[str, str]]:
    """What reports, exports and documents say, and the help of every command."""
    for path in SPOKEN:
        yield path.relative_to(ROOT).as_posix(), sentences_in(path)
    for path in COMMANDS:
        yield path.relative_to(ROOT).as_posix(), sentences_in(path, docstrings=True)


def of_pages() -> Iterator[tuple[str, str]]:
    """The pages of the project, without code and addresses."""
    for path in PAGES:
        text = re.sub(r"^ *```.*?^ *```", "", path.read_text("utf-8"), flags=re.S | re.M)
        yield path.name, re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", "", text)


REPORT = [*of_policy(), *of_notebooks(), *of_modules()]
EVERYWHERE = [*REPORT, *of_pages()]


def hits(pattern: re.Pattern[str], texts: list[tuple[str, str]], allowed: re.Pattern[str] | None = None) -> list[str]:
    """Where a pattern occurs, with some words around it."""
    found = []
    for name, text in texts:
        text = " ".join(re.sub(r"\w+_\w+", "", text).split())  # names of columns, codes and settings stay as they are
        text = allowed.sub("", text) if allowed else text
        found += [f"{name}: ...{text[max(0, m.start() - 40) : m.end() + 40]}..." for m in pattern.finditer(text)]
    return found


@pytest.mark.parametrize("pattern", STRIKE)
def test_no_text_says_it(pattern):
    assert hits(re.compile(pattern, re.IGNORECASE), EVERYWHERE) == [], STRIKE[pattern]


def test_no_text_claims_what_a_report_may_not():
    assert hits(CLAIMS, EVERYWHERE, ALLOWED) == []


def test_spelling_is_british():
    assert hits(AMERICAN, EVERYWHERE) == []


def test_reports_use_no_contractions():
    of_reports = [(name, text) for name, text in REPORT if not name.endswith(".py") or "/report/" in name or "/policy/" in name]
    assert hits(CONTRACTED, of_reports) == []


def test_what_the_policy_says_is_in_whole_sentences():
    policy = load_policy()
    sentences = {code: [reason.says, *([reason.next] if reason.next else [])] for code, reason in policy.reasons.items()}
    sentences |= {clause.id: [clause.paraphrase] for clause in policy.clauses.values()}
    for name, texts in sentences.items():
        for text in texts:
            assert text[0].isupper() and text.endswith(".") and len(text.split()) >= 2, (name, text)
    assert [
        clause.id
        for clause in policy.clauses.values()
        if re.search(r" = |=>|\.\.\.|\b[A-Z]{4,}\b(?<!GDPR|CCPA|IDFA|AAID)(?!_)", clause.paraphrase)
    ] == []


def test_sentences_are_short():
    """A sentence of a method, a reason or a clause has at most 45 words."""
    policy = load_policy()
    texts = {code: reason.says for code, reason in policy.reasons.items()} | {c.id: c.paraphrase for c in policy.clauses.values()}
    texts |= {f"{id} {n}": step.when for id in policy.rules for n, step in enumerate(method_of(id, policy).steps, 1)}
    long = {name: s for name, text in texts.items() for s in re.split(r"(?<=[.;:])\s", text) if len(s.split()) > 45}
    assert long == {}


def test_the_strike_list_finds_what_it_forbids():
    bad = [
        "whether the end of keeping is kept too",
        "A row is for a person to decide",
        "Rules that pass are not the clause",
        "on a ground that does not bear",
        "Rows without a person are not accused",
        "area Retention is rated Very limited against the policy",
    ]
    assert all(any(re.search(pattern, text, re.IGNORECASE) for pattern in STRIKE) for text in bad)
    assert all(CLAIMS.search(ALLOWED.sub("", text)) for text in ("GDPR compliant", "in our opinion", "we certify", "gives assurance"))
    assert not CLAIMS.search(ALLOWED.sub("", "Report of procedures performed (no assurance)"))
    assert all(AMERICAN.search(word) for word in ("anonymized", "behavior", "favorable", "authorization"))
    assert not any(AMERICAN.search(word) for word in ("anonymised", "behaviour", "favourable", "size", "seized"))
