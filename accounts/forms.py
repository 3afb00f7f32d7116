"""The forms of people, vendors and keys."""

import zoneinfo

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserCreationForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import ApiKey, User, Vendor
from accounts.roles import IN_HOUSE_ONLY, KEY_VERBS
from accounts.verbs_told import OF_AN_INTEGRATION, TOLD

KINDS = [choice for choice in User.Kind.choices if choice[0] != User.Kind.MACHINE]


def zones():
    return [(zone, zone.replace("_", " ")) for zone in sorted(zoneinfo.available_timezones())]


class Zoned(forms.ModelForm):
    """With the time zone as a list to choose from."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zones,
        initial="UTC",
        widget=UnfoldAdminSelectWidget(),
        help_text=_("Times are shown in it."),
    )


class SettingsForm(forms.Form):
    """One's own language and time zone."""

    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("As the browser says")), *settings.LANGUAGES]
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones, help_text=_("Times are shown in it."))


class VendorForm(Zoned):
    class Meta:
        model = Vendor
        fields = ["name", "time_zone"]


class PersonForm(Zoned):
    """Who somebody is. Whether he may sign in to the admin follows from what he is."""

    class Meta:
        model = User
        fields = [
            "username", "first_name", "last_name", "email", "kind", "vendor", "office", "answers_for", "time_zone", "language",
            "is_active",
        ]  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:
            self.fields["kind"].choices = KINDS

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("vendor") and cleaned.get("office") in IN_HOUSE_ONLY:
            self.add_error(
                "office", gettext("Managers, auditors and administrators are in-house people. Choose another office.")
            )
        if cleaned.get("answers_for") and cleaned.get("kind") != User.Kind.INTEGRATION:
            self.add_error("answers_for", gettext("Only an integration has a person behind it."))
        return cleaned

    def save(self, commit=True):
        self.instance.is_staff = self.instance.kind == User.Kind.PERSON
        return super().save(commit)


class NewPersonForm(PersonForm, UserCreationForm):
    """The same, with the first password; an integration needs none, it signs in with its key."""

    class Meta(PersonForm.Meta):
        fields = [name for name in PersonForm.Meta.fields if name != "is_active"]


def verbs_to_give():
    """Each verb with what it does; those of an integration first."""
    return [
        (verb, format_lazy("{verb}: {does}", verb=verb.replace("_", " ").capitalize(), does=TOLD[verb]))
        for verb in sorted(KEY_VERBS, key=lambda verb: verb not in OF_AN_INTEGRATION)
    ]


class VerbsField(forms.MultipleChoiceField):
    def __init__(self, **options):
        super().__init__(choices=verbs_to_give(), widget=UnfoldAdminCheckboxSelectMultipleWidget(), **options)
        self.widget.option_template_name = "accounts/verb.html"  # a line that may be long wraps, where the usual one is cut


class NewKeyForm(forms.Form):
    """What a new key opens, at most: never more than its user may."""

    user = forms.ModelChoiceField(
        User.objects.exclude(kind=User.Kind.MACHINE).filter(is_active=True).order_by("kind", "username"),
        label=_("Whose?"),
        widget=UnfoldAdminSelectWidget(),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("Where it is used, such as “shop, production”."),
    )
    mode = forms.ChoiceField(label=_("Mode"), choices=ApiKey.Mode.choices, widget=UnfoldAdminSelectWidget())
    verbs = VerbsField(
        label=_("Verbs"),
        initial=OF_AN_INTEGRATION,
        help_text=_(
            "Ticked is what an integration that sends needs. A person's key takes the verbs of what he does at the desks."
        ),
        error_messages={"required": _("Choose at least one verb.")},
    )
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2027-01-31 12:00"}),
        help_text=_("In your time zone. Empty: never."),
        error_messages={"invalid": _("Write the day and the time as 2027-01-31 12:00.")},
    )


class Moment(forms.DateTimeField):
    """A day and a time in the zone of whoever reads the page, which its help names."""

    default_error_messages = {"invalid": _("Write the day and the time as 2027-01-31 12:00.")}

    def __init__(self, *, then="", example="2027-01-31 12:00", **options):
        widget = UnfoldAdminTextInputWidget(attrs={"placeholder": example, "autocomplete": "off"})
        super().__init__(widget=widget, help_text=_in_the_zone(then), **options)


def _zoned(then):
    return (
        gettext("As 2027-01-31 12:00, in {get_current_timezone_name} time. {then}")
        .format(get_current_timezone_name=timezone.get_current_timezone_name(), then=then)
        .strip()
    )


_in_the_zone = lazy(_zoned, str)


class AbsenceForm(forms.Form):
    """From when until when somebody is away, and who acts meanwhile for what he owns."""

    since = Moment(label=_("From"), then=_("Empty: from now on."), example="2027-01-24 18:00", required=False)
    until = Moment(
        label=_("Back on"), example="2027-01-31 08:00", then=_("Until then nothing is assigned and nothing can be approved.")
    )
    stand_in = forms.ModelChoiceField(
        User.objects.filter(kind=User.Kind.PERSON, vendor=None, is_active=True).order_by("first_name", "username"),
        label=_("Stand-in"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text=_("Acts as owner of what this person owns. To approve in his place, delegate the seat as well."),
    )
    reason = forms.CharField(label=_("Why?"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))


class MomentForm(forms.Form):
    """A moment to look back at."""

    at = Moment(label=_("As of"), then=_("Empty: now."), required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why?"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        error_messages={"required": _("Say why.")},
        help_text=_("It stays in the history, with your name."),
    )


class IdentityForm(ReasonForm):
    """By which name the house's identity provider knows somebody."""

    subject = forms.CharField(
        label=_("Subject"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("The provider's own number for the person (“sub”), not a name and not an address."),
    )
    field_order = ["subject", "reason"]

    def __init__(self, *args, subject="", **kwargs):
        super().__init__(*args, initial={"subject": subject}, **kwargs)
