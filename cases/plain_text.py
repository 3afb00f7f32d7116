"""A text as it reads: full-width digits as plain ones, nothing invisible, no HTML entities; and where each sign stood. Pure."""

import html
import re
import sys
import unicodedata
from bisect import bisect_right

INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
OTHERWISE = re.compile(  # written in another way, or not to be seen
    rf"[{INVISIBLE}]+|&(?:\#\d{{1,7}};?|\#[xX][0-9a-fA-F]{{1,6}};?|[A-Za-z]{{2,8}};)|%(?:40|2[bB]|20|2[dD])|\\u00[0-9a-fA-F]{{2}}"
)


def _table():
    """One sign for one sign, so that places stay: digits of all scripts, full-width signs, dashes and spaces."""
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"), "-")
    table |= dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u205f\u3000\u1680"), " ") | dict.fromkeys(range(0x2000, 0x200B), " ")
    table |= dict.fromkeys(map(ord, "\u3002\uff61\u2024"), ".") | {0xFE6B: "@"}
    digits = (code for code in range(0x80, sys.maxunicode) if chr(code).isdecimal())
    return table | {code: str(unicodedata.decimal(chr(code))) for code in digits}


TABLE = _table()
BEYOND_LATIN = re.compile("[\u00a0\u0100-\U0010ffff]")  # what the table has is there; to look costs a fifth of translating
MARKED = re.compile(rf"[{INVISIBLE}&%\\]")  # what is written otherwise begins with one of these


class Plain:
    """`text` is how it reads; `span` says where that stood in the text as it was given."""

    def __init__(self, given: str):
        self.text, self._from, self._to = given, [], []
        if given.isascii() and not any(sign in given for sign in "&%\\"):
            return
        folded = given.translate(TABLE) if BEYOND_LATIN.search(given) else given
        self.text = self._without_what_is_written_otherwise(folded) if MARKED.search(folded) else folded

    def _without_what_is_written_otherwise(self, text):
        pieces, end, length = [], 0, 0
        for found in OTHERWISE.finditer(text):
            seen = _meant(found[0])
            if seen is None:
                continue
            pieces += [text[end : found.start()], seen]
            length += found.start() - end
            if seen:
                self._note(length, found.start())
            length, end = length + len(seen), found.end()
            self._note(length, end)
        return "".join([*pieces, text[end:]]) if pieces else text

    def _note(self, here, there):
        self._from.append(here)
        self._to.append(there)

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self._place(start), self._place(end)

    def _place(self, index):
        last = bisect_right(self._from, index) - 1
        return index if last < 0 else self._to[last] + index - self._from[last]


def _meant(written) -> str | None:
    """One sign, or none where it is invisible; None where it stays as it is written."""
    if written[0] == "%":
        return chr(int(written[1:], 16))
    if written[0] == "\\":
        return chr(int(written[2:], 16))
    if written[0] != "&":
        return ""
    seen = html.unescape(written)
    if len(seen) != 1:
        return None
    return "" if OTHERWISE.fullmatch(seen) else seen.translate(TABLE)
