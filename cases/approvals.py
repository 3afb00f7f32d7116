"""The approvals: what waits for this person's yes or no, a card a case, and each decided in its card. A door: it asks, calls and shows.

The list asks the database the same number of questions however many cards it has; what costs one a case (a duplicate side by
side, what came of this customer before) stands on the card's own page.
"""

from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Exists, F, OuterRef, Prefetch, Q, Subquery
from django.db.models.functions import Least
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.roles import Role
from accounts.strict import strict_page
from audit import clock
from cases import approver, customers, gate, pages, precedents, prose, rulings, twins, verbs, way_back
from cases.deciding import Deciding, Page, typed_in
from cases.models import Alert, Attachment, Case, Comment, Decision, Inquiry, Pause
from cases.seen import Sight, decisions, said, seen_by, whole
from cases.states import APPROVAL
from cases.talk import beside
from cases.work_form import WorkForm
from workflows.models import Delegation, Seat

OFFERED = ("approve", "edit", "reject", "send_back", "retract", "recall", "extend", "break_glass")
KEYS = {"approve": "a", "edit": "c", "reject": "x", "send_back": "b", "retract": "t", "recall": "l"}
ORDERS = {
    "deadline": ("deadline", F("amount").desc(nulls_last=True), "id"),
    "amount": (F("amount").desc(nulls_last=True), "deadline", "id"),
}
A_PAGE = 8
LOOKED_AT = 200  # the nearest by the order asked for: of these it is worked out who may decide them
HEAVY = (
    "input",
    "context",
    "output",
    "standing_output",
    "confidences",
    "alternatives",
    "reasons",
    "received_action",
    "sent_action",
)


def where_one_approves(user, now) -> Q:
    """Of cases: those of the workflows in which this person has an approver's seat, or one is lent to him."""
    seats = Seat.objects.live().filter(user=user, role=Role.APPROVER)
    lent = Delegation.objects.at(now).filter(to=user)
    return Q(workflow__in=seats.values("workflow")) | Q(workflow__in=lent.values("seat__workflow"))


def approves(user, now) -> bool:
    """Whether this person approves anywhere."""
    lent = Delegation.objects.at(now).filter(to=user)
    return user.is_in_house and (Seat.objects.live().filter(user=user, role=Role.APPROVER).exists() or lent.exists())


class ApprovalPages(Deciding):
    """For the case's admin: the approvals, and one of them by itself."""

    def approval_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("approvals/", strict_page(wrap(self.approvals_page)), name="cases_approvals"),
            path("<int:case_id>/approval/", strict_page(wrap(self.approval_page)), name="cases_case_approval"),
        ]

    def approvals_page(self, request):
        user, now = request.user, clock.now()
        if not approves(user, now):
            raise PermissionDenied(NOT_AN_APPROVER)
        order = request.GET.get("by") if request.GET.get("by") in ORDERS else "deadline"
        waiting = waits(user, now, order)
        standings = gate.standings(waiting, user)
        offered = {case.pk: verbs.offered(case, user, standings[case.pk], now, OFFERED) for case in waiting}
        mine = [case for case in waiting if "approve" in dict(offered[case.pk])]
        shown = Paginator(mine, A_PAGE).get_page(request.GET.get("page"))
        names = approver.named(*standings.values())
        others = [other(case, user, standings[case.pk], offered[case.pk], names, now) for case in waiting if case not in mine]
        page = {
            "cards": cards([case.pk for case in shown], user, standings, offered, names, now),
            "shown": shown,
            **counted(waiting, mine),
            "others": others,
            "there_are_more": len(waiting) == LOOKED_AT,
            "order": order,
            "orders": {"deadline": _("By deadline"), "amount": _("By amount")},
        }
        return self._show_approvals(request, "approvals", {**page, "title": _("Approvals")})

    def approval_page(self, request, case_id):
        if not approves(request.user, clock.now()):
            self.one(request, case_id)
            raise PermissionDenied(NOT_AN_APPROVER)
        return self.decide(request, case_id, Page(self._card, self._approved, OFFERED))

    def _card(self, request, seen, form, standing, status, refusal):
        """One card on a page of its own; a script puts it in the place of the one on the list."""
        user, now = request.user, clock.now()
        made = card(seen, user, standing, form, precedents.of_all([whole(seen)], user)[seen.pk], approver.named(standing), now)
        more = {"refusal": said(seen, refusal), "chosen": request.POST.get("verb") or request.GET.get("verb") or form.begun}
        more |= {
            "typed": typed_in(request.POST),
            "alone": True,
            "earlier": customers.earlier(seen, user),
            "also_open": customers.also_open(seen, user),
            "twins": twins.of(seen, user),
            **beside.the_case(seen, user, standing),
        }
        page = {"cards": [{**made, **more}], "title": str(seen)}
        return self._show_approvals(request, "approval", page, status)

    def _approved(self, request, case, desk, name, words=""):
        """A script is given words in the card's place; without one the list comes anew, with the words over it."""
        words = words or pages.outcome(seen_by(case, request.user, uncovered=False), name, True)
        if "HX-Request" in request.headers:
            return self._show_approvals(request, "approval", {"cards": [{"case": case, "done": words}], "title": str(case)})
        messages.success(request, words)
        return redirect("admin:cases_approvals")

    def _show_approvals(self, request, template, page, status=200):
        site = self.admin_site.each_context(request)
        return render(request, f"cases/{template}.html", {**site, **page, "keys": KEYS}, status=status)


