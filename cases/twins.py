"""A possible duplicate, and what it may be a duplicate of: both side by side, as far as whoever looks may see."""

from typing import NamedTuple

from django.db.models import prefetch_related_objects

from audit.moments import when
from cases import prose
from cases.models import Case
from cases.seen import is_blind, rows, seen_by, whole
from cases.titles import Titles


class Twin(NamedTuple):
    """The earlier case beside this one; without `compared` where it is not visible: then one line says that it is there."""

    earlier: Case
    seen: bool
    compared: list[prose.Compared]


def of(case, user) -> list[Twin]:
    """For each trigger that took it for a duplicate, the case that it saw, both as this person sees them."""
    if is_blind(case):  # the earlier one's output would tell of this one's
        return []
    named = [reason["external_id"] for reason in whole(case).reasons if reason["kind"] == "duplicate"]
    if not named:
        return []
    earlier = list(Case.objects.raw("SELECT * FROM in_one_line(%s, %s)", [case.workflow_id, named]))
    prefetch_related_objects(earlier, "category")
    seen = Case.objects.visible_to(user).select_related("category").in_bulk([each.pk for each in earlier])
    return [_twin(case, each, seen.get(each.pk), user) for each in earlier]


def _twin(case, in_one_line, opened, user):
    if opened is None:
        [told] = rows(case, [in_one_line])
        return Twin(told, False, [])
    told = seen_by(opened, user, beside=case)
    return Twin(told, True, _compared(told, case))


def _compared(earlier, case):
    """What differs stands first: that is what tells a second request from the same one sent twice."""
    return prose.compared(_whole(earlier), _whole(case), titled=Titles(case).of_twins)


def _whole(case) -> dict:
    about = {"action": case.action_sentence, "customer": case.customer_reference}
    return {
        **about,
        "received": when(case.received_at),
        "input": case.input,
        "output": case.standing,
    }
