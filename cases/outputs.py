"""The output as a form: one field a value, made from the workflow's JSON schema; and read back. No database.

What nobody touched is left exactly as it stood, whatever the schema or the browser think of it.
"""

import contextlib
import copy
import json
import math
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import wording
from cases import prose
from cases.masking import is_placeholder
from workflows import money
from workflows.amount_field import TYPED

MISSING = object()
BLANK = (None, "")
INPUT_TYPES = {"date": "date", "email": "email", "uri": "url"}
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
FITS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
PLAIN = {"string", "boolean", "integer", "number"}
WEB = re.compile(r"https?://[A-Za-z0-9][!#-;=?-~]*")  # none of the signs that end one in a text
MOST_LINKS = 20
MOST_FIELDS = 400  # a form with a thousand is not read
MOST_ITEMS = 20
MOST_NEW = 5  # a decision
DATE = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt ])\d\d:\d\d(?::\d\d(?:\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)")
WITH_COMMA = re.compile(r"-?\d[\d.]*,[\d.,]*")


def fields(schema: dict, output: Any, new=1) -> dict[str, forms.Field]:
    """“output.customer.name” → its field: what the schema requires first, and last what only the output has. A list may grow by `new`.

    Required values come first because their order is all that the database keeps of a schema's order. Of more than a form can send, what is
    within others is one text for each of them, lists first; and of more than that, the whole is one.
    """
    made = {_name(path): _field(path, *of) for path, *of in _shown_leaves(schema, output, new)}
    for row, first in {field.row: field for field in reversed(made.values()) if field.row}.items():
        if row.is_new:
            said = gettext("While all of it is empty, nothing is added.")
            first.help_text = f"{first.help_text} {said}".strip()
    return made


def typed(schema: dict, standing: Any, output: Any, new=1) -> dict[str, Any]:
    """What has to stand in the fields of `standing` for them to say `output`."""
    leaves, said = _shown_leaves(schema, standing, new), {}
    lists = {row.of: _in_place(_at(standing, row.of), _at(output, row.of), new) for *_leaf, row in leaves if row}
    for path, inner, _value, *of, row in leaves:
        value = _at(lists[row.of], path[len(row.of) :]) if row else _at(output, path)
        said[_name(path)] = value is MISSING if row and path == row.path else _field(path, inner, value, *of, row).initial
    return said


def _in_place(held, items, new) -> list:
    """The items, each where the one stood of which it has most; MISSING where one is gone. At the end `new` may have come."""
    held, items = (each if isinstance(each, list) else [] for each in (held, items))

    @cache
    def best(place, number):
        if place == len(held):
            return (0 if len(items) - number <= new else -math.inf), items[number:]
        score, rest = best(place + 1, number)
        gone = score, [MISSING, *rest]
        if number == len(items):
            return gone
        score, rest = best(place + 1, number + 1)
        kept = score + _alike(held[place], items[number]), [items[number], *rest]
        return max(kept, gone, key=lambda found: found[0])

    return best(0, 0)[1]


def _alike(one, other) -> int:
    """How many values two items have in common."""
    return sum(other.get(key, MISSING) == value for key, value in one.items()) if isinstance(other, dict) else 0


def label(schema: dict, name: str) -> str:
    """What a field is called: by its title, or by its name as words."""
    return str(schema.get("title") or name.replace("_", " ").capitalize())


def titled(schema: dict, path: list[str]) -> list[str]:
    """What the form calls each step of a path; nothing where the schema has no title for it."""
    named, inner = [], schema
    for step in path:
        known = _resolved(inner, schema).get("properties")
        inner = _resolved(known[step], schema) if isinstance(known, dict) and step in known else {}
        named.append(label(inner, step))
    return named if inner.get("title") else []


def edited(output: Any, made: dict[str, forms.Field], cleaned: dict, changed: list[str]) -> Any:
    """A copy of `output` with what was changed in the form."""
    result, ticks = copy.deepcopy(output), {name for name, field in made.items() if field.row and field.path == field.row.path}
    begun = {made[name].row for name in changed if name in made}
    idle = {field.row for field in made.values() if field.row and field.row.is_new} - begun
    out = {made[name].row for name in ticks if cleaned.get(name)}
    passed = {row for row in idle if any(row.of == other.of and row.number < other.number for other in begun if other)}
    read = {name: field for name, field in made.items() if name not in ticks and field.row not in idle | out}
    _check_items(read, cleaned)
    for row in {field.row for field in read.values() if field.row and field.row.is_new}:
        _within(result, (*row.path, ""))
    for name, field in read.items():
        if name in cleaned and (name in changed or not field.fits):
            result = _put(result, field, cleaned[name]) if field.path else cleaned[name]
    for row in idle:
        if row.needed and _at(result, row.of) is MISSING:
            _within(result, row.path)
    for row in sorted(out | passed, reverse=True):
        del _at(result, row.of)[row.number]
    return result


def _check_items(read, cleaned):
    """What an item must have is asked only once it is clear that there is to be one. Raises ValidationError."""
    empty = [name for name, field in read.items() if field.row and field.must and cleaned.get(name) in BLANK]
    if empty:
        raise ValidationError({name: gettext("Fill this in.") for name in empty})


def without_blanks(output: dict) -> dict:
    """Without the texts and lists that say nothing."""
    inner = {name: without_blanks(value) if isinstance(value, dict) else value for name, value in output.items()}
    return {name: value for name, value in inner.items() if value not in ("", None, {}, [])}


class Row(NamedTuple):
    """An item that is shown value by value: its list, its place there, whether it is a new one, and whether the schema requires the list."""

    of: tuple
    number: int
    is_new: bool
    needed: bool

    @property
    def path(self) -> tuple:
        return (*self.of, self.number)

    @property
    def list_name(self) -> str:
        return _name(self.of)


def _name(path) -> str:
    return ".".join(["output", *map(str, path)])


def _at(value, path) -> Any:
    for step in path:
        if isinstance(value, list if isinstance(step, int) else dict):
            value = (value[step] if step < len(value) else MISSING) if isinstance(step, int) else value.get(step, MISSING)
        else:
            return MISSING
    return value


def _within(inner, path) -> Any:
    """What the last step of the path is in; what is missing on the way is made."""
    for key, then in pairwise(path):
        if isinstance(key, int):
            inner.extend({} for _ in range(key + 1 - len(inner)))
        elif isinstance(then, int):
            inner[key] = [] if inner.get(key) is None else inner[key]
        else:
            inner.setdefault(key, {})
        inner = inner[key]
    return inner


def _put(result, field, value) -> dict:
    """Set one value; a blank one is left out where the schema lets it."""
    *above, last = field.path
    blank = value in BLANK and value is not False
    if blank and above and _at(result, above) is MISSING:
        return result
    inner = _within(result, field.path)
    if not blank or field.kind == "array":
        inner[last] = value if not blank else []
    elif field.nullable:
        inner[last] = None
    elif field.needed and field.kind == "string":
        inner[last] = ""
    else:
        inner.pop(last, None)
    return result


def _shown_leaves(schema, output, new) -> list[tuple]:
    for depth, more in ((sys.maxsize, new), (sys.maxsize, 1), (sys.maxsize, None), (1, None), (0, None)):
        leaves = list(_leaves(schema, output, schema, depth, more))
        if len(leaves) <= MOST_FIELDS:
            break
    return leaves


def _leaves(schema, value, root, depth, new, path=(), needed=True, above=()) -> Iterator[tuple]:
    """(path, schema, value, needed, what each step is called, the item it is of) of everything that is shown as one field.

    depth: how far objects are opened. new: by how many items a list may grow; None where it is not shown item by item.
    """
    schema = _resolved(schema, root)
    named = (*above, label(schema, path[-1])) if path else ()
    known = schema.get("properties") or {}
    if path and isinstance(schema.get("items"), dict):
        schema = {**schema, "items": _resolved(schema["items"], root)}
    if new is not None and path and _is_items(schema, value, root):
        yield from _items(schema, value, root, new, path, needed, above)
        return
    if len(path) >= depth or not (_is_opened(schema, known, value) or (not path and value)):
        yield path, schema, value, needed, named, None
        return
    held = value if isinstance(value, dict) else {}
    required = [key for key in schema.get("required", ()) if key in known]
    for key in dict.fromkeys([*required, *known, *held]):
        inner = known.get(key) if isinstance(known.get(key), dict) else {}
        needs = needed and key in required
        yield from _leaves(inner, held.get(key, MISSING), root, depth, new, (*path, key), needs, named)


def _items(schema, value, root, new, path, needed, above) -> Iterator[tuple]:
    """Of each item its values and whether it is to go; and after them empty ones, as far as the list may grow."""
    known = schema["items"]["properties"]
    required = [key for key in schema["items"].get("required", ()) if key in known]
    held, called = value if isinstance(value, list) else [], label(schema, path[-1])
    more = max(0, min(new, schema.get("maxItems", sys.maxsize) - len(held)))
    for number, item in enumerate([*held, *([{}] * more)]):
        row = Row(path, number, number >= len(held), needed)
        words = gettext("{list} {number}, new") if row.is_new else "{list} {number}"
        named = (*above, words.format(list=called, number=number + 1))
        for key in dict.fromkeys([*required, *known, *item]):
            inner = _resolved(known.get(key), root)
            yield (*row.path, key), inner, item.get(key, MISSING), key in required, (*named, label(inner, key)), row
        if not row.is_new:
            yield row.path, {"type": "boolean"}, False, False, (*named, gettext("Leave it out")), row


def _is_items(schema, value, root) -> bool:
    """Whether a list is shown item by item: its schema names what they have, all of it plain, and they are few."""
    kind, nullable = _kind(schema, MISSING)
    known = schema["items"].get("properties") if isinstance(schema.get("items"), dict) else None
    if kind != "array" or "enum" in schema or not isinstance(known, dict) or not known:
        return False
    if isinstance(value, list):
        few = len(value) <= MOST_ITEMS and all(isinstance(each, dict) for each in value)
    else:
        few = value is MISSING or (value is None and nullable)
    return few and all(_is_plain(_resolved(each, root)) for each in known.values())


def _is_plain(schema) -> bool:
    return "enum" in schema or _kind(schema, MISSING)[0] in PLAIN


def _is_opened(schema, known, value) -> bool:
    """Whether an object is shown value by value: its schema names its properties, or it has some to show."""
    if value is not MISSING and not isinstance(value, dict):
        return False
    return bool(known) or (isinstance(value, dict) and bool(value) and "type" not in schema) or bool(value == {} and not schema)


def _resolved(schema, root, depth=8) -> dict:
    """The schema behind a local reference (“#/$defs/address”); itself where it is none."""
    while depth and isinstance(schema, dict) and str(schema.get("$ref", "")).startswith("#/"):
        found = root
        for step in schema["$ref"][2:].split("/"):
            found = found.get(step, {}) if isinstance(found, dict) else {}
        schema, depth = found, depth - 1
    return schema if isinstance(schema, dict) else {}


def _field(path, schema, value, needed, named, row=None) -> forms.Field:
    kind, nullable = _kind(schema, value)
    if (kind, nullable) == ("boolean", True):
        schema = {"enum": [True, False, None], **schema}
    make = Choice if "enum" in schema else FIELDS.get(kind, Json) if path else Whole
    if kind == "array" and not _is_lines(schema, value):
        make = Json
    if is_placeholder(value) and make is not Text:
        make = Hidden
    if make is Text and schema.get("format") == "date-time" and (value in (MISSING, None, "") or _moment(value)):
        make = Moment
    field = make(schema, value)
    field.path, field.kind, field.needed, field.nullable, field.row = path, kind, needed, nullable, row
    field.fits = _fits(value, kind, nullable, needed)
    field.must = needed and not nullable and not isinstance(field, Text | Lines | Yes)
    field.required = field.must and not row
    field.label = ": ".join(named) or schema.get("title") or gettext("Output")
    field.within, field.short = (": ".join(named[:-1]), named[-1]) if row else ("", "")
    field.help_text = " ".join(filter(None, [str(schema.get("description", "")), getattr(field, "hint", "")]))
    field.links = _links(schema, value)
    return field


def _links(schema, value) -> list[str]:
    """What may be opened where the schema says that it is an address, a scan's say: addresses of the web, as they are written."""
    items = schema.get("items") if isinstance(value, list) and isinstance(schema.get("items"), dict) else schema
    texts = value if isinstance(value, list) else [value]
    return [
        each for each in texts[:MOST_LINKS] if items.get("format") == "uri" and isinstance(each, str) and WEB.fullmatch(each)
    ]


def _kind(schema, value) -> tuple[str, bool]:
    """What a value is to be (“string”…, “” for anything) and whether it may be null."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    nullable = "null" in types
    plain = [kind for kind in types if kind != "null"]
    if len(plain) == 1:
        return plain[0], nullable
    return ("" if plain else TYPES.get(type(value), "")), nullable


def _is_lines(schema, value) -> bool:
    items = schema.get("items") if isinstance(schema.get("items"), dict) else {}
    if "enum" in items:
        held = value if isinstance(value, list) else []
        named = {prose.called(each).strip() for each in items["enum"]}
        told = [*items["enum"], *held]
        one_line = all(not isinstance(each, dict | list) and "\n" not in str(each) for each in told)
        return one_line and len(named) == len(items["enum"]) and "" not in named
    scalars = value is MISSING or all(type(each) in (str, int, float) and "\n" not in str(each) for each in value or [])
    inferred = isinstance(value, list) and bool(value) and len({type(each) for each in value}) == 1
    return bool(scalars and (items.get("type") in ("string", "integer", "number") or (not items and inferred)))


def _fits(value, kind, nullable, needed) -> bool:
    """Whether the standing value is of the kind that the field gives back; else even an untouched field is read."""
    if value is MISSING:
        return not needed
    if value is None or not kind:
        return nullable or value is None or not kind
    return isinstance(value, FITS[kind]) and not (isinstance(value, bool) and kind != "boolean")


def _input(kind="text", **attrs):
    widget = forms.TextInput(attrs=attrs)
    widget.input_type = kind
    return widget


def _shown(value, *otherwise):
    return (otherwise[0] if otherwise else "") if value is MISSING else value


def _unified(text) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Text(forms.CharField):
    """A string, kept as typed; a browser's line ends are no change."""

    def __init__(self, schema, value):
        shown = "" if value in (MISSING, None) else str(value)
        super().__init__(strip=False, initial=_unified(shown), widget=self._widget(schema, shown))

    def _widget(self, schema, shown):
        kind = INPUT_TYPES.get(schema.get("format"))
        if kind and (kind != "date" or not shown or _is_a_day(shown)):
            return _input(kind)
        if len(shown) > 80 or "\n" in shown or schema.get("maxLength", 0) > 200:
            return forms.Textarea(attrs={"rows": 3})
        return _input()

    def to_python(self, value):
        return _unified(super().to_python(value))


class Moment(Text):
    """A date and a time by the clock of whoever reads it; kept as the one that stood was written, and else in UTC."""

    def __init__(self, schema, value):
        self.stands = value if isinstance(value, str) else ""
        super().__init__(schema, self.stands and _on_the_clock(self.stands))
        self.hint = gettext("By the clock of {zone}.").format(zone=timezone.get_current_timezone_name())

    def _widget(self, schema, shown):
        return _input("datetime-local", **({"step": "1"} if shown.count(":") > 1 else {}))

    def to_python(self, value):
        text = super().to_python(value).strip()
        if not text:
            return ""
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError(_("Write a date and a time, such as 2026-06-01 09:00.")) from None
        if self.stands and at == datetime.fromisoformat(self.initial):
            return self.stands
        return _written_as(self.stands, at if at.tzinfo else from_current_timezone(at))

    def has_changed(self, initial, data):
        try:
            return self.to_python(data) != self.stands
        except ValidationError:
            return True


class Number(forms.Field):
    """A number, whole or not; the schema says which are right. No browser's number field (see AmountField)."""

    def __init__(self, schema, value):
        super().__init__(initial=_shown(value, None), widget=_input(**TYPED))

    def to_python(self, value):
        return None if value in BLANK else _number(value)


class Yes(forms.BooleanField):
    """True or false."""

    def __init__(self, schema, value):
        super().__init__(initial=value is True)


class Choice(forms.TypedChoiceField):
    """One of the schema's list. A value that the list lacks is said, and must be replaced."""

    def __init__(self, schema, value):
        permitted = [(json.dumps(each), prose.called(each)) for each in schema["enum"]]
        shown = "" if value is MISSING else json.dumps(value)
        known = shown in dict(permitted)
        first = (
            []
            if known
            else [("", gettext("“{value}” is not permitted: choose").format(value=value) if shown else gettext("Choose"))]
        )
        super().__init__(
            choices=[*first, *permitted],
            coerce=json.loads,
            empty_value=None,
            initial=shown if known else "",
        )


class Lines(forms.CharField):
    """A list of plain values, one a line; of a schema's list of permitted ones, by what they are called."""

    def __init__(self, schema, value):
        items = schema.get("items") or {}
        sample = value[0] if isinstance(value, list) and value else ""
        self.numeric = items.get("type") in ("integer", "number") or isinstance(sample, int | float)
        self.permitted = {prose.called(each).strip(): each for each in items.get("enum", ())}
        self.hint = (
            gettext("One a line, of these: {values}.").format(values=", ".join(self.permitted)) if self.permitted else ""
        )
        shown = value if isinstance(value, list) else []
        widget = forms.Textarea(attrs={"rows": 3, "placeholder": gettext("One a line")})
        super().__init__(strip=False, initial="\n".join(map(prose.called, shown)), widget=widget)

    def to_python(self, value):
        lines = [line for line in _unified(super().to_python(value)).split("\n") if line.strip()]
        if self.permitted:
            return [self._meant(line.strip()) for line in lines]
        return [line if is_placeholder(line) else _number(line) for line in lines] if self.numeric else lines

    def _meant(self, line):
        alike = [name for name in self.permitted if name.casefold() == line.casefold()]
        name = line if line in self.permitted or is_placeholder(line) else alike[0] if len(alike) == 1 else None
        if name is None:
            raise ValidationError(gettext("“{value}” is not permitted. {hint}").format(value=line, hint=self.hint))
        return self.permitted.get(name, name)

    def has_changed(self, initial, data):
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


class Json(forms.Field):
    """Anything else, as JSON."""

    def __init__(self, schema, value):
        text = "" if value is MISSING else json.dumps(value, ensure_ascii=False, indent=2)
        super().__init__(initial=text, widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}))

    def to_python(self, value):
        if value in BLANK or not value.strip():
            return None
        try:
            return _read(value)
        except ValueError as error:
            raise ValidationError(format_lazy(_("This is not JSON: {error}."), error=wording.of_json(error))) from error

    def has_changed(self, initial, data):
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


