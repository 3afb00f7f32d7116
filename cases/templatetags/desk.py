"""What the desk's templates cannot say themselves."""

import re
from itertools import groupby

from django import template
from django.forms.models import ModelChoiceIteratorValue
from django.forms.renderers import Jinja2
from django.forms.widgets import ChoiceWidget
from django.utils.functional import Promise
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from cases.outputs import WEB

register = template.Library()
QUICK = Jinja2()  # a page has some forty fields, and the language of their widgets renders them in a third of the time
DRAWN: dict[tuple, str] = {}  # empty fields, by all that they are made of: of a page's forty most are those of the page before
MOST_DRAWN = 1_000  # some hundred bytes each
ITS_ID = "\0"  # stands in no text
LAST = 120  # seconds
# But for tab and line end; and for what joins or parts the letters of Persian, say, or makes one picture of several.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


@register.filter
def at(table, name):
    """The table's entry of that name; empty where it has none."""
    return table.get(name, "")


@register.filter
def minutes(seconds) -> str:
    """How many minutes are left; in the last two with their seconds. `desk.js` counts on in the same words."""
    return str(seconds // 60) if seconds > LAST else f"{max(seconds, 0) // 60}:{max(seconds, 0) % 60:02}"


@register.simple_tag
def field(of, *, must=False, differs=False) -> SafeString:
    """One field of a form, with its label, its faults and its help.

    must: a star says that it has to be filled. differs: the value that stands is kept beside it, so that a change can be seen; a text that
    stands in it as it is, is sent once.
    """
    made_of = None if differs or of.form.is_bound else _made_of(of, must)
    return _drawn_before(of, must, made_of) if made_of else _drawn(of, must, differs)


@register.simple_tag
def content(fields, *, must=False) -> SafeString:
    """The output's fields, each with the value that stands; those of an item together. must: a star at what has to be filled."""
    drawn = []
    for is_list, of in groupby(fields, lambda each: (row := _row(each)) and row.of):
        of = list(of)
        drawn += _items(of, must) if is_list else [_drawn(each, must and each.field.required, True) for each in of]
    return mark_safe("".join(drawn))


def _row(of):
    return getattr(of.field, "row", None)


def _items(of, must) -> list[str]:
    """An item each; of the new ones the second is folded behind the first, the third behind the second."""
    made = [(row, list(fields)) for row, fields in groupby(of, _row)]
    held = [_item(fields, must) for row, fields in made if not row.is_new]
    new = [fields for row, fields in made if row.is_new]
    folded, is_begun = "", False
    for fields in reversed(new[1:]):
        is_begun = is_begun or any(each.errors or (each.value() or "") != (each.initial or "") for each in fields)
        more = format_html("<summary>{}</summary>{}{}", gettext("One more"), _item(fields, must), folded)
        folded = format_html('<details class="more-items"{}>{}</details>', mark_safe(" open") if is_begun else "", more)
    return [*held, *(_item(fields, must) for fields in new[:1]), folded]


def _item(fields, must) -> SafeString:
    drawn = "".join(_drawn(each, must and each.field.required, True, each.field.short) for each in fields)
    return format_html('<fieldset class="item"><legend>{}</legend>{}</fieldset>', fields[0].field.within, mark_safe(drawn))


def _drawn(of, must, differs=False, called="") -> SafeString:
    about = {
        "field": of,
        "must": must,
        "differs": differs,
        "called": called,
        "unseen": _told_of_the_unseen(of.value()) if differs else "",
    }
    about["links"] = [mark_safe(_link(each)) for each in getattr(of.field, "links", ())]
    return mark_safe(QUICK.render("desk/field.html", about))  # it escapes


def _told_of_the_unseen(text) -> SafeString:
    """A field has to keep what stands in it, so the signs that nobody sees there are told beside it."""
    found = dict.fromkeys(UNSEEN.findall(text.replace("\r\n", "\n"))) if isinstance(text, str) else {}
    named = mark_safe(" ".join(map(shown, found)))
    return format_html("{} {}", gettext("In it are signs that nobody sees:"), named) if found else named


def _drawn_before(of, must, made_of) -> SafeString:
    """As it was drawn the last time, on whichever page, with the id that it has here."""
    form, ids = of.form, of.form.auto_id
    drawn = DRAWN.get(made_of)
    if drawn is None:
        form.auto_id = f"{ITS_ID}%s"
        try:
            drawn = _drawn(of, must)
        finally:
            form.auto_id = ids
        if len(DRAWN) >= MOST_DRAWN:
            DRAWN.clear()
        DRAWN[made_of] = drawn
    return mark_safe(drawn.replace(ITS_ID, ids.removesuffix("%s")))


def _made_of(of, must):
    """All that an empty field is drawn from, but for its id; None where somebody's text stands in it, or where that cannot be told."""
    widget = of.field.widget
    if isinstance(widget, ChoiceWidget):
        widget.choices = list(
            iter(widget.choices)
        )  # asked for once; of the choices themselves a list would ask how many they are
    elif of.value() not in (None, ""):
        return None
    made = _frozen(
        [get_language(), must, of.html_name, of.label, of.help_text, of.value(), of.field.required, of.field.disabled]
    )
    made += (type(widget), _frozen(vars(widget)))
    try:
        hash(made)
    except TypeError:
        return None
    return made


def _frozen(value):
    """Two that are equal are drawn alike: 1 is not True here, and a text that is not escaped is not the same one escaped."""
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, ModelChoiceIteratorValue):
        value = value.value
    if isinstance(value, Promise):
        value = str(value)
    return type(value), value


@register.simple_tag
def value(told) -> SafeString:
    """A value that came from outside, as text: whatever HTML or Markdown it has is shown, and never acts.

    In one go: a template included for each of some hundred values cost the page more than all else.
    """
    return mark_safe(_html(told))  # every piece of it is escaped below


def _html(told) -> str:
    if told.rows:
        rows = "".join(f"<dt>{shown(name)}</dt><dd>{_html(inner)}</dd>" for name, inner in told.rows)
        return f'<dl class="value">{rows}{_more(told, "<dt></dt><dd>{}</dd>")}</dl>'
    if told.points:
        points = "".join(f"<li>{_html(inner)}</li>" for inner in told.points)
        return f'<ul class="value">{points}{_more(told, "<li>{}</li>")}</ul>'
    if told.rows is not None or told.points is not None:
        return _more(told, "{}")
    text = _link(told.text) if WEB.fullmatch(told.text) and not told.more else shown(told.text)
    return f'<span class="text" dir="auto">{text}</span>{_more(told, "{}", signs=True)}'


def _link(address) -> str:
    """An address of the web, told in full; whom it leads to learns nothing of where one came from."""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer nofollow">{escape(address)}</a>'


def shown(text) -> str:
    """Escaped, and what nobody would see made visible: control signs, and those that turn the direction of what follows."""
    return UNSEEN.sub(_named, escape(text).replace("\r\n", "\n"))


def _named(found) -> str:
    code = f"U+{ord(found[0]):04X}"
    return f'<span class="unseen">{code}</span>'


def _more(told, around, *, signs=False) -> str:
    if not told.more:
        return ""
    said = (
        ngettext("… and %(more)s character more", "… and %(more)s characters more", told.more)
        if signs
        else ngettext("… and %(more)s more", "… and %(more)s more", told.more)
    )
    return around.format(f'<span class="soft">{said % {"more": f"{told.more:,}"}}</span>')
