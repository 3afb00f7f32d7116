"""The forms of engagements: contract, mandate, proposal. Every fault is a sentence at its field."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import User, Vendor
from accounts.roles import Role
from workflows.amount_field import AmountField
from workflows.calendar import DAY
from workflows.models import VENDOR_ROLES, Calendar, Mandate, MaskedPattern, Workflow

HINTS = {name: Mandate._meta.get_field(name).help_text for name in (field.name for field in Mandate._meta.concrete_fields)}


def _text(**attrs):
    return UnfoldAdminTextInputWidget(attrs=attrs)


def why(required=False):
    return forms.CharField(label=gettext("Why?"), required=required, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))


class Day(forms.DateField):
    def __init__(self, **options):
        said = {"invalid": gettext("Write the day as 2027-01-31.")}
        super().__init__(
            widget=_text(placeholder="2027-01-31", size=11), error_messages=said, input_formats=["%Y-%m-%d"], **options
        )


class Words(forms.CharField):
    """A list, a line or a comma each."""

    def __init__(self, **options):
        super().__init__(required=False, **options)

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value):
        lines = (super().to_python(value) or "").replace("\n", ",").split(",")
        return list(dict.fromkeys(word.strip() for word in lines if word.strip()))


class EngagementForm(forms.Form):
    """The contract: with whom, from which day to which, and when its people are there."""

    vendor = forms.ModelChoiceField(Vendor.objects.all(), label=_("Vendor"), widget=UnfoldAdminSelectWidget())
    name = forms.CharField(
        label=_("Name"), max_length=120, widget=_text(), help_text=_("As the contract is called, such as “Back office 2026”.")
    )
    first_day = Day(label=_("First day"), help_text=_("From midnight of that day, by the vendor's own clock."))
    last_day = Day(
        label=_("Last day"), help_text=_("Until midnight after it. Then seats end, and open cases come back to the house.")
    )
    coverage = forms.ModelChoiceField(
        Calendar.objects.all(),
        label=_("Coverage"),
        required=False,
        empty_label=_("Around the clock"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_(
            "When the vendor's people are there. Make a calendar in the vendor's zone, with its holidays, under Calendars."
        ),
    )

    def __init__(self, *args, engagement=None, **options):
        super().__init__(*args, label_suffix="", **options)
        self.engagement = engagement
        if engagement:
            self.fields["reason"] = why()
            self.fields.pop("vendor")
            self.initial = {**_days(engagement), "name": engagement.name, "coverage": engagement.coverage_id}

    def clean(self):
        cleaned = super().clean()
        vendor = self.engagement.vendor if self.engagement else cleaned.get("vendor")
        first, last = cleaned.pop("first_day", None), cleaned.pop("last_day", None)
        if first and last and first > last:
            self.add_error("last_day", gettext("The last day comes before the first. Choose a later one."))
        if first and last and vendor:
            cleaned |= {"since": _midnight(first, vendor), "until": _midnight(last + DAY, vendor)}
        return cleaned

    def add_error(self, field, error):
        """The verb speaks of moments, the form of days."""
        super().add_error({"since": "first_day", "until": "last_day"}.get(field, field), error)


def _midnight(day, vendor):
    return datetime.combine(day, time(0), ZoneInfo(vendor.time_zone))


def _days(engagement):
    zone = ZoneInfo(engagement.vendor.time_zone)
    return {"first_day": engagement.since.astimezone(zone).date(), "last_day": (engagement.until.astimezone(zone) - DAY).date()}


def _number(name, label, **options):
    return forms.IntegerField(
        label=label,
        min_value=0,
        widget=_text(inputmode="numeric", size=6),
        help_text=HINTS[name],
        max_value=1_000_000,
        **options,
    )


class MandateForm(forms.Form):
    """What the vendor covers in one workflow."""

    workflow = forms.ModelChoiceField(Workflow.objects.all(), label=_("Workflow"), widget=UnfoldAdminSelectWidget())
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role.value, role.label) for role in VENDOR_ROLES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("An improver of a vendor only proposes. Approving and owning stay in-house, always."),
    )
    accepts = forms.ChoiceField(
        label=_("Who accepts people"),
        choices=Mandate.Accepts.choices,
        widget=UnfoldAdminSelectWidget(),
        initial=Mandate.Accepts.HOUSE,
    )
    share = _number("share", _("Share of the volume, in percent"))
    least_share = _number("least_share", _("At least"), initial=0)
    most_share = _number("most_share", _("At most"), initial=100)
    capacity = _number("capacity", _("Capacity"), required=False)
    peak_minutes = _number("peak_minutes", _("Takes more at a peak, above minutes of waiting"), required=False)
    price = AmountField(label=_("Price"), decimal_places=3)
    currency = forms.CharField(label=_("Currency"), max_length=3, widget=_text(placeholder="EUR", size=4))
    price_per = forms.ChoiceField(label=_("The price is"), choices=Mandate.PricePer.choices, widget=UnfoldAdminSelectWidget())
    answer_minutes = _number("answer_minutes", _("Service level: answered within minutes"), initial=480)
    answer_percent = _number("answer_percent", _("Service level: of the cases, percent"), initial=90)
    masked_fields = Words(
        label=_("Masked fields"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "placeholder": _("input.customer.email, context.order")}),
        help_text=_("Paths that the vendor's people never see, a comma or a line each."),
    )
    masked_patterns = forms.MultipleChoiceField(
        label=_("Masked wherever they stand"),
        required=False,
        choices=MaskedPattern.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        initial=list(MaskedPattern.values),
    )
    reveals_a_day = _number("reveals_a_day", _("Reveals a day"), initial=5)
    languages = Words(label=_("Languages"), widget=_text(placeholder=_("any")), help_text=HINTS["languages"])
    skills = Words(
        label=_("Skills"), widget=_text(placeholder=_("any")), help_text=_("Segments, categories or tags. None: any.")
    )

    def __init__(self, *args, given=None, workflows=None, **options):
        super().__init__(*args, label_suffix="", **options)
        if given:
            self.fields.pop("workflow")
            self.fields["reason"] = why()
            self.initial = {name: getattr(given, name) for name in self.fields if name != "reason"}
        else:
            self.fields["workflow"].queryset = workflows

    def clean_currency(self):
        return self.cleaned_data["currency"].strip().upper()


class ProposalForm(forms.Form):
    """One of the lead's people, or somebody new."""

    role = forms.ChoiceField(widget=UnfoldAdminSelectWidget(), label=_("For which work?"))
    person = forms.ModelChoiceField(
        User.objects.none(), required=False, empty_label=_("Somebody new"), widget=UnfoldAdminSelectWidget(), label=_("Who?")
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=150,
        widget=_text(autocomplete="off"),
        help_text=_("For somebody new: first and last name."),
    )
    username = forms.CharField(
        required=False,
        max_length=150,
        widget=_text(autocomplete="off"),
        label=_("User name"),
        help_text=_("For somebody new: to sign in with."),
    )
    email = forms.EmailField(
        required=False, widget=_text(autocomplete="off", type="email"), label=_("E-mail"), help_text=_("For somebody new.")
    )

    def __init__(self, mandate, *args, **options):
        super().__init__(*args, label_suffix="", **options)
        self.fields["role"].choices = [(role, Role(role).label) for role in mandate.roles]
        self.fields["person"].queryset = User.objects.filter(
            vendor=mandate.vendor, kind=User.Kind.PERSON, is_active=True
        ).order_by("first_name", "username")
