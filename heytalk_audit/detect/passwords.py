"""Passwords and keys: stated in words, in any language; beside a log-in; under a slow hash; keys by what they begin with."""

from __future__ import annotations

import re

from heytalk_audit.detect import gate
from heytalk_audit.detect.patterns import Found, Pattern, compiled

_WORDS = (
    r"pass ?word|pass ?code|passphrase|passwd|\bpwd|\bpasswort|\bşifre\w{0,5}|\bsifre\w{0,5}|\bparola\w{0,5}|contrase(?:ñ|n)a|\bclave"
    r"|密码|密碼|口令|كلمة (?:ال)?(?:سر|مرور)\w{0,2}|الرقم السري|الباسورد|باسورد"
)
#: Words that stand where a password could and are none.
_NONE = re.compile(
    r"(?:null|none|n/?a|xxx+|\*+|\.+|-+|_+|<.*|\{.*|\[.*|required|reset\w*|forgot\w*|changed?|incorrect|wrong|invalid|yes|no|empty|hidden"
    r"|redacted|expired|unlimited|please.*|the|your|and|true|false|string|text|here)",
    re.I,
)
#: What a program calls it: key_password, self.secret, read(
_NAME = re.compile(r"[A-Za-z]+(?:[_.][A-Za-z_.]+[0-9]?|\w*\(.*)|.*password.*", re.I)
_TOKEN = r"(?:(?![\"',;])[!-~]){3,63}(?![\"',;.?)\]])[!-~]"
SLOW_HASH = (
    r"\$(?:2[abxy]?|argon2(?:id|i|d)|5|6|7|y|scrypt|pbkdf2[-a-z0-9]*)\$[^\s\"',;]{8,}"
    r"|(?:pbkdf2_sha256|bcrypt_sha256|scrypt:|pbkdf2:)[$:0-9A-Za-z./+=-]{16,}"
)


def _mixed(text: str) -> bool:
    """Whether it looks made up: letters and digits, or a sign within a word."""
    signs = re.search(r"\w[!@#$%^&*?~+=]\w", text) or (re.search(r"[!@#$%^&*]", text) and re.search(r"[a-z][A-Z]", text))
    return len(text) >= 5 and ((any(c.isdigit() for c in text) and any(c.isalpha() for c in text)) or bool(signs))


def _stated(found: Found) -> str | None:
    text = found.text
    if _NONE.fullmatch(text.strip(".!?")) or _NAME.fullmatch(text):
        return None
    if text.isdecimal():
        return "medium" if len(text) <= 12 and found.label is None else None
    explicit = (found.match["by"] or "").strip() in (":", "=")
    if _mixed(text):
        return "high" if explicit else "medium"
    closed = not found.after.strip(" .!?)\"'") or found.after[:1] in "\n.,;，。"
    return "medium" if explicit and closed and text.isascii() and len(text) >= 4 else None


def _beside_login(found: Found) -> str | None:
    return "medium" if _mixed(found.text) and re.search(r"[A-Z!@#$%^&*]", found.text) else None


def _sure(found: Found) -> str | None:
    return "high"


def _assigned(found: Found) -> str | None:
    return "medium" if any(c.isdigit() for c in found.text) and any(c.isalpha() for c in found.text) else None


PASSWORDS = [
    Pattern(
        "password",
        gate.WORD,
        re.compile(
            rf"(?:{_WORDS})[\"']?(?P<by> ?[:=]+ ?| - | ?(?:为|是|هي|هو|(?:is|was|es|era)\b) ?[:=]? ?| ?(?<=[^A-Za-z]))"
            rf"[\"'“‘「]?(?P<value>{_TOKEN})",
            re.I,
        ),
        _stated,
        re.compile(
            "[Pp][Aa][Ss][Ss]|[Pp][Ww][Dd]|[FfİI][Rr][Ee]|[Pp][Aa][Rr][Oo][Ll]|[Tt][Rr][Aa][Ss]|[Cc][Ll][Aa][Vv]|密|口令|كلمة|السري|باسورد"
        ),
        (8, 100),
    ),
    Pattern(
        "password",
        gate.LOGIN,
        re.compile(rf"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{{2,}} ?(?:/|:|\|) ?(?P<value>{_TOKEN})"),
        _beside_login,
        re.compile("@[A-Za-z0-9.-]+ ?[/:|]"),
    ),
    Pattern("password", gate.WORD, re.compile(SLOW_HASH), _sure),
    Pattern(
        "secret",
        gate.WORD,
        compiled(
            r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{22,}",
            r"|glpat-[A-Za-z0-9_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
            r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}",
            r"|npm_[A-Za-z0-9]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{20,})",
            r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
        ),
        _sure,
    ),
    Pattern(
        "secret",
        gate.WORD,
        compiled(
            r"(?:\bbearer |(?:(?:api|access|secret|auth|client)[ _-]?(?:key|token|secret)|\btoken)[\"']? ?(?:[:=]|is) ?)[\"']?",
            r"(?P<value>[A-Za-z0-9_\-./+=]{16,})",
            ignore_case=True,
        ),
        _assigned,
        re.compile("[Kk][Ee][Yy]|[Tt][Oo][Kk][Ee][Nn]|[Ss][Ee][Cc][Rr][Ee][Tt]|[Bb][Ee][Aa][Rr][Ee][Rr]"),
        (20, 400),
    ),
]
