"""Texts with values planted in them, in five languages and many written forms; and benign ones. All random, all from a seed.

Sentences and values are written here without the detector's patterns and words in view of each other: values come from the
definitions of their kinds, and sentences say what a person would.
"""

from __future__ import annotations

import hashlib
import random
import string
import uuid
from collections.abc import Iterator

LANGUAGES = ("en", "zh", "tr", "ar", "es")
DIGIT_FORMS = ("plain", "full-width", "arabic", "persian", "spaced", "dotted", "dashed", "glued")
_TO = {"arabic": "٠١٢٣٤٥٦٧٨٩", "persian": "۰۱۲۳۴۵۶۷۸۹", "full-width": "０１２３４５６７８９"}


def digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choices(string.digits, k=n))


def luhn(rng: random.Random, prefix: str, length: int) -> str:
    body = prefix + digits(rng, length - len(prefix) - 1)
    total = sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(reversed(body)))
    return body + str(-total % 10)


def card(rng):
    prefix, length = rng.choice(
        [("4", 16), ("51", 16), ("2291", 16), ("37", 15), ("6011", 16), ("62", 19), ("62", 16), ("3530", 16), ("9792", 16)]
    )
    return luhn(rng, prefix, length)


def tr_id(rng):
    d = [rng.randint(1, 9), *(rng.randint(0, 9) for _ in range(8))]
    d.append((7 * sum(d[0::2]) - sum(d[1::2])) % 10)
    return "".join(map(str, [*d, sum(d) % 10]))


def cn_id(rng):
    born = f"{rng.randint(1950, 2010)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"{rng.choice([110105, 310104, 440305, 510107])}{born}{digits(rng, 3)}"
    return body + "10X98765432"[sum((2 ** (17 - i) % 11) * int(c) for i, c in enumerate(body)) % 11]


