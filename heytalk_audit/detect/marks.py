"""Values that are recognised by their marks: e-mail, web, network and hardware addresses, coordinates, advertising ids, digests."""

from __future__ import annotations

import ipaddress
import re

from heytalk_audit.detect import context, gate
from heytalk_audit.detect.patterns import Hit, Pattern, compiled

HEX = "[0-9A-Fa-f]"
_FILES = frozenset(["png", "jpg", "jpeg", "gif", "webp", "svg", "js", "css", "html", "py", "mp3", "mp4"])
#: Four numbers with dots are a version where one of these comes right before.
_VERSION = re.compile(
    r"(?:version|versiyon|ver|v|build|release|firmware|update|sdk|chrome|safari|firefox|webkit|section|chapter|surum|版本|الاصدار|اصدار|نسخه)"
    r"[^0-9a-z]{0,3}(?:is |to |no |de |la |号|是)?[^0-9a-z]{0,3}$|[a-z]/$|[a-z]-$"
)


_VERSIONED = re.compile(
    r"version|versiyon|\bver\b|build|release|firmware|update|section|chapter|surum|guncelleme|actualiz|版本|更新|升级|اصدار|نسخه|تحديث"
)


#: Name and password of an address of the web: what follows is no e-mail.
_IN_LOGIN = re.compile(r"://[^\s/@]*:[^\s/@]*\Z")


def _email(hit: Hit) -> str | None:
    ending = hit.match["domain"].lower().rsplit(".", 1)[1]
    if ending in _FILES or _IN_LOGIN.search(hit.before):
        return None
    if " " not in hit.text:
        return "high"
    return "medium" if "mail" in hit.before or "邮" in hit.before else None


def _url(hit: Hit) -> str | None:
    return "high" if hit.match["scheme"] else "medium"


def _domain(hit: Hit) -> str | None:
    return None if hit.text.lower() in ("asp.net", "vb.net", "ado.net", "socket.io") else "medium"


def _ip4(hit: Hit) -> str | None:
    parts = [int(part) for part in hit.text.split(".")]
    if max(parts) > 255 or parts[0] == 0 or parts[:2] == [127, 0] or parts[0] > 239 or hit.text.endswith(("255.255", ".0.0.0")):
        return None  # this machine, a mask or a placeholder
    if hit.label == "ip":
        return "high"
    if _VERSION.search(hit.before) or (max(parts) < 100 and _VERSIONED.search(hit.before)):
        return None
    return "high" if max(parts) > 31 else "medium" if parts[0] == 10 else None


def _ip6(hit: Hit) -> str | None:
    try:
        address = ipaddress.ip_address(hit.text)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified:
        return None
    parts = len(re.findall(HEX + "+", hit.text))
    return "high" if hit.text.count(":") == 7 or parts > 2 or (hit.label == "ip" and parts > 1) else None


def _mac(hit: Hit) -> str | None:
    plain = re.sub(r"[^0-9a-f]", "", hit.text.lower())
    if len(set(plain)) < 3 or plain == "020000000000":
        return None  # zeros, ones, or the placeholder that a platform gives instead
    named = hit.label == "mac"
    if not named and (plain.isdigit() or not re.search("..[:-]..[:-]", hit.text)):
        return None
    return "high" if named or ":" in hit.text else "medium"


def _ad_id(hit: Hit) -> str | None:
    """A UUID is an advertising id where a word calls it one. All zeros is what platforms give for people who opted out."""
    return "high" if hit.label == "ad_id" and len(set(hit.text.lower()) - {"-"}) > 2 else None


def _gps(hit: Hit) -> str | None:
    latitude, longitude = float(hit.match["lat"].replace(" ", "")), float(hit.match["lon"].replace(" ", ""))
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    lettered = bool(hit.match["pole"])
    if hit.label == "gps" or hit.match["name"] or lettered:
        return "high"
    row = re.match(r" ?[,;]? ?[+-]?[0-9]", hit.after) or re.search(r"[0-9][,; ]+$", hit.before)
    if row or max(abs(latitude), abs(longitude)) < 2 or hit.label in context.NO_KIND:
        return None  # part of a longer row of numbers, or of shares
    if any(hit.match[part].lstrip("+-").startswith(_CONSTANTS) for part in ("lat", "lon")):
        return None
    decimals = min(len(hit.match[part].split(".")[1]) for part in ("lat", "lon"))
    return "medium" if decimals >= 4 else None


_CONSTANTS = ("3.1415", "2.7182", "1.4142", "1.6180", "0.5772", "1.7320", "6.2831")


def _degrees(hit: Hit) -> str | None:
    """Degrees and minutes count with a letter for the hemisphere, or a word for places near them."""
    latitude, longitude = int(hit.match["lat"]), int(hit.match["lon"])
    return "high" if latitude <= 90 and longitude <= 180 and (hit.match["pole"] or hit.label == "gps") else None


