"""Passwords and keys: stated in words, beside a log-in, or under a slow hash; keys also by what they begin with."""

from __future__ import annotations

import re

from heytalk_audit.detect import gate
from heytalk_audit.detect.context import REFERENCE
from heytalk_audit.detect.fold import fold_key
from heytalk_audit.detect.patterns import Hit, Pattern, compiled

_WORDS = (
    r"pass ?words?|pass ?codes?|pass ?phrase|passwd|passwort|(?<![A-Za-z])(?:pswd|psw|p/?w|pass|pwd|passw|pwrd)(?![A-Za-z])"
    r"|_(?:pwd|pass)(?![A-Za-z])"
    r"|(?<![A-Za-z])[şs]ifre\w{0,6}|\bparola\w{0,6}|contrase(?:ñ|n|ni)as?"
    r"|(?<![A-Za-z])(?:claves?|contra(?= ?:)|credencial(?:es)?|credentials?|creds)(?![A-Za-z])"
    r"|密码|密碼|口令|كلم[ةهت]ي?[ _]?(?:ال)?(?:سر|مرور)\w{0,2}|(?:الرقم|رقمي|الرمز|رمز|الكود) ?(?:ال)?سري|(?:ال)?باسو?ورد\w?"
)
#: What links the word for a password and the value after it.
_IS = re.compile(
    r"\b(?:is|was|be|are|it's|its|es|era|fue|sera|usa|pon|puse|oldu|olarak|olsun|su|ist)\b[^.]{0,14}\Z|\b(?:to|por|como|as) ?\Z"
    r"|asagida|below|following|abajo|siguiente|下面|下方|如下|التالي|ادناه|\?.*\n|\?\?"
    r"|[\u70ba\u4e3a\u662f\u7528\u6210][^,]{0,6}\Z|هي|هو|صارت|الي|كانت|بقت|غيرتها|[:=>]"
)
#: Words after which the thing comes that the password is for, and no password.
_OF = re.compile(
    "for|of|a|an|the|your|my|every|each|like|but|when|than|least|de|el|la|un|una"
    "|bir|on|in|at|with|from|per|by|via|and|or|para|del|en|con|y|icin|ve|ile"
)
#: Words where a password could stand that are none.
_NONE = re.compile(
    r"(?:null|none|n/?a|xxx+|\*+|\.+|-+|_+|<.*|\{.*|\[.*|required|reset\w*|forgot\w*|changed?|incorrect|wrong|invalid|yes|no|empty|hidden"
    r"|redacted|expired|unlimited|please.*|the|your|and|true|false|string|text|here)",
    re.I,
)
#: Names in programs: key_password, self.secret, read(
_NAME = re.compile(r"[A-Za-z]+(?:[_.][A-Za-z_.]+[0-9]?|\w*\(.*)|.*password.*", re.I)
_TOKEN = r"(?:(?![\"',;]|&\w+=)[!-~À-ɏ]){3,63}(?![\"',;.?)\]}]|&\w+=)[!-~À-ɏ]"
#: What follows is likely a password: it has a digit or a sign, or is words in a row, a Latin word after Chinese, or a name after `is`.
_TELLING = (
    r"(?:(?=[!-~À-ɏ]{0,40}[0-9!@#$%^*+~])|(?=[a-z]+-[a-z]+-[a-z])|(?<=[\u4e00-\u9fff])(?=[A-Za-z]{6})"
    r"|(?<=\b(?:is|es) )(?=(?-i:[A-Z][a-z]{4})))"
)
_LINK = "is|are|es|son|era|was|as|como|olarak|就?是|作为|هي|هو|ist|—|<?-|←|="  # between a value and the word that follows it
_FAR = r"[^0-9:=@|<>{}\0]{0,44}?"
SLOW_HASH = (
    r"\$argon2(?:id|i|d)\$[A-Za-z0-9$=,+/.-]{20,}|\$(?:2[abxy]?|[1567PHy]|md5|apr1|scrypt|pbkdf2[-a-z0-9]*)\$[^\s\"',;]{8,}"
    r"|(?:pbkdf2_sha256|bcrypt_sha256|scrypt:|pbkdf2:)[$:0-9A-Za-z./+=-]{16,}"
)


