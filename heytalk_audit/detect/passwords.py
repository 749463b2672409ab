"""Passwords and keys: stated in words, beside a log-in, or under a slow hash; keys also by what they begin with."""

from __future__ import annotations

import base64
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
#: What stands for a value that is kept elsewhere, or is to be written there: a variable, a template, an example.
_PLACEHOLDER = re.compile(
    r"\$(?:[({]|[A-Z_][A-Z0-9_]+\Z|[a-z_]+\Z)|%[({A-Za-z]\w*[)}%]?\Z|[<{\[(]|\*{3}|@[A-Za-z]+\Z|&[a-z]"
    r"|.*(?:your|my[-_]|example|sample|dummy|placeholder|changeme|change[-_]|redacted|replace|insert|todo|fixme|xxxx|\.{3}"
    r"|\*{4}|secretref|valuefrom|fake[-_]|\{\{|\$\{|1234567890|abcdefgh|(.)\1{5})"
    r"|(?:os|process|env|config|settings|self|this|vault|secrets|params|props|ctx|args|opts|options)[.\[(]|.*(?:getenv|environ)|\w+\([^)]*\)?\Z",
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
    if _NONE.fullmatch(text.strip(".!?")) or _NAME.fullmatch(text) or "://" in text or _PLACEHOLDER.match(text):
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


def _token(hit: Hit) -> str | None:
    """A key by its form; one of a few characters, or that says to write one there, is an example of the form."""
    text = hit.text
    plain = text.startswith("-----") or len(set(text)) > 9
    return "high" if plain and not re.search(r"(?i)your|xxxx|x{4}|\.\.\.|placeholder|(.)\1{7}", text) else None


def _in_address(hit: Hit) -> str | None:
    """A password before the `@` of an address or of a command, unless it stands for one."""
    text = hit.text
    plain = text.lower() in ("password", "pass", "passwd", "secret", "pwd", "token", hit.match["user"].lower()) and len(text) < 9
    return None if plain or _PLACEHOLDER.match(text) or _NONE.fullmatch(text) else "high"


def _basic(hit: Hit) -> str | None:
    """What is sent in the header of a request as name and password: it is Base64 of a text with a colon in it."""
    try:
        user, colon, secret = base64.b64decode(hit.text + "=" * (-len(hit.text) % 4), validate=True).decode().partition(":")
    except ValueError:
        return None
    return "high" if colon and user and secret and not _PLACEHOLDER.match(secret) else None


def _assigned(hit: Hit) -> str | None:
    text = hit.text
    mixed = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    plain = _PLACEHOLDER.match(text) or "://" in text or text.count(".") > 2 or _is_name(text)
    return "medium" if mixed and not plain and hit.label not in ("ad_id", "mac", "iban", "digest", REFERENCE) else None


def _is_name(text: str) -> bool:
    """Whether a text is a name or a path: of words of letters alone, but for a number at most, parted by signs."""
    words = re.split(r"[-_./+]", text.strip("="))
    letters = [word for word in words if re.fullmatch("[a-z]{3,}|[A-Z]{3,}|[A-Z][a-z]{2,}|[a-z]+(?:[A-Z][a-z]+)+", word)]
    return len(words) > 1 and len(letters) >= len(words) - 1 and all(len(word) < 10 for word in words if word not in letters)


_KEYS = (
    r"bearer|account[ _-]?key|sharedaccess(?:key|signature)|(?:api|access|secret|auth|client|app|signing|private|encryption"
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
        gate.URL,
        compiled(r"://(?P<user>[^\s/:@\"'<>]{0,64}):(?P<value>[^\s/@\"'<>]{3,80})@[A-Za-z0-9.\[$-]"),
        _in_address,
        re.compile("://"),
        (0, 160),
    ),
    Pattern(
        "password",
        gate.WORD,
        compiled(r"curl\b[^\n\0]{0,80}? (?:-u|--user)[ =]?[\"']?(?P<user>[^\s:\"']{1,64}):(?P<value>[^\s\"']{3,80})"),
        _in_address,
        re.compile("curl "),
        (0, 250),
    ),
    Pattern(
        "secret",
        gate.WORD,
        compiled(r"uthorization[\"']? ?[:=] ?[\"']?basic (?P<value>[A-Za-z0-9+/]{8,}={0,2})(?![A-Za-z0-9+/=])", ignore_case=True),
        _basic,
        re.compile("(?i)uthorization"),
        (0, 400),
    ),
    Pattern(
        "secret",
        gate.ALL,
        compiled(
            r"(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/(?P<value>[A-Za-z0-9]{6,}/[A-Za-z0-9_-]{6,}(?:/[A-Za-z0-9_-]{12,})?)"
        ),
        _token,
        re.compile(r"hooks\.slack|discord(?:app)?\.com/api"),
        (0, 200),
    ),
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
            r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{22,}",
            r"|glpat-[A-Za-z0-9_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
            r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{30,}",
            r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|whsec_[A-Za-z0-9+/]{20,}",
            r"|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{28,34}",
            r"|sq0[a-z]{3}-[A-Za-z0-9_-]{22,}|xapp-[A-Za-z0-9-]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{20,}",
            r"|dckr_pat_[A-Za-z0-9_-]{20,}|do[opr]_v1_[0-9a-f]{40,64}|shp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
            r"|lin_api_[A-Za-z0-9]{32,}|NRAK-[A-Z0-9]{27}|GOCSPX-[A-Za-z0-9_-]{24,}|gsk_[A-Za-z0-9]{32,}|glsa_[A-Za-z0-9_]{32,}",
            r"|AGE-SECRET-KEY-1[A-Z0-9]{50,}|rubygems_[0-9a-f]{48}|pul-[0-9a-f]{40}|dapi[0-9a-f]{32}|EAAC[A-Za-z0-9]{30,}",
            r"|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}|r8_[A-Za-z0-9]{37}|figd_[A-Za-z0-9_-]{40,}|hvs\.[A-Za-z0-9_-]{24,}",
            r"|tskey-[a-z]+-[A-Za-z0-9-]{20,}|ntn_[A-Za-z0-9]{40,})",
            r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
        ),
        _token,
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
