"""Passwords: stated in words, in any of the five languages; beside a log-in; or stored under a slow hash."""

from __future__ import annotations

import re

from heytalk_audit.detect import gate
from heytalk_audit.detect.patterns import Found, Pattern

_WORDS = (
    r"pass ?word|pass ?code|passphrase|passwd|\bpwd|\bpasswort|\bşifre\w{0,5}|\bsifre\w{0,5}|\bparola\w{0,5}|contrase(?:ñ|n)a|\bclave"
    r"|密码|密碼|口令|كلمة (?:ال)?(?:سر|مرور)\w{0,2}|كلمة المرور|الرقم السري|الباسورد|باسورد"
)
#: Words that stand where a password could and are none.
_NONE = re.compile(
    r"(?:null|none|n/?a|xxx+|\*+|\.+|-+|_+|<.*|\{.*|\[.*|required|reset\w*|forgot\w*|changed?|incorrect|wrong|invalid|yes|no|empty|hidden|redacted|expired|unlimited|please.*|the|your|and)",
    re.I,
)
#: What a program calls it: key_password, self.secret, read(
_NAME = re.compile(r"[A-Za-z]+(?:[_.][A-Za-z_.]+[0-9]?|\w*\(.*)|.*password.*", re.I)
_TOKEN = r"(?:(?![\"',;])[!-~]){3,63}(?![\"',;.?)\]])[!-~]"
SLOW_HASH = r"\$(?:2[abxy]?|argon2(?:id|i|d)|5|6|7|y|scrypt|pbkdf2[-a-z0-9]*)\$[^\s\"',;]{8,}|(?:pbkdf2_sha256|bcrypt_sha256|scrypt:|pbkdf2:)[$:0-9A-Za-z./+=-]{16,}"


def _mixed(text: str) -> bool:
    signs = re.search(r"\w[!@#$%^&*?~+=]\w", text) or (re.search(r"[!@#$%^&*]", text) and re.search(r"[a-z][A-Z]", text))
    return len(text) >= 5 and (any(c.isdigit() for c in text) and any(c.isalpha() for c in text) or bool(signs))


def _stated(found: Found) -> str | None:
    text = found.text
    if _NONE.fullmatch(text.strip(".!?")) or _NAME.fullmatch(text):
        return None
    if _mixed(text):
        return "high" if found.match["by"] and found.match["by"].strip() in (":", "=") else "medium"
    closed = not found.after.strip(" .!?)\"'") or found.after[:1] in "\n.,;，。"
    explicit = (found.match["by"] or "").strip() in (":", "=")
    return "medium" if explicit and closed and text.isascii() and len(text) >= 4 else None


def _beside_login(found: Found) -> str | None:
    return "medium" if _mixed(found.text) and re.search(r"[A-Z!@#$%^&*]", found.text) else None


def _hashed(found: Found) -> str | None:
    return "high"


PASSWORDS = [
    Pattern(
        "password",
        gate.WORD,
        re.compile(
            rf"(?:{_WORDS})[\"']?(?P<by> ?[:=]+ ?| ?(?:为|是|هي|هو|(?:is|was|es|era)\b) ?[:=]? ?| ?(?<=[^A-Za-z]))[\"'“‘「]?(?P<value>{_TOKEN})",
            re.I,
        ),
        _stated,
    ),
    Pattern(
        "password",
        gate.LOGIN,
        re.compile(rf"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{{2,}} ?(?:/|:|\|) ?(?P<value>{_TOKEN})"),
        _beside_login,
        re.compile("@[A-Za-z0-9.-]+ ?[/:|]"),
    ),
    Pattern("password", gate.WORD, re.compile(SLOW_HASH), _hashed),
]
