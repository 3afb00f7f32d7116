"""The switch on My desk: away from one moment to another, and back. It calls the verbs of `accounts.actions` and decides nothing."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import actions
from accounts.models import Absence
from audit import clock
from cases import until
from cases.forms import another_moment


class AwayForm(forms.Form):
    """From when, and when one is back: now or one of the usual moments, or another, by one's own clock."""

    since = forms.ChoiceField(label=gettext_lazy("Away from"), required=False)
    since_other = another_moment(gettext_lazy("Away from another time"))
    back = forms.ChoiceField(
        label=gettext_lazy("Back on"), error_messages={"required": gettext_lazy("Choose when you are back.")}
    )
    back_other = another_moment(gettext_lazy("Another time"))
    reason = forms.CharField(
        label=gettext_lazy("Why? Others who look after the work can read it."), required=False, max_length=500
    )

    def __init__(self, typed=None):
        super().__init__(typed, label_suffix="", prefix="away")
        self.moments = until.choices(timezone.localtime(clock.now()))
        named = [(name, label) for name, (label, _at) in self.moments.items()]
        other = (until.OTHER, _("Another time, as written below"))
        self.fields["since"].choices = [("", _("Now")), *named, other]
        self.fields["back"].choices = [("", _("Choose")), *named, other]
        for name in ("since_other", "back_other"):
            self.fields[name].help_text = _("By the clock of %(zone)s.") % {"zone": timezone.get_current_timezone_name()}

    def clean(self):
        for name, missing in (("since", _("Write from when you are away.")), ("back", _("Write when you are back."))):
            other = f"{name}_other"
            if self.cleaned_data.get(name) == until.OTHER and not self.cleaned_data.get(other) and other not in self.errors:
                self.add_error(other, missing)
        return self.cleaned_data

    def absence(self) -> dict:
        """As the verb asks it; `since`: nothing where it is now."""
        return {"since": self._chosen("since"), "until": self._chosen("back"), "reason": self.cleaned_data["reason"]}

    def _chosen(self, name):
        chosen = self.cleaned_data[name]
        return self.cleaned_data[f"{name}_other"] if chosen == until.OTHER else self.moments[chosen][1] if chosen else None

    def take(self, error):
        """What the verb refuses, at the field that it is about."""
        if not hasattr(error, "error_dict"):
            return self.add_error(None, error.messages)
        for name, said in error.message_dict.items():
            field = {"since": "since", "until": "back"}.get(name)
            other = f"{field}_other"
            self.add_error(other if self.cleaned_data.get(field) == until.OTHER else field, said)


def absences_of(user, now) -> tuple[Absence | None, list[Absence]]:
    """The one that goes on now, and those that are to come."""
    told = list(user.absences.not_over(now).select_related("stand_in").order_by("since"))
    return next((each for each in told if each.since <= now), None), [each for each in told if each.since > now]


def switch(request, show):
    """POST turns it. `show(form, status)` is My desk with what was wrong."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if "is_back" in request.POST:
        return _turned(
            request, lambda: actions.come_back(request.user, by=request.user), _("Welcome back. Work is given to you again.")
        )
    if "call_off" in request.POST:
        absence = get_object_or_404(request.user.absences, pk=_number(request.POST["call_off"]))
        return _turned(
            request, lambda: actions.call_off(absence, by=request.user), _("It is called off: you are not away then.")
        )
    form = AwayForm(request.POST)
    if not form.is_valid():
        return show(form, 422)
    away = form.absence()
    told = _("You are away. Nothing is given to you, and what you hold is offered to others.")
    later = _("It is noted. Until then nothing changes; you can call it off here.")
    try:
        return _turned(
            request, lambda: actions.be_absent(request.user, by=request.user, **away), later if away["since"] else told
        )
    except ValidationError as error:
        form.take(error)
        return show(form, 422)


def _number(text) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _turned(request, turn, told):
    try:
        turn()
    except PermissionDenied as refusal:
        messages.error(request, str(refusal))
    except ValidationError as error:
        if not {"is_back", "call_off"} & request.POST.keys():
            raise
        messages.info(request, " ".join(error.messages))
    else:
        messages.success(request, told)
    return redirect("admin:index")
