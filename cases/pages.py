"""The admin's pages of a case: the case as its story, and the next case; and what every page says of a verb. Doors: they ask, call and show."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, transaction
from django.http import Http404, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.strict import strict_page
from audit import clock
from audit.moments import told, when
from audit.wording import begun_small, within
from cases import (
    allocated,
    blind,
    chains,
    customers,
    gate,
    prose,
    queues,
    rulings,
    shapes,
    skim,
    standard,
    timesheet,
    twins,
    verbs,
)
from cases.doing import doing
from cases.models import Case
from cases.models.case import said_of_action
from cases.seen import action_of, decisions, is_blind, open_pauses, own_answers, rows, said, seen_by, whole
from cases.states import APPROVAL, CLOSED, DESKS, State
from cases.talk import beside
from cases.titles import Titles
from cases.verbs import VERBS
from integrations.problems import Conflict
from workflows.models import compiled_policy

REFUSALS = (PermissionDenied, Conflict, ValidationError, DataError)
BEGUN = ("claim", "own_answer", "ask", "undo")  # after these the decision is still to come
LINES, DECISIONS = 12, 3  # of a story and its decisions in sight; what came before is one press away
RELATED = ("workflow", "policy", "ai_release", "sender", "category", "claimed_by", "assigned_to", "vendor")


class Why(NamedTuple):
    """One reason why a case is where it is, as it is shown: the trigger's name, what it says, and the facts it saw."""

    name: str
    says: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Refused:
    """What a refusal is over HTTP, and its words."""

    status: int
    words: Any


def address(case) -> str:
    return reverse("admin:cases_case_change", args=[case.pk])


def verb_address(case, name) -> str:
    """Where this verb is asked for: the workbench, with the verb chosen."""
    return f"{reverse('admin:cases_case_work', args=[case.pk])}?verb={name}"


def desk_address(desk) -> str:
    if desk == APPROVAL:
        return reverse("admin:cases_approvals")
    return reverse("admin:cases_case_desk", args=[desk]) if desk in DESKS else reverse("admin:cases_case_changelist")


class CasePages:
    """For the case's admin: its own pages in place of the form that Django makes."""

    def own_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("next/", wrap(self.next_page), name="cases_case_next"),
            path("<int:case_id>/change/", strict_page(wrap(self.case_page)), name="cases_case_change"),
        ]

    def one(self, request, case_id) -> Case:
        """The case, if this person may see it; 404 where not."""
        try:
            if case_id >= 2**63:
                raise Case.DoesNotExist
            case = Case.objects.shown_to(request.user, case_id)
        except Case.DoesNotExist as missing:
            raise Http404(_("There is no such case here, or you may not see it.")) from missing
        if case.claimed_by_id == request.user.pk:
            case.claimed_by = request.user
        case.policy.workflow = case.workflow
        return case

    def case_page(self, request, case_id):
        case, now = self.one(request, case_id), clock.now()
        seen, standing = seen_by(case, request.user), gate.standing(case, request.user)
        site = self.admin_site.each_context(request)
        return render(request, "cases/case.html", {**site, "case": seen, **as_told(seen, request.user, standing, now)})

    def _go_on(self, request, case, desk, verb, seen):
        """On with the case, where it is only begun; to the next of the list one works, or of that desk, where it was asked for; else back to
        the list, or to this case, while it can be seen."""
        worked = skim.Skim.worked(request)
        if verb.name in BEGUN:
            return redirect(skim.bench(case, worked))
        if worked:
            return self.next_of_list(request, worked) if "next" in request.POST else redirect(worked.list_address)
        if "next" in request.POST and desk in DESKS:
            return self._to_next(request, desk)
        return redirect(address(case) if seen and verb.name != "skip" else desk_address(desk))

    def next_page(self, request):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return self._to_next(request, request.POST.get("desk") or None)

    def _to_next(self, request, desk):
        try:
            found = queues.next_case(request.user, desk=desk) or queues.held_by(request.user, desk=desk)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("admin:index")
        if found:
            return redirect("admin:cases_case_work", found.pk)
        if not desk:
            messages.info(request, gettext("Nothing waits for you. New cases appear here by themselves."))
            return redirect("admin:index")
        said = gettext("Nothing waits for you at {}. New cases appear here by themselves. What waits elsewhere stands on {}.")
        elsewhere = format_html('<a class="underline" href="{}">{}</a>', reverse("admin:index"), gettext("My desk"))
        messages.info(request, format_html(said, within(State(desk).label), elsewhere))
        return redirect(desk_address(desk))


