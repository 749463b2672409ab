"""What is found by its form and not by its digits alone: one pattern a kind, over folded text, with explicit borders.

`gate` is the same thought in RE2, over raw text and loose: it may let too much through, and nothing too little.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from heytalk_audit.detect import context, gate
from heytalk_audit.detect.context import Words
from heytalk_audit.detect.fold import Lines

HEX = "[0-9A-Fa-f]"
Finding = tuple[int, int, str, str]  # start, end, kind, confidence


WINDOW = (80, 300)  # characters before and after an anchor


@dataclass(frozen=True)
class Found:
    """A match as its judge sees it: the folded value, its place in a text, and what the nearest word speaks of."""

    match: re.Match[str]
    lines: Lines
    start: int
    end: int
    label: str | None

    @property
    def text(self) -> str:
        return self.lines.text[self.start : self.end]

    @functools.cached_property
    def before(self) -> str:
        return self.lines.key[max(0, self.start - context.REACH) : self.start].rsplit("\n", 1)[-1]

    @functools.cached_property
    def after(self) -> str:
        return self.lines.key[self.end : self.end + context.REACH].split("\n", 1)[0]


@dataclass(frozen=True)
class Pattern:
    """A kind, the flag of lines that may hold it, the pattern of its value (group `value`, or all), and a judge of its confidence."""

    kind: str
    flag: int
    regex: re.Pattern[str]
    judge: Callable[[Found], str | None]
    #: a part of every match: only the text about it is searched, which is many times faster; not where its group `skip` is
    anchor: re.Pattern[str] | None = None

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Matches in folded text that do not overlap."""
        if self.anchor is None:
            yield from self.regex.finditer(text)
            return
        done = 0
        for anchor in self.anchor.finditer(text):
            if anchor.lastgroup == "skip" or anchor.start() < done:
                continue
            match = self.regex.search(text, max(done, anchor.start() - WINDOW[0]), anchor.end() + WINDOW[1])
            if match:
                yield match
                done = match.end()


def find(patterns: list[Pattern], lines: Lines, flags: np.ndarray, words: Words, hint: str | None = None) -> Iterator[Finding]:
    """Start, end, kind and confidence of what the patterns find in those lines whose flags say that it may be there."""
    chosen: dict[int, tuple[str, np.ndarray, np.ndarray]] = {}
    names = [*context.labels(), hint]
    for pattern in patterns:
        if pattern.flag not in chosen:
            chosen[pattern.flag] = _chosen(lines, (flags & pattern.flag) > 0)
        text, began, shift = chosen[pattern.flag]
        group = "value" if "value" in pattern.regex.groupindex else 0
        matches = list(pattern.matches(text)) if text else []
        if not matches:
            continue
        start = np.array([match.start(group) for match in matches], np.int64)
        start += shift[np.searchsorted(began, start, "right") - 1]
        end = start + [match.end(group) - match.start(group) for match in matches]
        labels = words.near(start, end).tolist()
        for match, at, to, label in zip(matches, start.tolist(), end.tolist(), labels, strict=True):
            confidence = pattern.judge(Found(match, lines, at, to, names[label]))
            if confidence:
                yield at, to, pattern.kind, confidence


def _chosen(lines: Lines, which: np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
    """The chosen lines as one text, where each begins in it, and how far it is moved from there in all lines."""
    start, end = lines.start[which], lines.end[which]
    text = "\n".join([lines.text[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)])
    began = np.cumsum(end - start + 1) - (end - start + 1)
    return text, began, start - began


def _email(found: Found) -> str | None:
    domain = found.match["domain"].lower()
    if domain.rsplit(".", 1)[1] in {"png", "jpg", "jpeg", "gif", "webp", "svg", "js", "css", "html", "py"}:
        return None
    return "high" if " " not in found.text else "medium" if "mail" in found.before or found.label == "email" else "low"


def _url(found: Found) -> str | None:
    return "high" if found.match["scheme"] else "medium"


def _domain(found: Found) -> str | None:
    return None if found.before.endswith(("@", "/", ".", "-", "_")) else "medium"


def _ip(found: Found) -> str | None:
    try:
        address = ipaddress.ip_address(found.text)
    except ValueError:
        return None
    if found.text in ("127.0.0.1", "::1") or found.text.endswith(("255.255", ".0.0.0")):
        return None  # this machine, a mask, a placeholder: nobody's address
    if address.version == 4 and found.label == context.OTHER:
        return None
    if address.version == 6:
        return "high" if found.text.count(":") == 7 or len(re.findall(HEX + "+", found.text)) > 2 else None
    return "high" if found.label == "ip" or max(map(int, found.text.split("."))) > 31 else "medium" if "." in found.text[1:] else None


def _mac(found: Found) -> str | None:
    plain = re.sub(r"[^0-9a-f]", "", found.text.lower())
    if len(set(plain)) < 3 or plain == "020000000000":
        return None  # zeros, ones, or the placeholder that a platform gives instead
    named = found.label == "mac"
    if not named and (plain.isdigit() or "." in found.text):
        return None
    return "high" if named or ":" in found.text else "medium"


def _ad_id(found: Found) -> str | None:
    plain = found.text.replace("-", "")
    return "high" if found.label == "ad_id" and len(set(plain.lower())) > 2 else None


def _gps(found: Found) -> str | None:
    latitude, longitude = float(found.match["lat"]), float(found.match["lon"])
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if found.label == "gps" or found.match["name"]:
        return "high"
    if re.match(r" ?[,;]? ?[+-]?[0-9]", found.after) or re.search(r"[0-9][,; ]+$", found.before) or max(abs(latitude), abs(longitude)) < 2:
        return None  # of a longer row of numbers, or of shares
    decimals = min(len(found.match[part].split(".")[1]) for part in ("lat", "lon"))
    return "medium" if decimals >= 4 and found.label != context.OTHER else None


def _digest(found: Found) -> str | None:
    text = found.text.lower()
    if text.isdigit() or text.isalpha() or found.label == context.OTHER:
        return None
    return "high" if found.label == "digest" else "medium" if len(text) > 40 else "low"


def _secret(found: Found) -> str | None:
    return "high"


def _assigned(found: Found) -> str | None:
    text = found.text
    return "medium" if any(c.isdigit() for c in text) and any(c.isalpha() for c in text) else None


def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | flags)


