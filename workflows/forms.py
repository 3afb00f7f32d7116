"""The forms of workflows: charter, policy, seats, owners, rates. Every fault is a sentence at its field."""

import json
from decimal import Decimal, InvalidOperation

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.forms import ReasonForm
from accounts.models import User
from accounts.roles import Ownership, Role
from workflows import money
from workflows.actions import check
from workflows.models import TIER_CHOICES, Policy, Workflow
from workflows.patterns import FLOOR, LOWEST_FLOOR

FIRST_RULES = {
    "tiers": {
        "low": {"pattern": "sampling", "sample_rate": FLOOR},
        "medium": {"pattern": "threshold", "threshold": 0.9},
        "high": {"pattern": "approval"},
    }
}


class Json(forms.JSONField):
    """A JSON document, indented; a fault says where it is."""

    def __init__(self, **options):
        rows = options.pop("rows", 14)
        widget = UnfoldAdminTextareaWidget(attrs={"rows": rows, "spellcheck": "false", "class": "code"})
        super().__init__(widget=widget, **options)

    def prepare_value(self, value):
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def to_python(self, value):
        if isinstance(value, str) and value.strip():
            try:
                return json.loads(value)
            except ValueError as fault:
                raise ValidationError(f"This is not JSON: {fault}.") from fault
        return {}


def rules_fields():
    return {
        "rules": Json(
            initial=FIRST_RULES,
            rows=22,
            help_text="Tiers, triggers, limits, deadlines. Once saved, they are read out in words.",
        ),
        "input_schema": Json(required=False, initial={}, help_text="JSON Schema of the input; {} allows anything."),
        "output_schema": Json(
            required=False, initial={}, help_text="JSON Schema of the output; the correction form is made from it."
        ),
    }


class Checked:
    """Asks the rules themselves whether they can be applied; their answer stands at the rules."""

    def clean(self):
        cleaned = super().clean()
        if not self.errors:
            try:
                check(cleaned["rules"], cleaned["input_schema"], cleaned["output_schema"], self.workflow)
            except ValidationError as fault:
                self.add_error("rules", fault.messages)
        return cleaned


class PolicyForm(Checked, forms.ModelForm):
    """A draft."""

    class Meta:
        model = Policy
        fields = ["rules", "input_schema", "output_schema", "reason"]
        widgets = {"reason": UnfoldAdminTextareaWidget(attrs={"rows": 3})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in rules_fields().items():
            if name in self.fields:
                self.fields[name] = field

    @property
    def workflow(self):
        return self.instance.workflow


class DraftForm(Checked, forms.Form):
    """A new draft, begun from a version or from nothing."""

    def __init__(self, workflow, *args, **kwargs):
        super().__init__(*args, label_suffix="", **kwargs)
        self.workflow = workflow
        self.fields.update(rules_fields())
        self.fields["reason"] = forms.CharField(
            label="What it changes, and what for",
            required=False,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        )


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
        label="Who?",
        widget=UnfoldAdminSelectWidget(),
    )
    role = forms.ChoiceField(choices=Role.choices, widget=UnfoldAdminSelectWidget())
    title = forms.CharField(
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text="For an approver: the steps of a chain that name this title are his.",
    )
    limits = forms.CharField(
        required=False,
        label="Limits",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": "1000 EUR\nrefund 250 USD"}),
        help_text="For an approver: up to which amount, one limit a line; with the type of action before it where it holds for that alone.",
    )

    def clean_limits(self):
        return [_limit(line) for line in self.cleaned_data["limits"].splitlines() if line.strip()]

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("limits") and cleaned.get("role") != Role.APPROVER:
            self.add_error("limits", "Only an approver's seat has limits.")
        return cleaned


def _limit(line) -> tuple[str, str, Decimal]:
    """“refund 250 USD” → (refund, USD, 250)."""
    try:
        *kind, amount, currency = line.split()
        limit = (" ".join(kind), currency.upper(), Decimal(amount.replace(",", "")))
    except (InvalidOperation, ValueError):
        raise ValidationError(f"“{line.strip()}” is no limit. Write it as “1000 EUR” or “refund 1000 EUR”.") from None
    if fault := money.fault(limit[2], limit[1]):
        raise ValidationError(f"“{line.strip()}”: {fault}")
    return limit


class DelegationForm(ReasonForm):
    """To whom an approver's seat is lent, and for how long."""

    to = forms.ModelChoiceField(
        User.objects.filter(kind=User.Kind.PERSON, vendor=None, is_active=True).order_by("first_name", "username"),
        label="To whom?",
        widget=UnfoldAdminSelectWidget(),
        help_text="An in-house person. He approves within this seat's limit, and nothing that either of you worked on.",
    )
    since = forms.DateTimeField(
        label="From",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2027-01-24 08:00"}),
        help_text="Empty: from now on.",
    )
    until = forms.DateTimeField(
        label="Until",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2027-01-31 18:00"}),
        help_text="In your time zone. Then it ends by itself.",
    )
    field_order = ["to", "since", "until", "reason"]


class OwnerForm(forms.Form):
    of = forms.ChoiceField(label="Owner of", choices=Ownership.choices, widget=UnfoldAdminSelectWidget())
    user = forms.ModelChoiceField(
        User.objects.filter(kind=User.Kind.PERSON, vendor=None, is_active=True).order_by("first_name", "username"),
        label="Who?",
        widget=UnfoldAdminSelectWidget(),
        help_text="An in-house person. Whoever owned it before no longer does.",
    )


class RateForm(ReasonForm):
    """The sampling rate of one stratum, in per cent."""

    tier = forms.ChoiceField(choices=TIER_CHOICES, widget=UnfoldAdminSelectWidget())
    segment = forms.CharField(
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Empty: every segment without a rate of its own.",
    )
    rate = forms.FloatField(
        label="Rate, in per cent",
        min_value=LOWEST_FLOOR * 100,
        max_value=100,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        error_messages={"min_value": f"Sampling never falls under {LOWEST_FLOOR * 100:.0f} per cent."},
    )
    field_order = ["tier", "segment", "rate", "reason"]

    def clean_rate(self):
        return self.cleaned_data["rate"] / 100


class EndSeatForm(forms.Form):
    reason = forms.CharField(label="Why?", required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))
