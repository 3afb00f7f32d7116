"""A list worked as a queue: from one of its cases to the next that is free. The right to decide stays in the gate.

It carries the list's filters and where in it one is, both in the address: nothing is kept, and two people may skim one list.
"""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext

from audit import clock
from audit.models import AuditEvent
from cases import gate, paging, queues, verbs
from cases.listing import Listing
from cases.models import Case
from cases.saved import address_of
from cases.seen import seen_by
from cases.states import DESKS
from cases.work_form import WorkForm
from integrations.problems import Conflict

AT_ONCE = 10  # cases looked at; each may be another's by the time one asks for it
LONGEST = 1000


@dataclass(frozen=True)
class Skim:
    """Which list, and the place of the case one is at; empty: before its first. The how many-th that is, and of how many there were at the first."""

    desk: str
    query: str
    at: str = ""
    number: int = 0
    total: str = ""

    @classmethod
    def of(cls, text, at="", number="", total="") -> "Skim | None":
        """As it stands in an address: the desk or “all”, a colon, the filters."""
        desk, colon, query = text.partition(":")
        if not colon or len(text) > LONGEST or desk not in ("all", *DESKS):
            return None
        known = re.fullmatch(r"[0-9]{1,5}", number) and re.fullmatch(r"[0-9]{1,5}\+?", total)
        return cls("" if desk == "all" else desk, query, at, *((int(number), total) if known else ()))

    @classmethod
    def worked(cls, request) -> "Skim | None":
        """The list one works, by the page's address, or by the form that was sent from it."""
        asked = request.GET if "skim" in request.GET else request.POST
        return cls.of(*(asked.get(name, "") for name in ("skim", "at", "number", "total")))

    @property
    def text(self) -> str:
        return f"{self.desk or 'all'}:{self.query}"

    @property
    def list_address(self) -> str:
        return address_of(self.desk, self.query)

    @property
    def as_query(self) -> str:
        return urlencode(
            {"skim": self.text, "at": self.at, **({"number": self.number, "total": self.total} if self.total else {})}
        )

    @property
    def told(self) -> str:
        """“2 of 4”; more may have come meanwhile."""
        if not self.total:
            return ""
        total = self.total if self.total.endswith("+") else max(int(self.total), self.number)
        return gettext("{number} of {total}").format(number=self.number, total=total)

    def address(self, case) -> str:
        """The workbench with that case, and where it stands in this list."""
        return bench(case, replace(self, at=paging.place_of(case, bool(self.desk)), number=self.number + 1))


def bench(case, worked: Skim | None) -> str:
    """The workbench with that case, and with the list one works."""
    where = reverse("admin:cases_case_work", args=[case.pk])
    return f"{where}?{worked.as_query}" if worked else where


def following(wanted: Skim, user) -> str | None:
    """The address of the next case of the list that this person holds now; of one he may only look at, where he may take none."""
    listing = Listing(user, QueryDict(wanted.query), wanted.desk)
    if not listing.is_valid:
        return None
    after, workable = wanted.at, listing.workable()
    while True:
        page = listing.page(after, size=AT_ONCE, cases=workable)
        if not after:  # how many there are is counted at the first, and carried along
            number, is_all = listing.count(page, workable)
            wanted = replace(wanted, number=0, total=f"{number}{'' if is_all else '+'}")
        for pk in page.ids:
            if case := _taken(pk, user):
                return wanted.address(case)
        if not page.after or page.looked_back_to is not None:
            return None
        after = page.after


def leave(case_id, user, typed):
    """Passed over untouched it is anybody's again: given back, where he holds it, it was not handed to him, and he did nothing on it."""
    case = Case.objects.visible_to(user).filter(pk=case_id, claimed_by=user, claimed_until__gt=clock.now()).first()
    if case is None or case.assigned_to_id == user.pk or _is_begun(case, user, typed):
        return
    with suppress(Conflict, PermissionDenied, Case.DoesNotExist):  # it may be out of his hands by now
        queues.give_back(case.pk, by=user)


def _is_begun(case, user, typed) -> bool:
    """Whether he chose or changed something, or did anything since he took it."""
    if "verb" in typed:
        return True
    standing = gate.standing(case, user)
    form = WorkForm(verbs.offered(case, user, standing, clock.now()), seen_by(case, user), user, standing, typed)
    since = case.claims.filter(ended_at=None).values_list("since", flat=True).first() or clock.now()  # none: it ended just now
    his = AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, actor_id=user.pk, at__gte=since)
    return bool(form.typed()) or his.exists()


def _taken(case_id, user) -> Case | None:
    """The case, claimed where that is his to do; None where somebody was faster."""
    case = Case.objects.visible_to(user).select_related("workflow", "claimed_by").filter(pk=case_id).first()
    if case is None:
        return None
    now, standing = clock.now(), gate.standing(case, user)
    if verbs.refusal(case, "claim", user, standing) or not case.is_open:
        return case  # to look at
    if case.held_by(now) == user.pk:
        return case
    try:
        return queues.claim(case.pk, by=user)
    except (Conflict, Case.DoesNotExist):
        return None