def do(case, name, form, by, **more) -> Case:
    """Call the verb with what the form says, if its reader saw what stands."""
    verb = VERBS[name]
    if not form.is_valid():
        raise ValidationError([])
    with transaction.atomic():
        if not verb.at_once:
            _check_that_it_stands(case, by, **{name: form.cleaned_data[name] for name in ("revision", "desk", "step")})
        return verb.act(case.pk, by=by, **form.arguments(), **more)


def _check_that_it_stands(case, by, revision, desk, step):
    """What was decided of this content, at this desk, is not decided of another, nor once more at the next desk or the next step."""
    if revision is None and not desk:
        return
    stands = gate.locked(case.pk)
    if revision is not None and stands.revision != revision:
        why = _("The content changed while you looked at it. {what_happened} Look again, then decide.")
    elif (desk and stands.state != desk) or (step is not None and step != _next_step(stands, by)):
        why = _("It went on while you looked at it. {what_happened} Look again, then decide.")
    else:
        return
    raise Conflict(format_lazy(why, what_happened=told(gate.what_happened(stands))))


def _next_step(case, by) -> int | None:
    return chains.next_step(case.chain, gate.standing(case, by).given)


def refused(error) -> Refused:
    """The status and the words of a refusal; a ValidationError's words stand at their fields."""
    if isinstance(error, PermissionDenied):
        return Refused(403, str(error) or gettext("You may not do this."))
    if isinstance(error, Conflict):
        return Refused(409, str(error))
    if isinstance(error, DataError):
        return Refused(422, gettext("A value is out of range, or has characters that cannot be stored."))
    return Refused(422, "")


def outcome(case, name, seen):
    """What happened and where the case is now; with links while this person may still see it."""
    edited_only = name == "edit" and case.state == APPROVAL and whole(case).story.verb == "edit"
    done = gettext("edited; another approver takes it") if edited_only else VERBS[name].done
    if name == "hand_over" and case.assigned_to:
        done = gettext("handed over to {person}").format(person=case.assigned_to)
    named = format_html('<a class="underline" href="{}">{}</a>', address(case), case) if seen else case
    then = _held_until(case) if name == "claim" else _where(case, seen, name)
    return format_html("{} {}", format_html(gettext("{} is {}. {}"), named, done, then), _how_they_hear(case, name))


def _how_they_hear(case, name) -> str:
    """Of a question just asked: how it reaches whoever is asked. The desk sends nothing to who has no account."""
    if name != "inquire":
        return ""
    asked = whole(case).inquiries.select_related("to").latest("pk")
    if asked.to:
        return gettext("{person} finds the question on the own desk.").format(person=asked.to)
    if asked.has_link(clock.now()):
        return gettext("The link for them stands on the case's page: nobody else sends it.")
    return gettext("Nobody is told by the desk: make a link for them on the case's page, or write the answer down there.")


def _held_until(case) -> str:
    return gettext("You hold it until {until}.").format(until=date_format(timezone.localtime(case.claimed_until), "H:i"))


