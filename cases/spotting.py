"""Where a text has a card number, an IBAN, an e-mail address or a telephone number. Pure; linear in the text's length.

One regular expression finds where one of them could begin; what begins there is then read group by group, within bounds.
docs/masking.md says what is missed, and `tests/test_masking_measured.py` measures it.
"""

import re
import string
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from cases.plain_text import Plain

KINDS = ("card", "iban", "email", "phone")


class Spot(NamedTuple):
    """From where to where, of which kind, and its value however it is spelled."""

    start: int
    end: int
    kind: str
    value: str


GAP = r"[\s().\-/_+·]"
NUMBER = rf"(?<!\d)\d(?:{GAP}{{0,3}}\d){{6}}"
AT = r"@|[(\[{<]\s?(?:at|ät|arroba|@)\s?[)\]}>]|\s(?:at|AT)\s(?=[\w-]{1,63}\s(?:dot|DOT|punkt)\s)"
AT_WRITTEN = [f"{word}{space}{close}" for word in ("at", "ät", "arroba") for space in ("", " ") for close in ")]}>"]
IBAN = r"[A-Za-z]{2}[\s\-]?\d{2}"
SKIPPED = re.compile(rf"\d(?:{GAP}{{1,3}}\d(?!\d))*+(?!\d)|\d+")
GROUPS = re.compile(rf"\d+(?:{GAP}{{1,3}}\d+){{0,19}}")
DIGITS = re.compile(r"\d+")
LAST_GROUP = re.compile(rf"({GAP}*)(\d+)")


def spots(text: str, kinds: frozenset[str], *, near_phone: bool = False) -> list[Spot]:
    """All that stands in the text, in order, none over another. `near_phone`: the field's name says that it is a telephone."""
    plain = Plain(text)
    return [Spot(*plain.span(each.start, each.end), *each[2:]) for each in Reading(plain.text, kinds, near_phone)]


@lru_cache(maxsize=32)
def _anchors(kinds, with_at):
    """Where something could begin. An alternative that cannot be is left out: most texts have no “@”."""
    parts = [f"(?P<email>{AT})"] if "email" in kinds and with_at else []
    parts += [f"(?P<iban>{IBAN})"] if "iban" in kinds else []
    parts += [f"(?P<number>{NUMBER})"] if kinds & {"card", "phone"} else []
    return re.compile("|".join(parts)) if parts else None


class Reading:
    """One text, read once from its beginning to its end."""

    def __init__(self, text, kinds, near_phone=False):
        self.text, self.kinds, self.near_phone = text, kinds, near_phone
        self.free = 0  # from where nothing is taken yet

    def __iter__(self) -> Iterator[Spot]:
        anchors, begin = _anchors(self.kinds, self._may_have_an_at()), 0
        while anchors and (anchor := anchors.search(self.text, begin)):
            spot = getattr(self, anchor.lastgroup)(anchor)
            if spot is None:
                begin = self._after(anchor)
            else:
                yield spot
                begin = self.free = spot.end

    def _may_have_an_at(self):
        folded = self.folded
        in_words = " at " in folded and (" dot " in folded or " punkt " in folded)
        return "@" in folded or in_words or any(written in folded for written in AT_WRITTEN)

    @cached_property
    def folded(self):
        return self.text.casefold()

    def _after(self, anchor):
        """Behind the anchor's first group, or behind all of one digit each: the next one may begin what this one did not."""
        if anchor.lastgroup != "number":
            return anchor.start() + 1
        return SKIPPED.match(self.text, anchor.start()).end()

    def email(self, anchor):
        return _email(self.text, anchor, self.free)

    def iban(self, anchor):
        return _iban(self.text, anchor)

    def number(self, anchor):
        card = _card(self.text, anchor.start()) if "card" in self.kinds else None
        return card or (self._phone(anchor.start()) if "phone" in self.kinds else None)

    def _phone(self, first):
        near = self.near_phone or self._is_near(first)
        led = self.text[max(0, first - 2) : first].rstrip(" ")[-1:]
        sure = near or self.text[first] == "0" or led in ("+", "(")
        return _phone(self.text, first, self.free, near) if sure or SHAPED.match(self.text, first) else None

    def _is_near(self, first):
        """Whether a word such as “Tel.” stands right before."""
        return bool(self.behind_words) and any(first - back in self.behind_words for back in range(3))

    @cached_property
    def behind_words(self):
        if not any(word in self.folded for word in PHONE_WORDS):
            return frozenset()
        return frozenset(found.end() for found in NEAR.finditer(self.text))


