"""Words in texts: folded once a case, looked up in sets. Nothing here can be made slow by the words or by the text."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import chain

from workflows.triggers.base import REMEMBERED, Facts, look

FEW = 3  # phrases that are looked for at once: to part the text into words costs more
WORD = re.compile(r"\w+")
BEYOND = re.compile("[\U00010000-\U0001ffff]")
ALIKE = (("’", "'"), ("‘", "'"), ("\u2010", "-"), ("ı", "i"), ("ł", "l"), ("ø", "o"), ("đ", "d"))
# Scripts that put no space between words: Thai to Burmese, Khmer, kana and Han, and what lies beyond U+FFFF of Han.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)
BETWEEN = bytes(byte if chr(byte).isalnum() or chr(byte) == "_" else 32 for byte in range(128)) + bytes(range(128, 256))


def texts(value) -> list[str]:
    """Every string inside a JSON value, in its order."""
    if isinstance(value, str):
        return [value]
    found, open_ = [], [value]
    while open_:
        value = open_.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            open_.extend(reversed(value.values()))
        elif isinstance(value, list):
            open_.extend(reversed(value))
    return found


def folded_text(text: str) -> str:
    """Lower case without accents: “Más” and “mas” are one word. Marks nobody sees (soft hyphens, zero widths) hide no word.

    Nor does an apostrophe or a hyphen as a typesetter makes it, a letter that is struck through, or Turkish “I” and “ı”.
    """
    if text.isascii():
        return text.lower()
    near, far = _marks()
    bare = near.sub("", unicodedata.normalize("NFKD", text))
    folded = (far.sub("", bare) if BEYOND.search(bare) else bare).casefold()
    for sign, plain in ALIKE:
        folded = folded.replace(sign, plain)
    return folded


@cache
def _marks() -> tuple[re.Pattern, re.Pattern]:
    """Those beyond U+FFFF apart: in one class with them, every letter is held against each range in turn."""
    unseen = [
        chr(point)
        for point in range(0x80, 0x20000)
        if unicodedata.combining(chr(point)) or unicodedata.category(chr(point)) == "Cf"
    ]
    near, far = ("".join(mark for mark in unseen if (mark > "\uffff") is beyond) for beyond in (False, True))
    return re.compile(f"[{near}]+"), re.compile(f"[{far}]+")


def words_of(folded: str) -> list[str]:
    """The words of a folded text, as `WORD` finds them; a table does it in half the time where all of it is ASCII."""
    if folded.isascii():
        return folded.encode().translate(BETWEEN).decode().split()
    return WORD.findall(folded)


class Text:
    """One text of a case, folded, and the words in it."""

    __slots__ = ("_folded", "_spaced", "_words")

    def __init__(self, text: str):
        self._folded, self._spaced, self._words = folded_text(text), None, None

    @property
    def words(self) -> frozenset[str]:
        if self._words is None:
            self._words = frozenset(words_of(self._folded))
        return self._words

    @property
    def folded(self) -> str:
        """Spaces and line breaks count as one space."""
        if self._spaced is None:
            self._spaced = " ".join(self._folded.split())
        return self._spaced

    @property
    def tokens(self) -> list[str]:
        return words_of(self._folded)


class Heard:
    """What the triggers on words share of one case: the words and the texts under each path, and every text folded once."""

    __slots__ = ("texts", "under", "widest", "words")

    def __init__(self, widest: dict[str, str] | None = None):
        self.widest, self.words, self.under, self.texts = widest or {}, {}, {}, {}

    def folded(self, text: str) -> Text:
        return self.texts.get(text) or self.texts.setdefault(text, Text(text))


def texts_at(facts: Facts, path: str, parts: list[str]) -> list[Text]:
    """The texts under a path; each is folded once a case, however many paths lead to it."""
    heard = facts.get(REMEMBERED) or facts.setdefault(REMEMBERED, Heard())
    if (under := heard.under.get(path)) is None:
        under = heard.under[path] = [heard.folded(text) for text in texts(look(facts, parts))]
    return under


def widest(paths: Iterable[str]) -> dict[str, str]:
    """Of the paths that lie within another one: which. `words_at` then folds what they share once."""
    paths = set(paths)
    above = {path: [each for each in paths if path.startswith(f"{each}.")] for path in paths}
    return {path: min(wider, key=len) for path, wider in above.items() if wider}


def words_at(facts: Facts, path: str) -> frozenset[str]:
    """Every word under a path, and maybe some beside it: a list with none of them has nothing to look for there.

    All texts are folded in one go, and once for the paths within one that the policy asks for, too.
    """
    heard = facts.get(REMEMBERED) or facts.setdefault(REMEMBERED, Heard())
    if (words := heard.words.get(path)) is None:
        wider = heard.widest.get(path)
        words = heard.words[path] = words_at(facts, wider) if wider else _words_under(path, facts, heard)
    return words


def _words_under(path: str, facts: Facts, heard: Heard) -> frozenset[str]:
    found = texts(look(facts, path.split(".")))
    return (heard.folded(found[0]) if len(found) == 1 else Text("\n".join(found))).words


class Phrases:
    """Words and phrases to look for, whole, in folded text.

    A word is looked up in the set of the text's words. A phrase, or a word with a sign in it (“24/7”), is searched for only
    where all of its words stand in the text, and the longest of them first. What is written without spaces (“律师”) is
    searched for as signs are: it is whole wherever it stands.
    """

    def __init__(self, phrases: Iterable[str]):
        folded = dict.fromkeys(" ".join(folded_text(phrase).split()) for phrase in phrases)
        folded.pop("", None)
        self.words = frozenset(phrase for phrase in folded if WORD.fullmatch(phrase) and not UNSPACED.search(phrase))
        self.longer = [(phrase, _spaced_words(phrase)) for phrase in folded if phrase not in self.words]
        self.led = defaultdict(list)
        for number, (_, words) in enumerate(self.longer):
            self.led[max(words, key=len) if words else ""].append(number)
        self.signs = self.led.pop("", [])
        self.leads = frozenset(self.led)
        self.clues = self.words | self.leads

    def __bool__(self):
        return bool(self.words or self.longer)

    def may_stand_among(self, words: frozenset[str]) -> bool:
        """Whether a text of these words can have one of them at all."""
        if self.clues.isdisjoint(words):
            return bool(self.signs)
        if self.signs or not self.words.isdisjoint(words):
            return True
        return any(self.longer[number][1] <= words for lead in self.leads & words for number in self.led[lead])

    def first_in(self, text: Text) -> str | None:
        """One that stands in the text; None where none does."""
        if not self.words and len(self.longer) <= FEW:
            for phrase, _ in self.longer:
                if _stands(phrase, text.folded):
                    return phrase
            return None
        if not self.words.isdisjoint(text.words):
            return next(token for token in text.tokens if token in self.words)
        for number in sorted(chain(self.signs, *(self.led[lead] for lead in self.leads & text.words))):
            phrase, words = self.longer[number]
            if words <= text.words and _stands(phrase, text.folded):
                return phrase
        return None

    def absent_from(self, heard: list[Text]) -> list[str]:
        """Those that stand in none of the texts."""
        said = frozenset().union(*(text.words for text in heard))
        longer = (phrase for phrase, _ in self.longer if not any(_stands(phrase, text.folded) for text in heard))
        return [*sorted(self.words - said), *longer]


def _spaced_words(phrase: str) -> frozenset[str]:
    return frozenset(word for word in WORD.findall(phrase) if not UNSPACED.search(word))


def _stands(phrase: str, text: str) -> bool:
    """Whether the phrase stands in the text, not as a part of longer words."""
    at = text.find(phrase)
    while at >= 0:
        end = at + len(phrase)
        if not (_joins(text[at - 1 : at], phrase[0]) or _joins(text[end : end + 1], phrase[-1])):
            return True
        at = text.find(phrase, at + 1)
    return False


def _joins(beside: str, edge: str) -> bool:
    return (beside.isalnum() or beside == "_") and (edge.isalnum() or edge == "_") and not UNSPACED.match(edge)


class PhrasesByLanguage:
    """Phrases for every language, and for one: those of the case's language are used, or all where it is not known."""

    def __init__(self, phrases: Iterable[str], by_language: dict[str, list[str]], language_from: str = ""):
        self.parts = language_from.split(".") if language_from else []
        self.every = Phrases([*phrases, *(word for words in by_language.values() for word in words)])
        self.of = {code.lower(): Phrases([*phrases, *words]) for code, words in by_language.items()}

    def for_case(self, facts: Facts) -> Phrases:
        """“de-AT” is “de” where only that has a list. A language without a list, or none, means every list."""
        if not self.parts:
            return self.every
        code = look(facts, self.parts)
        if not isinstance(code, str):
            return self.every
        if code in self.of:
            return self.of[code]
        code = code.strip().lower()
        return self.of.get(code) or self.of.get(code.replace("_", "-").split("-")[0]) or self.every
