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
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import wording
from cases.masking import is_placeholder
from workflows import money
from workflows.amount_field import TYPED

MISSING = object()
BLANK = (None, "")
INPUT_TYPES = {"date": "date", "email": "email", "uri": "url"}
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
FITS = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
WEB = re.compile(r"https?://[A-Za-z0-9][!#-;=?-~]*")  # none of the signs that end one in a text
MOST_LINKS = 20
MOST_FIELDS = 400  # a form with a thousand is not read
DATE = re.compile(r"\d{4}-\d\d-\d\d")
WITH_COMMA = re.compile(r"-?\d[\d.]*,[\d.,]*")


def fields(schema: dict, output: Any) -> dict[str, forms.Field]:
    """“output.customer.name” → its field: what the schema requires first, and last what only the output has.

    Required values come first because their order is all that the database keeps of a schema's order. Of more than a form can send, what is
    within others is one text for each of them; and of more than that, the whole is one.
    """
    for depth in (sys.maxsize, 1, 0):
        leaves = list(_leaves(schema, output, schema, depth))
        if len(leaves) <= MOST_FIELDS:
            break
    return {".".join(["output", *path]): _field(path, *of) for path, *of in leaves}


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
    result = copy.deepcopy(output)
    for name, field in made.items():
        if name in cleaned and (name in changed or not field.fits):
            result = _put(result, field, cleaned[name]) if field.path else cleaned[name]
    return result


def without_blanks(output: dict) -> dict:
    """Without the texts and lists that say nothing."""
    inner = {name: without_blanks(value) if isinstance(value, dict) else value for name, value in output.items()}
    return {name: value for name, value in inner.items() if value not in ("", None, {}, [])}


def _put(result, field, value) -> dict:
    """Set one value; a blank one is left out where the schema lets it."""
    *above, last = field.path
    blank, inner = value in BLANK and value is not False, result
    for key in above:
        if blank and key not in inner:
            return result
        inner = inner.setdefault(key, {})
    if not blank or field.kind == "array":
        inner[last] = value if not blank else []
    elif field.nullable:
        inner[last] = None
    elif field.needed and field.kind == "string":
        inner[last] = ""
    else:
        inner.pop(last, None)
    return result


def _leaves(schema, value, root, depth, path=(), needed=True, above=()) -> Iterator[tuple]:
    """(path, schema, value, needed, what each step is called) of everything that is shown as one field. `depth`: how far objects are opened."""
    schema = _resolved(schema, root)
    named = (*above, label(schema, path[-1])) if path else ()
    known = schema.get("properties") or {}
    if len(path) >= depth or not (_is_opened(schema, known, value) or (not path and value)):
        yield path, schema, value, needed, named
        return
    held = value if isinstance(value, dict) else {}
    required = [key for key in schema.get("required", ()) if key in known]
    for key in dict.fromkeys([*required, *known, *held]):
        inner = known.get(key) if isinstance(known.get(key), dict) else {}
        needs = needed and key in required
        yield from _leaves(inner, held.get(key, MISSING), root, depth, (*path, key), needs, named)


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


def _field(path, schema, value, needed, named) -> forms.Field:
    kind, nullable = _kind(schema, value)
    if (kind, nullable) == ("boolean", True):
        schema = {"enum": [True, False, None], **schema}
    make = Choice if "enum" in schema else FIELDS.get(kind, Json) if path else Whole
    if kind == "array" and not _is_lines(schema, value):
        make = Json
    if is_placeholder(value) and make is not Text:
        make = Hidden
    field = make(schema, value)
    field.path, field.kind, field.needed, field.nullable = path, kind, needed, nullable
    field.fits = _fits(value, kind, nullable, needed)
    field.required = needed and not nullable and not isinstance(field, Text | Lines | Yes)
    field.label = ": ".join(named) or schema.get("title") or gettext("Output")
    field.help_text = schema.get("description", "")
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


def _called(value) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return gettext("none") if value is None else str(value)


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
        permitted = [(json.dumps(each), _called(each)) for each in schema["enum"]]
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
    """A list of plain values, one a line."""

    def __init__(self, schema, value):
        items = schema.get("items") or {}
        sample = value[0] if isinstance(value, list) and value else ""
        self.numeric = items.get("type") in ("integer", "number") or isinstance(sample, int | float)
        shown = value if isinstance(value, list) else []
        widget = forms.Textarea(attrs={"rows": 3, "placeholder": gettext("One a line")})
        super().__init__(strip=False, initial="\n".join(map(str, shown)), widget=widget)

    def to_python(self, value):
        lines = [line for line in _unified(super().to_python(value)).split("\n") if line.strip()]
        return [line if is_placeholder(line) else _number(line) for line in lines] if self.numeric else lines

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


def _read(text) -> Any:
    """JSON as the database keeps it: no NaN, and no number beyond any."""
    return json.loads(text, parse_constant=_no_constant, parse_float=_finite)


def _finite(text) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_constant(text)


def _no_constant(name):
    raise ValueError(format_lazy(_("{name} is no number"), name=name))


FIELDS = {"string": Text, "integer": Number, "number": Number, "boolean": Yes, "array": Lines}
