"""Calendars in the admin: the week to look at, the next days in words, a box to try it, and the rows to change it by."""

from datetime import UTC

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from accounts.admin import LookedAt
from accounts.permissions import is_in_house_staff
from audit import clock
from workflows import calendar, calendars, week
from workflows.calendar import Hours, zone_of
from workflows.calendar_forms import CalendarForm, DueForm, HolidayForm, HolidayRows, ShiftForm, ShiftRows
from workflows.models import Calendar, Holiday, Shift

OFFICE_WEEK = [{"weekday": weekday, "opens": "09:00", "closes": "17:00"} for weekday in range(5)]


def may_define(request) -> bool:
    """Asked once a request: a page asks for every row and button."""
    if not hasattr(request, "may_define_hours"):
        request.may_define_hours = is_in_house_staff(request.user) and calendars.may_define_hours(request.user)
    return request.may_define_hours


class RowsOfACalendar(TabularInline):
    extra = 0
    hide_title = True

    def has_view_permission(self, request, obj=None):
        return is_in_house_staff(request.user)

    def has_change_permission(self, request, obj=None):
        return may_define(request)

    has_add_permission = has_delete_permission = has_change_permission


class ShiftInline(RowsOfACalendar):
    model, form, formset = Shift, ShiftForm, ShiftRows
    fields = ShiftRows.columns
    verbose_name_plural = _("shifts of a week")

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj else len(OFFICE_WEEK)


class HolidayInline(RowsOfACalendar):
    model, form, formset = Holiday, HolidayForm, HolidayRows
    fields = HolidayRows.columns
    verbose_name_plural = _("holidays, and days with other hours")


class CalendarAdmin(LookedAt):
    """Saved as a whole, by the one verb; Django's admin only draws and checks the rows."""

    form = CalendarForm
    inlines = [ShiftInline, HolidayInline]
    list_display = ["name", "time_zone", "open_now"]
    search_fields = ["name__istartswith"]
    change_form_outer_before_template = "workflows/calendar.html"

    class Media:
        css = {"all": ["workflows/calendar.css"]}

    def has_add_permission(self, request):
        return may_define(request)

    def has_change_permission(self, request, obj=None):
        return may_define(request)

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("shifts", "holidays")

    def get_urls(self):
        due = path("<int:calendar_id>/due/", self.admin_site.admin_view(self.due), name="workflows_calendar_due")
        return [due, *super().get_urls()]

    def get_formset_kwargs(self, request, obj, inline, prefix):
        begun = {} if obj.pk or not isinstance(inline, ShiftInline) else {"initial": OFFICE_WEEK}
        return {**super().get_formset_kwargs(request, obj, inline, prefix), **begun}

    def get_object(self, request, object_id, from_field=None):
        """Two who save at once wait for each other; then the second one's rows are no longer there, and he is told."""
        if request.method == "POST" and object_id.isdecimal() and self.has_change_permission(request):
            Calendar.objects.select_for_update().filter(pk=object_id).first()
        return super().get_object(request, object_id, from_field)

    def change_view(self, request, object_id, form_url="", extra_context=None):
        kept = self.get_object(request, object_id) if self.has_view_permission(request) else None
        shown = as_shown(kept) if kept and request.method == "GET" else {}  # after a refusal its sentence stands on top
        return super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})

    def save_model(self, request, obj, form, change):
        """It is written with its rows."""

    def save_related(self, request, form, formsets, change):
        shifts, holidays = (formset.values() for formset in formsets)
        told = {name: form.cleaned_data[name] for name in ("name", "time_zone")}
        known = form.instance if change else None
        made = calendars.define(known, by=request.user, shifts=shifts, holidays=holidays, **told)
        form.instance.__dict__.update(made.__dict__)  # the admin goes on with the row that the verb has made

    def construct_change_message(self, request, form, formsets, add=False):
        return ""  # the verb has recorded what changed

    def due(self, request, calendar_id):
        """The page of the box: what was tried, and when it would be due."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        kept = self.get_object(request, str(calendar_id))
        if kept is None:
            raise Http404(_("There is no such calendar."))
        if (hours := readable(kept)) is None:
            return redirect("admin:workflows_calendar_change", kept.pk)  # which says what is wrong
        form = DueForm(request.GET or None, zone=hours.zone, initial=as_tried(hours.zone))
        tried = answer(hours, form.cleaned_data) if form.is_valid() else {}
        page = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": kept,
            "title": gettext("Try {kept}").format(kept=kept),
        }
        return render(request, "workflows/due.html", {**page, "form": form, **tried}, status=422 if form.errors else 200)

    @display(description=_("Now"), label={"open": "success", "closed": "warning", "unreadable": "danger"})
    def open_now(self, kept):
        hours = readable(kept)
        if hours is None:
            return "unreadable", gettext("unreadable")
        if calendar.is_open(hours, clock.now()):
            return "open", pgettext("hours", "open")
        return "closed", pgettext("hours", "closed")


def readable(kept) -> Hours | None:
    """None where it cannot be read: its zone is gone."""
    try:
        return kept.hours
    except ValueError:
        return None


def as_shown(kept) -> dict:
    """The week, the days to come, and the box."""
    if (hours := readable(kept)) is None:
        return {
            "fault": gettext("There is no time zone “{time_zone}” any more. Choose another, and save.").format(
                time_zone=kept.time_zone
            )
        }
    here = clock.now().astimezone(zone_of(hours.zone))
    names = {holiday.date: holiday.name for holiday in kept.holidays.all()}
    return {
        "chart": week.chart(hours),
        "coming": week.days(hours, here.date(), 14, names),
        "open_now": calendar.is_open(hours, here),
        "here": here.replace(tzinfo=None),  # by the calendar's clock, not by the reader's
        "try": DueForm(zone=hours.zone, initial=as_tried(hours.zone)),
    }


def as_tried(zone: str) -> dict:
    return {"start": f"{clock.now().astimezone(zone_of(zone)):%Y-%m-%d %H:%M}", "hours": 8}


def answer(hours, tried) -> dict:
    """When it would be due, by the calendar's clock, and how long that is by any clock."""
    start, minutes, zone = tried["start"], float(tried["hours"] * 60), zone_of(hours.zone)
    try:
        then = calendar.add(hours, start, minutes).astimezone(zone)
    except ValueError as fault:
        return {"fault": str(fault)}
    days = (then.date() - start.date()).days + 1
    return {
        "then": then.replace(tzinfo=None),
        "later": week.length(then.astimezone(UTC) - start.astimezone(UTC)),
        "was_open": calendar.is_open(hours, start),
        "between": week.days(hours, start.date(), min(days, 31), {}),
        "left_out": max(days - 31, 0),
    }