# e-mail

LOCAL = re.compile(r"\s{0,2}(\"[^\"\n]{1,64}\"|[\w.+%'&\-\u0300-\u036f]+)")  # read from right to left
LABEL = r"[\w\-\u0300-\u036f]{1,63}"
DOT = r"(?:\.|\s?[(\[{]\s?(?:dot|punkt|\.)\s?[)\]}]\s?)"
WORD_DOT = r"(?:\.|\s?[(\[{]?\s?(?:dot|DOT|punkt|\.)\s?[)\]}]?\s?)"
TOP = r"(?:[^\W\d_]{2,24}|xn--[\w-]{2,59})(?![\w@])"
DOMAIN, WORDED_DOMAIN = (
    re.compile(rf"=?\s{{0,3}}(?:{LABEL}(?:{dot}{LABEL}){{0,8}}{dot}{TOP}|\[[\d.:a-fA-F]{{2,45}}\])") for dot in (DOT, WORD_DOT)
)


def _email(text, anchor, free):
    domain = (DOMAIN if anchor[0] == "@" else WORDED_DOMAIN).match(text, anchor.end())
    local = LOCAL.match(text[max(free, anchor.start() - 200) : anchor.start()][::-1])
    if not domain or not local:
        return None
    start = anchor.start() - local.end()
    said = local[1][::-1].lstrip(".'&-%")
    start = anchor.start() - local.end() + len(local[1]) - len(said)
    value = f"{said}@{re.sub(WORD_DOT, '.', domain[0].strip(' =')) if anchor[0] != '@' else domain[0].strip()}".casefold()
    return Spot(start, domain.end(), "email", "".join(value.split())) if said else None


# IBAN

BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
LENGTHS = {country: length for length, countries in BY_LENGTH.items() for country in countries.split()}


@lru_cache(maxsize=128)
def _of_length(length):
    return re.compile(rf"[A-Za-z0-9](?:[\s.\-/_]{{0,3}}[A-Za-z0-9]){{{length - 1}}}")


def _iban(text, anchor):
    length = LENGTHS.get(anchor[0][:2].upper())
    found = _of_length(length).match(text, anchor.start()) if length else None
    value = found[0].translate(SQUEEZED).upper() if found else ""
    return Spot(found.start(), found.end(), "iban", value) if found and is_iban(value) else None


SQUEEZED = dict.fromkeys(map(ord, " \t\r\n\f\v.-/_+·()"))
AS_NUMBERS = {ord(sign): str(int(sign, 36)) for sign in string.ascii_uppercase}


def is_iban(value: str) -> bool:
    """ISO 13616: the check digits come out as 1, modulo 97."""
    return int((value[4:] + value[:4]).translate(AS_NUMBERS)) % 97 == 1


# card and telephone: digits in groups


class Group(NamedTuple):
    """Some digits, and what stands between them and the group before."""

    start: int
    end: int
    digits: str
    gap: str


def _groups(text, start) -> list[Group]:
    end = GROUPS.match(text, start).end()
    return [Group(each.start(2), each.end(2), each[2], each[1]) for each in LAST_GROUP.finditer(text, start, end)]


