"""Requests for information as they are read: beside the case, on the desk of whoever is asked."""

from dataclasses import dataclass
from typing import Any

from audit import clock
from cases import prose
from cases.models import Inquiry
from cases.permissions import why_not
from cases.seen import Sight, rows, whole
from cases.talk import links
from cases.talk.reading import names_of


@dataclass
class Asked:
    """One question as it stands: by whom, of whom, until when, and what came of it."""

    row: Any
    by: str
    due: str
    is_late: bool
    is_open: bool
    link: str = ""  # for whoever may hand it out

    @property
    def whom(self):
        return self.row.pause.on_whom


def of(seen, user, standing) -> dict:
    """For a page about the case: what was asked, what is open of it, and whether one may hand out links and answer."""
    case, now = whole(seen), clock.now()
    found = [] if case.has_none("inquiries") else list(case.inquiries.select_related("pause", "answered_by"))
    asks = not why_not(user, "inquire", case, standing) if found else False
    names = names_of(found, user)
    asked = [_asked(row, as_read(seen, row), names[row.pk], now, asks) for row in found]
    return {
        "asked": asked,
        "news": [each for each in asked if each.row.answer and case.desk_since and each.row.answered_at >= case.desk_since],
        "open": sum(each.is_open for each in asked),
        "may_ask": asks,
        "may_answer": bool(found) and not why_not(user, "answer", case, standing),
    }


def _asked(row, told, by, now, asks) -> Asked:
    until = row.pause.until
    late = row.is_open and until is not None and until < now
    link = links.of(row) if asks and row.has_link(now) else ""
    return Asked(told, by, prose.due(until, now) if until else "", late, row.is_open, link)


def to_answer(user) -> list:
    """What this person is asked by name and has not answered, oldest first. It needs no right to the case."""
    found = Inquiry.objects.open().filter(to=user, answered_at=None).select_related("pause", "case__workflow", "by")
    sight = Sight(user)
    return [as_read(sight.of(inquiry.case, uncovered=False), inquiry) for inquiry in found]


def as_read(seen, inquiry):
    """The question, and on whom it waits, as whoever has this view of the case reads them."""
    [shown] = rows(seen, [inquiry])
    if shown is not inquiry:
        [shown.pause] = rows(seen, [inquiry.pause])
    return shown
