"""What a vendor's person sees of a case in place of personal data, and the way back. Pure.

A value is hidden because of the field it stands in, or because it reads like a card number, an IBAN, an e-mail address or a
telephone number. In its place stands “[card 1]”: the same value has the same number throughout the case, so that a person can
still tell that it is the same card. What was hidden once is hidden wherever else the case says it, as it is or spelled otherwise.
"""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.translation import gettext

from cases.plain_text import Plain
from cases.spotting import KINDS, OF_PHONE, Spot, spots

LABELS = {"card": "card", "iban": "IBAN", "email": "e-mail", "phone": "phone"}
PLACEHOLDER = re.compile(r"\[([^\W\d_][^\[\]\n]{0,40}?) (\d{1,6})\]")
AMOUNT = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,9})?")
ROOTS = {
    "input",
    "context",
    "output",
    "action",
    "alternatives",
    "confidences",
    "customer_reference",
    "external_id",
    "segment",
    "channel",
}
ROOTS |= {"tags", "category"}
EVERYWHERE = ("input", "context", "output", "alternatives", "action")  # where a path that names no root is looked for


class Rules(NamedTuple):
    """Which fields are hidden, as dotted paths (“input.customer.name”, “output.lines.*.payee”), and which kinds wherever they stand."""

    fields: tuple[str, ...] = ()
    patterns: frozenset[str] = frozenset(KINDS)


class Hidden(NamedTuple):
    """What a placeholder stands for: the value as it was met first; and whether only the field tells that it is to be hidden."""

    value: Any
    by_field: bool


class Misplaced(ValueError):
    """Placeholders that stand for nothing where they stand: path → sentence."""

    def __init__(self, faults: dict[str, str]):
        super().__init__(" ".join(faults.values()))
        self.faults = faults


def is_placeholder(value: Any) -> bool:
    return isinstance(value, str) and PLACEHOLDER.fullmatch(value) is not None


