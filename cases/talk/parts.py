"""What the form of a request for information asks."""

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.forms import Part, whom, whom_field
from cases.models import Pause
from cases.talk import showing

DAYS = (3, 7, 14, 30)
SAY_WHOM = _("Say whom you ask: a team, somebody outside, or @name.")
ROOTS = {"input": _("Input"), "context": _("Facts"), "output": _("Output")}


class Ask(Part):
    """Whom one asks what, what that person is shown, and whether a link opens it."""

    rare = ("shows", "link_days", "ticket")
    more = _("More: what they see of the case, a link for somebody outside, a ticket, until when")

    def fields(self, case, user):
        shown = [(path, _named(path, name)) for path, (name, _text) in showing.offered(case).items()]
        return {
            "whom": whom_field(
                case,
                label=_("Whom do you ask?"),
                widget=forms.TextInput(attrs={"placeholder": _("Finance, the courier, @name")}),
                help_text=_(
                    "A team or somebody outside, in words: the desk tells them nothing, so make a link for them. Or @name, who finds it on the own desk."
                ),
                error_messages={"required": SAY_WHOM},
            ),
            "on": forms.ChoiceField(
                label=_("Who is that?"),
                choices=[(Pause.Kind.TEAM, _("Another team, or a colleague")), (Pause.Kind.CUSTOMER, _("The customer"))],
            ),
            "question": forms.CharField(
                label=_("What do you need to know?"),
                max_length=10_000,
                widget=forms.Textarea(attrs={"rows": 3}),
                error_messages={"required": _("Write the question.")},
            ),
            "shows": forms.MultipleChoiceField(
                label=_("What may they see of the case, beside the question?"),
                required=False,
                choices=shown,
                widget=forms.CheckboxSelectMultiple(),
                help_text=_("Nothing else of it is shown to them."),
            ),
            "link_days": forms.TypedChoiceField(
                label=_("A link that opens it without an account"),
                required=False,
                choices=_days,
                coerce=int,
                empty_value=0,
                help_text=_("For one answer. You find the link on the case and can take it back."),
            ),
            "ticket": forms.URLField(
                label=_("The same question elsewhere"),
                required=False,
                max_length=500,
                assume_scheme="https",
                widget=forms.TextInput(attrs={"placeholder": "https://tickets.example/42"}),
            ),
        }

    def arguments(self, form):
        said = {name: form.cleaned_data[name] for name in ("on", "question", "shows", "link_days", "ticket")}
        return {"whom": whom(form, SAY_WHOM), **said}


def _named(path, name):
    """“Output: Reply”: input and output often have a field of the same name."""
    root = ROOTS.get(path.partition(".")[0])
    return f"{root}: {name}" if root else name


def _days():
    return [("", _("No link: it is answered here")), *((days, ngettext("%s day", "%s days", days) % days) for days in DAYS)]
