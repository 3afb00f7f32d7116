"""What the desk's templates cannot say themselves."""

import re

from django import template
from django.forms.renderers import Jinja2
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import ngettext

register = template.Library()
QUICK = Jinja2()  # a page has some forty fields, and the language of their widgets renders them in a third of the time
LAST = 120  # seconds
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)  # but for tab and line end


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
    return mark_safe(QUICK.render("desk/field.html", {"field": of, "must": must, "differs": differs}))  # it escapes


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
    return f'<span class="text" dir="auto">{shown(told.text)}</span>{_more(told, "{}", signs=True)}'


def shown(text) -> str:
    """Escaped, and what nobody would see made visible: control signs, and those that turn the direction of what follows."""
    return UNSEEN.sub(_named, escape(text))


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