@lru_cache(maxsize=256)
def _paths(fields: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The paths as steps; a list's place, however it is written, is “*”."""
    made = []
    for field in fields:
        steps = tuple(
            "*" if step in ("*", "[]", "[*]") or step.isdecimal() else step
            for step in field.replace("[", ".[").split(".")
            if step
        )
        made += [steps] if steps and steps[0] in ROOTS else [(root, *steps) for root in EVERYWHERE]
    return tuple(made)


def _into(paths, step) -> list[tuple[str, ...]]:
    """What is left of the paths one step further in. “*” is any one step, or a list's place, which paths need not name."""
    return [
        path[skipped + 1 :]
        for path in paths
        for skipped in ((0, 1) if path[:1] == ("*",) else (0,))
        if path[skipped : skipped + 1] in ((step,), ("*",))
    ]


class Mask:
    """The placeholders of one case. `learn` numbers what stands in it, in order; `masked` and `text` show; `put_back` reads."""

    def __init__(self, rules: Rules = Rules()):
        self.rules, self.paths = rules, _paths(rules.fields)
        self.hidden: dict[tuple[str, int], Hidden] = {}
        self.numbers: dict[tuple[str, str], int] = {}
        self.counts: dict[str, int] = {}
        self.taken: set[tuple[str, int]] = set()  # “[card 1]” that stood there as words
        self.words: dict[str, str] = {}  # what was hidden, folded → its placeholder
        self.digits: dict[str, str] = {}  # telephones, as digits → placeholder
        self.places: dict[str, None] = {}  # where something is hidden, for whoever asks to see it
        self.fields_hidden: dict[str, None] = {}  # of these, where the field alone hides it
        self.spelled: dict[str, str] = {}  # each hidden value as it is spelled → its placeholder
        self._spotted: dict[tuple[str, bool], list[Spot]] = {}

    # learning

    def reserve(self, *values: Any) -> None:
        """Words that look like placeholders are left to whoever wrote them: none of ours gets their number."""
        for text in _texts(values):
            self.taken |= {(label, int(number)) for label, number in PLACEHOLDER.findall(text)} if "[" in text else set()

    def learn(self, value: Any, root: str) -> None:
        """Number what stands here. Call it in the order in which a case came to be, so that numbers never change."""
        self._walk(value, _into(self.paths, root), (root,))

    # showing

    def masked(self, value: Any, *place: str, shown: Iterable[str] = ()) -> Any:
        """The value at that place as a vendor's person sees it, but for the places that are `shown` to him."""
        paths = self.paths
        for step in place:
            paths = [()] if () in paths else _into(paths, step)
        return self._walk(value, paths, place, shown=frozenset(shown))

    def hides(self, *place: str) -> bool:
        """Whether a field is hidden by its place, or one that it is in."""
        paths = self.paths
        for step in place:
            paths = [()] if () in paths else _into(paths, step)
        return any(set(path) <= {"*"} for path in paths)

    def text(self, text: str) -> str:
        """Words about the case, such as a reason or a sentence. What they quote may be cut short with “…”."""
        return self._text(self._without_beginnings(text) if "…" in text else text, False)

    def _without_beginnings(self, text):
        """A long value is quoted only so far, and half a card number reads like none."""
        *quoted, rest = text.split("…")
        return "…".join([*map(self._without_its_end, quoted), rest])

    def _without_its_end(self, quoted):
        for spelled, placeholder in self.spelled.items():
            for length in range(len(spelled) - 1, 2, -1):
                if quoted.endswith(spelled[:length]):
                    return f"{quoted[:-length]}{placeholder}"
        return quoted

    def _walk(self, value, paths, place, shown=frozenset()):
        if shown and ".".join(place) in shown:
            return value
        if () in paths and value not in (None, "", [], {}):
            return self._note(place, self._by_field(value, place))
        if isinstance(value, str):
            return self._note(place, self._text(value, _is_of_phone(place)), value)
        if isinstance(value, dict):
            walked = [
                (self._text(key, False), self._walk(inner, _into(paths, key), (*place, key), shown=shown))
                for key, inner in value.items()
            ]
            return _without_clashes(walked)
        if isinstance(value, list):
            deeper = [*paths, *(path[1:] for path in paths if path[:1] == ("*",))]
            return [self._walk(inner, deeper, place, shown=shown) for inner in value]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return self._note(place, self._number(value, _is_of_phone(place)), value)

    def _note(self, place, seen, value=None):
        if seen is not value:
            self.places.setdefault(".".join(map(self.text, place)))
        return seen

    def _by_field(self, value, place):
        self.fields_hidden.setdefault(".".join(map(self.text, place)))
        label, text = _label(place[-1]), _as_text(value)
        spot = next(iter(self._found(text, _is_of_phone(place))), None)
        if spot and text[spot.start : spot.end] == text.strip():
            known = self._of_spot(spot, value)
        else:
            known = self._placeholder(label, text, value, by_field=True)
            self.spelled.setdefault(str(value), known)
        for text in _texts([value]):
            for said in _parts(text.strip(), label):
                self.words.setdefault(said, known)
        return known

    def _placeholder(self, label, canonical, value, *, by_field=False):
        number = self.numbers.get((label, canonical))
        if number is None:
            number = self.counts.get(label, 0) + 1
            while (label, number) in self.taken:
                number += 1
            self.counts[label] = self.numbers[label, canonical] = number
            self.hidden[label, number] = Hidden(value, by_field)
        return f"[{label} {number}]"

    def _number(self, value, near_phone):
        """A card, or a telephone in a field that says so, as a JSON number."""
        whole = isinstance(value, int) or (abs(value) < 1e19 and value == int(value))
        text = str(int(value)) if whole else ""
        if len(text) < 7:
            return value
        found = self._found(text, near_phone)
        return (
            self._of_spot(found[0], value)
            if found and (found[0].start, found[0].end) == (0, len(text))
            else self.words.get(text, value)
        )

    def _of_spot(self, spot, value):
        known = self._placeholder(LABELS[spot.kind], spot.value, value)
        self.spelled.setdefault(str(value), known)
        if spot.kind == "phone":
            self.digits.setdefault(spot.value.lstrip("+"), known)
        return known

    def _found(self, text, near_phone):
        if (text, near_phone) not in self._spotted:
            self._spotted[text, near_phone] = (
                spots(text, self.rules.patterns, near_phone=near_phone) if self.rules.patterns else []
            )
        return self._spotted[text, near_phone]

    def _text(self, text, near_phone):
        pieces, end = [], 0
        for start, until, placeholder in self.pieces(text, near_phone):
            pieces += [text[end:start], placeholder]
            end = until
        return "".join([*pieces, text[end:]]) if pieces else text

    def pieces(self, text: str, near_phone: bool = False) -> list[tuple[int, int, str]]:
        """(start, end, placeholder) of all that is hidden in a text, in order."""
        found = [
            (spot.start, spot.end, self._of_spot(spot, text[spot.start : spot.end])) for spot in self._found(text, near_phone)
        ]
        said = self._said_elsewhere(text) if self.words or self.digits else []
        for piece in said:
            if all(piece[1] <= start or end <= piece[0] for start, end, _ in found):
                found.append(piece)
        return sorted(found)

    def _said_elsewhere(self, text):
        """What was hidden in another place of the case and stands here, too."""
        plain = Plain(text)
        folded, squeezed = " ".join(plain.text.casefold().split()), re.sub(r"\D", "", plain.text) if self.digits else ""
        wanted = [(_as_words(said), known) for said, known in self.words.items() if said in folded]
        wanted += [(_as_digits(said), known) for said, known in self.digits.items() if said in squeezed]
        found = []
        for pattern, known in sorted(wanted, key=lambda each: -len(each[0].pattern)):
            for match in pattern.finditer(plain.text):
                piece = (*plain.span(*match.span()), known)
                if all(piece[1] <= start or end <= piece[0] for start, end, _ in found):
                    found.append(piece)
        return found

    # the way back

    def put_back(self, edited: Any, original: Any, root: str) -> Any:
        """What was edited, with what the placeholders stand for. Raises Misplaced.

        What was not touched comes back exactly as it was. A placeholder may stay, go, or move within its field; one of the four
        kinds may also be the whole of another field. Anything else would put a value where nobody meant it to be.
        """
        faults = {}
        seen = self._walk(original, _into(self.paths, root), (root,))
        result = self._back(edited, seen, original, (root,), faults)
        if faults:
            raise Misplaced(faults)
        return result

    def _back(self, edited, seen, original, place, faults):
        if edited == seen and type(edited) is type(seen):
            return original
        if isinstance(edited, dict):
            theirs = dict(zip(seen, original.items(), strict=True)) if isinstance(seen, dict) else {}
            result = {}
            for key, inner in edited.items():
                name, before = theirs.get(key) or (self._filled(key, "", "", place, faults), None)
                result[name] = self._back(inner, seen.get(key) if key in theirs else None, before, (*place, name), faults)
            return result
        if isinstance(edited, list):
            return self._list_back(edited, seen if isinstance(seen, list) else [], original, place, faults)
        if isinstance(edited, str):
            return self._string_back(edited, seen, original, place, faults)
        return edited

    def _list_back(self, edited, seen, original, place, faults):
        """By the place in the list; what was taken out or moved is found again as it reads."""
        texts = [(shown, real) for shown, real in zip(seen, original or [], strict=bool(seen)) if isinstance(shown, str)]
        joined = "\n".join(shown for shown, _ in texts), "\n".join(str(real) for _, real in texts)
        result = []
        for number, each in enumerate(edited):
            at = number if number < len(seen) and seen[number] == each else _index(seen, each, number)
            beside = (seen[at], original[at]) if at is not None else (None, None)
            if isinstance(each, str) and (at is None or seen[at] != each):
                beside = joined
            result.append(self._back(each, *beside, place, faults))
        return result

    def _string_back(self, edited, seen, original, place, faults):
        if "[" not in edited:
            return edited
        whole = PLACEHOLDER.fullmatch(edited)
        key = (whole[1], int(whole[2])) if whole else None
        stood = isinstance(seen, str) and edited in seen
        if not stood and key not in self.taken and key in self.hidden and not self.hidden[key].by_field:
            return str(self.hidden[key].value)
        seen, original = (seen, original) if isinstance(seen, str) else ("", "")
        return self._filled(edited, seen, original, place, faults)

    def _filled(self, edited, seen, original, place, faults):
        """A text with its placeholders put back, each as it was spelled in this very field."""
        left = self._spellings(seen, original)
        pieces, end = [], 0
        for found in PLACEHOLDER.finditer(edited):
            real = self._meant(found, left, seen)
            if real is None:
                faults.setdefault(".".join(map(self.text, place)), self._why_misplaced(found, seen))
                real = found[0]
            pieces += [edited[end : found.start()], str(real)]
            end = found.end()
        return "".join([*pieces, edited[end:]])

    def _meant(self, found, left, seen):
        key = (found[1], int(found[2]))
        if left.get(found[0]):
            return left[found[0]].pop(0)
        ours = key in self.hidden or key[0] in self.counts
        return None if ours and key not in self.taken else found[0]

    def _spellings(self, seen, original):
        """Placeholder → what it hides in this text, in order."""
        if not isinstance(original, str):
            return {seen: [original]} if seen else {}
        left, pieces = {}, self.pieces(original) if "[" in seen else []
        if is_placeholder(seen) and not any((start, end) == (0, len(original)) for start, end, _ in pieces):
            pieces = [(0, len(original), seen)]  # hidden by its field
        for start, end, placeholder in pieces:
            left.setdefault(placeholder, []).append(original[start:end])
        return left

    def _why_misplaced(self, found, seen):
        if (found[1], int(found[2])) not in self.hidden:
            return gettext(
                "“{found}” stands for nothing in this case. Leave the placeholders as they are, or type the value anew."
            ).format(found=found[0])
        if found[0] in seen:
            return gettext(
                "“{found}” stands here more often than before. Leave the placeholders as they are, or type the value anew."
            ).format(found=found[0])
        return gettext("“{found}” did not stand here. Leave the placeholders where they are, or type the value anew.").format(
            found=found[0]
        )


def _as_text(value) -> str:
    """The same for the same value: 24 and “24.000” are one amount."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        return f"{Decimal(value).normalize():f}" if AMOUNT.fullmatch(value) else value
    return json.dumps(value, sort_keys=True, default=str)


def _label(step) -> str:
    """A field's name, as a placeholder's: “customer_name” is “customer name”."""
    words = re.sub(r"[\W\d_]+", " ", str(step)).strip().casefold()
    return words[:40].strip() or "hidden"


def _texts(values) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts([*value, *value.values()])
        elif isinstance(value, list | tuple):
            yield from _texts(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield str(value)


def _parts(text, label) -> list[str]:
    """What of a hidden text is hidden elsewhere, folded: the whole, and of a name each of its words."""
    words = text.casefold().split()
    least = 3 if not text.isdecimal() else 4
    whole = [" ".join(words)] if len(text) >= least else []
    names = [word.strip(".,;") for word in words] if "name" in label and 1 < len(words) <= 5 else []
    return whole + [word for word in names if len(word) >= 3]


@lru_cache(maxsize=4096)
def _as_words(said):
    end = r"(?!\w)" if len(said) < 5 else ""
    return re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, said.split())) + end, re.IGNORECASE)


@lru_cache(maxsize=4096)
def _as_digits(said):
    return re.compile(r"(?<!\d)\+?" + r"[\s().\-/]{0,3}".join(said) + r"(?!\d)")


def _is_of_phone(place) -> bool:
    return bool(OF_PHONE.search(str(place[-1])))


def _without_clashes(walked) -> dict:
    """Two names that are hidden alike are still two."""
    result = {}
    for key, value in walked:
        number = 1
        while key in result:
            number += 1
            key = f"{key.rpartition(' (')[0] if number > 2 else key} ({number})"
        result[key] = value
    return result


def _index(seen, each, number):
    """Where in the list this stood before: as it reads, else the same place or the first that hides as much."""
    places = sorted(range(len(seen)), key=lambda at: at != number)
    wanted = _placeholders(each)
    alike = (at for at in places if seen[at] == each)
    hiding = (at for at in places if wanted <= _placeholders(seen[at]))
    return next(alike, next(hiding, number if number < len(seen) else None))


def _placeholders(value) -> set[str]:
    return {found[0] for text in _texts([value]) for found in PLACEHOLDER.finditer(text)}
