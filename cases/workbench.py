"""The workbench: one case and the whole decision about it on one screen. A door: it asks, calls and shows.

Without a script it is a plain form and reloads; with one (`desk/desk.js`) the next case comes in its place, and keys work.
"""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from django.urls import path, resolve
from django_htmx.http import HttpResponseClientRedirect

from accounts.strict import strict_page
from audit import clock
from cases import again, chains, customers, gate, pages, prose, queues, twins, verbs
from cases.forms import VerbForm
from cases.models import Case
from cases.seen import said, seen_by, whole
from cases.states import APPROVAL
from cases.work_form import WorkForm
from integrations.problems import Conflict
from scorecards import actions as scorecards
from scorecards import scoring
from workflows.models import compiled_policy

KEYS = {
    "accept": "a", "approve": "a", "correct": "c", "edit": "c", "resolve": "r", "no_action": "n", "escalate": "e", "reject": "x",
    "send_back": "b", "skip": "s", "snooze": "z", "pause": "p", "go_on": "g", "hand_over": "h", "recall": "l", "undo": "u", "reveal": "v",
}  # fmt: skip
FIRST = ("accept", "correct", "resolve", "no_action", "approve", "edit", "reject", "escalate", "send_back")


class WorkPages:
    """For the case's admin: the workbench, and what it asks while somebody works."""

    def work_urls(self):
        pages = (("work", self.work_page), ("heartbeat", self.heartbeat), ("score", self.score_page))
        wrap = self.admin_site.admin_view
        return [path(f"<int:case_id>/{name}/", strict_page(wrap(page)), name=f"cases_case_{name}") for name, page in pages]

    def work_page(self, request, case_id):
        """GET shows the case and what may be done; POST does it and goes on, or says why not and keeps what was typed."""
        try:
            case = self.one(request, case_id)
        except Http404:
            return self._lost(request, case_id, request.POST.get("verb", ""))
        now, standing = clock.now(), gate.standing(case, request.user)
        seen = seen_by(case, request.user)
        form = WorkForm(verbs.offered(case, request.user, standing, now), seen, request.user, request.POST or None)
        if request.method != "POST":
            return self._bench(request, seen, form, standing)
        name = request.POST.get("verb", "")
        if name not in form.verbs:
            words = verbs.not_now(case, name, request.user, now) if name in verbs.VERBS else ""
            words = words or (verbs.refusal(case, name, request.user, standing) if name in verbs.VERBS else "")
            return self._bench(request, seen, form, standing, 409 if words else 422, words or "Choose what to do first.")
        return self._decide(request, case, form, name, standing)

    def _decide(self, request, case, form, name, standing):
        if again.is_asked_again(request, name, case):
            return self._bench(request, form.case, form, standing, 403, pages.factor_first(request, case))
        chosen, desk = form.of(name), case.state
        try:
            done = pages.do(case, name, chosen, request.user, **form.seconds(name))
        except pages.REFUSALS as error:
            return self._not_done(request, case, form, name, chosen, error)
        return self._done(request, done, desk, name)

    def _done(self, request, done, desk, name):
        seen = Case.objects.visible_to(request.user).filter(pk=done.pk).exists()
        self.message_user(request, pages.outcome(seen_by(done, request.user, uncovered=False), name, seen), "success")
        return followed(request, self._go_on(request, done, desk, verbs.VERBS[name], seen))

    def _not_done(self, request, case, form, name, chosen, error):
        told = pages.refused(error)
        if isinstance(error, ValidationError):
            chosen.take(error)
        form.take(chosen, name)
        anew = self.one(request, case.pk)
        form.data = {**form.data.dict(), "revision": anew.revision}
        return self._bench(
            request, seen_by(anew, request.user), form, gate.standing(anew, request.user), told.status, told.words
        )

    def _bench(self, request, seen, form, standing, status=200, refusal=""):
        """`seen`: the case as whoever asks sees it; masking a long text costs, so it is done once."""
        site, now, panels = self.admin_site.each_context(request), clock.now(), form.panels()
        shown = {
            **pages.content(seen),
            **bench(seen, request.user, standing, now),
            "form": form,
            "main_verbs": [each for each in panels if each[0] in FIRST],
            "other_verbs": [each for each in panels if each[0] not in FIRST],
            "chosen": request.POST.get("verb", ""),
            "refusal": said(seen, refusal),
            "keys": KEYS,
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

    def score_page(self, request, case_id):
        """The arithmetic of the marks as they stand on the page. Nothing is kept."""
        case = self.one(request, case_id)
        return render(request, "cases/score.html", score_of(seen_by(case, request.user), request.user, request.POST))


def followed(request, going):
    """A script may put a workbench in place of this one; to any other page the browser goes itself."""
    if "HX-Request" not in request.headers or resolve(urlsplit(going.url).path).url_name == "cases_case_work":
        return going
    return HttpResponseClientRedirect(going.url)


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
        "expires": prose.distance(case.expires_at, now) if case.expires_at else "",
        "chain": chains.progress(case.chain, standing.given) if case.state == APPROVAL else [],
        "why_not": said(seen, verbs.why_not_the_main_verb(case, user, standing, now)),
        "twins": twins.of(seen, user),
        "earlier": customers.earlier(seen),
        "alerts": pages.alerts_for(seen, user),
        "playbook": playbook(case),
        "story_link": pages.address(case),
    }


def playbook(case) -> dict:
    """The standard: by the key of the criterion it explains, and the sections that are of none."""
    by_criterion, rest = {}, []
    for section in case.workflow.playbook.all():
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
