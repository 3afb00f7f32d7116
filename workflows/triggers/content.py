"""Triggers on what the input and the output say: fields that are missing or at odds, words that must or must not stand there."""

from typing import Annotated, Literal

from msgspec import Meta

from workflows.triggers.base import SIMPLE, Effect, Fires, Path, Share, Words, is_blank, listed, look, shown
from workflows.triggers.comparing import at_odds
from workflows.triggers.promised import DEADLINES, PROMISES, TIMES
from workflows.triggers.wording import Phrases, PhrasesByLanguage, texts_at, words_at


class RequiredFields(Effect, tag="required_fields"):
    """Fires when one of the fields is absent, null or blank."""

    fields: Annotated[list[Path], Meta(min_length=1)]

    def prepare(self) -> Fires:
        paths = [(path, path.split(".")) for path in self.fields]

        def fires(facts):
            absent = [path for path, parts in paths if is_blank(look(facts, parts))]
            return {"absent": absent, "says": f"{listed(absent)} missing"} if absent else None

        return fires


class Conflict(Effect, tag="conflict"):
    """Fires when two fields are at odds: `left` must stand to `right` as said, give or take the tolerance.

    Numbers as numbers, dates as dates (the tolerance is then in days), text folded. A side that is absent is no conflict.
    """

    left: Path
    right: Path
    must: Literal["equal", "differ_from", "be_at_most", "be_at_least", "be_before", "be_after"] = "equal"
    tolerance: Annotated[float, Meta(ge=0)] = 0
    tolerance_share: Share = 0  # of the right side: 0.01 is one per cent

    @property
    def compares(self) -> bool:
        return True

    def prepare(self) -> Fires:
        left, right, must = self.left.split("."), self.right.split("."), self.must
        odds = at_odds(must, self.tolerance, self.tolerance_share)
        asks = must.replace("_", " ")

        def fires(facts):
            one, other = look(facts, left), look(facts, right)
            if is_blank(one) or is_blank(other) or not odds(one, other):
                return None
            seen = {self.left: shown(one), self.right: shown(other)}
            return {"seen": seen, "says": f"{self.left} ({shown(one)}) must {asks} {self.right} ({shown(other)})"}

        return fires


class Keywords(Effect, tag="keywords"):
    """Fires when one of the words or phrases stands in the text, whole, whatever its case and accents."""

    words: Words = []
    by_language: dict[str, Words] = {}  # language code → words used only for it
    language_from: str = ""  # path of the language; unknown or unnamed: every list is used
    within: Path = "input"

    @property
    def clues(self) -> frozenset[str]:
        return _needed([PhrasesByLanguage(self.words, self.by_language).every])

    def prepare(self) -> Fires:
        parts, phrases = self.within.split("."), PhrasesByLanguage(self.words, self.by_language, self.language_from)

        def fires(facts):
            wanted = phrases.for_case(facts)
            if not wanted.may_stand_among(words_at(facts, self.within)):
                return None
            for text in texts_at(facts, self.within, parts):
                if found := wanted.first_in(text):
                    return {"word": found, "says": f"“{found}” is a risk word"}
            return None

        return fires


class RequiredWording(Effect, tag="required_wording"):
    """Fires when wording that must stand in the text does not: any one of `phrases`, or each of them."""

    phrases: Words = []
    by_language: dict[str, Words] = {}
    language_from: str = ""
    needs: Literal["any", "all"] = "any"
    within: Path = "output"

    def prepare(self) -> Fires:
        parts, phrases = self.within.split("."), PhrasesByLanguage(self.phrases, self.by_language, self.language_from)

        def fires(facts):
            wanted = phrases.for_case(facts)
            heard = texts_at(facts, self.within, parts)
            if self.needs == "any":
                if not wanted or any(map(wanted.first_in, heard)):
                    return None
                absent = wanted.absent_from([])
            elif not (absent := wanted.absent_from(heard)):
                return None
            named = " or ".join(f"“{phrase}”" for phrase in absent[:3]) + (" or another" if len(absent) > 3 else "")
            if self.needs == "all":
                return {"lacks": absent, "says": f"{self.within} must say each required wording and lacks {named}"}
            return {"lacks": absent, "says": f"{self.within} must say {named}"}

        return fires


class Promises(Effect, tag="promises"):
    """Fires when the text promises something to a customer: a guarantee, a waiver, a deadline."""

    of: Annotated[list[Literal["guarantee", "waiver", "deadline"]], Meta(min_length=1)]
    words: Words = []  # the house's own phrases beside the ready-made ones
    within: Path = "output"

    @property
    def clues(self) -> frozenset[str]:
        return _needed([phrases for _, phrases in self._lists()], TIMES if "deadline" in self.of else frozenset())

    def _lists(self) -> list[tuple[str, Phrases]]:
        return [(of, Phrases(PROMISES[of])) for of in self.of] + [("promise", Phrases(self.words))]

    def prepare(self) -> Fires:
        parts, lists, deadlines = self.within.split("."), self._lists(), "deadline" in self.of

        def fires(facts):
            said = words_at(facts, self.within)
            asked = [each for each in lists if each[1].may_stand_among(said)]
            if not asked and not (deadlines and not TIMES.isdisjoint(said)):
                return None
            for text in texts_at(facts, self.within, parts):
                for of, phrases in asked:
                    if found := phrases.first_in(text):
                        return {"of": of, "phrase": found, "says": f"“{found}” promises a customer something ({of})"}
                if deadlines and not TIMES.isdisjoint(text.words) and (found := DEADLINES.search(text.folded)):
                    return {"of": "deadline", "phrase": found[0], "says": f"“{found[0]}” promises a deadline"}
            return None

        return fires


def _needed(lists: list[Phrases], beside: frozenset[str] = frozenset()) -> frozenset[str]:
    """The clues of all the lists; none where a list has a phrase without a word."""
    if any(phrases.signs for phrases in lists):
        return frozenset()
    return beside.union(*(phrases.clues for phrases in lists))


class FieldIsOneOf(Effect, tag="field_is_one_of"):
    """Fires when the field has one of these values, capitals apart; a sender's word “true” counts as the truth value, and that as the word."""

    field: Path
    values: Annotated[list[str | int | bool], Meta(min_length=1)]

    def prepare(self) -> Fires:
        parts, values = self.field.split("."), {str(value).casefold() for value in self.values}
        name = parts[-1]

        def fires(facts):
            seen = look(facts, parts)
            if isinstance(seen, SIMPLE) and str(seen).casefold() in values:
                return {"field": self.field, "value": seen, "says": f"{name} is “{shown(seen)}”"}
            return None

        return fires