class Whole(Json):
    """A whole output, as JSON."""

    def to_python(self, value):
        whole = super().to_python(value) or {}
        if not isinstance(whole, dict):
            raise ValidationError(_("Write JSON in braces, each value with its name."))
        return whole


class Hidden(forms.CharField):
    """What is not shown to this person: the placeholder stays, or what he types stands in its place."""

    def __init__(self, schema, value):
        super().__init__(initial=value, widget=_input())

    def to_python(self, value):
        text = super().to_python(value)
        if is_placeholder(text) or not text:
            return text
        with contextlib.suppress(ValueError):
            return _read(text)
        return text


def _number(text) -> int | float:
    """As JSON writes it, or as people do: “310,60” and “1.253,14”."""
    text = str(text).strip()[:40]
    if WITH_COMMA.fullmatch(text):
        try:
            text = str(money.typed(text))
        except ValueError as fault:
            raise ValidationError(fault.args[0]) from fault
    try:
        number = _read(text)
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValidationError(_("Give a number."))
    return number


def _is_a_day(text) -> bool:
    """A browser's field for days shows nothing at all of what is none, 30 February say."""
    if not DATE.fullmatch(text):
        return False
    with contextlib.suppress(ValueError):
        return bool(date.fromisoformat(text))
    return False