def _digest(hit: Hit) -> str | None:
    text = hit.text.lower()
    if text.isdigit() or text.isalpha() or len(set(text)) < 5 or hit.label in context.NO_KIND:
        return None
    return "high" if hit.label == "digest" else "medium" if len(text) > 40 else "low"


def _kind_of_run(hit: Hit) -> str:
    """The kind of a run of hexadecimal digits, by its length or by a word for a key near it."""
    return "secret" if _is_key(hit) else "mac" if hit.end - hit.start == 12 else "digest"


def _is_key(hit: Hit) -> bool:
    text = hit.text
    return len(text) >= 20 and (hit.label == "secret" or bool(_KEY_PREFIX.search(hit.before)))


def _run(hit: Hit) -> str | None:
    text = hit.text
    if _is_key(hit):
        return "medium" if len(set(text)) > 4 and not text.isdigit() else None
    if len(text) == 12:
        return _mac(hit)
    return _digest(hit) if len(text) in DIGEST_LENGTHS else None


#: How many hexadecimal digits the digests of MD5, SHA-1, SHA-256 and SHA-512 have.
DIGEST_LENGTHS = (32, 40, 64, 128)
_KEY_PREFIX = re.compile(r"(?<![0-9a-z])(?:shp(?:at|ss|ca|pa)_|do[opr]_v1_|key-)\Z")
_TOP = "(?:com|net|org|edu|gov|info|biz|io|xyz|app|dev)"
_COUNTRY = "(?:uk|us|de|fr|es|it|nl|ru|cn|tr|jp|br|au|ca|mx|pl|se|dk|ch|at|ie|nz|za|eg|sa|ae|kr|hk|tw|sg|ar|cl|pe)"
_SHORT = r"(?:t\.me|wa\.me|bit\.ly|goo\.gl|youtu\.be|t\.co|is\.gd|discord\.gg|vm\.tiktok\.com)"
_MORE = "\u00c0-\u024f\u0370-\u04ff"  # letters of Latin with marks, Greek and Cyrillic, which names and domains may have
_LABEL = f"[A-Za-z0-9{_MORE}](?:[A-Za-z0-9{_MORE}-]{{0,62}}[A-Za-z0-9{_MORE}])?"
_PATH = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_DECIMAL = r"[+-]?[0-9]{1,3}\.[0-9]{3,}"
_MINUTES = r"[°º] ?[0-9]{1,2}(?:\.[0-9]+)? ?['′’](?: ?[0-9]{1,2}(?:\.[0-9]+)? ?(?:[\"″”]|''|’’))?"
_IDN = "(?:[\u4e00-\u9fff\u3040-\u30ff\u0600-\u06ff\uac00-\ud7af-]+\\.)"

