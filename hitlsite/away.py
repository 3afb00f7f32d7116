"""The switch on My desk: away until a date, and back. It calls the verbs of `accounts.actions` and decides nothing."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import actions
from accounts.models import Absence
from audit import clock
from cases import until

OTHER = "other"


class AwayForm(forms.Form):
    """When one is back: one of the usual moments, or another, by one's own clock."""

    back = forms.ChoiceField(
        label=gettext_lazy("Back on"), error_messages={"required": gettext_lazy("Choose when you are back.")}
    )
    back_other = forms.DateTimeField(
        label=gettext_lazy("Another time"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": gettext_lazy("Write a date and a time, such as 2026-06-01 09:00.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Why? Others who look after the work can read it."), required=False, max_length=500
    )

    def __init__(self, typed=None):
        super().__init__(typed, label_suffix="", prefix="away")
        self.moments = until.choices(timezone.localtime(clock.now()))
        named = [(name, label) for name, (label, _at) in self.moments.items()]
        self.fields["back"].choices = [("", _("Choose")), *named, (OTHER, _("Another time, as written below"))]
        self.fields["back_other"].help_text = _("By the clock of %(zone)s.") % {"zone": timezone.get_current_timezone_name()}

    def clean(self):
        chosen, other = self.cleaned_data.get("back"), self.cleaned_data.get("back_other")
        if chosen == OTHER and not other and "back_other" not in self.errors:
            self.add_error("back_other", _("Write when you are back."))
        return self.cleaned_data

    def until(self):
        return self.cleaned_data["back_other"] or self.moments[self.cleaned_data["back"]][1]


def absence_of(user, now) -> Absence | None:
    return user.absences.at(now).select_related("stand_in").first()


def switch(request, show):
    """POST turns it. `show(form, status)` is My desk with what was wrong."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if "is_back" in request.POST:
        return _turned(
            request, lambda: actions.come_back(request.user, by=request.user), _("Welcome back. Work is given to you again.")
        )
    form = AwayForm(request.POST)
    if not form.is_valid():
        return show(form, 422)
    away = {"until": form.until(), "reason": form.cleaned_data["reason"]}
    told = _("You are away. Nothing is given to you, and what you hold is offered to others.")
    try:
        return _turned(request, lambda: actions.be_absent(request.user, by=request.user, **away), told)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return show(form, 422)


def _turned(request, turn, told):
    try:
        turn()
    except PermissionDenied as refusal:
        messages.error(request, str(refusal))
    except ValidationError as error:
        if "is_back" not in request.POST:
            raise
        messages.info(request, " ".join(error.messages))
    else:
        messages.success(request, told)
    return redirect("admin:index")
