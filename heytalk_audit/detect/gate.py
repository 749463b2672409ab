"""The gate: where in a piece of raw UTF-8 a sensitive value may stand.

Every step reads the bytes of many texts at once: comparisons of whole arrays, then index arithmetic on the few bytes that are left.
It may let too much through, but never leaves out a value: what it lets through are excerpts, which the detectors read.
"""

from __future__ import annotations

import functools
import unicodedata

import ahocorasick_rs
import numpy as np

from heytalk_audit.detect import shapes

#: What an excerpt may hold, as bits; detectors of other kinds don't read it.
NUMBER, EMAIL, URL, IP, MAC, HEX, GPS, WORD, LOGIN = (1 << i for i in range(9))
ALL = (1 << 9) - 1
LEAST = 6  # digits of a number
PAD = 64  # zero bytes after a piece, so that looking ahead or behind never leaves it
NEAREST = 1 << 17  # bytes that are compared at a time: they fit into a processor's nearest cache
WIDEST_GAP = 9  # bytes of three separators
_DIGIT, _DOT, _COLON, _DASH, _AT, _WIDE, _DEAR, _EQUAL = range(1, 9)  # classes of a byte; `_DEAR` begins a full-width or a rarer digit

#: Names of passwords, and what keys begin with. They are few, of four bytes or more and of rare beginnings, so that they can be searched
#: for many bytes at a time; a short word would prevent that. Short words are recognised by the marks beside them, in `_signs`.
_WORDS = (
    "passw|pass |passco|passph|ifre|İfre|parola|contrase|clave|密码|密碼|口令|كلمة|كلمه|"
    "م السر|ز السر|رقم سري|باسو|oken|ecret|key is| pwd|mac ad|"
    "creden|creds|pi key|apikey|密钥|密鑰|秘钥|金鑰|令牌|anahtar|jeton|مفتاح|توكن|llave|"
    "bearer|akia|asia|ghp_|gho_|ghu_|ghs_|ghr_|github_pat|"
    "k_live_|k_test_|aiza|npm_|ya29|whsec| hf_|=hf_|:hf_|\"hf_|'hf_|\nhf_|$argon2|$y$j|$p$b|pbkdf2|bcrypt_|scrypt|"
    "curl |uthoriz|dckr_pat|gocspx-"
)
#: Ends of domains: with one, a text counts as an address of the web also without a scheme. Their first two letters are compared.
_TOPS = "com net org edu gov info biz io xyz app dev me ly gl be co gg"


#: Places and their flag; or starts, ends and their flag.
Anchors = tuple[np.ndarray, int] | tuple[np.ndarray, np.ndarray, int]


def _classes() -> np.ndarray:
    """The class of each byte, 0 for most."""
    table = np.zeros(256, np.uint8)
    table[48:58] = _DIGIT
    table[[0xD9, 0xDB]] = _DIGIT  # only where such a digit follows: see `_marked`
    table[[ord("."), ord(":"), ord("-"), ord("@"), ord("=")]] = _DOT, _COLON, _DASH, _AT, _EQUAL
    table[0xEF], table[[0xE0, 0xE1, 0xF0]] = _WIDE, _DEAR
    return table


