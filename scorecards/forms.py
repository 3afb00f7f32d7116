"""The builder's forms."""

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from scorecards.models import Criterion, Scorecard

EMPTY, READY_MADE = "empty", "ready_made"


class ScorecardForm(forms.ModelForm):
    class Meta:
        model = Scorecard
        fields = ["workflow", "name", "pass_mark", "definition_of_done"]


class NewScorecardForm(ScorecardForm):
    """A new card: ready-made or empty."""

    start = forms.ChoiceField(
        label=_("Start from"),
        choices=[(READY_MADE, _("The ready-made card")), (EMPTY, _("An empty card"))],
        initial=READY_MADE,
        widget=UnfoldAdminRadioSelectWidget,
        help_text=_(
            "The ready-made card has seven criteria with options, root causes and examples. "
            "Everything on it can be changed until it is published."
        ),
    )


class CriterionForm(forms.ModelForm):
    class Meta:
        model = Criterion
        fields = [
            "section",
            "key",
            "label",
            "help",
            "weight",
            "critical",
            "may_be_na",
            "good_example",
            "bad_example",
            "position",
        ]

    def clean(self):
        """A key is one criterion's in the whole card; the model's own check knows only its section."""
        cleaned = super().clean()
        section, key = cleaned.get("section"), cleaned.get("key")
        others = Criterion.objects.filter(section__scorecard__sections=section, key=key).exclude(pk=self.instance.pk)
        if section and key and others.exists():
            self.add_error(
                "key", gettext("Another criterion of this card has the key “{key}”. Choose a key of its own.").format(key=key)
            )
        return cleaned


class CopyForm(forms.Form):
    """Nothing to say: the button is the answer."""


class PublishForm(forms.Form):
    reason = forms.CharField(
        label=_("Why this version?"),
        help_text=_("One or two sentences. They stay in the history, with your name."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        error_messages={"required": _("Say why this version is published.")},
    )
