"""The catalogues of texts: what the code says, what a translation has of it, and what is compiled of that. No gettext is needed.

Python is read by Babel; a template is turned by Django itself into what Babel reads. docs/language.md tells how to translate.
"""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog, extract, mofile, pofile
from django.apps import apps
from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation.template import templatize

NOT_SHOWN = ("tests/", "bench/", "var/", "hitlsite/demo/")  # what no person of the operation reads
KEYWORDS = {
    **extract.DEFAULT_KEYWORDS,
    **dict.fromkeys(("gettext_lazy", "gettext_noop"), None),
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
HEADER = "# The words of HITL Desk. docs/language.md says how they are kept and which terms are used.\n"
NO_NEWS = b"POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Report-Msgid-Bugs-To|Generated-By"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]|\{[^{}]*\}")


def path(language, suffix="po") -> Path:
    return Path(settings.LOCALE_PATHS[0], language, "LC_MESSAGES", f"django.{suffix}")


def translated() -> list[str]:
    """The languages that have a catalogue: all but the one in which the code is written."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def of_the_code() -> Catalog:
    """Every marked text of the code and the templates, with where it stands."""
    catalog = Catalog(fuzzy=False)
    for file in sources():
        text = file.read_text()
        where = file.relative_to(settings.BASE_DIR).as_posix()
        plain = file.suffix == ".py"
        for line, message, comments, context in _texts(text if plain else _as_python(text, where)):
            catalog.add(message, None, [(where, line)], auto_comments=comments, context=context)
    for message, where in _of_the_models():
        catalog.add(message, None, [(where, 0)])
    return catalog


def sources() -> list[Path]:
    """What is ours: the modules and templates of the apps."""
    apps = sorted({each.name for each in settings.BASE_DIR.iterdir() if (each / "__init__.py").exists()})
    found = (file for app in apps for kind in ("*.py", "*.html", "*.txt") for file in (settings.BASE_DIR / app).rglob(kind))
    return sorted(file for file in found if not file.relative_to(settings.BASE_DIR).as_posix().startswith(NOT_SHOWN))


def _as_python(text, where) -> str:
    """What Django makes of a template, each line at its margin: as indented code it would not be read."""
    return "\n".join(line.lstrip() for line in templatize(text, origin=where).splitlines())


def _texts(source):
    return extract.extract("python", io.BytesIO(source.encode()), KEYWORDS, ["Translators"])


def ours() -> list:
    """The models whose names and fields people read."""
    return [model for model in apps.get_models() if (settings.BASE_DIR / model._meta.app_label).is_dir()]


def name_the_fields():
    """The names of models and fields, which Django asks for in English, are told in the reader's language; no migration repeats them.

    One that is not named apart is called by its name in the code.
    """
    for model in ours():
        meta = model._meta
        meta.verbose_name, meta.verbose_name_plural = (_(str(name)) for name in (meta.verbose_name, meta.verbose_name_plural))
        for field in _own_fields(model):
            field.verbose_name = _(str(field.verbose_name))


def _own_fields(model) -> list:
    meta = model._meta
    return [field for field in (*meta.local_fields, *meta.local_many_to_many) if not isinstance(field._verbose_name, Promise)]


def _of_the_models():
    for model in ours():
        where = f"{model._meta.app_label}/models"
        with translation.override(None):
            named = (
                model._meta.verbose_name,
                model._meta.verbose_name_plural,
                *(each.verbose_name for each in _own_fields(model)),
            )
            yield from ((str(name), where) for name in named)


def read(language) -> Catalog:
    file = path(language)
    if not file.exists():
        return Catalog(locale=language, project="HITL Desk", version="1", fuzzy=False)
    catalog = pofile.read_po(io.BytesIO(file.read_bytes()), locale=language)
    catalog.creation_date = catalog.revision_date = LONG_AGO  # a date would make every compilation another one
    return catalog


def brought_up_to_date(language) -> Catalog:
    """The catalogue with the code's messages, and the translations that fit them exactly; nothing is guessed."""
    catalog = read(language)
    catalog.update(of_the_code(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog) -> bytes:
    """Without dates and lines: a commit changes what changed."""
    catalog.header_comment, catalog.fuzzy = HEADER, False
    for message in catalog:
        message.locations = sorted({(where, None) for where, _ in message.locations})
    file = io.BytesIO()
    pofile.write_po(file, catalog, width=128, sort_output=True, omit_header=False)
    return re.sub(rb'^"(%s):.*\n' % NO_NEWS, b"", file.getvalue(), flags=re.MULTILINE)


def as_mo(catalog) -> bytes:
    file = io.BytesIO()
    mofile.write_mo(file, catalog)
    return file.getvalue()


def faults(catalog) -> list[str]:
    """What is wrong with a translation: not there, unsure, or with other placeholders than the text it translates."""
    return [fault for message in catalog if message.id for fault in _faults(message)]


def _faults(message):
    ours, theirs = (each if message.pluralizable else (each,) for each in (message.id, message.string))
    if message.fuzzy:
        yield f"{ours[0]!r} is unsure."
    if not (theirs and all(theirs)):
        yield f"{ours[0]!r} is not translated."
        return
    for text in theirs:
        if placeholders(text) != placeholders(ours[-1]) and not (len(ours) > 1 and placeholders(text) == placeholders(ours[0])):
            yield f"{ours[0]!r} has other placeholders than {text!r}."


def placeholders(text) -> list[str]:
    """By their names: how a date or a number is written is the language's own."""
    return sorted({re.sub(r":[^}]*", "", found) for found in PLACEHOLDER.findall(text)})