def _mixed(text: str) -> bool:
    """Whether a text looks like a password: letters and digits, a sign within a word, or several words in a row."""
    signs = re.search(r"\w[!@#$%^&*?~+=]\w", text) or (re.search(r"[!@#$%^&*]", text) and re.search(r"[a-z][A-Z]", text))
    if re.fullmatch("[a-z]+(?:-[a-z]+){2,}", text):
        return len(text) > 10  # words in a row
    return len(text) >= 5 and ((any(c.isdigit() for c in text) and any(c.isalpha() for c in text)) or bool(signs))


def _stated(hit: Hit) -> str | None:
    """A value after a word for passwords: `by` is a mark such as a colon between them, `far` the words between."""
    text = hit.text
    if hit.label == "secret":
        return None
    if _NONE.fullmatch(text.strip(".!?")) or _NAME.fullmatch(text) or "://" in text:
        return None
    explicit, far = bool(hit.match["by"]), fold_key(hit.match["far"])
    if hit.match["far"].count(",") and "忘" in hit.match["far"]:
        return None
    if far and explicit and len(far) > 20 and not _mixed(text):
        return None
    between = far.split()
    if not explicit and between and _OF.fullmatch(between[-1]):
        return None
    linked = explicit or len(between) < 2 or bool(_IS.search(far))
    if text.isdecimal() and hit.before.rstrip(" ").endswith('":'):
        return None  # a count under a key of JSON: a password is a string there
    if text.isdecimal():
        return "medium" if len(text) <= 12 and hit.label in (None, "password") and linked and len(far) < 14 else None
    if _mixed(text) and (linked or _strong(text)):
        return "high" if explicit and len(far) < 8 else "medium"
    if not explicit and text.isalpha() and text.isascii() and linked and len(text) > 5 and (_after_chinese(hit) or text[0].isupper()):
        return "medium"
    closed = not hit.after.strip(" .!?)\"'") or hit.after[:1] in "\n.,;，。&\"'"
    return "medium" if explicit and closed and text.isascii() and len(text) >= 4 else None


def _after_chinese(hit: Hit) -> bool:
    return "\u4e00" <= hit.before[-1:] <= "\u9fff"


def _strong(text: str) -> bool:
    """Whether a text has three of: small letters, capitals, digits, signs."""
    return len(text) > 5 and sum(bool(re.search(part, text)) for part in ("[a-z]", "[A-Z]", "[0-9]", "[!@#$%^&*?~+=_]")) > 2


def _before(hit: Hit) -> str | None:
    return "medium" if _mixed(hit.text) and not _NAME.fullmatch(hit.text) and "://" not in hit.text else None


def _beside_login(hit: Hit) -> str | None:
    return "medium" if _mixed(hit.text) and re.search(r"[A-Z!@#$%^&*]", hit.text) else None


def _sure(hit: Hit) -> str | None:
    return "high"


def _assigned(hit: Hit) -> str | None:
    text = hit.text
    mixed = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    plain = "://" in text or text.count(".") > 2 or re.search(r"[a-z]{4,}[-_./][a-z]{3,}[-_./][a-z]{3,}", text)
    return "medium" if mixed and not plain and hit.label not in ("ad_id", "mac", "iban", "digest", REFERENCE) else None


_KEYS = (
    r"bearer|(?:api|access|secret|auth|client|app|signing|private|encryption"
    r"|service|master|refresh|session|webhook|deploy|license)[ _-]?(?:key|token|secret)s?"
    r"|token\w{0,4}|secret[oa]?|jwt|credencial|llave"
    r"|密[钥鑰匙]|秘[钥鑰]|金[钥鑰]|令牌|anahtar\w{0,5}|jeton\w{0,4}|مفتاح\w{0,3}|توكن|رمز الوصول|clave"
)
_KEY_ANCHOR = re.compile(
    "[Kk][Ee][Yy]|[Tt][Oo][Kk][Ee][Nn]|[Ss][Ee][Cc][Rr][Ee][Tt]|[Bb][Ee][Aa][Rr][Ee][Rr]|[Jj][Ww][Tt]|[钥鑰匙]|令牌|[Nn][Aa][Hh][Tt][Aa][Rr]|"
    "[Jj][Ee][Tt][Oo][Nn]|مفتاح|توكن|رمز|[Cc][Ll][Aa][Vv][Ee]|[Ll][Ll][Aa][Vv][Ee]|[Cc][Rr][Ee][Dd][Ee][Nn][Cc]"
)
_LONG = r"(?=[A-Za-z_\-./+]{0,80}[0-9])[A-Za-z0-9_\-./+]{16,}=*"
_ANCHOR = re.compile(
    "[Pp][Aa][Ss][Ss]|[Pp][/]?[Ww]|[Pp][Ss][Ww]|[FfİI][Rr][Ee]|[Pp][Aa][Rr][Oo][Ll]|[Tt][Rr][Aa][Ss]|[Cc][Ll][Aa][Vv]|[Cc][Rr][Ee][Dd]|密|口令|كلم|سري|باسو?ورد"
)