CARD_RUN = re.compile(r"[1-68](?:[\s.\-/_+·]{0,3}\d){12,19}")
ISSUED = re.compile(  # by which digits the cards of a network begin, and how long they are
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-59]|[689]\d)\d{11,16}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}"  # Discover, RuPay
    r"|(?:62|8[12])\d{14,17}"  # UnionPay, RuPay
    r"|(?:50|5[6-8]|6\d)\d{11,17}"  # Maestro
    r"|220[0-4]\d{12,15}"  # Mir
    r"|1\d{14}"  # UATP
)
PLAIN, DOUBLED = (bytes.maketrans(b"0123456789", bytes(values)) for values in (range(10), (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def _card(text, start):
    run = CARD_RUN.match(text, start)
    if run is None or (text[max(0, start - 1) : start] in (".", ",") and text[max(0, start - 2) : start - 1].isdigit()):
        return None  # too short, or the decimals of a number
    for count, end in reversed(_ends(text, *run.span())):
        digits = text[start:end].translate(SQUEEZED)
        if count > 12 and is_card(digits):
            return Spot(start, end, "card", digits)
    return None


def _ends(text, start, end):
    """After how many digits a group ends, and where."""
    count, ends = 0, []
    for group in DIGITS.finditer(text, start, end):
        count += len(group[0])
        ends.append((count, group.end()))
    return ends[:-1] if text[end : end + 1].isdigit() else ends


def is_card(digits: str) -> bool:
    """As a network issues it, and its last digit is Luhn's."""
    if not ISSUED.fullmatch(digits):
        return False
    values = digits.encode()
    return (sum(values[::-2].translate(PLAIN)) + sum(values[-2::-2].translate(DOUBLED))) % 10 == 0


PHONE_WORDS = (  # as they stand in a text, folded
    *("tel", "tél", "tlf", "phone", "mobil", "handy", "cell", "call", "fax", "whatsapp", "gsm", "rufnummer", "ring", "teléf"),
    *("móvil", "movil", "portable", "celular", "móvel", "ph:", "ph.", "☎", "📞", "📱", "電話", "电话", "тел"),
)
NEAR = re.compile(
    r"(?:\b(?:t[eé]l(?![ikls])|tlf|cell(?!o)|call|fax|gsm|ring\b|ph\b)|phone|mobil|handy|whatsapp|rufnummer|m[oó]vil|móvel|portable|celular|☎|📞|📱"
    r"|電話|电话|тел)\w{0,9}+(?:\s(?:number|no|nr|at|me|us|him|her|is|on|under|unter)\b){0,2}[\s.:=#(\"'-]{0,5}+",
    re.IGNORECASE,
)
OF_PHONE = re.compile(
    r"(?:\b|_)(?:t[eé]l|tlf|cell|fax|gsm)|phone|mobil|handy|whatsapp|rufnummer|m[oó]vil|celular", re.IGNORECASE
)
MONEY_BEFORE = re.compile(r"(?:EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|[€$£¥])\s?$")
NO_PHONE_AFTER = re.compile(r"\d|[.,]\d|\s?(?:EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|[€$£¥%])|\s?(?:kg|km|ml|pcs|units|items)\b")


def _phone(text, first, free, near):
    start, is_plus = _opened(text, first, free)
    before, groups = text[max(0, start - 6) : start], _groups(text, first)
    count = _international(groups) if is_plus else _national(groups, near, text[start:first])
    if not count or (not near and not is_plus and _is_part_of_another(before)):
        return None
    if (is_plus and before[-1:].isalnum()) or NO_PHONE_AFTER.match(text, groups[count - 1].end):
        return None
    digits = "".join(group.digits for group in groups[:count])
    return Spot(start, groups[count - 1].end, "phone", f"+{digits}" if is_plus else digits)


def _opened(text, first, free):
    """Where the number begins, with its plus or parenthesis; and whether there is a plus."""
    start = first
    while start > max(free, first - 4) and text[start - 1] in "+( ":
        start -= 1
    led = text[start:first]
    kept = led.lstrip(" ")
    if "+" in kept:
        return first - len(kept[kept.index("+") :]), True
    return (first - len(kept[kept.rindex("(") :]), False) if kept.endswith("(") else (first, False)


def _is_part_of_another(before):
    """An order's id, a path, a hash, an amount of money."""
    return (
        before[-1:].isalnum()
        or before[-1:] in ("#", "_")
        or bool(re.search(r"\w[-/._,:]$", before))
        or bool(MONEY_BEFORE.search(before))
    )


def _up_to(groups, least, most):
    """How many groups make a number of so many digits; the fewest after a line's end, else the most."""
    count, total = 0, 0
    for number, group in enumerate(groups):
        far = number and ("\n" in group.gap or "  " in group.gap)
        total += len(group.digits)
        if total > most or (far and count):
            break
        if total >= least:
            count = number + 1
    return count


def _international(groups):
    return 0 if groups[0].digits[0] == "0" and len(groups[0].digits) > 1 else _up_to(groups, 8, 16)


def _national(groups, near, led):
    digits, lengths = groups[0].digits, [len(group.digits) for group in groups]
    if _is_date(groups, lengths):
        return 0
    if digits.startswith("00"):
        return _abroad(groups, digits, lengths)
    if digits[0] == "0" and lengths[0] > 1 and digits[1] != "0":
        return _with_trunk(groups, lengths, near, led)
    for shape in SHAPES:
        if shape.fits(groups, lengths, led):
            return len(shape.lengths)
    return _up_to(groups, 7, 15) if near else 0


def _is_date(groups, lengths):
    """“01.06.2026”, “01/06/26”, “2026-06-01”: as far as the separators are the same."""
    if len(groups) < 3 or groups[1].gap != groups[2].gap or groups[1].gap not in ("-", "/", "."):
        return False
    alone = len(groups) == 3 or groups[3].gap != groups[1].gap
    return lengths[:3] in ([2, 2, 4], [1, 2, 4], [2, 1, 4], [1, 1, 4], [4, 2, 2]) or (lengths[:3] == [2, 2, 2] and alone)


def _abroad(groups, digits, lengths):
    """“0049 30 123456”; without a separator only as long as most numbers are: ids begin with zeros, too."""
    if digits.startswith("000"):
        return 0
    least = 10 if lengths[0] < 6 and len(groups) > 1 else 12
    return _up_to(groups, least, 16)


def _with_trunk(groups, lengths, near, led):
    """“030 1234567”, “06 12 34 56 78”, “(0171) 123456”, and in one piece “01711234567”."""
    if len(groups) == 1 or lengths[0] > 9:
        return 1 if (near and 7 <= lengths[0] <= 13) or 10 <= lengths[0] <= 11 else 0
    return _up_to(groups, 7 if near or led.endswith("(") else 8 if lengths[0] > 2 else 9, 12)


class Shape(NamedTuple):
    """A national number without a zero before it, known by its groups."""

    lengths: list[int]
    begins: str
    gaps: str

    def fits(self, groups, lengths, led):
        count = len(self.lengths)
        whole = lengths[:count] == self.lengths and (
            len(lengths) == count or " " in groups[count].gap or "\n" in groups[count].gap
        )
        return (
            whole
            and groups[0].digits[0] in self.begins
            and all(re.fullmatch(self.gaps, group.gap) for group in groups[1:count])
        )


SHAPES = [
    Shape([3, 3, 4], "23456789", r"\)? ?|[\-.]"),  # North America
    Shape([1, 3, 3, 4], "1", r" ?\(|\)? ?|[\-.]"),
    Shape([3, 2, 2, 2], "679", r"[ \-.]"),  # Spain
]
SHAPED = re.compile(r"[2-9]\d\d(?:\)? ?|[-.])\d{3}[-. ]\d{4}(?!\d)|1(?:[-.]| ?\(?)\d{3}|[679]\d\d[ -.]\d\d[ -.]\d\d")
