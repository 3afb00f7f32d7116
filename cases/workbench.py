"""The workbench: one case and the whole decision about it on one screen. A door: it asks, calls and shows.

Without a script it is a plain form and reloads; with one (`desk/desk.js`) the next case comes in its place, and keys work.
"""

from urllib.parse import urlsplit

from django.http import Http404, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.urls import path, resolve
from django_htmx.http import HttpResponseClientRedirect

from accounts.strict import strict_page
from audit import clock
from cases import (
    approver,
    customers,
    gate,
    pages,
    precedents,
    prose,
    queues,
    rulings,
    skim,
    standard,
    twins,
    unfinished,
    verbs,
    way_back,
)
from cases.deciding import Deciding, Page
from cases.forms import VerbForm
from cases.models import Case
from cases.seen import is_blind, rows, said, seen_by, whole
from cases.states import APPROVAL, RESOLUTION, REVIEW
from cases.talk import beside
from cases.work_form import WorkForm
from integrations.problems import Conflict
from scorecards import actions as scorecards
from scorecards import scoring
from workflows.models import compiled_policy

KEYS = {
    "own_answer": "o", "accept": "a", "approve": "a", "correct": "c", "edit": "c", "resolve": "r", "no_action": "d", "escalate": "e", "reject": "x",
    "send_back": "b", "skip": "s", "snooze": "z", "pause": "p", "inquire": "i", "go_on": "g", "hand_over": "h", "retract": "t", "recall": "l", "undo": "u", "reveal": "v", "ask": "q",
}  # fmt: skip


class WorkPages(Deciding):
    """For the case's admin: the workbench, and what it asks while somebody works."""

    def work_urls(self):
        pages = (
            ("work", self.work_page),
            ("heartbeat", self.heartbeat),
            ("score", self.score_page),
            ("whole", self.whole_page),
        )
        wrap = self.admin_site.admin_view
        return [
            *(path(f"<int:case_id>/{name}/", strict_page(wrap(page)), name=f"cases_case_{name}") for name, page in pages),
            *(
                path(f"<int:case_id>/{name}/", strict_page(wrap(self.take_page)), {"name": name}, f"cases_case_{name}")
                for name in ("claim", "give_back")
            ),
        ]

    def work_page(self, request, case_id):
        return self.decide(request, case_id, Page(self._bench, self._done))

    def take_page(self, request, case_id, name):
        """Take it, or give it back: the button is the whole form."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            case = self.one(request, case_id)
        except Http404:
            return self.lost(request, case_id)
        desk, standing = case.state, gate.standing(case, request.user)
        try:
            return self._done(request, verbs.VERBS[name].act(case.pk, by=request.user), desk, name)
        except pages.REFUSALS as error:
            offered = verbs.offered(case, request.user, standing, clock.now())
            form = WorkForm(offered, seen_by(case, request.user), request.user, standing)
            told = pages.refused(error)
            return self._bench(request, form.case, form, standing, told.status, told.words)

    def _done(self, request, done, desk, name, words=""):
        if name == "undo":
            done = taken_again(done, request.user)
        seen = Case.objects.visible_to(request.user).filter(pk=done.pk).exists()
        words = words or pages.outcome(seen_by(done, request.user, uncovered=False), name, seen)
        self.message_user(request, words, "success")
        return followed(request, self._go_on(request, done, desk, verbs.VERBS[name], seen))

    def _bench(self, request, seen, form, standing, status=200, refusal=""):
        """`seen`: the case as whoever asks sees it; masking a long text costs, so it is done once."""
        beside.ask_what_there_is(seen)
        unfinished.put_back(form)
        site, now = self.admin_site.each_context(request), clock.now()
        worked = skim.Skim.worked(request)
        shown = {
            **pages.content(seen),
            **bench(seen, request.user, standing, now),
            "form": form,
            **form.choices(),
            "chosen": request.POST.get("verb")
            or request.GET.get("verb")
            or form.begun
            or ("own_answer" if "own_answer" in form.verbs else ""),
            "refusal": said(seen, refusal),
            "keys": KEYS,
            "ways_back": way_back.of_each(whole(seen), form.verbs, standing),
            "here": skim.bench(seen, worked),
            "skim": worked,
        }
        return render(request, "cases/work.html", {**site, "title": str(seen), "case": seen, **shown}, status=status)

    def heartbeat(self, request, case_id):
        """Still at it: the lease runs anew. 409 where it is over or somebody else has it; the page keeps what was typed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        case = self.one(request, case_id)
        try:
            held = queues.heartbeat(case.pk, by=request.user)
        except Conflict as lost:
            return JsonResponse({"detail": str(lost)}, status=409)
        return JsonResponse({"seconds": int((held.claimed_until - clock.now()).total_seconds())})

    def whole_page(self, request, case_id):
        """What came in without the cut that keeps the workbench quick."""
        seen = seen_by(self.one(request, case_id), request.user)
        site = self.admin_site.each_context(request)
        return render(
            request, "cases/whole.html", {**site, "title": str(seen), "case": seen, **pages.content(seen, whole=True)}
        )

    def score_page(self, request, case_id):
        """The arithmetic of the marks as they stand on the page. Nothing is kept."""
        case = self.one(request, case_id)
        return render(request, "cases/score.html", score_of(seen_by(case, request.user), request.user, request.POST))


