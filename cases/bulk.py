"""One verb on many cases: what would happen to each, then doing it case by case, each through the gate, each with its own result.

Nothing here decides who may: the gate does, for each case anew. Each case is done or refused for itself, in a transaction of its
own where it is long, and what was done is never done again: the row says so, and its case is asked for under its lock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from audit import acting, clock, trail
from audit.moments import kept
from audit.wording import within
from cases import gate, pages, verbs
from cases.actions.closing import seconds_to_undo
from cases.forms import Marks, VerbForm
from cases.models import Bulk, BulkRow, Case
from cases.seen import Sight, said, seen_by
from cases.states import APPROVAL, CLOSED, DESKS, RESOLUTION, REVIEW, State
from cases.verbs import VERBS
from jobs import queue
from workflows.models import compiled_policy

MOST = 200
AT_ONCE = 20  # more than these are a job's, with a bar
OFFERED = ("accept", "escalate", "hand_over", "snooze", "give_back", "undo")
OF_SEATS = {"accept": ("reviewer",), "escalate": ("reviewer", "resolver"), "hand_over": ("reviewer", "resolver")}
ONE_BY_ONE = gettext_lazy("High risk is accepted one by one. Open it.")
MARKED = gettext_lazy("It is marked on a scorecard, so it is accepted on its own page.")
GONE = gettext_lazy("It is not there for you any more.")
CHANGED = gettext_lazy("Its content changed since you looked at it. Look again, then decide.")


@dataclass
class Line:
    """One case of the preview: `seen` as its person sees it, what would happen, or why it would not."""

    seen: object
    would: str = ""
    why_not: str = ""


def offered_to(roles) -> list[tuple[str, str]]:
    """The verbs that whoever has these roles may ask of many; whether of each is asked case by case."""
    return (
        [(name, VERBS[name].label) for name in OFFERED if name not in OF_SEATS or roles & set(OF_SEATS[name])] if roles else []
    )


# the preview


def preview(name, ids: Iterable[int], user) -> list[Line]:
    """What would become of each, in the order given; what is not visible is left out."""
    now, found = clock.now(), Case.objects.visible_to(user).filter(pk__in=list(ids)[:MOST])
    cases = {case.pk: case for case in found.select_related("workflow", "policy", "category", "ai_release", "claimed_by")}
    ordered = [cases[pk] for pk in ids if pk in cases]
    standings = gate.standings(ordered, user)
    seen = {each.pk: each for each in Sight(user).of_all(ordered)}
    lines = [
        Line(seen[case.pk], why_not=said(seen[case.pk], _why_not(case, name, user, standings[case.pk], now)))
        for case in ordered
    ]
    for line, case in zip(lines, ordered, strict=True):
        line.would = "" if line.why_not else _would(case, name, standings[case.pk])
    return lines


def _why_not(case, name, user, standing, now) -> str:
    return (
        verbs.refusal(case, name, user, standing)
        or verbs.not_now(case, name, user, now)
        or (str(_why_not_among_many(case)) if name == "accept" else "")
    )


def _why_not_among_many(case):
    """What is accepted together is what nobody has to look at twice."""
    rules = compiled_policy(case.policy_id).rules
    if case.tier == "high":
        return ONE_BY_ONE
    return MARKED if rules.scorecard is not None and rules.marks_required else ""


def _would(case, name, standing) -> str:
    to = {
        "accept": case.after_decision(),
        "undo": standing.last.get("desk"),
        "escalate": {REVIEW: RESOLUTION, RESOLUTION: APPROVAL}.get(case.state),
    }
    match name:
        case "hand_over":
            return _("Stays at %(desk)s, for somebody else.") % {"desk": within(case.get_state_display())}
        case "snooze":
            return _("Is put off, and comes back by itself.")
        case "give_back":
            return _("Anybody at the desk may take it.")
    if to[name] != CLOSED:
        return _("Goes to %(desk)s.") % {"desk": within(State(to[name]).label)}
    grace = seconds_to_undo(case)
    return _("Closes; you can undo it for %(seconds)s seconds.") % {"seconds": grace} if grace else _("Closes.")


def form_for(name, lines: list[Line], user, typed=None) -> VerbForm | None:
    """What the verb asks, once for all: the form of the first case that it may be done to. A scorecard is for one case alone."""
    able = next((line.seen for line in lines if not line.why_not), None)
    return VerbForm(parts_of(name), able, user, typed) if able is not None else None


def parts_of(name):
    return tuple(part for part in VERBS[name].parts if not isinstance(part, Marks))


# doing it


def begin(name, revisions: dict[int, int], typed: QueryDict, token: UUID, *, by) -> Bulk:
    """Do it, or have it done where it is long. The same token again is the same bulk: nothing is done twice."""
    if name not in OFFERED:
        raise ValidationError(_("Choose what to do first."))
    with transaction.atomic():
        made, is_new = Bulk.objects.get_or_create(token=token, defaults={"by": by, "verb": name, "typed": dict(typed.lists())})
        if made.by_id != by.pk:
            raise PermissionDenied(_("This form is somebody else's."))
        if not is_new:
            return made
        visible = set(Case.objects.visible_to(by).filter(pk__in=revisions).values_list("pk", flat=True))
        rows = [
            BulkRow(bulk=made, case_id=pk, revision=revision)
            for pk, revision in list(revisions.items())[:MOST]
            if pk in visible
        ]
        BulkRow.objects.bulk_create(rows)
        if len(rows) > AT_ONCE:
            made.job = queue.enqueue("cases.jobs.do_a_bulk", made.pk, total=len(rows)).pk
            made.save(update_fields=["job"])
            return made
    return go_through(made)


def go_through(made: Bulk, told=lambda done, total: None) -> Bulk:
    """Every row that waits, one after the other; then it is finished."""
    waiting = list(made.rows.filter(outcome=BulkRow.Outcome.WAITING).values_list("pk", flat=True))
    total = made.rows.count()
    for number, pk in enumerate(waiting, total - len(waiting) + 1):
        _do(made, pk)
        told(number, total)
    made.finished_at = clock.now()
    with transaction.atomic():
        made.save(update_fields=["finished_at"])
    return made


def go_through_as_its_person(made_id, told) -> Bulk:
    """For the job: the machine runs it, and its person does it, seeing what he sees and no more."""
    with transaction.atomic():
        by = User.objects.get(pk=Bulk.objects.get(pk=made_id).by_id)
    with trail.scope(acting.on_behalf_of(by, request_id=acting.current().request_id)):
        with transaction.atomic():
            made = Bulk.objects.select_related("by").get(pk=made_id)
        return go_through(made, told)


def _do(made, row_id):
    """One row. Its own lock keeps two workers from doing it twice; a refusal leaves no trace but its words."""
    with transaction.atomic():
        row = made.rows.select_for_update(of=("self",)).get(pk=row_id)
        if row.outcome != BulkRow.Outcome.WAITING:
            return
        row.outcome, row.says = _done(made, row)
        row.at = clock.now()
        row.save(update_fields=["outcome", "says", "at"])


def _done(made, row) -> tuple[str, str]:
    user, name = made.by, made.verb
    found = Case.objects.visible_to(user).select_related(*pages.RELATED).filter(pk=row.case_id).first()
    if found is None:
        return BulkRow.Outcome.REFUSED, str(GONE)
    if name == "accept" and (why := _why_not_among_many(found)):
        return BulkRow.Outcome.REFUSED, str(why)
    form = VerbForm(parts_of(name), seen_by(found, user), user, _typed(made, row))
    try:
        with transaction.atomic():
            done = pages.do(found, name, form, user)
    except ValidationError as error:
        form.take(error)
        return BulkRow.Outcome.REFUSED, " ".join(
            dict.fromkeys(fault for each in form.errors.values() for fault in each)
        ) or str(CHANGED)
    except (Case.DoesNotExist, *pages.REFUSALS) as error:
        return BulkRow.Outcome.REFUSED, str(pages.refused(error).words) or str(GONE)
    return BulkRow.Outcome.DONE, _where(done, name)


def _typed(made, row) -> QueryDict:
    typed = QueryDict(mutable=True)
    for field, values in made.typed.items():
        typed.setlist(field, values)
    typed["revision"] = str(row.revision)
    return typed


def _where(case, name) -> str:
    if name == "snooze":
        until = case.pauses.open().filter(kind="snooze").latest("pk").until
        return _("It goes on at {state} on {until}.").format(state=within(case.get_state_display()), until=kept(until))
    if case.state in DESKS:
        return _("It is at %(desk)s now.") % {"desk": within(case.get_state_display())}
    return _("It is closed.")


# afterwards


@dataclass
class Result:
    """One row as it is shown: the case as its person sees it now, or None where it is gone for him."""

    row: BulkRow
    seen: object | None
    may_undo: bool


def results(made: Bulk) -> list[Result]:
    now, rows = clock.now(), list(made.rows.all())
    visible = Case.objects.visible_to(made.by).filter(pk__in=[row.case_id for row in rows])
    seen = {case.pk: case for case in Sight(made.by).of_all(visible.select_related("workflow", "ai_release", "category"))}
    decided = VERBS[made.verb].name in gate.DECIDING
    return [Result(row, case := seen.get(row.case_id), decided and _can_be_undone(row, case, now)) for row in rows]


def _can_be_undone(row, case, now) -> bool:
    done = row.outcome == BulkRow.Outcome.DONE and case is not None
    return done and case.state == CLOSED and bool(case.settles_at) and case.settles_at > now