PASSWORDS = [
    Pattern(
        "password",
        gate.WORD,
        re.compile(
            rf"(?:{_WORDS})(?P<far>{_FAR})(?:[\"']?(?P<by> ?(?:[:=]+>?|-+>|→) ?| - )|(?<![A-Za-z0-9_/.-]){_TELLING})"
            rf"[\"'“‘「`(\[]?(?P<value>{_TOKEN})",
            re.I,
        ),
        _stated,
        _ANCHOR,
        (8, 100),
    ),
    Pattern(
        "password",
        gate.WORD,
        re.compile(
            rf"(?<![!-~])[\"'“‘「]?{_TELLING}(?P<value>{_TOKEN})[\"'”’」]? ?,?"
            rf"(?:(?:{_LINK}) ?[^0-9\n\0:=;!?@]{{0,28}}?|(?:my|our|mi|benim|我的|yeni) ?)(?:{_WORDS})"
            rf"(?![^\n\0]{{0,24}}[:=0-9])",
            re.I,
        ),
        _before,
        _ANCHOR,
        (70, 30),
    ),
    Pattern(
        "password",
        gate.WORD,
        re.compile(
            rf"(?:log ?in|usuario|user(?:name)?|account|credentials?|creds|credenciales|kullanıcı\w*|[账帐]号|用户名|المستخدم|الدخول)"
            rf"[^\n\0:0-9]{{0,12}}?:? ?[A-Za-z0-9._-]{{2,30}} ?[/|:] ?(?P<value>{_TOKEN})",
            re.I,
        ),
        _beside_login,
        re.compile("[Ll]og|[Uu]s[ue][ra]|[Aa]ccount|[Cc]red|[Kk]ullan|号|名|المستخدم|الدخول"),
        (1, 100),
    ),
    Pattern(
        "password",
        gate.WORD,
        re.compile(
            rf"(?<![!-~])[A-Za-z0-9._@-]{{2,30}} ?[/|] ?(?P<value>{_TOKEN})[ ,—-]{{0,4}}[^0-9\n\0:=]{{0,36}}?(?:{_WORDS})(?! ?[:=])",
            re.I,
        ),
        _before,
        _ANCHOR,
        (90, 30),
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
            r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|whsec_[A-Za-z0-9+/]{20,}",
            r"|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{28,34}",
            r"|sq0[a-z]{3}-[A-Za-z0-9_-]{22,}|xapp-[A-Za-z0-9-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{20,})",
            r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
        ),
        _sure,
    ),
    Pattern(
        "secret",
        gate.WORD,
        re.compile(rf"(?<![A-Za-z])(?:[A-Za-z]+[_-])?(?:{_KEYS})[\"']?[^0-9\n\0]{{0,30}}?(?<![A-Za-z0-9_\-./+])(?P<value>{_LONG})", re.I),
        _assigned,
        _KEY_ANCHOR,
        (20, 140),
    ),
    Pattern(
        "secret",
        gate.WORD,
        re.compile(
            rf"(?<![A-Za-z0-9_\-./+])(?P<value>{_LONG})[\"']? ?(?:{_LINK}|,)? ?[^0-9\n\0:=;!?]{{0,16}}?(?<![A-Za-z])(?:{_KEYS})",
            re.I,
        ),
        _assigned,
        _KEY_ANCHOR,
        (110, 30),
    ),
    Pattern(
        "secret",
        gate.NUMBER,
        compiled(r"(?<![0-9A-Za-z])[0-9]{8,10}:AA[A-Za-z0-9_-]{30,40}(?![0-9A-Za-z_-])"),
        _sure,
        re.compile(":AA"),
        (12, 60),
    ),
]