def taken_again(case, user) -> Case:
    """What he took back he goes on with: it is his, where he may hold it."""
    at_hand = case.state in (REVIEW, RESOLUTION) and not verbs.refusal(case, "claim", user, gate.standing(case, user))
    return verbs.VERBS["claim"].act(case.pk, by=user) if at_hand else case


def followed(request, going):
    """A script may put a workbench in place of this one; to any other page the browser goes itself."""
    if "HX-Request" not in request.headers or resolve(urlsplit(going.url).path).url_name == "cases_case_work":
        return going
    return HttpResponseClientRedirect(going.url)


def sent_here(seen, last) -> dict:
    """Who brings a case to another desk says why, and whoever works it there reads that first. `last`: its last decision."""
    if is_blind(seen) or not last.get("reason") or last["to"] != seen.state or last["desk"] == seen.state:
        return {}
    return {"done": verbs.DONE[last["verb"]], "reason": said(seen, last["reason"])}


def ticked_before(seen, last) -> list:
    """The decisions at approval with which somebody ticked the standard off; asked for only where somebody decided before."""
    if is_blind(seen) or not last:
        return []
    return rows(seen, whole(seen).decisions.exclude(standard=None).select_related("by"))


def bench(seen, user, standing, now) -> dict:
    """What the workbench shows beside the form."""
    case = whole(seen)
    holder = case.held_by(now)
    return {
        "holder": case.claimed_by if holder else None,
        "is_mine": holder == user.pk,
        "seconds_left": int((case.claimed_until - now).total_seconds()) if holder else 0,
        "lease": compiled_policy(case.policy_id).rules.lease_seconds,
        "may_claim": not holder and case.is_open and not verbs.refusal(case, "claim", user, standing),
        **pages.due(seen, now),
        "expires": prose.to_approve(case.expires_at, now) if case.expires_at else "",
        "approver": for_an_approver(case, user, standing) if case.state == APPROVAL else None,
        "why_not": pages.why_not(seen, verbs.why_not_the_main_verb(case, user, standing, now)),
        "twins": twins.of(seen, user),
        "earlier": customers.earlier(seen, user),
        "also_open": customers.also_open(seen, user),
        "alerts": pages.alerts_for(seen, user),
        "sent_here": sent_here(seen, standing.last),
        "ticked_before": ticked_before(seen, standing.last),
        "playbook": playbook(case),
        "rulings": rulings.of(seen),
        "story_link": pages.address(case),
        **beside.the_case(seen, user, standing),
    }


def for_an_approver(case, user, standing) -> dict:
    """The same as on a card of the approvals."""
    known = precedents.of_all([case], user)[case.pk]
    return {**approver.beside(case, user, standing, approver.named(standing)), "precedents": known, "form_id": "work"}


def playbook(case) -> dict:
    """The standard: by the key of the criterion it explains, and the sections that are of none."""
    by_criterion, rest = {}, []
    for section in standard.sections(case.workflow):
        by_criterion.setdefault(f"mark.{section.criterion}", []).append(section) if section.criterion else rest.append(section)
    return {"by_criterion": by_criterion, "rest": rest}


def score_of(case, user, typed) -> dict:
    """The score of what is marked, or what is wrong with it."""
    accept = verbs.VERBS["accept"]
    form = VerbForm(accept.parts, case, user, typed)
    card = accept.parts[0].card(case)
    if card is None or not form.is_valid():
        return {"faults": [fault for each in form.errors.values() for fault in each]}
    try:
        return {"score": scoring.score(card, scorecards.read_marks(form.arguments().get("marks"))), "card": card}
    except scoring.BadMarks as error:
        return {"faults": error.sentences}