def es_id(rng):
    number = rng.randint(0, 99_999_999)
    lead = "XYZ"[number // 10**7] if number < 3 * 10**7 and rng.random() < 0.7 else ""
    body = f"{number:08}"
    return (lead + body[1:] if lead else body) + "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def iban(rng):
    country, bban = rng.choice(
        [
            ("TR", "00061" + digits(rng, 17)),
            ("DE", digits(rng, 18)),
            ("GB", "NWBK" + digits(rng, 14)),
            ("ES", digits(rng, 20)),
            ("SA", digits(rng, 20)),
        ]
    )
    return f"{country}{98 - int(''.join(str(int(c, 36)) for c in bban + country + '00')) % 97:02}{bban}"


def us_ssn(rng):
    return f"{rng.choice([*range(1, 666), *range(667, 900)]):03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


def phone(rng):
    return rng.choice(
        [
            lambda: f"+905{rng.choice('03457')}{rng.randint(0, 9)}{digits(rng, 7)}",
            lambda: f"1{rng.choice(['38', '39', '50', '58', '86'])}{digits(rng, 8)}",
            lambda: f"+1{rng.choice([212, 415, 305])}{rng.randint(200, 999)}{digits(rng, 4)}",
            lambda: f"+9665{rng.choice('0345')}{digits(rng, 7)}",
            lambda: f"+346{digits(rng, 8)}",
        ]
    )()


def secret(rng):
    letters = string.ascii_letters + string.digits
    return rng.choice(
        [
            lambda: "AKIA" + "".join(rng.choices(string.ascii_uppercase + string.digits, k=16)),
            lambda: "ghp_" + "".join(rng.choices(letters, k=36)),
            lambda: "sk_live_" + "".join(rng.choices(letters, k=24)),
            lambda: (
                f"eyJ{''.join(rng.choices(letters, k=33))}.eyJ{''.join(rng.choices(letters, k=60))}.{''.join(rng.choices(letters, k=43))}"
            ),
        ]
    )()


def _word(rng):
    return "".join(rng.choice("bcdfgklmnprst") + rng.choice("aeiou") for _ in range(rng.randint(2, 4)))


VALUES = {
    "card": card,
    "iban": iban,
    "bank_account": lambda rng: digits(rng, rng.choice([9, 10, 12])),
    "us_ssn": us_ssn,
    "cn_id": cn_id,
    "tr_id": tr_id,
    "es_id": es_id,
    "email": lambda rng: f"{_word(rng)}.{_word(rng)}{rng.randint(1, 99)}@{_word(rng)}.{rng.choice(['com', 'com.tr', 'cn', 'es', 'org'])}",
    "phone": phone,
    "ip": lambda rng: (
        ".".join(str(rng.randint(11, 223)) for _ in range(4))
        if rng.random() < 0.7
        else ":".join(f"{rng.randint(4096, 65535):x}" for _ in range(8))
    ),
    "url": lambda rng: f"https://{_word(rng)}.com/{_word(rng)}?id={rng.randint(1, 999)}",
    "gps": lambda rng: f"{rng.uniform(-89, 89):.5f}, {rng.uniform(-179, 179):.5f}",
    "imei": lambda rng: luhn(rng, rng.choice(["35", "86", "49"]), 15),
    "mac": lambda rng: ":".join(f"{rng.randint(0, 255):02{rng.choice('xX')}}" for _ in range(6)),
    "ad_id": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "secret": secret,
    "password": lambda rng: f"{_word(rng).title()}{rng.randint(10, 9999)}{rng.choice(['!', '#', '', '@x'])}",
    "digest": lambda rng: hashlib.new(rng.choice(["md5", "sha1", "sha256", "sha512"]), rng.randbytes(8)).hexdigest(),
}

#: What the value is called, by language: one or more names each.
NAMES = {
    "card": {
        "en": "my credit card number",
        "zh": "我的银行卡号",
        "tr": "kredi kartı numaram",
        "ar": "رقم بطاقة الائتمان",
        "es": "mi tarjeta de crédito",
    },
    "iban": {"en": "my IBAN", "zh": "我的IBAN", "tr": "IBAN numaram", "ar": "رقم الآيبان", "es": "mi IBAN"},
    "bank_account": {
        "en": "my bank account",
        "zh": "银行账号",
        "tr": "banka hesap numaram",
        "ar": "رقم حسابي البنكي",
        "es": "mi cuenta bancaria",
    },
    "us_ssn": {
        "en": "my SSN",
        "zh": "美国社会安全号",
        "tr": "sosyal güvenlik numaram",
        "ar": "رقم الضمان الاجتماعي",
        "es": "mi número de seguro social",
    },
    "cn_id": {
        "en": "Chinese ID card",
        "zh": "身份证号",
        "tr": "Çin kimlik numaram",
        "ar": "رقم الهوية الصينية",
        "es": "mi documento de identidad chino",
    },
    "tr_id": {
        "en": "Turkish identity number",
        "zh": "土耳其身份证号",
        "tr": "T.C. kimlik numaram",
        "ar": "رقم هويتي التركية",
        "es": "mi identidad turca",
    },
    "es_id": {"en": "Spanish DNI", "zh": "西班牙身份证号", "tr": "İspanya kimlik numaram", "ar": "رقم الهوية الإسبانية", "es": "mi DNI"},
    "email": {"en": "my mail", "zh": "我的邮箱", "tr": "e-posta adresim", "ar": "بريدي الإلكتروني", "es": "mi correo"},
    "phone": {"en": "my phone", "zh": "我的电话", "tr": "telefon numaram", "ar": "رقم هاتفي", "es": "mi teléfono"},
    "ip": {"en": "my IP", "zh": "我的IP", "tr": "IP adresim", "ar": "عنوان IP", "es": "mi dirección IP"},
    "url": {"en": "my page", "zh": "我的主页", "tr": "sayfam", "ar": "صفحتي", "es": "mi página"},
    "gps": {"en": "my location", "zh": "我的位置", "tr": "konumum", "ar": "موقعي", "es": "mi ubicación"},
    "imei": {"en": "the IMEI", "zh": "手机IMEI号", "tr": "IMEI numarası", "ar": "رقم IMEI", "es": "el IMEI"},
    "mac": {"en": "the MAC address", "zh": "MAC地址", "tr": "MAC adresi", "ar": "عنوان MAC", "es": "la dirección MAC"},
    "ad_id": {
        "en": "advertising id",
        "zh": "广告标识符",
        "tr": "reklam kimliği",
        "ar": "معرف الإعلان",
        "es": "el identificador de publicidad",
    },
    "secret": {"en": "the key", "zh": "密钥", "tr": "anahtar", "ar": "المفتاح", "es": "la llave"},
    "password": {"en": "my password", "zh": "我的密码", "tr": "şifrem", "ar": "كلمة المرور", "es": "mi contraseña"},
    "digest": {"en": "the hash", "zh": "哈希值", "tr": "özet değeri", "ar": "قيمة التجزئة", "es": "el hash"},
}
SENTENCES = {
    "en": ["hi there, {n} is {v} ok?", "{n}: {v}", "please note {n} {v} for later 😀"],
    "zh": ["你好，{n}是{v}，记一下", "{n}：{v}", "请保存 {n} {v} 谢谢😀"],
    "tr": ["selam, {n}: {v} tamam mı", "{n} {v}", "lütfen not al {n} {v} 😀"],
    "ar": ["مرحبا، {n} {v} شكرا", "{n}: {v}", "من فضلك احفظ {n} هو {v} 😀"],
    "es": ["hola, {n} es {v} vale", "{n}: {v}", "apunta {n} {v} 😀"],
}
#: Only these kinds are written with separators or other digits than their own.
NUMERIC = ("card", "iban", "bank_account", "us_ssn", "cn_id", "tr_id", "es_id", "phone", "imei")
ANY_DIGITS = (*NUMERIC, "ip", "gps")


def written(kind: str, value: str, form: str, rng: random.Random) -> str | None:
    """The value in a form; None where the kind is not written so."""
    if form in ("plain", "glued"):
        return value
    if form == "full-width":
        return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value) if kind != "url" else None
    if form in _TO:
        is_hex = kind == "ip" and ":" in value
        return value.translate(str.maketrans(string.digits, _TO[form])) if kind in ANY_DIGITS and not is_hex else None
    if kind not in NUMERIC:
        return None
    by = {"spaced": " ", "dotted": ".", "dashed": rng.choice("-–－")}[form]
    plus, plain = ("+" if value[0] == "+" else ""), "".join(c for c in value if c.isalnum())
    if kind == "us_ssn":
        return by.join([plain[:3], plain[3:5], plain[5:]])
    size = rng.choice([4, 4, 3, 1 if form == "spaced" else 4])
    pieces = [plain[i : i + size] for i in range(0, len(plain), size)]
    return plus + by.join(pieces)