def _where(case, seen, name):
    """Where the case is, until when that can be undone, and the way to do so; not twice that nothing is done."""
    if case.state != CLOSED:
        until = max((pause.until for pause in open_pauses(case) if pause.until), default=None) if case.paused_since else None
        told = gettext("It goes on at {state} on {until}.") if until else gettext("It is at {state} now.")
        where = told.format(state=within(case.get_state_display()), until=until and when(until))
        return format_html("{} {}", where, _way_to_take_it_back(case)) if _is_one_of_several(case, name) else where
    how = gettext("It is closed: {how}.").format(how=begun_small(case.get_closed_as_display())) if name != "no_action" else ""
    if not case.settles_at:
        return how
    until = date_format(timezone.localtime(case.settles_at), "H:i:s")
    if not seen:
        return gettext("{how} It takes effect at {until}.").format(how=how, until=until)
    left = int((case.settles_at - clock.now()).total_seconds())
    once = format_html('data-undo="{}" data-left="{}"', case.revision, left)  # with a script: one press, and the time beside it
    undo = format_html('<a class="underline" href="{}" {}>{}</a>', verb_address(case, "undo"), once, gettext("Undo"))
    told = format_html(gettext("It takes effect at {}. {}"), until, undo)
    return format_html('{} <span data-over="{}">{}</span>', how, gettext("It has taken effect."), told)


def _is_one_of_several(case, name) -> bool:
    """Whether an approval was given that waits for others'."""
    return case.state == APPROVAL and name in ("approve", "edit", "break_glass") and whole(case).story.verb == "approve"


def _way_to_take_it_back(case):
    return format_html('<a class="underline" href="{}">{}</a>', verb_address(case, "retract"), VERBS["retract"].label)


def proposed_before(seen) -> str:
    """The action that came in, as a sentence, where another one stands now."""
    received = whole(seen).received_action or {"type": "", "amount": None, "currency": "", "payee": ""}
    exact = received | {"amount": received["amount"] and Decimal(received["amount"])}
    before = "" if is_blind(seen) else said_of_action(**action_of(seen, exact))
    return before if before != seen.action_sentence else ""


def content(case, *, whole=False) -> dict:
    """What came in and what stands, ready to be shown; of very large values the beginning, or all with `whole`."""
    told, titles = partial(prose.told, whole=whole), Titles(case)
    received, context = told(case.input), told(case.context) if case.context else None
    first = compiled_policy(case.policy_id).output_schema.get("required", ())
    compared = prose.compared(case.output, case.standing, first, titles.of_output)
    return {
        "is_cut": prose.is_cut(received) or prose.is_cut(context),
        "compared": compared,
        "named": titles.of_the_case(),
        "confidence": f"{case.confidence:.4g}" if case.confidence is not None else "",
        "own_answer_first": is_blind(case),
        "own_answers": [(row, [(titles.of_output(path), *line) for path, *line in lines]) for row, lines in own_answers(case)],
        "changed": case.standing_output is not None and case.standing_output != case.output,
        "proposed": proposed_before(case),
        "input": received,
        "context": context,
        "confidences": told(case.confidences) if case.confidences else None,
        "alternatives": told(case.alternatives) if case.alternatives else None,
        "why": titles.sentence(case.sentence),
        "reasons": [Why(titles.name(each), titles.says(each), titles.facts(each)) for each in case.reasons],
    }


def why_not(seen, why) -> str:
    """Why the desk's own verb is not offered. That an own answer comes first stands where it is asked for, and once."""
    return "" if is_blind(seen) and why == gettext(blind.FIRST) else said(seen, why)