_TOP = "com|net|org|edu|gov|info|biz|io"
_COUNTRIES = "uk|us|de|fr|es|it|nl|ru|cn|tr|jp|br|au|ca|in|mx|pl|se|no|fi|dk|ch|at|be|ie|nz|za|eg|sa|ae"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?"
_V4 = r"(?<![0-9.])(?<![0-9]-)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])"
_V6 = rf"(?:(?<![0-9A-Za-z.])|(?<=[iI][pP]))(?<!::)(?<![0-9A-Fa-f]{{2}}:)(?:{HEX}{{1,4}}:(?:{HEX}{{0,4}}:){{1,6}}{HEX}{{1,4}}|(?:{HEX}{{1,4}}:){{2,7}}:|::(?:{HEX}{{1,4}}:){{1,5}}{HEX}{{1,4}})(?![0-9A-Za-z:])"
_DECIMAL = r"[+-]?[0-9]{1,3}\.[0-9]{3,}"
_BETWEEN = r"(?:°? ?[NSns]?[,;/| ]{1,3}|[\"'&,; ]{1,4}(?P<name>lon(?:gitude|gitud|g)?|lng|boylam|longitud)[\"' ]{0,2}[:= ]{1,3}[\"']?|[,;、 ]{0,2}(?:经度|خط الطول)[:= ]{0,3})"

PATTERNS = [
    Pattern(
        "email",
        gate.EMAIL,
        _compiled(rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_][A-Za-z0-9._%+'-]*+ ?@ ?(?P<domain>(?:{_LABEL}\.)+[A-Za-z]{{2,18}})(?![A-Za-z0-9])"),
        _email,
        re.compile("@"),
    ),
    Pattern(
        "url",
        gate.URL,
        _compiled(
            rf"(?<![A-Za-z0-9@])(?P<value>(?P<scheme>(?:https?|ftps?)://)?(?:{_LABEL}\.)*{_LABEL}(?::[0-9]{{2,5}})?(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[A-Za-z0-9/=_#&~-]|/)?)".replace(
                r"(?P<scheme>(?:https?|ftps?)://)?", r"(?:(?P<scheme>(?:https?|ftps?)://)|(?=www\.))"
            ),
            re.I,
        ),
        _url,
    ),
    Pattern(
        "url",
        gate.URL,
        _compiled(
            rf"(?<![A-Za-z0-9@._/-])(?:{_LABEL}\.)+(?:{_TOP})(?:\.(?:{_COUNTRIES}))?(?:/[A-Za-z0-9\-._~/?#=&%]*[A-Za-z0-9/])?(?![A-Za-z0-9@-])",
            re.I,
        ),
        _domain,
        re.compile(rf"(?P<skip>@[A-Za-z0-9.-]+)|\.(?:{_TOP})(?![A-Za-z0-9])", re.I),
    ),
    Pattern("ip", gate.IP, _compiled(f"{_V4}|{_V6}"), _ip),
    Pattern(
        "mac",
        gate.MAC,
        _compiled(
            rf"(?:(?<![0-9A-Za-z])|(?<=mac))(?<!(?<![a-z]){HEX}{{2}}[:-])(?:{HEX}{{2}}(?P<by>[:-])(?:{HEX}{{2}}(?P=by)){{4}}{HEX}{{2}}|{HEX}{{4}}\.{HEX}{{4}}\.{HEX}{{4}})(?![0-9A-Za-z]|[:-][0-9A-Za-z])",
            re.I,
        ),
        _mac,
    ),
    Pattern(
        "ad_id",
        gate.HEX,
        _compiled(rf"(?<![0-9A-Za-z-]){HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}(?![0-9A-Za-z-])"),
        _ad_id,
    ),
    Pattern(
        "gps",
        gate.GPS,
        _compiled(rf"(?<![0-9.])(?P<value>(?P<lat>{_DECIMAL})°?{_BETWEEN}(?P<lon>{_DECIMAL}))(?![0-9.]*[0-9])", re.I),
        _gps,
    ),
    Pattern(
        "digest", gate.HEX, _compiled(rf"(?<![0-9A-Za-z])(?:{HEX}{{128}}|{HEX}{{64}}|{HEX}{{40}}|{HEX}{{32}})(?![0-9A-Za-z])"), _digest
    ),
    Pattern(
        "secret",
        gate.WORD,
        _compiled(
            r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
            r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
            r"|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{20,})"
            r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"
        ),
        _secret,
    ),
    Pattern(
        "secret",
        gate.WORD,
        _compiled(
            r"(?:\bbearer |(?:(?:api|access|secret|auth|client)[ _-]?(?:key|token|secret)|\btoken)[\"']? ?(?:[:=]|is) ?)[\"']?(?P<value>[A-Za-z0-9_\-./+=]{16,})",
            re.I,
        ),
        _assigned,
    ),
]
