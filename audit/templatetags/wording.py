"""`{{ case.get_state_display|within }}`: a label within a sentence. `{{ case.sentence|retold }}`: a kept sentence in the reader's language and zone."""

from django import template

from audit import moments, phrases, wording

register = template.Library()
register.filter("within", wording.within)


@register.filter
def retold(text) -> str:
    return moments.at_home(phrases.retold(text))