def as_told(seen, user, standing, now) -> dict:
    """Everything a case's page shows to this person, and the buttons that are possible now."""
    case = whole(seen)
    holder, stays, told = case.held_by(now), timesheet.of(case, now), decisions(seen)
    events = _events(seen)
    return {
        **content(seen),
        "doing": doing(case, verbs.offered(case, user, standing, now), standing, told[-1] if told else None, user, now),
        "why_not": why_not(seen, verbs.why_not_the_main_verb(case, user, standing, now)),
        "side": allocated.told(seen.allocation, to_the_house=user.is_in_house and not is_blind(seen)),
        "holder": case.claimed_by if holder else None,
        "chain": chains.progress(case.chain, standing.given) if case.state == APPROVAL else [],
        "expires": prose.to_approve(case.expires_at, now) if case.expires_at else "",
        "alerts": alerts_for(seen, user),
        "is_mine": holder == user.pk,
        **due(seen, now),
        "stays": [_stay(stay) for stay in stays],
        "spent": _spent(timesheet.together(stays)) if len(stays) > 1 else None,
        "playbook": standard.sections(case.workflow),
        "twins": twins.of(seen, user),
        "earlier": customers.earlier(seen, user),
        "also_open": customers.also_open(seen, user),
        "rulings": rulings.of(seen),
        "story": the_end_of(_story(seen, events), LINES),
        "reworked": any("rework" in event.body for event, _ in events),
        **beside.the_case(seen, user, standing),
        "decisions": the_end_of([decided(seen, decision) for decision in told], DECISIONS),
    }


def decided(case, decision):
    """One decision as it is told: what was done, for which of the policy's reasons, and what it changed."""
    coded = compiled_policy(case.policy_id).rules.reason(decision.reason_code)
    titles, done = Titles(case), verbs.DONE[decision.verb]
    if decision.is_retracted:
        done = gettext("{done} (taken back)").format(done=done)
    return decision, done, coded, [_change(correction, titles) for correction in decision.changes]


def due(case, now) -> dict:
    """When it is due; or, while its clock stands, on whom it waits, and how late it was already."""
    runs = bool(case.due_at) and case.paused_since is None
    return {
        "due": prose.due(case.due_at, now) if runs else "",
        "overdue": runs and case.due_at < now,
        "was_late": prose.distance(case.due_at, case.paused_since) if case.paused_since and whole(case).is_late(now) else "",
        "pauses": open_pauses(case),
    }


def alerts_for(case, user):
    """What its owners must hear is the house's; that it is due soon, whoever works it hears."""
    if whole(case).has_none("alerts"):
        return []
    asked = getattr(whole(case), "open_alerts", None)  # a list has asked for those of all its cases at once
    alerts = whole(case).alerts.open() if asked is None else asked
    return rows(case, [alert for alert in alerts if user.is_in_house or not alert.to])


class Ended(NamedTuple):
    """A list whose end is in sight: what came before is folded away."""

    before: list
    shown: list


def the_end_of(lines: list, most: int) -> Ended:
    """Two more than that are not worth folding."""
    return Ended(lines[:-most], lines[-most:]) if len(lines) > most + 2 else Ended([], lines)


def _events(case):
    titles = Titles(case)
    return shapes.sentences(shapes.story(case), told=lambda kept: titles.sentence(said(case, kept)))


def _story(case, events):
    """What happened, and between it the claims that ran out: they are no events, and say why it was taken up again."""
    happened = [(event.at, prose.began(said(case, sentence))) for event, sentence in events]
    expired = whole(case).claims.filter(ended_by="expired").select_related("user")
    ran_out = [
        (claim.until, gettext("{user}'s claim ran out: anybody at the desk could take it again").format(user=claim.user))
        for claim in expired
    ]
    return sorted([*happened, *ran_out], key=lambda line: line[0])


def _stay(stay):
    """One stay at a desk as it is shown: where, since when, and its time."""
    return State(stay.visit.desk).label, stay.visit.since, _spent(stay.spent), prose.length(stay.said) if stay.said else ""


def _spent(spent):
    return {name: prose.length(seconds) for name, seconds in spent._asdict().items()}


def _change(correction, titles):
    """The correction, its field's name, and its before and after, as they are shown."""
    values = (correction.before, correction.after)
    if correction.field == "action.amount":
        values = map(prose.amount, values)
    return correction, titles.of_correction(correction.field), *map(prose.told, values)
