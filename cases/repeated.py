"""Sent again, because the answer was lost on the way: what somebody did already is told to him as done, and is not done twice."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from audit import clock
from audit.moments import when
from cases import gate
from cases.models import Decision
from cases.own_decisions import OWN
from cases.states import APPROVAL

AS = {"edit": ("edit", "approve"), "break_glass": ("approve",)}  # how a decision calls a button's verb, where otherwise

PASSES = ("skip", "snooze", "hand_over")  # what decides nothing and leaves the case to others
ABOUT = timedelta(minutes=1)


def done_at(form, name, case, standing, user) -> datetime | None:
    """When he did, lastly on this case, just what this form of the verb asks for: on what stood then, and leaving what stands now."""
    last, asked = standing.last, form.cleaned_data
    if not last or last["by_id"] != user.pk or last["to"] != case.state:  # undone, recalled or reopened since
        return None
    if asked["revision"] not in (case.revision, case.revision - 1):  # one more, where the decision changed what stands
        return None
    if last["verb"] == "approve" and case.state == APPROVAL and user.pk not in {each.by for each in standing.given}:
        return None  # taken back since
    said = form.arguments()
    if said.get("output", form.case.standing) != form.case.standing or said.get("action"):
        return None
    words = said.get("reason", ""), said.get("reason_code", "")
    same = _is_so(name, asked["desk"], words, last["verb"], last["desk"], (last["reason"], last["reason_code"]))
    return datetime.fromisoformat(last["at"]) if same else None


def passed_at(form, name, case, user) -> datetime | None:
    """When he passed it on, lastly on this case and just as this form asks for it, unless he has taken it up again since."""
    if name not in PASSES or case.held_by(clock.now()) == user.pk:
        return None
    last, typed = gate.last_event(case.pk), form.data
    if not last or (last.verb, last.actor_id) != (f"case.{name}", user.pk):
        return None
    so = typed.get("desk") == last.body["from"] and typed.get("reason", "").strip() == last.words
    asks_it = {"snooze": _is_until, "hand_over": _is_to}.get(name, lambda *_: True)
    return last.at if so and asks_it(form, last) else None


def _is_until(form, last) -> bool:
    """The same moment; or as long from now as it was then."""
    if not form.is_valid() or not (until := form.arguments().get("until")):
        return False
    later = until - datetime.fromisoformat(last.body["until"])
    return any(abs(later - since) < ABOUT for since in (timedelta(0), clock.now() - last.at))


def _is_to(form, last) -> bool:
    """As it was typed: the side that has it now is no choice any more."""
    person, side = form.data.get("to", ""), form.data.get("side", "")
    return person == str(last.body.get("to_person") or "") and side in ("", str(last.body.get("to_vendor") or "house"))


def done_out_of_sight(number, typed, user) -> datetime | None:
    """The same, of a case that is another side's by now and whose story ends with decision `number`. What that left, he is not shown."""
    name = typed.get("verb", "")
    words = typed.get(f"{name}.reason", ""), typed.get(f"{name}.reason_code", "")
    found = Decision.objects.raw(OWN, {"person": user.pk, "before": number + 1, "most": 1})
    same = (
        each
        for each in found
        if each.pk == number and _is_so(name, typed.get("desk"), words, each.verb, each.desk, (each.reason, each.reason_code))
    )
    return next((each.at for each in same), None)


def _is_so(name, desk, words, verb, at_desk, in_words) -> bool:
    return verb in AS.get(name, (name,)) and desk == at_desk and tuple(each.strip() for each in words) == in_words


def told(case, at) -> Any:
    """“Case 7: you did this already, at 00:56.”"""
    here = timezone.localtime(at)
    is_today = here.date() == timezone.localtime(clock.now()).date()
    return format_html(_("{}: you did this already, at {}."), case, date_format(here, "H:i") if is_today else when(at))
