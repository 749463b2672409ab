"""Letters as one alphabet: case, accents, Arabic variants, traditional characters, full width and leet, one character to one."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

#: Never part of a word's identity: combining marks, Arabic vowels and tatweel, zero-width and direction marks, soft hyphen.
_DROPPED = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_HAN = re.compile("[\u3400-\u9fff]")

#: Digits and signs that stand for letters.
LEET_SIGNS = ("01345789@$", "oieastbgas")
LEET = str.maketrans(*LEET_SIGNS)
_DIGITS = {code: plain for code, plain in LEET.items() if chr(code).isdigit()}
#: `@` and `$` are letters only between letters.
_SIGN_WITHIN = re.compile(r"(?<=[^\W\d_])[@$](?=[^\W\d_])")
_RUN = re.compile(r"([^\W\d_])\1\1+")
_APART = re.compile(r"(?<!\w)(?:[^\W\d_][ .]){2,}[^\W\d_](?!\w)|[\u3400-\u9fff](?: [\u3400-\u9fff])+")
_ARABIC = str.maketrans("أإآٱىیکةڤ", "اااايیكهف".replace("ی", "ي"))
_SIGNS = str.maketrans("-_\u2010\u2011\u2012\u2013\u2014\u00a0\u3000\t’ʼ‘`´＇", "          ''''''")
#: Traditional characters of the lexicon and of the frames, and what they are written as here.
TRADITIONAL = (
    "亞愛愾礙鑿罷報備貝畢編變別賓殘產長償場車徹陳塵稱懲處傳創詞從達帶單擔當黨導燈敵點調東動獨對隊額兒發範費風復婦趕個給購構夠"
    "國過漢號後華畫話懷壞歡還環會貨機積極級計記紀際濟繼價艱監間減檢簡見將獎講腳較節結緊進經靜舊舉劇絕軍開課來賴藍勞樂類離裡禮"
    "麗歷聯練療臨領劉龍樓錄亂論羅馬買賣滿貓門們夢彌難腦鳥農歐盤賠評樸齊騎啟氣遷錢強搶輕請親窮確熱認榮軟殺傷設紳聲師濕時實識視"
    "試適釋樹數雙順說絲訴歲孫態談湯題條鐵聽廳統頭團為維偉衛穩無務誤習戲係顯現線鄉詳響項蕭協謝興選學壓鴉嚴煙楊陽養樣藥業葉頁義"
    "億憶藝議異陰銀飲應營擁優郵遊於魚語獄預員園遠願約閱雲運雜災暫讚贓則澤賊齋債戰張帳趙這針鎮陣爭徵鄭證織職執紙誌製質鐘眾週豬"
    "專轉莊裝狀準資總組診癲癇癥瘋癱顱腫癬濾癡聾啞貧綠護罰糾紛謀傾粵閩滬權擇瑪蘇聖誕彙韓鮮屬壯倫鷹錫葷猶穌倉頌誠禱彈嚮斷邊豔艷"
    "鷄雞姦礦鋼傭鬥衝擊諮詢訪徑騙爾撾緬諾僑寫獻檔髒囉囌憂鬱緒懼慮瘓腎臟膽膚紅關體驗蘭偽侶凍醫厭彎戀驚漸爺瘍瘡種縮聰腸觀覲討讀"
    "貪貫輪連遜銳閉問韋頸驕黃畬溫潰庫廟廢皰痺島戶淨賽薩納臺髮羣麼複曆佈慾唸佔鹽裏參嗎嬰幾禦託汙噁惡滯盜虧騷錶鬍內啓滙獲嗚遺側"
    "媽爲蟲傑勝區卻厲吳嘗寶彥擾擴斂"
)
SIMPLE = (
    "亚爱忾碍凿罢报备贝毕编变别宾残产长偿场车彻陈尘称惩处传创词从达带单担当党导灯敌点调东动独对队额儿发范费风复妇赶个给购构够"
    "国过汉号后华画话怀坏欢还环会货机积极级计记纪际济继价艰监间减检简见将奖讲脚较节结紧进经静旧举剧绝军开课来赖蓝劳乐类离里礼"
    "丽历联练疗临领刘龙楼录乱论罗马买卖满猫门们梦弥难脑鸟农欧盘赔评朴齐骑启气迁钱强抢轻请亲穷确热认荣软杀伤设绅声师湿时实识视"
    "试适释树数双顺说丝诉岁孙态谈汤题条铁听厅统头团为维伟卫稳无务误习戏系显现线乡详响项萧协谢兴选学压鸦严烟杨阳养样药业叶页义"
    "亿忆艺议异阴银饮应营拥优邮游于鱼语狱预员园远愿约阅云运杂灾暂赞赃则泽贼斋债战张帐赵这针镇阵争征郑证织职执纸志制质钟众周猪"
    "专转庄装状准资总组诊癫痫症疯瘫颅肿癣滤痴聋哑贫绿护罚纠纷谋倾粤闽沪权择玛苏圣诞汇韩鲜属壮伦鹰锡荤犹稣仓颂诚祷弹向断边艳艳"
    "鸡鸡奸矿钢佣斗冲击咨询访径骗尔挝缅诺侨写献档脏啰苏忧郁绪惧虑痪肾脏胆肤红关体验兰伪侣冻医厌弯恋惊渐爷疡疮种缩聪肠观觐讨读"
    "贪贯轮连逊锐闭问韦颈骄黄畲温溃库庙废疱痹岛户净赛萨纳台发群么复历布欲念占盐里参吗婴几御托污恶恶滞盗亏骚表胡内启汇获呜遗侧"
    "妈为虫杰胜区却厉吴尝宝彦扰扩敛"
)


def _latin() -> dict[int, int]:
    """Latin letters of any case, accent or width, as a plain small letter."""
    table = {}
    for code in (*range(0x41, 0x5B), *range(0xC0, 0x250), *range(0x1E00, 0x1F00), *range(0xFF01, 0xFF5F)):
        plain = unicodedata.normalize("NFKD", chr(code))[0]
        if plain.isascii():
            table[code] = ord(plain.lower())
    return table | {ord("İ"): ord("i"), ord("ı"): ord("i"), ord("ø"): ord("o"), ord("Ø"): ord("o")}


_TABLE = _latin() | _ARABIC | _SIGNS | str.maketrans(TRADITIONAL, SIMPLE)
_TABLE |= {code: _DIGITS.get(plain, plain) for code, plain in _TABLE.items() if isinstance(plain, int)} | _DIGITS


def fold_letters(text: str) -> tuple[str, Sequence[int]]:
    """The text in one alphabet, and the offset in the original text of each of its characters and of its end."""
    text = _letters_within(text)
    if _DROPPED.search(text) is None:
        return text.translate(_TABLE), range(len(text) + 1)
    kept = [i for i, c in enumerate(text) if not _DROPPED.match(c)]
    return "".join(text[i] for i in kept).translate(_TABLE), [*kept, len(text)]


def fold_plainly(text: str) -> str:
    """As `fold_letters`, ten times as fast for long texts, but combining and invisible marks stay in the text."""
    codes = np.frombuffer(_letters_within(text).encode("utf-32-le", "surrogatepass"), "uint32")
    folded: bytes = _codes()[codes].tobytes()
    return folded.decode("utf-32-le", "surrogatepass")


@cache
def _codes() -> np.ndarray:
    codes = np.arange(sys.maxunicode + 1, dtype="uint32")
    for code, plain in _TABLE.items():
        codes[code] = plain if isinstance(plain, int) else ord(plain)
    return codes


def _letters_within(text: str) -> str:
    """The text with `@` and `$` between letters as the letters that they stand for."""
    return _SIGN_WITHIN.sub(lambda sign: chr(LEET[ord(sign[0])]), text) if "@" in text or "$" in text else text


def readings(text: str) -> Iterator[tuple[str, Callable[[], Sequence[int]]]]:
    """The folded text; and, where letters are repeated or stand apart, it without that. Each with a function that gives its offsets."""
    folded, offsets = fold_letters(text)
    yield folded, lambda: offsets
    if _RUN.search(folded):
        for times in (1, 2):
            yield _without(folded, offsets, [(run.start() + times, run.end()) for run in _RUN.finditer(folded)])
    if _APART.search(folded):
        blanks = [at for run in _APART.finditer(folded) for at in range(*run.span()) if folded[at] in " ."]
        yield _without(folded, offsets, [(at, at + 1) for at in blanks])


def has_one_reading(text: str, folded: str) -> bool:
    """Whether the plainly folded text is the only one of its readings."""
    return not (_DROPPED.search(text) or _RUN.search(folded) or _APART.search(folded))


def _without(folded: str, offsets: Sequence[int], cuts: list[tuple[int, int]]) -> tuple[str, Callable[[], Sequence[int]]]:
    """A folded text without the parts from start to end in `cuts`, and a function that gives the offsets of what is left."""
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(folded)]

    def left() -> list[int]:
        kept = (offsets[at] for start, end in zip(starts, ends, strict=True) for at in range(start, end))
        return [*kept, offsets[len(folded)]]

    return "".join(folded[start:end] for start, end in zip(starts, ends, strict=True)), left


def kinds(text: str, offsets: Sequence[int] | None = None) -> bytes:
    """The kind of each character of a folded text, by the original text: bits that say whether it is a letter, joins two, stands apart.

    It is computed for a whole text at once, as doing so for each character in turn was most of the time of reading.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "uint32")
    table = _kinds()
    written = table[codes]
    if (written == _UNKNOWN).any():
        for code in set(codes[written == _UNKNOWN].tolist()):
            table[code] = _kind(chr(code))
        written = table[codes]
    before = np.zeros(len(codes) + 1, "uint8")
    before[1:] = (written & _PARTING) << 1
    if offsets is None:
        every: bytes = (written | before[:-1]).tobytes()
        return every
    at = np.array(offsets[:-1], "int64")
    chosen: bytes = (written[at] | before[at]).tobytes()
    return chosen


#: Bits of a character's kind: a letter of a script with word borders; a sign within words; a sign that separates; one that follows such.
LETTER, JOINS, _PARTING, APART, _UNKNOWN = 1, 2, 4, 8, 255


@cache
def _kinds() -> np.ndarray:
    # filled in when a character first occurs, as most never do
    return np.full(sys.maxunicode + 1, _UNKNOWN, "uint8")


def _kind(char: str) -> int:
    return LETTER * is_letter(char) | JOINS * (char in "'’/@") | _PARTING * (char.isspace() or char in ".-_")


def is_letter(char: str) -> bool:
    """Whether a word may go on with this character. Chinese has no word borders, so its characters end a Latin word."""
    return char.isalpha() and not _HAN.match(char)


def as_written(text: str) -> str:
    """Small letters with composed accents, for words that differ by an accent alone. The Turkish İ becomes i."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).replace("İ", "i").lower())
