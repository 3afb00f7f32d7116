"""Form fields that speak as a policy owner does: per cent, “8 hours”, one word a line. What they give is what a policy stores."""

import re
from decimal import Decimal, InvalidOperation

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from workflows import money, terms
from workflows.amount_field import AmountField

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
SHORT = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}
SHORT |= dict.fromkeys(("sekunde", "sekunden"), "second") | {"minuten": "minute"}  # as the German pages write them
SHORT |= dict.fromkeys(("std", "stunde", "stunden"), "hour") | dict.fromkeys(("tag", "tage", "tagen"), "day")
COMMON_CURRENCIES = ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD", "JPY"]


class Text(forms.CharField):
    """One line; `suggests` names the list of suggestions that the page carries."""

    def __init__(self, *, suggests="", **options):
        attrs = {"list": suggests, "autocomplete": "off"} if suggests else {"autocomplete": "off"}
        super().__init__(widget=UnfoldAdminTextInputWidget(attrs=attrs), **options)


class Choice(forms.ChoiceField):
    widget = UnfoldAdminSelectWidget


class Several(forms.MultipleChoiceField):
    """Ticks, none or more of them."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget


class Tick(forms.BooleanField):
    def __init__(self, **options):
        super().__init__(required=False, widget=UnfoldBooleanWidget(), **options)


class Number(forms.DecimalField):
    """Typed with a point or a comma; no spinner that a wheel could turn."""

    def __init__(self, **options):
        super().__init__(widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"}), **options)

    def to_python(self, value):
        if isinstance(value, str) and re.fullmatch(r"\s*\d+,\d+\s*", value):
            value = value.replace(",", ".")
        return super().to_python(value)


class Whole(forms.IntegerField):
    def __init__(self, **options):
        super().__init__(widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric", "autocomplete": "off"}), **options)


class Percent(Number):
    """Typed in per cent, stored as a share: 90 is 0.9."""

    default_error_messages = {
        "min_value": gettext_lazy("Write at least %(limit_value)s per cent."),
        "max_value": gettext_lazy("Write at most %(limit_value)s per cent."),
        "invalid": gettext_lazy("Write a number in per cent, such as 90 or 2.5."),
    }

    def __init__(self, *, least=0, **options):
        super().__init__(min_value=least, max_value=100, **options)

    def prepare_value(self, value):
        return value if isinstance(value, str) else per_cent(value)

    def to_python(self, value):
        return super().to_python(value.strip().removesuffix("%").strip() if isinstance(value, str) else value)

    def clean(self, value):
        typed = super().clean(value)
        return None if typed is None else share(typed)


def share(typed: Decimal) -> float:
    return float(typed / 100)


def per_cent(value) -> str:
    """0.125 → “12.5”."""
    return "" if value is None else f"{(Decimal(str(value)) * 100).normalize():f}"


class Duration(Text):
    """“8 hours”, “90 minutes”, “1 day 4 hours”, in units of `unit` seconds; a bare number counts in that unit."""

    def __init__(self, *, unit, least, most, **options):
        super().__init__(**options)
        self.unit, self.least, self.most = unit, least, most

    def prepare_value(self, value):
        return terms.duration(value * self.unit) if isinstance(value, int) else value

    def clean(self, value):
        if not (typed := super().clean(value)):
            return None
        number, rest = divmod(seconds(typed, self.unit), self.unit)
        if rest or not self.least <= number <= self.most:
            bounds = [terms.duration(bound * self.unit) for bound in (self.least, self.most)]
            raise ValidationError(
                format_lazy(
                    gettext_lazy("Write a time between {bounds} and {bounds_2}, in whole {unit_name}s."),
                    bounds=bounds[0],
                    bounds_2=bounds[1],
                    unit_name=unit_name(self.unit),
                )
            )
        return number


def unit_name(size: int) -> str:
    return next(name for name, seconds in SECONDS.items() if seconds == size)


def seconds(text: str, unit: int) -> int:
    """How many seconds a written time is. Raises ValidationError with an example."""
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return int(text) * unit
    pairs = re.findall(r"(\d{1,9})\s*([a-z]+)", text.lower())
    names = [SHORT.get(name, name.rstrip("s")) for _, name in pairs]
    left = re.sub(r"\d{1,9}\s*[a-z]+|\b(?:and|und)\b|[,\s]", "", text.lower())
    if not pairs or left or not set(names) <= set(SECONDS):
        raise ValidationError(
            format_lazy(
                gettext_lazy("“{text}” is not a time. Write a number and a unit, such as 30 minutes, 8 hours or 2 days."),
                text=text[:40],
            )
        )
    return sum(int(number) * SECONDS[name] for (number, _), name in zip(pairs, names, strict=True))


class Area(forms.CharField):
    def __init__(self, *, rows=4, **options):
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": rows, "spellcheck": "false"}), **options)


class Lines(Area):
    """One word or phrase a line; twice the same counts once."""

    def __init__(self, *, longest=100, most=2000, **options):
        super().__init__(required=options.pop("required", False), **options)
        self.longest, self.most = longest, most

    def prepare_value(self, value):
        return value if isinstance(value, str) else "\n".join(map(written, value or []))

    def clean(self, value):
        lines = list(dict.fromkeys(line.strip() for line in super().clean(value).splitlines() if line.strip()))
        if long := next((line for line in lines if len(line) > self.longest), None):
            raise ValidationError(
                format_lazy(
                    gettext_lazy("“{long}…” is longer than {longest} characters. Write one word or phrase a line."),
                    long=long[:30],
                    longest=self.longest,
                )
            )
        if len(lines) > self.most:
            raise ValidationError(
                format_lazy(gettext_lazy("These are {lines} lines; {most} are the most."), lines=len(lines), most=self.most)
            )
        return lines


class Values(Lines):
    """Values to compare with: true and false mean yes and no, digits a whole number, all else a text."""

    def clean(self, value):
        return [valued(line) for line in super().clean(value)]


def written(value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def valued(line: str):
    if line.lower() in ("true", "false"):
        return line.lower() == "true"
    return int(line) if re.fullmatch(r"-?(0|[1-9]\d{0,14})", line) else line


class WordsByLanguage(Lines):
    """“de: Anwalt”, one a line → {"de": ["Anwalt"]}."""

    def prepare_value(self, value):
        if isinstance(value, dict):
            return "\n".join(f"{language}: {word}" for language, words in value.items() for word in words)
        return super().prepare_value(value)

    def clean(self, value):
        lists = {}
        for line in super().clean(value):
            language, colon, word = (part.strip() for part in line.partition(":"))
            if not colon or not word or not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
                raise ValidationError(
                    format_lazy(gettext_lazy("“{line}” has no language. Write each line as “de: Anwalt”."), line=line)
                )
            lists.setdefault(language.lower(), []).append(word)
        return lists


class PercentByName(Lines):
    """“VIP: 95”, one a line → {"VIP": 0.95}."""

    def __init__(self, *, least=0, **options):
        super().__init__(rows=options.pop("rows", 2), **options)
        self.least = least

    def prepare_value(self, value):
        if isinstance(value, dict):
            return "\n".join(f"{name}: {per_cent(each)} %" for name, each in value.items())
        return super().prepare_value(value)

    def clean(self, value):
        shares = {}
        for line in super().clean(value):
            name, _, number = (part.strip() for part in line.rpartition(":"))
            if not name or len(name) > 60:
                raise ValidationError(
                    format_lazy(
                        gettext_lazy("“{line}” has no name. Write each line as “VIP: 95”, the number in per cent."), line=line
                    )
                )
            if name in shares:
                raise ValidationError(format_lazy(gettext_lazy("“{name}” stands here twice. Keep one line."), name=name))
            shares[name] = share(self._number(line, number))
        return shares

    def _number(self, line, text):
        try:
            number = Decimal(text.removesuffix("%").strip().replace(",", "."))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or not self.least <= number <= 100:
            raise ValidationError(
                format_lazy(
                    gettext_lazy("“{line}”: write a number between {least} and 100 after the colon, in per cent."),
                    line=line,
                    least=self.least,
                )
            )
        return number


class Currency(Text):
    """An ISO code, whatever its case."""

    def __init__(self, **options):
        super().__init__(
            suggests="currencies", max_length=3, label=options.pop("label", gettext_lazy("Currency")), required=options.pop("required", False),
            help_text=options.pop("help_text", gettext_lazy("Three letters, such as EUR.")), **options,
        )  # fmt: skip

    def clean(self, value):
        code = super().clean(value).upper()
        if fault := money.fault(None, code):
            raise ValidationError(fault)
        return code


class Amount(AmountField):
    """Kept as text, exactly as typed: 0.1 is not a binary fraction."""

    def __init__(self, **options):
        super().__init__(**{"label": gettext_lazy("Amount"), "required": False, **options})

    def clean(self, value):
        number = super().clean(value)
        return None if number is None else f"{number:f}"
