"""Moments in sentences that were made for everybody: kept in UTC, read in the reader's zone."""

import re
from datetime import UTC, date, datetime, time

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop

from audit import clock
from audit.phrases import retold

TIME = r"(?P<time>\d\d:\d\d(?::\d\d)?) UTC"
DAY = r"(?P<day>\d{4}-\d\d-\d\d)"
WEEKDAY = r"(?P<weekday>[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}), "
SAID = [
    re.compile(form)
    for form in (
        rf"{DAY}(?P<between>\D{{1,12}}?){TIME}",
        rf"{TIME}(?P<between>\D{{1,12}}?){DAY}",
        WEEKDAY + TIME,
        rf"(?<!\d, ){TIME}",
    )
]
LIKE = "D j M Y"
gettext_noop(" at ")  # the day and the hour, as `kept` has them
A_FACT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00:00")  # as an event keeps a moment among its facts


def told(kept) -> str:
    """A kept sentence or fact in the reader's language and zone."""
    return at_home(retold(kept))


def kept(moment) -> str:
    """“2026-06-01 at 12:00 UTC”: as a sentence has it that is made for everybody, for `told` to read."""
    return f"{moment.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"


def when(moment) -> str:
    """By the reader's clock, as every sentence writes it."""
    return date_format(timezone.localtime(moment), "j M Y, H:i")


def read(kept) -> str:
    """A fact that is nothing but a moment of ours, as ISO has it; as it is kept where it is none."""
    try:
        moment = datetime.fromisoformat(kept)
    except (TypeError, ValueError):
        return kept
    return when(moment) if moment.tzinfo else kept


def at_home(text):
    """“2026-06-01 at 12:00 UTC” → “1 Jun 2026 at 14:00 CEST”. A time without a day is of today, as the offset has it.

    What has no moment in it comes back as it is: a sentence with a link in it stays one.
    """
    if A_FACT.search(text):
        text = A_FACT.sub(lambda found: read(found[0]), text)
    for form in SAID:
        if form.search(text):
            text = form.sub(_local, text)
    return text


def _local(found) -> str:
    said = found.groupdict()
    try:
        moment = timezone.localtime(_moment(said))
    except ValueError:  # no such day or hour: it is no moment of ours
        return found[0]
    told = f"{moment:%H:%M:%S %Z}" if said["time"].count(":") == 2 else f"{moment:%H:%M %Z}"
    if said.get("weekday"):
        return f"{date_format(moment, LIKE)}, {told}"
    if not said.get("day"):
        return told
    parts = [date_format(moment, "j M Y"), told]
    between = said["between"]
    return gettext(between).join(parts if found.start("day") < found.start("time") else parts[::-1])


def _moment(said) -> datetime:
    if said.get("weekday"):
        day = datetime.strptime(said["weekday"], "%a %d %b %Y").date()
    else:
        day = date.fromisoformat(said["day"]) if said.get("day") else clock.now().date()
    return datetime.combine(day, time.fromisoformat(said["time"]), UTC)
