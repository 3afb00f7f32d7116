"""The workbench's form: what several verbs ask alike stands once, the rest under its verb. Each verb reads its own share of it."""

from inspect import signature

from django import forms
from django.forms.renderers import Jinja2
from django.forms.utils import ErrorDict
from django.http import QueryDict

from cases.chains import next_step
from cases.forms import Action, Marks, Output, OwnAnswer, RootCause, Ticks, VerbForm
from cases.states import APPROVAL
from cases.verbs import FIRST, Verb

SHARED = (OwnAnswer, Output, Action, RootCause, Marks, Ticks)  # once on the screen, whichever verb reads it
Offered = list[tuple[str, Verb]]


class Asked(list):
    """A verb's own fields, of which `rare` are folded away under the words `more`, until one of them has something to say."""

    def __init__(self, fields, rare, more):
        super().__init__(field for field in fields if field.name not in rare)
        self.rare, self.more = [field for field in fields if field.name in rare], more

    @property
    def is_open(self) -> bool:
        return any(field.errors or field.value() not in (field.initial, None, "", []) for field in self.rare)


class WorkForm(forms.Form):
    """Every field that some verb offered now asks for: “output.amount”, “mark.tone”, and “escalate.reason” under its verb.

    `chosen`: the verb to be done; what the others ask for themselves is left out, which a form that is shown has again.
    """

    revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    desk = forms.CharField(widget=forms.HiddenInput, required=False)
    step = forms.IntegerField(widget=forms.HiddenInput, required=False)
    active_seconds = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, initial=0)
    doubt = forms.CharField(widget=forms.HiddenInput, required=False)  # which one the page has told already
    payee = forms.CharField(widget=forms.HiddenInput, required=False)  # the one that was asked about
    action_type = forms.CharField(widget=forms.HiddenInput, required=False)  # likewise
    figure = forms.CharField(widget=forms.HiddenInput, required=False)  # likewise
    rule = forms.CharField(widget=forms.HiddenInput, required=False)  # likewise
    unfinished = forms.CharField(widget=forms.HiddenInput, required=False)  # whether what he had begun was put back
    default_renderer = Jinja2()  # some forty fields: Django's own templates for them, in the language that renders faster

    def __init__(self, offered: Offered, case, user, standing, typed: QueryDict | None = None, *, chosen=None):
        super().__init__(typed, label_suffix="", auto_id=f"case-{case.pk}-%s")  # a page may have several
        self.case, self.user, self.standing = case, user, standing
        self.begun, self.note, self.asks = "", "", {}
        self.verbs = {name: verb for name, verb in offered if not verb.at_once}
        for name, place in _read(case, standing).items():
            self.fields[name].initial = place
        self.shared = {part: [] for part in SHARED}
        self.own = {name: [] for name in self.verbs}
        for name, verb in self.verbs.items():
            for part in verb.parts:
                if chosen in (None, name) or type(part) in SHARED:
                    self._add(name, part)

    def _add(self, name, part):
        kind = type(part)
        if kind in SHARED:
            if not self.shared[kind]:
                made = part.fields(self.case, self.user)
                for field in made.values():
                    field.widget.attrs.setdefault("dir", "auto")
                self.fields.update(made)
                self.shared[kind] = list(made)
            return
        for field_name, field in part.fields(self.case, self.user).items():
            field.widget.attrs.pop("autofocus", None)
            field.widget.attrs.setdefault("dir", "auto")
            if field.required:  # who sees it has a star; “required” itself would hold up the form for a verb not chosen
                field.widget.attrs["aria-required"] = "true"
            self.fields[f"{name}.{field_name}"] = field
            self.own[name].append(f"{name}.{field_name}")

    # as the page shows it

    def content(self):
        """The output and the action as they stand, to be changed."""
        return [self[name] for kind in (OwnAnswer, Output, Action) for name in self.shared[kind]]

    def causes(self):
        return [self[name] for name in self.shared[RootCause]]

    def marks(self):
        """(the criterion's options, why it failed or None), in the card's order."""
        names = [name for name in self.shared[Marks] if name.startswith("mark.")]
        causes = {name: name.replace("mark.", "cause.", 1) for name in names}
        return [(self[name], self[causes[name]] if causes[name] in self.fields else None) for name in names]

    def ticks(self):
        """What was ticked of the standard, where some verb keeps it: a field, whose value is a list of versions."""
        return self["ticked"] if self.shared[Ticks] else None

    def panels(self):
        """(name, verb, its own fields, whether it reads the output), for each verb."""
        return [
            (name, verb, self._asked(name, verb), any(isinstance(part, Output | OwnAnswer) for part in verb.parts))
            for name, verb in self.verbs.items()
        ]

    def choices(self) -> dict[str, list]:
        """The same; and apart, those that move the case on and the rest."""
        panels = self.panels()
        return {
            "panels": panels,
            "main_verbs": [each for each in panels if each[0] in FIRST],
            "other_verbs": [each for each in panels if each[0] not in FIRST],
        }

    def _asked(self, name, verb) -> Asked:
        rare = {f"{name}.{field}" for part in verb.parts for field in part.rare}
        more = next((part.more for part in verb.parts if part.more), "")
        return Asked([self[field] for field in self.own[name]], rare, more)

    def anew(self, case, standing):
        """The same over content that has changed meanwhile: what was typed stays, what nobody touched is as it stands now."""
        fresh = WorkForm(list(self.verbs.items()), case, self.user, standing)
        typed = self.data.copy()
        for name in {name for kind in (Output, Action) for name in fresh.shared[kind]} - set(self.changed_data):
            typed.pop(name, None)
            if fresh[name].initial not in (None, False):
                typed[name] = fresh[name].initial
        for name, place in _read(case, standing).items():
            typed[name] = place
        fresh.data, fresh.is_bound = typed, True
        return fresh

    def fill(self, said, verb, note):
        """As if this had been typed under the verb, the rest as it opens; and a note that says whence it is."""
        said = {name: field.initial for name, field in self.fields.items()} | said
        typed = QueryDict(mutable=True)
        for name in said.keys() & self.fields.keys():
            if said[name] is not None and said[name] is not False:
                typed.setlist(name, said[name] if isinstance(said[name], list | tuple) else [said[name]])
        self.data, self.is_bound = typed, True
        self.begun, self.note = verb, note

    def ask(self, question, about):
        """Come back once with this question; the next time it is answered."""
        self.data, self.asks = self.data.copy(), {question: about}
        self.data[question] = about

    def full_clean(self):
        """What is wrong, the chosen verb's own form says; nobody is told what is missing under the others."""
        self._errors, self.cleaned_data = ErrorDict(), {}

    # as a verb reads it

    def of(self, name) -> VerbForm:
        """The chosen verb's own form, with what was typed for it."""
        typed = self.data.copy()
        for field in self.own[name]:
            typed.setlist(field.removeprefix(f"{name}."), self.data.getlist(field))
        form = VerbForm(self.verbs[name].parts, self.case, self.user, typed)
        if name != "accept" and not self.is_marked():
            for field in self.shared[Marks]:  # a card that nobody touched says nothing of an output that is not accepted
                form.data = _without(form.data, field)
        return form

    def typed(self) -> dict[str, list[str]]:
        """What stands otherwise than it opened in the fields that verbs share; nothing where they were not sent."""
        shared = {name for names in self.shared.values() for name in names}
        return (
            {name: self.data.getlist(name) for name in self.changed_data if name in shared} if shared & self.data.keys() else {}
        )

    def is_marked(self) -> bool:
        """Whether somebody touched the card."""
        return any(self.data.get(name) != self.fields[name].initial for name in self.shared[Marks] if name.startswith("mark."))

    def seconds(self, name) -> dict:
        """How long it took, for a verb that keeps it."""
        said = self.data.get("active_seconds", "")
        keeps = "active_seconds" in signature(self.verbs[name].act).parameters
        return {"active_seconds": min(int(said), 7 * 86_400)} if keeps and said.isdecimal() and len(said) < 9 else {}

    def take(self, form, name):
        """The verb's faults, at the fields of this page."""
        for field, said in form.errors.items():
            here = next((known for known in (f"{name}.{field}", field) if known in self.fields), None)
            for each in said:
                self.add_error(here, each)


def _read(case, standing) -> dict:
    """What its reader has before him: the content, the desk, and where a chain has several steps the one whose turn it is."""
    at_a_step = case.state == APPROVAL and len(case.chain) > 1
    return {
        "revision": case.revision,
        "desk": case.state,
        "step": next_step(case.chain, standing.given) if at_a_step else None,
    }


def _without(data, name):
    data = data.copy()
    data.pop(name, None)
    return data
