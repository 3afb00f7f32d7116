"""Why there is this version, in its author's words."""

from django.utils.translation import gettext_lazy as _

from workflows.editing.fields import Area
from workflows.editing.forms import PartForm
from workflows.editing.sections import Section


class WhyForm(PartForm):
    reason = Area(
        label=_("What this version changes, and what for"),
        required=False,
        rows=3,
        help_text=_("One or two sentences. They stay in the history; whoever publishes may still change them."),
    )


class Why(Section):
    name, title = "why", _("Why this version")
    names = ("reason",)
    otherwise = _("Not said yet.")

    def build(self):
        self.form = self.made(WhyForm, "why", {"reason": self.policy.reason})
        return [self.form]

    def changed(self):
        return {"reason": self.form.cleaned_data["reason"]}

    @classmethod
    def sentences(cls, policy):
        return [policy.reason] if policy.reason else []
