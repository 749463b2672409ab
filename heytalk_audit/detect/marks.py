"""Addresses and marks: e-mail, web, network and hardware addresses, places, advertising ids, digests."""

from __future__ import annotations

import ipaddress
import re

from heytalk_audit.detect import context, gate
from heytalk_audit.detect.patterns import Found, Pattern, compiled

HEX = "[0-9A-Fa-f]"
_FILES = frozenset(["png", "jpg", "jpeg", "gif", "webp", "svg", "js", "css", "html", "py", "mp3", "mp4"])
#: Four numbers with dots are a version where one of these comes right before.
_VERSION = re.compile(
    r"(?:version|versiyon|ver|v|build|release|firmware|update|sdk|chrome|safari|firefox|webkit|section|chapter|surum|版本|الاصدار|اصدار|نسخه)"
    r"[^0-9a-z]{0,3}(?:is |to |no |de |la |号|是)?[^0-9a-z]{0,3}$|[a-z]/$|[a-z]-$"
)


def _email(found: Found) -> str | None:
    ending = found.match["domain"].lower().rsplit(".", 1)[1]
    if ending in _FILES:
        return None
    if " " not in found.text:
        return "high"
    return "medium" if "mail" in found.before or "邮" in found.before else None


def _url(found: Found) -> str | None:
    return "high" if found.match["scheme"] else "medium"


def _domain(found: Found) -> str | None:
    return None if found.text.lower() in ("asp.net", "vb.net", "ado.net", "socket.io") else "medium"


def _ip4(found: Found) -> str | None:
    parts = [int(part) for part in found.text.split(".")]
    if max(parts) > 255 or parts[0] == 0 or parts[:2] == [127, 0] or parts[0] > 239 or found.text.endswith(("255.255", ".0.0.0")):
        return None  # this machine, a mask, a placeholder: nobody's address
    if found.label == "ip":
        return "high"
    if _VERSION.search(found.before):
        return None
    return "high" if max(parts) > 31 else "medium" if parts[0] == 10 else None


def _ip6(found: Found) -> str | None:
    try:
        address = ipaddress.ip_address(found.text)
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified:
        return None
    parts = len(re.findall(HEX + "+", found.text))
    return "high" if found.text.count(":") == 7 or parts > 2 or (found.label == "ip" and parts > 1) else None


def _mac(found: Found) -> str | None:
    plain = re.sub(r"[^0-9a-f]", "", found.text.lower())
    if len(set(plain)) < 3 or plain == "020000000000":
        return None  # zeros, ones, or the placeholder that a platform gives instead
    named = found.label == "mac"
    if not named and (plain.isdigit() or "." in found.text):
        return None
    return "high" if named or ":" in found.text else "medium"


def _ad_id(found: Found) -> str | None:
    """A UUID is an advertising id where it is called one; all zeros is what a platform gives who opted out."""
    return "high" if found.label == "ad_id" and len(set(found.text.lower()) - {"-"}) > 2 else None


def _gps(found: Found) -> str | None:
    latitude, longitude = float(found.match["lat"]), float(found.match["lon"])
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if found.label == "gps" or found.match["name"]:
        return "high"
    row = re.match(r" ?[,;]? ?[+-]?[0-9]", found.after) or re.search(r"[0-9][,; ]+$", found.before)
    if row or max(abs(latitude), abs(longitude)) < 2 or found.label in context.NO_KIND:
        return None  # of a longer row of numbers, or of shares
    decimals = min(len(found.match[part].split(".")[1]) for part in ("lat", "lon"))
    return "medium" if decimals >= 4 else None


def _digest(found: Found) -> str | None:
    text = found.text.lower()
    if text.isdigit() or text.isalpha() or len(set(text)) < 5 or found.label in context.NO_KIND:
        return None
    return "high" if found.label == "digest" else "medium" if len(text) > 40 else "low"


_TOP = "(?:com|net|org|edu|gov|info|biz|io|xyz|app|dev)"
_COUNTRY = "(?:uk|us|de|fr|es|it|nl|ru|cn|tr|jp|br|au|ca|mx|pl|se|dk|ch|at|ie|nz|za|eg|sa|ae|kr|hk|tw|sg|ar|cl|pe)"
_SHORT = r"(?:t\.me|wa\.me|bit\.ly|goo\.gl|youtu\.be|t\.co|is\.gd|discord\.gg|vm\.tiktok\.com)"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?"
_PATH = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_DECIMAL = r"[+-]?[0-9]{1,3}\.[0-9]{3,}"

PATTERNS = [
    Pattern(
        "email",
        gate.EMAIL,
        compiled(
            r"(?<![A-Za-z0-9_%+-])(?<![A-Za-z0-9_%+-]\.)[A-Za-z0-9_][A-Za-z0-9._%+'-]*+ ?@ ?",
            rf"(?P<domain>(?:{_LABEL}\.)+[A-Za-z]{{2,18}})(?![A-Za-z0-9])",
        ),
        _email,
        re.compile("@ ?[A-Za-z0-9]"),
        (80, 300),
    ),
    Pattern(
        "url",
        gate.URL,
        compiled(
            rf"(?<![A-Za-z0-9@])(?:(?P<scheme>(?:https?|s?ftps?|wss?|rt[ms]ps?)://)|(?=www\.))(?:{_LABEL}\.)*{_LABEL}",
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
    ),
    Pattern(
        "ad_id",
        gate.HEX,
        compiled(rf"(?<![0-9A-Za-z-]){HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}(?![0-9A-Za-z-])"),
        _ad_id,
        re.compile(rf"-{HEX}{{4}}-{HEX}{{4}}-"),
        (13, 24),
    ),
    Pattern(
        "gps",
        gate.GPS,
        compiled(
            rf"(?<![0-9.])(?P<lat>{_DECIMAL})°?(?:°? ?[NSns]?[,;/| ]{{1,3}}",
            r"|[\"'&,; ]{1,4}(?P<name>lon(?:gitude|gitud|g)?|lng|boylam|longitud)[\"' ]{0,2}[:= ]{1,3}[\"']?",
            rf"|[,;、 ]{{0,2}}(?:经度|خط الطول)[:= ]{{0,3}})(?P<lon>{_DECIMAL})(?![0-9.]*[0-9])",
            ignore_case=True,
        ),
        _gps,
        re.compile(r"\.[0-9]{3,}[^0-9\n]{1,20}[0-9]{1,3}\.[0-9]{3}"),
        (4, 20),
    ),
    Pattern(
        "digest",
        gate.HEX,
        compiled(rf"(?<![0-9A-Za-z])(?:{HEX}{{128}}|{HEX}{{64}}|{HEX}{{40}}|{HEX}{{32}})(?![0-9A-Za-z])"),
        _digest,
        re.compile(f"{HEX}{{32,}}"),
        (0, 1),
    ),
]