OF_THE_CASE = {"case": OuterRef("pk")}
BESIDE = {  # whether there is any, by the place on the page of the case itself
    "talk": Exists(Comment.objects.filter(**OF_THE_CASE)),
    "asked": Exists(Inquiry.objects.filter(**OF_THE_CASE)),
    "files": Exists(Attachment.objects.there().filter(**OF_THE_CASE)),
}
PLACES = {"talk": gettext_lazy("Comments"), "asked": gettext_lazy("Asked of others"), "files": gettext_lazy("Files")}
NOT_AN_APPROVER = gettext_lazy("The approvals are for approvers. What waits for one stands among all cases.")


class Other(NamedTuple):
    """A case that waits for somebody else's approval, and why not for this person's."""

    case: Case
    why: str
    offered: list
    beyond: approver.Limit | None = None  # where it is his limit: to be said with amounts as they read


def other(case, user, standing, offered, names, now) -> Other:
    reach = approver.limit(case, user, standing, names)
    beyond = reach if approver.is_beyond(reach, case, user, standing) else None
    return Other(case, why_not_he(case, user, standing, now), offered, beyond)


def counted(waiting, mine) -> dict[str, int]:
    """How many wait for this person's decision, of how many at the desk: as the badge counts, without those whose clock stands."""
    running = [case for case in waiting if case.paused_since is None]
    his = sum(case.paused_since is None for case in mine)
    return {"number": his, "at_desk": len(running), "paused": len(waiting) - len(running)}


def waits(user, now, order) -> list[Case]:
    """What waits for approval where this person approves; without its content, which is fetched for the cards alone."""
    cases = Case.objects.visible_to(user).filter(where_one_approves(user, now), state=APPROVAL)
    cases = cases.annotate(deadline=Least("expires_at", "due_at")).select_related("workflow", "claimed_by")
    return list(cases.defer(*HEAVY).order_by(*ORDERS[order])[:LOOKED_AT])


def why_not_he(case, user, standing, now) -> str:
    return verbs.refusal(case, "approve", user, standing) or verbs.not_now(case, "approve", user, now)


def cards(keys, user, standings, offered, names, now) -> list[dict]:
    """Everything that the cards of these cases show, in their order."""
    found = (
        Case.objects.visible_to(user)
        .annotate(unanswered=Subquery(rulings.unanswered().filter(case=OuterRef("pk")).values("words")[:1]), **BESIDE)
        .select_related(*pages.RELATED)
        .prefetch_related(
            Prefetch("decisions", Decision.objects.told(), to_attr="told_decisions"),
            Prefetch("pauses", Pause.objects.open().select_related("by"), to_attr="open_pauses"),
            Prefetch("alerts", Alert.objects.open(), to_attr="open_alerts"),
            "workflow__playbook",
        )
    )
    cases = found.in_bulk(keys)
    known = precedents.of_all(list(cases.values()), user)
    made = []
    for seen in Sight(user).of_all([cases[pk] for pk in keys if pk in cases]):
        form = WorkForm(offered[seen.pk], seen, user, standings[seen.pk])
        made.append(card(seen, user, standings[seen.pk], form, known[seen.pk], names, now))
    return made


def card(seen, user, standing, form, known, names, now) -> dict[str, Any]:
    """What one card shows beside its form."""
    case = whole(seen)
    return {
        **pages.content(seen),
        **pages.due(seen, now),
        "case": seen,
        "form": form,
        "form_id": f"decide-{case.pk}",
        **form.choices(),
        "is_open": case.state == APPROVAL,
        "why_not": said(seen, verbs.why_not_the_main_verb(case, user, standing, now)),
        "ways_back": way_back.of_each(case, form.verbs, standing),
        "expires": prose.to_approve(case.expires_at, now) if case.expires_at else "",
        "has_expired": case.has_expired(now),
        "alerts": pages.alerts_for(seen, user),
        "unanswered": said(seen, _unanswered(case)),
        "before": [pages.decided(seen, each) for each in decisions(seen)],
        "precedents": known,
        "beside": [(label, place) for place, label in PLACES.items() if getattr(case, place, False)],
        "links": {"here": reverse("admin:cases_case_approval", args=[case.pk]), "story": pages.address(case)},
        **approver.beside(case, user, standing, names),
    }


def _unanswered(case) -> str:
    """The last question of this case that the owner of policy has not ruled on; a list has asked for those of all its cards at once."""
    if hasattr(case, "unanswered"):
        return case.unanswered or ""
    return rulings.unanswered().filter(case=case).values_list("words", flat=True).first() or ""
