"""What the demo's vendors are engaged for, and who is there when: Manila by night, Lisbon by day, and some hours nobody."""

from datetime import date, time, timedelta
from decimal import Decimal

from accounts.models import Vendor
from workflows import actions, calendars

LISBON, MANILA = "Lisbon Support", "Manila Assist"
A_DAY = timedelta(days=1)
# vendor → its zone, shifts (weekdays, from, to), a holiday
HOURS = {
    LISBON: ("Europe/Lisbon", [(range(6), time(9), time(19))], (6, 10, "Portugal Day")),
    MANILA: ("Asia/Manila", [(range(5), time(6), time(14)), (range(4), time(22), time(2))], (6, 12, "Independence Day")),
}
MANDATES = {  # what each covers in every workflow
    LISBON: {
        "roles": ["reviewer"],
        "accepts": "vendor",
        "share": 20,
        "least_share": 10,
        "most_share": 40,
        "capacity": 60,
        "price": Decimal("0.90"),
        "currency": "EUR",
        "answer_minutes": 240,
        "answer_percent": 95,
        "masked_fields": ["input.customer.email"],
        "peak_minutes": 120,
    },
    MANILA: {
        "roles": ["reviewer", "resolver", "improver"],
        "share": 15,
        "most_share": 50,
        "capacity": 80,
        "price": Decimal("14.50"),
        "currency": "USD",
        "price_per": "hour",
        "answer_minutes": 480,
        "answer_percent": 90,
        "masked_fields": ["context"],
        "reveals_a_day": 2,
        "peak_minutes": 240,
    },
}


def sign(now, *, by):
    """A contract each, since before the demo begins."""
    for name in (LISBON, MANILA):
        vendor = Vendor.objects.get(name=name)
        about = {"name": "Back office", "since": now - 30 * A_DAY, "until": now + 365 * A_DAY}
        actions.engage(vendor, by=by, coverage=_hours(name, now.year, by=by), **about)


def mandate(workflow, *, by):
    for vendor in Vendor.objects.all():
        actions.mandate(vendor.engagements.get(), workflow, by=by, **MANDATES[vendor.name])


def _hours(name, year, *, by):
    zone, shifts, (month, day, holiday) = HOURS[name]
    week = [(weekday, opens, closes) for weekdays, opens, closes in shifts for weekday in weekdays]
    closed = [(date(year, month, day), holiday, None, None)]
    return calendars.define(None, by=by, name=name, time_zone=zone, shifts=week, holidays=closed)