_CLASS = _classes()
_ALNUM = shapes.byte_set(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WIDTH = np.repeat(np.array([1, 2, 3, 4]), [0xC0, 0x20, 0x10, 0x10])  # bytes of a character, by its first
_TEN = shapes.byte_set(b"0123456789")
_DATE_MARK = shapes.byte_set(b"-./")
_HEX = shapes.HEX
_HEX_OR_DASH = shapes.byte_set(b"0123456789abcdefABCDEF-")
_HEX_LETTER = shapes.byte_set(b"abcdefABCDEF")
#: Bytes of what may stand between two digits of one number: ASCII separators, and first and further bytes of others.
_BETWEEN = shapes.byte_set(b" \t.-/()_\xc2\xd8\xd9\xe2\xe3\xef" + bytes(range(0x80, 0xC0)))
_ASSIGNED, _TOP = np.zeros((2, 1 << 16), bool)
_ASSIGNED[[(ord(end[0]) << 8) + ord(end[1]) for end in ("wd", "en", "et", "ey", "pw", "ss", "ra")]] = True
_TOP[[(ord(end[0]) << 8) + ord(end[1]) for end in _TOPS.split()]] = True


@functools.cache
def _rare() -> np.ndarray:
    """Whether each code point under 0x2000 is a digit, of any script."""
    return np.array([unicodedata.category(chr(code)) == "Nd" for code in range(0x2000)])


@functools.cache
def _words() -> ahocorasick_rs.BytesAhoCorasick:
    """An automaton of `_WORDS`, with bit 0x20 set in every byte: that makes letters small, and the text is changed in the same way."""
    words = [bytes(byte | 0x20 for byte in word.encode()) for word in _WORDS.split("|")]
    return ahocorasick_rs.BytesAhoCorasick(words, matchkind=ahocorasick_rs.MatchKind.LeftmostFirst)


def anchors(piece: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where something may start and end, and what it may be, as bits; not in order. `rows` are the bytes where texts begin."""
    data = np.zeros(len(piece) + PAD, np.uint8)
    data[: len(piece)] = piece
    place = np.flatnonzero(_marked(data))
    kind = _CLASS[data[place]]
    digits = place[kind == _DIGIT]
    place, kind = place[kind > _DIGIT], kind[kind > _DIGIT]
    dots, colons, ats, dashes = (place[kind == one] for one in (_DOT, _COLON, _AT, _DASH))
    wide, wide_digits = _wide(data, place[kind == _WIDE])
    rarer = np.concatenate([wide_digits, _rarer(data, place[kind == _DEAR])])
    every = np.sort(np.concatenate([digits, rarer])) if len(rarer) else digits
    parts = [
        *_numbers(data, every, rows),
        (ats, EMAIL),
        (wide, ALL),
        (_sites(data, dots), URL),
        (colons[(data[colons + 1] == ord("/")) & (data[colons + 2] == ord("/"))], URL),
        (_logins(data, ats), LOGIN),
        *_rows_of_marks(data, dots, colons, dashes),
        (*shapes.uuids(data, dashes), HEX),
        (_named(data), WORD),
        (rows[_at(data, rows, 0, "hf_")], WORD),
        (_signs(data, np.concatenate([colons, place[kind == _EQUAL]]), dots, dashes, digits), WORD),
    ]
    flat = [part if len(part) == 3 else (part[0], part[0] + 1, part[1]) for part in parts]
    flags = np.concatenate([np.full(len(start), flag) for start, _, flag in flat])
    return np.concatenate([start for start, _, _ in flat]), np.concatenate([end for _, end, _ in flat]), flags


def _marked(data: np.ndarray) -> np.ndarray:
    """Which bytes are examined: `-./0123456789:;<=>?@`, digits of Arabic and Persian, first bytes of full-width and rarer characters."""
    marked = np.empty(len(data), bool)
    for at in range(0, len(data), NEAREST):
        part = data[at : at + NEAREST]
        hits = (part - np.uint8(0x2D)) < 20
        if part.max() > 127:
            after = data[at + 1 : at + NEAREST + 1]
            digit = ((after - np.uint8(0xA0)) & 0xEF) < 10  # A0 to A9 after D9 is Arabic, B0 to B9 after DB is Persian
            hits[: len(after)] |= digit & ((part[: len(after)] & 0xFD) == 0xD9)
            hits |= ((part - np.uint8(0xEF)) < 2) | ((part & 0xFE) == 0xE0)
        marked[at : at + NEAREST] = hits
    return marked


def _wide(data: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Full-width letters and `：／`, which may be part of any kind; and full-width digits."""
    second, third = data[at + 1], data[at + 2]
    first = second == 0xBC
    digit = first & ((third - np.uint8(0x90)) < 10)
    letter = (first & ((third - np.uint8(0xA0)) < 27)) | ((second == 0xBD) & ((third - np.uint8(0x81)) < 26))
    slash = first & (third == 0x9A) & (data[at + 5] == 0x8F)
    return at[letter | slash], at[digit]


def _rarer(data: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Digits of other scripts (first bytes E0, E1), and mathematical digits (F0)."""
    first, second, third = data[at], data[at + 1], data[at + 2]
    code = ((first & 15).astype(np.int64) << 12) + ((second & 63).astype(np.int64) << 6) + (third & 63)
    mathematical = (first == 0xF0) & (second == 0x9D) & (third == 0x9F) & (data[at + 3] >= 0x8E)
    rarer: np.ndarray = at[((first < 0xF0) & _rare()[code & 0x1FFF]) | mathematical]
    return rarer


def _numbers(data: np.ndarray, at: np.ndarray, rows: np.ndarray) -> list[Anchors]:
    """Groups of six digits or more, with up to three separators between two of them; degrees, foreign digits and hexadecimal runs."""
    if not len(at):
        return []
    first = data[at]
    end = at + _WIDTH[first]
    gap = at[1:] - end[:-1]
    linked = gap == 0
    near = np.flatnonzero((gap > 0) & (gap <= WIDEST_GAP))
    near = near[_BETWEEN[data[end[near]]]]
    degree = at[near[(data[end[near]] == 0xC2) & ((data[end[near] + 1] & 0xF5) == 0xB0)]]  # ° or º, then a digit
    good = np.ones(len(near), bool)
    begins = np.zeros(len(data), bool)
    begins[rows] = True
    for step in range(1, WIDEST_GAP):
        good &= (gap[near] <= step) | (_BETWEEN[data[end[near] + step]] & ~begins[end[near] + step])
    linked[near[good & ~begins[end[near]]]] = True
    linked &= ~begins[at[1:]]
    edge = np.flatnonzero(np.concatenate([[True], ~linked, [True]]))
    count, low, high = np.diff(edge), at[edge[:-1]], end[edge[1:] - 1]
    long = (count >= LEAST) & ~_dated(data, count, low, high)
    foreign = (count >= 4) & (first[edge[:-1]] > 127)
    hexadecimal = at[_HEX_LETTER[data[at + 1]]]
    for step in range(2, 9):
        hexadecimal = hexadecimal[_HEX_OR_DASH[data[hexadecimal + step]]]
    row = np.searchsorted(rows, hexadecimal, "right")
    hexadecimal = hexadecimal[(np.diff(hexadecimal, prepend=-PAD) > 8) | (np.diff(row, prepend=-1) != 0)]
    return [(degree, GPS), (low[long], high[long], NUMBER), (low[foreign], high[foreign], NUMBER | IP | GPS | MAC), (hexadecimal, HEX)]


def _dated(data: np.ndarray, count: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which groups are dates such as 2024-03-15 (and an hour) or 15.3.2024: the most frequent numbers, and not personal data."""
    dated = np.zeros(len(low), bool)
    few = np.flatnonzero((count >= LEAST) & (count <= 10))
    count, low, high = count[few], low[few], high[few]
    by = data[low + 4]
    first = _year(data, low) & (by == data[low + 7]) & _DATE_MARK[by] & ((count == 8) | (count == 10))
    by = data[high - 5]
    last = _year(data, high - 4) & _DATE_MARK[by] & (high - low == count + 2) & (count <= 8)
    last &= (by == data[high - 7]) | (by == data[high - 8])
    dated[few[first | last]] = True
    return dated


def _year(data: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Whether a year of the last century or this one stands there, in ASCII."""
    century = (data[at].astype(np.int64) << 8) + data[at + 1]
    years: np.ndarray = ((century == 0x3139) | (century == 0x3230)) & _TEN[data[at + 2]] & _TEN[data[at + 3]]
    return years


def _sites(data: np.ndarray, dots: np.ndarray) -> np.ndarray:
    """Dots between a letter or digit and what may end a domain, or after `www`."""
    ahead = data[dots - 1] | 0x20
    pair = ((data[dots + 1] | 0x20).astype(np.int64) << 8) + (data[dots + 2] | 0x20)
    www = (ahead == ord("w")) & ((data[dots - 2] | 0x20) == ord("w")) & _ALNUM[data[dots + 1]]
    ended = _TOP[pair] & (_ALNUM[data[dots - 1]] | (data[dots - 1] > 127))
    sites: np.ndarray = dots[ended | www | (_two(data, dots) & _ALNUM[data[dots - 1]])]
    return sites


def _two(data: np.ndarray, dots: np.ndarray) -> np.ndarray:
    """Whether a country's two letters and a path follow the dot."""
    country: np.ndarray = (data[dots + 3] == ord("/")) & _ALNUM[data[dots + 1]] & _ALNUM[data[dots + 2]] & _ALNUM[data[dots + 4]]
    return country


def _logins(data: np.ndarray, ats: np.ndarray) -> np.ndarray:
    """E-mails with a slash, a bar or a colon within the next bytes: a password may follow."""
    ats = ats[_ALNUM[data[ats - 1]] & _ALNUM[data[ats + 1]]]
    ahead = data[np.minimum(ats[:, None] + np.arange(3, PAD - 1), len(data) - 1)]
    logins: np.ndarray = ats[((ahead == ord("/")) | (ahead == ord(":")) | (ahead == ord("|"))).any(1)]
    return logins


def _rows_of_marks(data: np.ndarray, dots: np.ndarray, colons: np.ndarray, dashes: np.ndarray) -> list[Anchors]:
    """Dots, colons and dashes at the distances that network addresses, hardware addresses and coordinates have."""
    dots = dots[_HEX[data[dots - 1]] & _HEX[data[dots + 1]]]
    double = colons[(data[colons + 1] == ord(":")) & (_HEX[data[colons + 2]] | _HEX[data[colons - 1]])]
    decimal = dots[((data[dots + 1] - np.uint8(48)) < 10) & ((data[dots + 2] - np.uint8(48)) < 10) & ((data[dots + 3] - np.uint8(48)) < 10)]
    return [
        _close(dots, 2, 8, IP),
        _close(colons, 6, 30, IP),
        (double, IP),
        _close(colons, 4, 12, MAC),
        _close(dashes, 4, 12, MAC),
        (shapes.quads(data, dots), MAC),
        _close(decimal, 1, 48, GPS),
    ]


def _close(at: np.ndarray, count: int, within: int, flag: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Where `count` more marks follow within so many bytes, flagged."""
    first, last = at[: len(at) - count if len(at) > count else 0], at[count:]
    near = last - first <= within
    return first[near], last[near] + 1, flag


def _at(data: np.ndarray, place: np.ndarray, back: int, text: str) -> np.ndarray:
    """Whether the text, in any case, begins `back` bytes before each place."""
    matches = np.ones(len(place), bool)
    for step, char in enumerate(text.encode()):
        matches &= (data[place - back + step] | 0x20) == (char | 0x20)
    return matches


def _signs(data: np.ndarray, assigning: np.ndarray, dots: np.ndarray, dashes: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Marks beside short words and beginnings of keys: `token=`, `"pwd":`, `.eyJ`, `xoxb-`, `$6$`. `assigning`: colons, equals signs."""
    back = 1 + ~_ALNUM[data[assigning - 1]]
    second, last = data[assigning - back - 1] | 0x20, data[assigning - back] | 0x20
    pair = (second.astype(np.int64) << 8) + last
    dollar = digits[data[digits - 1] == ord("$")]
    return np.concatenate(
        [
            assigning[_ASSIGNED[pair]],
            dots[_at(data, dots, -1, "ey") | _at(data, dots, 2, "sg")],
            dashes[
                _at(data, dashes, 4, "xox")
                | _at(data, dashes, 2, "sk")
                | _at(data, dashes, 4, "pypi")
                | _at(data, dashes, 3, "pat")
                | _at(data, dashes, 2, "--")
            ],
            dollar[(data[dollar + 1] == ord("$")) | (data[dollar + 2] == ord("$"))],
        ]
    )


def _named(data: np.ndarray) -> np.ndarray:
    """Where one of `_WORDS` begins, but for the continent of Asia, which looks like the beginning of a key."""
    hits = _words().find_matches_as_indexes((data | 0x20).tobytes())
    start = np.array([start for _, start, _ in hits], np.int64)
    continent = _at(data, start, 0, "asia") & ~_ALNUM[data[np.minimum(start + 4, len(data) - 1)]]
    named: np.ndarray = start[~continent]
    return named