def _moment(text) -> datetime | None:
    """A moment whose offset from UTC is written with it."""
    if isinstance(text, str) and MOMENT.fullmatch(text):
        with contextlib.suppress(ValueError, OverflowError):
            return timezone.localtime(datetime.fromisoformat(text.upper()))
    return None


def _on_the_clock(text) -> str:
    """As a browser's field for a date and a time writes it: as short as can be."""
    at = _moment(text).replace(tzinfo=None, microsecond=0)
    return at.isoformat(timespec="seconds" if at.second else "minutes")


def _written_as(other, at) -> str:
    """The moment with the offset and the signs of the other one."""
    apart, offset = MOMENT.fullmatch(other).groups() if other else ("T", "Z")
    there = at.astimezone(datetime.fromisoformat(other.upper()).tzinfo if other else UTC)
    return there.replace(tzinfo=None).isoformat(apart, "seconds") + offset


def _read(text) -> Any:
    """JSON as the database keeps it: no NaN, and no number beyond any."""
    return json.loads(text, parse_constant=_no_constant, parse_float=_finite)


def _finite(text) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_constant(text)


def _no_constant(name):
    raise ValueError(format_lazy(_("{name} is no number"), name=name))


FIELDS = {"string": Text, "integer": Number, "number": Number, "boolean": Yes, "array": Lines}
