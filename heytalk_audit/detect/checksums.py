"""Checksums over many numbers at once: `digits` is an array with a row per number and a column per digit."""

from __future__ import annotations

import functools

import numpy as np

_CN_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CN_CHECK = np.array([1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2])
_CN_PROVINCES = np.array([*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83])
#: The letter of a Spanish DNI or NIE, by its number (a NIE's X, Y, Z read as 0, 1, 2) modulo 23; as code points.
ES_LETTERS = np.array([ord(letter) for letter in "TRWAGMYFPDXBNJZSQVHLCKE"])

#: Issuers of payment cards: first and last prefix, lengths.
ISSUERS = [
    ("4", "4", {13, 16, 19}),
    ("51", "55", {16}),
    ("2221", "2720", {16}),
    ("34", "34", {15}),
    ("37", "37", {15}),
    ("6011", "6011", {16, 19}),
    ("644", "659", {16, 19}),
    ("300", "305", {14, 16}),
    ("3095", "3095", {14, 16}),
    ("36", "36", {14, 16}),
    ("38", "39", {14, 16}),
    ("35", "35", {16}),
    ("3528", "3589", {19}),
    ("2131", "2131", {15}),
    ("1800", "1800", {15}),
    ("62", "62", {16, 17, 18, 19}),
    ("2200", "2204", {16, 19}),
    ("9792", "9792", {16}),
    ("6362", "6363", {16}),
    ("637", "639", {16}),
    ("508", "508", {16}),
    *((p, p, set(range(12, 20))) for p in ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763", "6390")),
]

#: The register of IBANs: characters by country.
_IBANS = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27 DK:18 DO:28 EE:20 "
    "EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 "
    "KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 "
    "OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 "
    "TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
)
IBAN_LENGTHS = {pair[:2]: int(pair[3:]) for pair in _IBANS.split()}


def number(digits: np.ndarray) -> np.ndarray:
    """The digits as one integer each (up to 18 digits)."""
    values: np.ndarray = digits.astype(np.int64) @ (10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64))
    return values


_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.uint8)  # of each digit, the sum of the digits of its double


def luhn(digits: np.ndarray) -> np.ndarray:
    """Whether the last digit is the Luhn check of the others."""
    even, odd = digits[:, -1::-2], _DOUBLED[digits[:, -2::-2]]
    passed: np.ndarray = (even.sum(1, dtype=np.uint16) + odd.sum(1, dtype=np.uint16)) % 10 == 0
    return passed


@functools.cache
def _prefixes(length: int) -> np.ndarray:
    """Of each four digits, whether an issuer's numbers of that length begin with them."""
    prefixes = np.zeros(10_000, bool)
    for low, high, lengths in ISSUERS:
        if length in lengths:
            prefixes[int(low.ljust(4, "0")) : int(high.ljust(4, "9")) + 1] = True
    return prefixes


def issued(digits: np.ndarray) -> np.ndarray:
    """Whether an issuer of cards gives out numbers of this prefix and length."""
    issued_here: np.ndarray = _prefixes(digits.shape[1])[number(digits[:, :4])]
    return issued_here


def tr_id(digits: np.ndarray) -> np.ndarray:
    """Whether a number is a T.C. Kimlik No: 11 digits, of which the last two are checks."""
    d = digits.astype(np.int64)
    odd, even = d[:, 0:9:2].sum(1), d[:, 1:8:2].sum(1)
    varied = (d[:, :9] != d[:, :1]).any(1)
    passed: np.ndarray = (d[:, 0] > 0) & ((7 * odd - even) % 10 == d[:, 9]) & (d[:, :10].sum(1) % 10 == d[:, 10]) & varied
    return passed


def cn_check(digits: np.ndarray) -> np.ndarray:
    """GB 11643: the check value (10 is X) of the first 17 digits; -1 where their place or date of birth does not exist."""
    d = digits[:, :17].astype(np.int64)
    year, month, day = number(d[:, 6:10]), number(d[:, 10:12]), number(d[:, 12:14])
    dated = (year >= 1900) & (year <= 2099) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return np.where(dated & np.isin(number(d[:, :2]), _CN_PROVINCES), _CN_CHECK[(d @ _CN_WEIGHTS) % 11], -1)


_AS_NUMBER = {ord(char): str(int(char, 36)) for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def iban(text: str) -> bool:
    """Whether a text without separators, in upper case, is an IBAN by country, length and mod 97."""
    if IBAN_LENGTHS.get(text[:2]) != len(text) or not text.isalnum() or not text.isascii():
        return False
    return int((text[4:] + text[:4]).translate(_AS_NUMBER)) % 97 == 1
