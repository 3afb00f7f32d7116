"""The forms of workflows: charter, policy, seats, owners, rates. Every fault is a sentence at its field."""

from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.forms import Moment, ReasonForm
from accounts.models import User
from accounts.roles import Ownership, Role
from workflows import money
from workflows.actions import check
from workflows.amount_field import AmountField
from workflows.json_field import Json
from workflows.models import TIER_CHOICES, Calendar, Workflow
from workflows.patterns import FLOOR, LOWEST_FLOOR

FIRST_RULES = {
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": FLOOR},
        "medium": {"pattern": "threshold", "threshold": 0.9},
        "high": {"pattern": "approval"},
    }
}


class DraftForm(forms.Form):
    """A new draft: from a version, from sensible defaults, or from a document that an engineer pastes."""

    start = forms.ChoiceField(
        label=_("Begin from"),
        widget=UnfoldAdminSelectWidget(),
        required=False,
        help_text=_("Whatever you choose can be changed, section by section, until the draft is published."),
    )
    reason = forms.CharField(
        label=_("What it changes, and what for"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One or two sentences, for those who read the history."),
    )
    rules = Json(
        label=_("Or paste the rules as a document (advanced)"),
        required=False,
        rows=3,
        help_text=_("For engineers. Left empty, the choice above counts."),
    )
    input_schema = Json(label=_("JSON Schema of the input (advanced)"), required=False, rows=2)
    output_schema = Json(label=_("JSON Schema of the output (advanced)"), required=False, rows=2)

    def __init__(self, workflow, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.workflow = workflow
        versions = list(workflow.policies.select_related("workflow"))
        named = [(str(policy.version), str(policy)) for policy in versions]
        self.fields["start"].choices = [*named, ("", gettext("Sensible defaults"))]
        self.fields["start"].initial = next((str(each.version) for each in versions if not each.discarded_at), "")

    def clean(self):
        """What the draft begins with; a fault of a pasted document stands at it."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        begun = self.workflow.policies.filter(version=cleaned.pop("start") or 0).first()
        if cleaned["rules"]:
            begun = None
        elif begun:
            cleaned |= {name: getattr(begun, name) for name in ("rules", "input_schema", "output_schema")}
        else:
            cleaned["rules"] = FIRST_RULES
        try:
            check(cleaned["rules"], cleaned["input_schema"], cleaned["output_schema"], self.workflow)
        except ValidationError as fault:
            self.add_error("rules", fault.messages)
        return cleaned


class NewWorkflowForm(forms.ModelForm):
    class Meta:
        model = Workflow
        fields = ["slug", "name", "purpose", "what_is_right", "what_is_done", "minutes_by_hand"]


class SeatForm(forms.Form):
    """A person, a role, and for an approver the limits."""

    user = forms.ModelChoiceField(
        User.objects.exclude(kind=User.Kind.MACHINE)
        .filter(is_active=True)
        .select_related("vendor")
        .order_by("first_name", "username"),
        label=_("Who?"),
        widget=UnfoldAdminSelectWidget(),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, widget=UnfoldAdminSelectWidget())
    title = forms.CharField(
        label=_("Title"),
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("For an approver: the steps of a chain that name this title are his."),
    )
    limits = forms.CharField(
        required=False,
        label=_("Limits"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "1000 EUR\nrefund 250 USD"}),
        help_text=_(
            "For an approver: up to which amount, one limit a line; with the type of action before it where it holds for that alone."
        ),
    )

    def clean_limits(self):
        return [_limit(line) for line in self.cleaned_data["limits"].splitlines() if line.strip()]

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("limits") and cleaned.get("role") != Role.APPROVER:
            self.add_error("limits", gettext("Only an approver's seat has limits."))
        return cleaned


def _limit(line) -> tuple[str, str, Decimal]:
    """“refund 250 USD” → (refund, USD, 250)."""
    try:
        *kind, amount, currency = line.split()
    except ValueError:
        raise ValidationError(
            format_lazy(_("“{line}” is no limit. Write it as “1000 EUR” or “refund 1000 EUR”."), line=line.strip())
        ) from None
    try:
        limit = (" ".join(kind), currency.upper(), money.typed(amount))
    except ValueError as fault:
        raise ValidationError(format_lazy(_("“{line}” is no limit. {fault}"), line=line.strip(), fault=fault)) from None
    if fault := money.fault(limit[2], limit[1]):
        raise ValidationError(f"“{line.strip()}”: {fault}")
    return limit


class DelegationForm(ReasonForm):
    """To whom an approver's seat is lent, and for how long."""

    to = forms.ModelChoiceField(
        User.objects.filter(kind=User.Kind.PERSON, vendor=None, is_active=True).order_by("first_name", "username"),
        label=_("To whom?"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_("An in-house person. He approves within this seat's limit, and nothing that either of you worked on."),
    )
    since = Moment(label=_("From"), required=False, example="2027-01-24 08:00", then=_("Empty: from now on."))
    until = Moment(label=_("Until"), example="2027-01-31 18:00", then=_("Then it ends by itself."))
    field_order = ["to", "since", "until", "reason"]


class OwnerForm(forms.Form):
    of = forms.ChoiceField(label=_("Owner of"), choices=Ownership.choices, widget=UnfoldAdminSelectWidget())
    user = forms.ModelChoiceField(
        User.objects.filter(kind=User.Kind.PERSON, vendor=None, is_active=True).order_by("first_name", "username"),
        label=_("Who?"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_("An in-house person. Whoever owned it before no longer does."),
    )


class RateForm(ReasonForm):
    """The sampling rate of one stratum, in per cent."""

    tier = forms.ChoiceField(label=_("Tier"), choices=TIER_CHOICES, widget=UnfoldAdminSelectWidget())
    segment = forms.CharField(
        label=_("Segment"),
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Empty: every segment without a rate of its own."),
    )
    rate = forms.FloatField(
        label=_("Rate, in per cent"),
        min_value=LOWEST_FLOOR * 100,
        max_value=100,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        error_messages={
            "min_value": format_lazy(_("Sampling never falls under {least:.0f} per cent."), least=LOWEST_FLOOR * 100)
        },
    )
    field_order = ["tier", "segment", "rate", "reason"]

    def clean_rate(self):
        return self.cleaned_data["rate"] / 100


class OptionalReasonForm(forms.Form):
    reason = forms.CharField(label=_("Why?"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class LimitForm(forms.Form):
    """One limit of an approver's seat."""

    currency = forms.CharField(
        label=_("Currency"), max_length=3, widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "EUR"})
    )
    amount = AmountField(label=_("Up to"), required=False, help_text=_("Empty: the limit is removed."))
    action_type = forms.CharField(
        label=_("For the action"),
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Such as “refund”. Empty: for every action that has no limit of its own."),
    )
    reason = forms.CharField(label=_("Why?"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def clean_currency(self):
        currency = self.cleaned_data["currency"].upper()
        if fault := money.fault(None, currency):
            raise ValidationError(fault)
        return currency


class AskingForm(ReasonForm):
    """Why, and a tick where something is asked about first."""

    unticked = _("Tick this, or go back. Nothing that you wrote is lost.")

    def __init__(self, *args, asked="", **options):
        """`asked`: what has to be ticked, in the publisher's own words; empty where nothing has."""
        super().__init__(*args, **options)
        if asked:
            self.fields["asked"] = forms.BooleanField(
                label=asked, widget=UnfoldBooleanWidget(), error_messages={"required": self.unticked}
            )

    def clean(self):
        """The tick opens the door, and says nothing to the verb."""
        return {name: value for name, value in super().clean().items() if name != "asked"}


class RollBackForm(AskingForm):
    """Why; and, unseen, the version that the difference was read against."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class PublishForm(RollBackForm):
    """Also from when, and from which improvement."""

    improvement = forms.CharField(
        label=_("From which improvement?"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("The finding or change it comes from, where it comes from one."),
    )
    effective_from = Moment(label=_("Effective from"), required=False, then=_("Empty: at once."))
    field_order = ["reason", "improvement", "effective_from", "seen"]
    unticked = _("Tick this, or go back and mend the draft. Nothing that you wrote is lost.")


class SignForm(forms.Form):
    """The signature is over what the page shows: `digest` names it."""

    reason = forms.CharField(
        label=_("What did you look at?"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("It stays in the history, with your name."),
    )
    digest = forms.CharField(widget=forms.HiddenInput)


class CalendarChoiceForm(forms.Form):
    calendar = forms.ModelChoiceField(
        Calendar.objects.all(),
        label=_("Calendar"),
        required=False,
        empty_label=_("Around the clock"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_("Calendars are made under Calendars. Deadlines and the time to approve run in these hours only."),
    )
    reason = forms.CharField(label=_("Why?"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class StaffedForm(CalendarChoiceForm):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["calendar"].help_text = gettext(
            "Calendars are made under Calendars. When the house's own people are there."
        )
