"""Cases like this one: by the same input but for capitals and spaces, by a trigger that fired, by a correction that was made."""

from typing import NamedTuple

from django.db.models import Q

from cases.models import Case, Correction
from cases.seen import Sight, is_blind, whole

NO_TRIGGERS = {"sampling", "threshold", "approval", "stop"}  # why every case of a tier is here
LOOKED_AT, SHOWN = 500, 5  # the newest of the workflow; of each kind


class Alike(NamedTuple):
    """One way in which others are like it."""

    why: str  # input, trigger or correction
    cases: list


def similar(seen, user) -> list[Alike]:
    """What this person may see of them, each kind with the newest; nothing that tells of an answer that he has not seen yet."""
    case, sight = whole(seen), Sight(user)
    others = Case.objects.visible_to(user).filter(workflow=case.workflow_id).exclude(pk=case.pk).order_by("-id")
    found = {"input": others.filter(fingerprint=case.fingerprint)[:SHOWN]}
    if not is_blind(seen):
        newest = dict(others.values_list("pk", "reasons")[:LOOKED_AT])
        found["trigger"] = others.filter(pk__in=_by_trigger(case, newest)[:SHOWN])
        found["correction"] = others.filter(pk__in=_by_correction(case, newest))[:SHOWN]
    listed = {why: sight.of_all(cases.select_related("workflow", "ai_release", "category")) for why, cases in found.items()}
    return [Alike(why, cases) for why, cases in listed.items() if cases]


def _by_trigger(case, newest) -> list[int]:
    fired = {reason["name"] for reason in case.reasons if reason["kind"] not in NO_TRIGGERS}
    return [pk for pk, reasons in newest.items() if fired & {reason["name"] for reason in reasons}]


def _by_correction(case, newest) -> list[int]:
    made = Correction.objects.filter(decision__case=case.pk).values_list("field", "after")
    same = Q()
    for field, after in made:
        same |= Q(field=field, after=after)
    return (
        list(Correction.objects.filter(same, decision__case__in=newest).values_list("decision__case", flat=True))
        if same
        else []
    )
