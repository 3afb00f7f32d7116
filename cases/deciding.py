"""How a page with a case and its form answers: the workbench and the approvals. It asks, calls the verb and says what came of it.

What was typed is lost in no case: not to a refusal, not to whoever was quicker, not to a second factor that is asked for again.
"""

import json
from collections.abc import Callable, Collection
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import factors
from audit import clock
from cases import again, doubts, gate, pages, prose, repeated, skim, undone, unfinished, verbs
from cases.actions.content import as_it_stood
from cases.models import Case
from cases.seen import heard, seen_by
from cases.work_form import WorkForm

NOT_TYPED = {
    *WorkForm.base_fields,
    "csrfmiddlewaretoken",
    "next",
    "verb",
    "skim",
    "at",
    "number",
    "total",
    "ticked",
}  # what the page itself sends along


class Page(NamedTuple):
    """One page on which a case is decided: how it shows a case with its form, how it goes on, and which verbs it offers.

    `show(request, seen, form, standing, status, refusal)`; `done(request, case, desk, name, words)`, with the desk where it was, and what
    is said of it where that is not what is always said.
    """

    show: Callable
    done: Callable
    offers: Collection[str] = tuple(verbs.VERBS)


class Deciding:
    """For the case's admin."""

    def decide(self, request, case_id, page: Page):
        """GET shows the case and what may be done, one verb chosen with “?verb=…”; POST does it, or says why not."""
        try:
            case = self.one(request, case_id)
        except Http404:
            return self.lost(request, case_id)
        standing = gate.standing(case, request.user)
        offered = verbs.offered(case, request.user, standing, clock.now(), page.offers)
        if request.method != "POST":
            return self._ask(request, case, offered, standing, page)
        name = request.POST.get("verb", "")
        wanted = [(name, verbs.VERBS[name])] if name in page.offers else []  # the gate says why not, and what was typed stands
        seen = seen_by(case, request.user)
        shown = partial(WorkForm, [*offered, *wanted], seen, request.user, standing, request.POST)
        form = shown(chosen=name)
        if name not in form.verbs:
            return page.show(request, seen, shown(), standing, 422, _("Choose what to do first."))
        if again.is_asked_again(request, name, case):
            return page.show(request, seen, shown(), standing, 403, factor_first(request, name))
        return self._do(request, case, form, shown, name, standing, page)

    def _ask(self, request, case, offered, standing, page):
        name = request.GET.get("verb", "")
        form = undone.put_back(WorkForm(offered, seen_by(case, request.user), request.user, standing))
        if name not in page.offers or name in form.verbs:
            return page.show(request, form.case, form, standing, 200, "")
        why = verbs.refusal(case, name, request.user, standing)
        later = verbs.not_now(case, name, request.user, clock.now())
        return page.show(request, form.case, form, standing, 403 if why else 409 if later else 200, why or later)

    def _do(self, request, case, form, shown, name, standing, page):
        desk, chosen = case.state, form.of(name)
        if before := self._passed_before(request, case, chosen, name, page):
            return before
        try:
            with transaction.atomic():
                done = pages.do(case, name, chosen, request.user, **form.seconds(name))
                doubts.asked(form, name, chosen, done)
                unfinished.after(form, name)
        except doubts.Doubted as doubt:
            form = shown()
            form.ask(doubt.question, doubt.about)
            return page.show(request, form.case, form, standing, 422, "")
        except Case.DoesNotExist:  # it went to another side while we asked for it
            return self.lost(request, case.pk)
        except pages.REFUSALS as error:
            if not isinstance(error, ValidationError) and (before := self._done_before(request, case, chosen, name, page)):
                return before
            return self._not_done(request, case, shown(), name, chosen, error, page)
        return page.done(request, done, desk, name)

    def _done_before(self, request, case, chosen, name, page):
        """Where it is what he did already: as if it had been done now."""
        anew = self.one(request, case.pk)
        if before := self._passed_before(request, anew, chosen, name, page):
            return before
        standing = gate.standing(anew, request.user)
        if at := repeated.done_at(chosen, name, anew, standing, request.user):
            return page.done(request, anew, standing.last["desk"], name, repeated.told(seen_by(anew, request.user), at))
        return None

    def _passed_before(self, request, case, chosen, name, page):
        if at := repeated.passed_at(chosen, name, case, request.user):
            return page.done(request, case, case.state, name, repeated.told(seen_by(case, request.user), at))
        return None

    def _not_done(self, request, case, form, name, chosen, error, page):
        told = pages.refused(error)
        if isinstance(error, ValidationError):
            chosen.take(error)
        anew = self.one(request, case.pk)
        seen, standing = seen_by(anew, request.user), gate.standing(anew, request.user)
        if form.data.get("revision") != str(anew.revision):
            before = seen_by(as_it_stood(anew, standing.last.get("before")), request.user)
            form = WorkForm(list(form.verbs.items()), before, request.user, standing, form.data)
        form = form.anew(seen, standing)
        form.take(chosen, name)
        return page.show(request, seen, form, standing, told.status, told.words)

    def lost(self, request, case_id):
        """Whoever had the case before him is told what became of it, and gets back what he typed. By himself: that is no conflict."""
        found = gate.what_became_of(case_id, request.user) if case_id < 2**63 else None
        case, sentence, decision = found or (None, "", None)
        if case is None:
            raise Http404("There is no such case here, or you may not see it.")
        case.external_id = heard(request.user, case.external_id)
        at = repeated.done_out_of_sight(decision, request.POST, request.user) if decision else None
        told = {
            "case": case,
            "title": str(case),
            "sentence": "" if at else heard(request.user, sentence),
            "done": at and repeated.told(case, at),
            "desk": at and request.POST["desk"],
            "typed": typed_in(request.POST),
            "skim": skim.Skim.worked(request),
        }
        return render(request, "cases/lost.html", {**self.admin_site.each_context(request), **told}, status=200 if at else 409)


def factor_first(request, name) -> str:
    there = request.GET.dict() | {"verb": name}  # with the list one works
    told = _("Give your second factor again, <a {}>on its page</a>; then press here once more. Nothing you typed is lost.")
    link = format_html(
        'href="{}" target="_blank" data-comes-back', factors.ask_again(request, f"{request.path}?{urlencode(there)}")
    )
    return format_html(told, link)


def typed_in(post) -> list[tuple[str, str]]:
    """What somebody typed, to be shown where its form is gone: what the chosen verb asks, then the content."""
    chosen, asked, content = post.get("verb", ""), [], []
    for name, value in post.items():
        root, _dot, short = name.partition(".")
        if not value or name in NOT_TYPED or root in verbs.VERBS.keys() - {chosen}:
            continue
        of_the_verb = root == chosen
        told = _called(short if of_the_verb or root == "output" else name), _chosen(value)
        (asked if of_the_verb else content).append(told)
    return asked + content


def _called(path) -> str:
    """“mark.tone-and-clarity” reads “Mark: Tone and clarity”: there is no form any more that has its title."""
    return prose.steps(path.replace("-", " "))


def _chosen(value) -> str:
    """A text chosen from a list comes as JSON."""
    try:
        return json.loads(value) if value.startswith('"') else value
    except ValueError:
        return value
