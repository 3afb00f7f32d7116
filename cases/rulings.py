"""Questions and rulings as people meet them: on their desk, on the case, and as what a judgment rests on."""

from datetime import timedelta

from accounts.roles import Ownership
from cases import standard
from cases.models import Case, Question, Ruling
from cases.seen import Sight, is_blind, rows, whole
from workflows.models import Owner

NEWS = timedelta(days=7)  # an answer stands so long on the desk of whoever asked
FEW = 20


def owned_by(user, now):
    """The workflows whose policy this person owns, or owns for somebody who is away."""
    return Owner.objects.acting_as(user, now).filter(of=Ownership.POLICY).values("workflow")


def open_to(user, now):
    """The questions that wait for this person's answer, the oldest first."""
    if not user.is_in_house:
        return Question.objects.none()
    return Question.objects.open().filter(case__workflow__in=owned_by(user, now)).select_related("case__workflow", "by")


def unanswered():
    """The questions on which nobody has ruled, the newest first."""
    return Question.objects.open().order_by("-pk")


def answers_to(user, now) -> list[tuple]:
    """(the case or None where he sees it no more, the question, the ruling), of what he asked and was answered of late."""
    found = Ruling.objects.filter(question__by=user, at__gt=now - NEWS).select_related("question__case__workflow", "by")
    found = list(found.order_by("-id")[:FEW])
    seen = Case.objects.visible_to(user).in_bulk([each.question.case_id for each in found]) if found else {}
    sight = Sight(user)
    return [_as_heard(sight, each, each.question.case_id in seen) for each in found]


def _as_heard(sight, ruling, seen):
    case = sight.of(ruling.question.case)
    return (case if seen else None, *as_read(case, ruling.question))


def of(seen) -> list[tuple]:
    """(question, its ruling or None) of this case, as whoever has this view of it reads them."""
    if whole(seen).has_none("questions"):
        return []
    return [as_read(seen, each) for each in whole(seen).questions.select_related("by", "ruling__by")]


def as_read(seen, question) -> tuple:
    """(question, its ruling or None), as whoever has this view of its case reads them."""
    [told], ruling = rows(seen, [question]), getattr(question, "ruling", None)
    return told, rows(seen, [ruling])[0] if ruling else None


def to_rest_on(seen) -> dict[str, str]:
    """What a judgment on this case may name: the playbook's sections and the rulings on this case. “section:4” → its title."""
    case = whole(seen)
    offered = {f"section:{each.pk}": each.title for each in standard.sections(case.workflow)}
    if not is_blind(seen):
        offered |= {f"ruling:{ruling.pk}": str(ruling)[:80] for _, ruling in of(seen) if ruling}
    return offered
