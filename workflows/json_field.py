"""A form field that holds a JSON object, or where it is asked for, a list."""

import json

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from audit import wording

WANTED = {dict: _("Write a JSON object, in braces."), list: _("Write a JSON list, in square brackets.")}
NOT_JSON = _("This is not JSON: {fault}. It reads like {example}: names and texts in double quotes, commas between.")
EXAMPLES = {dict: '{"text": "Where is it?", "amount": 12.5, "is_new": true}', list: '["refund", "reply"]'}


class Json(forms.JSONField):
    """A JSON document, indented; a fault says where it is."""

    def __init__(self, *, rows=14, kind=dict, **options):
        self.kind = kind
        super().__init__(
            widget=UnfoldAdminTextareaWidget(attrs={"rows": rows, "spellcheck": "false", "class": "code"}), **options
        )

    def bound_data(self, data, initial):
        return data  # as it was typed, not as it would be written

    def prepare_value(self, value):
        return value or "" if isinstance(value, str | None) else json.dumps(value, indent=2, ensure_ascii=False)

    def to_python(self, value):
        if isinstance(value, str) and value.strip():
            try:
                value = json.loads(value)
                kept = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
            except (ValueError, RecursionError) as fault:
                raise ValidationError(
                    format_lazy(NOT_JSON, fault=wording.of_json(fault), example=EXAMPLES[self.kind])
                ) from fault
            if rb"\u0000" in kept:
                raise ValidationError(_("The database keeps no NUL character (\\u0000). Take it out."))
        if value not in (None, "") and not isinstance(value, self.kind):
            raise ValidationError(WANTED[self.kind])
        return value or self.kind()

    def has_changed(self, initial, data):
        return True
