"""The forms of a calendar: its zone, its shifts and holidays as rows, and what to try on it. Faults stand at their row."""

import zoneinfo
from datetime import datetime, time

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from workflows import calendar
from workflows.calendar import WEEKDAYS, overlapping, zone_of
from workflows.models import Calendar, Holiday, Shift

MEANWHILE = _("Somebody changed this calendar meanwhile. Open it again in another tab, and enter your change there.")


def zones():
    return [(zone, zone.replace("_", " ")) for zone in sorted(zoneinfo.available_timezones())]


class Clock(forms.TimeField):
    """A time of day, as 09:00; 24:00 is midnight."""

    def __init__(self, *, placeholder="09:00", **options):
        widget = UnfoldAdminTextInputWidget(attrs={"placeholder": placeholder, "size": 6, "inputmode": "numeric"})
        super().__init__(input_formats=["%H:%M"], widget=widget, **options)

    def prepare_value(self, value):
        return f"{value:%H:%M}" if isinstance(value, time) else value

    def to_python(self, value):
        try:
            return super().to_python("00:00" if value == "24:00" else value)
        except ValidationError as fault:
            raise ValidationError(format_lazy(_("“{value}” is no time of day. Write it as 09:00."), value=value)) from fault


class CalendarForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=zones,
        initial="UTC",
        widget=UnfoldAdminSelectWidget(),
        help_text=_("The shifts are meant by the clock of this zone, in summer and in winter."),
    )

    class Meta:
        model = Calendar
        fields = ["name", "time_zone"]


class ShiftForm(forms.ModelForm):
    opens = Clock(label=_("From"))
    closes = Clock(label=_("To"), placeholder="17:00")

    class Meta:
        model = Shift
        fields = ["weekday", "opens", "closes"]

    def has_changed(self):
        """A new calendar begins with a week to change; what is left of it as it stands is meant, too."""
        return super().has_changed() or bool(self.initial and self.instance.pk is None)


class HolidayForm(forms.ModelForm):
    date = forms.DateField(
        label=_("Date"),
        input_formats=["%Y-%m-%d"],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-12-25", "size": 11}),
        error_messages={"invalid": _("Write the date as 2026-12-25.")},
    )
    opens = Clock(label=_("From"), required=False, placeholder=pgettext_lazy("hours", "closed"))
    closes = Clock(label=_("To"), required=False, placeholder=pgettext_lazy("hours", "closed"))

    class Meta:
        model = Holiday
        fields = ["date", "name", "opens", "closes"]

    def clean(self):
        cleaned = super().clean()
        for name, other in (("opens", "closes"), ("closes", "opens")):
            if cleaned.get(name) is None and cleaned.get(other) is not None and name not in self.errors:
                self.add_error(name, gettext("Say both times, or leave both empty for a closed day."))
        return cleaned


class Rows(forms.BaseInlineFormSet):
    """Rows that the verb will write: here they are only checked, alone and against one another."""

    def clean(self):
        super().clean()
        if any("id" in form.errors for form in self.forms):
            raise ValidationError(MEANWHILE)

    def kept(self) -> list:
        return [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]

    def values(self) -> list[tuple]:
        return [tuple(form.cleaned_data[name] for name in self.columns) for form in self.kept()]


class ShiftRows(Rows):
    columns = ("weekday", "opens", "closes")

    def clean(self):
        super().clean()
        if any(self.errors):
            return
        found = [(weekday, calendar.Shift(opens, closes)) for weekday, opens, closes in self.values()]
        for one, other in overlapping(found):
            weekday, shift = found[one]
            self.kept()[other].add_error(
                "opens",
                gettext("{WEEKDAYS} {shift} runs into this shift. Let one end before.").format(
                    WEEKDAYS=WEEKDAYS[weekday], shift=shift
                ),
            )


class HolidayRows(Rows):
    columns = ("date", "name", "opens", "closes")

    def get_unique_error_message(self, unique_check):
        return gettext("This day is named twice. Name each day once.")


class DueForm(forms.Form):
    """What to try: when would it be due?"""

    start = forms.DateTimeField(
        label=_("Comes in at"),
        input_formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"],
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2026-06-05 16:30"}),
        error_messages={"invalid": _("Write date and time as 2026-06-05 16:30.")},
    )
    hours = forms.DecimalField(
        label=_("Due within business hours"),
        min_value=0,
        max_value=24 * 366,
        max_digits=7,
        decimal_places=3,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        error_messages={"invalid": _("Write a number of hours, such as 8 or 0.5.")},
    )

    def __init__(self, *args, zone, **options):
        super().__init__(*args, label_suffix="", **options)
        self.zone = zone_of(zone)
        self.fields["start"].help_text = gettext("By the clock of {zone}.").format(zone=zone.replace("_", " "))

    def clean_start(self) -> datetime:
        start = self.cleaned_data["start"].replace(tzinfo=self.zone)
        if not 2000 <= start.year < 2100:
            raise ValidationError(_("Choose a day between 2000 and 2099."))
        return start
