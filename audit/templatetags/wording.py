"""`{{ case.get_state_display|within }}`: a label within a sentence. `{{ case.sentence|retold }}`: a kept sentence in the reader's language and zone."""

from django import template

from audit import moments, wording

register = template.Library()
register.filter("within", wording.within)
register.filter("begun_small", wording.begun_small)
register.filter("ended", wording.ended)
retold = register.filter("retold", moments.told)
