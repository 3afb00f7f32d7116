"""Words in a language: labels within sentences, and what is kept in English whoever makes it."""

from functools import partial
from json import JSONDecodeError

from django.conf import settings
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

in_english = partial(translation.override, settings.LANGUAGE_CODE)


def within(label) -> str:
    """A label as it stands within a sentence. English begins it small; elsewhere a noun may keep its capital, so it is left."""
    return str(label).lower() if _is_english() else str(label)


def begun_small(label) -> str:
    """The same for a label with names in it: “released as the AI gave it”."""
    return label[:1].lower() + label[1:] if _is_english() else str(label)


def ended(words) -> str:
    """Somebody's own words at the end of a sentence: with a full stop where they have no end of their own."""
    said = str(words).rstrip()
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def of_json(error: ValueError):
    """What is wrong with a text that was to be JSON, without the parser's own English; for the end of a sentence."""
    if isinstance(error, JSONDecodeError):
        return format_lazy(_("look at line {line}, at its sign {column}"), line=error.lineno, column=error.colno)
    return error


def _is_english() -> bool:
    return translation.get_language() in (None, settings.LANGUAGE_CODE)