def planted(per: int, seed: int = 7) -> Iterator[tuple[str, str, str, str, int, int]]:
    """Text, kind, form, language, start and end of a value: `per` of each kind, form and language."""
    rng = random.Random(seed)
    for kind, make in VALUES.items():
        for form in DIGIT_FORMS:
            for language in LANGUAGES:
                for _ in range(per):
                    value = written(kind, make(rng), form, rng)
                    if value is None:
                        continue
                    sentence = rng.choice(SENTENCES[language]).replace("{n}", NAMES[kind][language])
                    if form == "glued":
                        if language not in ("zh", "ar"):
                            continue  # between Latin letters nobody can tell where a value begins
                        sentence = sentence.replace(" {v}", "{v}").replace("{v} ", "{v}")
                    start = sentence.index("{v}")
                    yield sentence.replace("{v}", value), kind, form, language, start, start + len(value)


_TALK = {
    "en": "hey how are you doing today i think we should meet at the room later ok thanks for gift lol see you tomorrow call me when back",
    "zh": "你好我们今天晚上去吃饭吧这个房间主持人声音很好听谢谢礼物明天见电话",
    "tr": "merhaba nasılsın bugün çok güzel bir gün oda sahibi kim acaba teşekkürler görüşürüz yarın ara",
    "ar": "مرحبا كيف حالك اليوم شكرا على الهدية نلتقي غدا في الغرفة هاتف",
    "es": "hola qué tal hoy nos vemos mañana gracias por el regalo sala muy buena voz llama",
}
TALK = {language: list(words) if language == "zh" else words.split() for language, words in _TALK.items()}


def clock(r: random.Random) -> str:
    return f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"


#: Numbers that are nobody's, and how a person writes them.
BENIGN = [
    lambda r: f"order {digits(r, r.choice([10, 12, 14, 16, 19]))}",
    lambda r: f"订单号{digits(r, 16)}",
    lambda r: f"sipariş no {digits(r, r.choice([10, 11, 16]))}",
    lambda r: f"رقم الطلب {digits(r, 12)}",
    lambda r: f"pedido {digits(r, r.choice([9, 11, 16]))}",
    lambda r: f"20{r.randint(10, 30)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} {clock(r)}",
    lambda r: f"{r.randint(1, 28)}.{r.randint(1, 12)}.20{r.randint(10, 30)}",
    lambda r: f"v{r.randint(1, 20)}.{r.randint(0, 30)}.{r.randint(0, 30)}",
    lambda r: f"version {r.randint(1, 20)}.{r.randint(0, 30)}.{r.randint(0, 9)}.{r.randint(0, 9999)}",
    lambda r: f"room {digits(r, r.choice([6, 8, 9]))}",
    lambda r: f"房间{digits(r, r.choice([6, 8, 9]))}",
    lambda r: f"{r.randint(1, 9)},{digits(r, 3)},{digits(r, 3)} coins",
    lambda r: f"{r.randint(1, 999)}.{digits(r, 2)}$",
    lambda r: f"ref {digits(r, 9)}",
    lambda r: f"{1_600_000_000_000 + r.randint(0, 10**11)}",
    lambda r: f"{(r.randint(1, 4 * 10**11) << 22) + r.randint(0, 1 << 22)}",
    lambda r: f"{r.randint(1, 12)}/{r.randint(1, 28)}/20{r.randint(10, 30)}",
    lambda r: f"score {r.randint(0, 9)}:{r.randint(0, 9)}, {r.randint(1, 99)}%",
    lambda r: f"tracking number {digits(r, 12)}",
    lambda r: f"commit {hashlib.sha1(r.randbytes(4)).hexdigest()}",
    lambda r: f"request {uuid.UUID(int=r.getrandbits(128), version=4)}",
]


def talk(rng: random.Random, words: int) -> str:
    language = rng.choice(LANGUAGES)
    return ("" if language == "zh" else " ").join(rng.choices(TALK[language], k=words * (2 if language == "zh" else 1)))


def benign(count: int, seed: int = 11, share: float = 0.1, words: tuple[int, int] = (4, 22)) -> Iterator[str]:
    """Chat messages without anything sensitive; a share of them with numbers that look like something."""
    rng = random.Random(seed)
    for _ in range(count):
        text = talk(rng, rng.randint(*words))
        yield f"{text} {rng.choice(BENIGN)(rng)}" if rng.random() < share else text