PATTERNS = [
    Pattern(
        "email",
        gate.EMAIL,
        compiled(
            rf"(?<![A-Za-z0-9_%+{_MORE}-])(?<![A-Za-z0-9_%+{_MORE}-]\.)[A-Za-z0-9_{_MORE}][A-Za-z0-9._%+'{_MORE}-]*+ ?@ ?",
            rf"(?P<domain>(?:{_LABEL}\.)+(?:[A-Za-z]{{2,18}}|xn--[a-z0-9-]+|рф|укр))(?![A-Za-z0-9])",
        ),
        _email,
        re.compile(f"@ ?[A-Za-z0-9{_MORE}]"),
        (80, 300),
    ),
    Pattern(
        "url",
        gate.URL,
        compiled(
            rf"(?<![A-Za-z0-9@])(?:(?P<scheme>(?:https?|s?ftps?|wss?|rt[ms]ps?)://)|(?=www\.))(?:{_IDN}+(?:[A-Za-z]{{2,18}}|中[国國]|公司|网络|香港|台[湾灣]|السعودية|مصر|امارات)|(?:{_LABEL}\.)*{_LABEL})",
            rf"(?::[0-9]{{2,5}})?(?:[/?#]{_PATH}*[A-Za-z0-9/=_#&~-]|/)?",
            ignore_case=True,
        ),
        _url,
        re.compile(r"(?:https?|s?ftps?|wss?|rt[ms]ps?)://|www\.", re.I | re.A),
        (0, 2000),
    ),
    Pattern(
        "url",
        gate.URL,
        compiled(
            rf"(?<![A-Za-z0-9@._/-])(?:(?:{_LABEL}\.)+{_TOP}(?:\.{_COUNTRY})?(?:/{_PATH}*[A-Za-z0-9/])?(?![A-Za-z0-9@-])",
            rf"|{_SHORT}/{_PATH}*[A-Za-z0-9/]|(?:{_LABEL}\.)+{_COUNTRY}/{_PATH}*[A-Za-z0-9]{{2}}/?)",
            ignore_case=True,
        ),
        _domain,
        re.compile(rf"(?P<skip>@[A-Za-z0-9.-]+)|\.(?:{_TOP}(?![A-Za-z0-9])|[a-z]{{2}}/)", re.I | re.A),
        (80, 300),
    ),
    Pattern(
        "ip",
        gate.IP,
        compiled(r"(?<![0-9.])(?<![0-9]-)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9]|[A-Za-z_])"),
        _ip4,
        re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"),
        (3, 5),
    ),
    Pattern(
        "ip",
        gate.IP,
        compiled(
            rf"(?:(?<![0-9A-Za-z.])|(?<=[iI][pP]))(?<!::)(?<!{HEX}{{2}}:)(?:{HEX}{{1,4}}:(?:{HEX}{{0,4}}:){{1,6}}{HEX}{{1,4}}",
            rf"|(?:{HEX}{{1,4}}:){{2,7}}:|::(?:{HEX}{{1,4}}:){{1,5}}{HEX}{{1,4}})",
            r"(?![0-9A-Za-z]|:(?![0-9]{2,5}(?![0-9A-Za-z:])))",  # a port may follow
        ),
        _ip6,
        re.compile(rf":{HEX}{{0,4}}:"),
        (4, 50),
    ),
    Pattern(
        "mac",
        gate.MAC,
        compiled(
            rf"(?:(?<![0-9A-Za-z])|(?<=mac))(?<!(?<![a-z]){HEX}{{2}}[:-])(?:{HEX}{{2}}(?P<by>[:-])(?:{HEX}{{2}}(?P=by)){{4}}{HEX}{{2}}",
            rf"|{HEX}{{4}}\.{HEX}{{4}}\.{HEX}{{4}})(?![0-9A-Za-z]|[:-][0-9A-Za-z])",
            ignore_case=True,
        ),
        _mac,
        re.compile(rf"[:-]{HEX}{{2}}[:-]{HEX}{{2}}[:-]|\.{HEX}{{4}}\."),
        (4, 16),
        True,
    ),
    Pattern(
        "ad_id",
        gate.HEX,
        compiled(rf"(?:(?<![0-9A-Za-z-])|(?<=[iI][dD])|(?<=[iI][dD][fF][aA])){HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}(?![0-9A-Za-z-])"),
        _ad_id,
        re.compile(rf"-{HEX}{{4}}-{HEX}{{4}}-"),
        (13, 24),
        True,
    ),
    Pattern(
        "gps",
        gate.GPS,
        compiled(
            rf"(?<![0-9.])(?P<lat>{_DECIMAL}) ?[°º]? ?(?:(?P<pole>[NS](?![A-Za-z])|[北南]纬?)?[,;/|، ]{{1,3}}(?:[东西東] ?经? ?)?",
            r"|[\"'&,;)\]} \n/|]{0,4}(?:and |y |ve |和|و ?)?",
            r"(?P<name>lon(?:gitude|gitud|g)?|lng|boylam\w{0,3}|[经經]度|خط (?:ال)?طول)",
            r"[\"' ]{0,2}(?:[:=是为 ]|is |es ){0,3}[\"']?)",
            rf"(?P<lon>{_DECIMAL})(?![0-9.]*[0-9])(?: ?[°º]? ?[EWO](?![A-Za-z]))?",
            ignore_case=True,
        ),
        _gps,
        re.compile(r"\.[0-9]{3,}[^0-9\n\0]{1,26}[0-9]{1,3}\.[0-9]{3}"),
        (4, 24),
        True,
    ),
    Pattern(
        "gps",
        gate.GPS,
        compiled(
            rf"(?:(?<![0-9A-Za-z])[NS] ?)?(?<![0-9.])(?P<lat>[0-9]{{1,2}}) ?{_MINUTES} ?(?P<pole>[NSns北南])?纬?",
            r"[,;/|、 ]{0,3}(?:[EWO] ?)?",
            rf"(?P<lon>[0-9]{{1,3}}) ?{_MINUTES}(?: ?[EWOewo东西東](?![A-Za-z])经?)?",
        ),
        _degrees,
        re.compile(r"[°º]"),
        (6, 60),
        True,
    ),
    Pattern(
        _kind_of_run,
        gate.HEX,
        compiled(
            r"(?<![0-9A-Za-z])(?:md5|sha1|sha256|sha512|MD5|SHA1|SHA256|SHA512)?",
            rf"(?P<value>{HEX}{{20,128}}|(?<!-){HEX}{{12}})(?![0-9A-Za-z])",
        ),
        _run,
    ),
    Pattern("mac", gate.WORD, compiled(rf"(?<![0-9A-Za-z-])(?:{HEX}{{12}}|{HEX}{{6}}-{HEX}{{6}})(?![0-9A-Za-z-])"), _mac, farther=True),
]
