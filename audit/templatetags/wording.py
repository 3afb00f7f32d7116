"""`{{ case.get_state_display|within }}`: a label within a sentence. `{{ case.sentence|retold }}`: a kept sentence in the reader's language."""

from django import template

from audit import phrases, wording

register = template.Library()
register.filter("within", wording.within)
register.filter("retold", phrases.retold)
