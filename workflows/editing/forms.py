"""What every form of the editor shares: it reads one struct of the policy, writes it, and lets the struct itself judge."""

import re

import msgspec
from django import forms
from django.utils.translation import gettext
from unfold.widgets import UnfoldBooleanWidget

NOTHING = (None, "", [], {})
PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`")


def without_nothing(facts: dict) -> dict:
    """Only what says something: a policy names what differs from its defaults, and no empty lists."""
    return {name: value for name, value in facts.items() if value not in NOTHING}


def fault_of(error) -> tuple[list[str], str]:
    """Where msgspec found a fault, as names and positions, and what it says, as a sentence."""
    said = str(error)
    place = PLACE.search(said)
    path = re.findall(r"[A-Za-z_]\w*|\d+", place["path"]) if place else []
    said = PLACE.sub("", said).strip()
    return path, said if said.endswith((".", "!", "?")) else f"{said}."


class PartForm(forms.Form):
    """Fields named as those of `struct`. What the struct refuses stands at the field it names, else at `blame`."""

    struct = None
    blame = None
    heading = ""

    def __init__(self, *args, policy, stored=None, **options):
        self.policy, self.stored = policy, stored or {}
        initial = {**self.begin(), **(options.pop("initial", None) or {})}
        super().__init__(*args, initial=initial, label_suffix="", **options)

    def begin(self) -> dict:
        """The stored part as initial values, with the struct's defaults for what it does not name."""
        if not self.stored or self.struct is None:
            return dict(self.stored)
        return msgspec.to_builtins(msgspec.convert(self.stored, self.struct, strict=False))

    def document(self) -> dict:
        """The part as a policy stores it. What this form has no field for stays as it was."""
        return without_nothing({**self.stored, **self.said()})

    def said(self) -> dict:
        return {name: value for name, value in self.cleaned_data.items() if name != "DELETE"}

    def clean(self):
        cleaned = super().clean()
        if self.struct is not None and not self.errors and not self.is_left_blank():
            try:
                self.judge()
            except ValueError as error:
                self.take(error)
        return cleaned

    def judge(self):
        msgspec.convert(self.document(), self.struct, strict=False)

    def is_left_blank(self) -> bool:
        return self.empty_permitted and not self.has_changed()

    def take(self, error):
        """The fault at its field."""
        path, said = fault_of(error)
        at = next((name for name in path if name in self.fields), self.blame)
        self.add_error(at if at in self.fields else None, said)


class Row(PartForm):
    """One row of a list. Left blank, it is not there; ticked, it goes."""

    def __init__(self, *args, stored=None, initial=None, **options):
        super().__init__(*args, stored=stored or initial, **options)

    @property
    def visible(self):
        return [field for field in self.visible_fields() if field.name != "DELETE"]


class Rows(forms.BaseFormSet):
    """A list of the policy. `unique` names the field that may not stand in two rows."""

    unique = None
    deletion_widget = UnfoldBooleanWidget
    heading = about = noun = ""

    def __init__(self, *args, policy, **options):
        super().__init__(*args, form_kwargs={"policy": policy}, **options)

    def add_fields(self, form, index):
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].label = gettext("Remove")

    @property
    def kept(self):
        return [form for form in self.forms if not form.is_left_blank() and form not in self.deleted_forms]

    def documents(self) -> list[dict]:
        return [form.document() for form in self.kept]

    def clean(self):
        seen = set()
        for form in self.kept if self.unique else []:
            value = self.told_apart_by(form)
            if value is not None and value in seen:
                form.add_error(self.unique, self.said_twice(value))
            seen.add(value)

    def told_apart_by(self, form):
        """What may not stand in two rows, None where it says nothing yet; its fault stands at `unique`."""
        return form.cleaned_data.get(self.unique)

    def said_twice(self, value) -> str:
        return gettext("“{value}” stands in two rows. Keep one of them.").format(value=value)


def rows(form, *, noun, heading="", about="", unique=None, blank=3, formset=Rows):
    """A formset class of `form`s with `blank` rows for new ones."""
    made = forms.formset_factory(form, formset=formset, extra=blank, can_delete=True, max_num=500, absolute_max=600)
    made.noun, made.heading, made.about, made.unique = noun, heading, about, unique
    return made
