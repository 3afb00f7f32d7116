"""Asking somebody who knows, and the answer. The case waits by a pause: several may be open, and the last one lets it go on."""

import re
from contextlib import contextmanager
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import URLValidator
from django.utils.translation import gettext as _

from audit import clock
from cases.actions.pausing import WAITS, at_a_desk, end, record, stand
from cases.actions.talking import UNSEEN, said
from cases.gate import asking
from cases.models import Case, Inquiry, Notice
from cases.permissions import why_not_the_answer
from cases.talk import links, mentions, notices, showing
from integrations.problems import Conflict

NO_LONGER = "no_longer_asked"
WEB = URLValidator(schemes=["http", "https"])


def inquire(case_id, *, by, question, whom="", on="team", until=None, shows=(), link_days=0, ticket="") -> Case:
    """Ask a team, somebody outside, or “@name” (`whom`); the case waits for the answer. `until` is when it is due.

    Whoever answers sees the question and what `shows` names of the case, as whoever asks sees it; nothing else. With `link_days`
    a link opens it without an account for so long. `ticket` is the address of the same question elsewhere.
    """
    with at_a_desk(case_id, "inquire", by) as case:
        if on not in WAITS:
            raise ValidationError({"on": _("Say on whom it waits: the customer or another team.")})
        question, ticket = said(question, "question"), _checked(ticket)
        person, named = _asked(case, whom, by)
        shown = showing.chosen(case, by, shows)
        pause = stand(case, "inquire", by, kind=on, on_whom=named, reason=question, until=until)
        asked = {"question": question, "shown": shown, "ticket": ticket, "to": person, **_link(link_days)}
        case.inquiry = Inquiry.objects.create(case=case, pause=pause, by=by, vendor_id=by.vendor_id, **asked)
        notices.tell([person.pk] if person else [], Notice.Kind.ASKED, case, by=by)
        facts = {"inquiry": case.inquiry.pk, "pause": pause.pk, "waits": WAITS[on], "link_until": case.inquiry.link_until}
        record(case, "inquire", by, "", until=until, **facts)
    return case


def answer(inquiry_id, *, by, text, named="") -> Inquiry:
    """What was asked is known: by whoever was named, by whoever works the case, or by its link, where the machine writes it down.

    There is one answer. Its pause is over with it, and with the last of its pauses the case goes on, due as much later as it stood.
    """
    with _of(inquiry_id, "answer", by) as (case, inquiry):
        inquiry.answer, inquiry.answered_at, inquiry.answered_by = said(text), clock.now(), by
        inquiry.answered_as = " ".join(named.split())[:120]
        inquiry.save(update_fields=["answer", "answered_at", "answered_by", "answered_as"])
        end(case, "answer", by, only=inquiry.pause_id)
        notices.tell([inquiry.by_id], Notice.Kind.ANSWER, case, by=by)
        facts = {"inquiry": inquiry.pk, "pauses": [inquiry.pause_id], "still": case.paused_since}
        record(case, "answer", by, "", **facts, back_to=_back_to_the_asker(case, inquiry.by_id))
    return inquiry


def _back_to_the_asker(case, asker) -> int | None:
    """With the last answer it is his again, who knows why he asked: if he may still work it and nobody has it meanwhile."""
    now = clock.now()
    is_somebodys = case.held_by(now) or case.assigned_to_id or case.paused_since
    if is_somebodys or asker in case.passed_by or asker not in notices.at_the_desk(case, now):
        return None
    case.assigned_to_id = asker
    case.save(update_fields=["assigned_to"])
    return asker


def give_link(inquiry_id, *, by, days) -> Inquiry:
    """A link that opens it without an account for so many days. The one before is over."""
    with _of(inquiry_id, "inquire", by) as (case, inquiry):
        made = _link(days)
        if not made:
            raise ValidationError({"days": _("Say for how many days.")})
        inquiry.link_number, inquiry.link_until = inquiry.link_number + 1, made["link_until"]
        inquiry.save(update_fields=["link_number", "link_until"])
        record(case, "give_link", by, "", inquiry=inquiry.pk, until=inquiry.link_until)
    return inquiry


def revoke_link(inquiry_id, *, by) -> Inquiry:
    """From now on no link opens it."""
    with _of(inquiry_id, "inquire", by) as (case, inquiry):
        if not inquiry.has_link(clock.now()):
            raise Conflict(_("No link opens this question."), code="no_link")
        inquiry.link_number, inquiry.link_until = inquiry.link_number + 1, None
        inquiry.save(update_fields=["link_number", "link_until"])
        record(case, "revoke_link", by, "", inquiry=inquiry.pk)
    return inquiry


@contextmanager
def _of(inquiry_id, verb, by):
    """The case, locked, and the question, while it is asked. Who is named in it answers, whatever he sees beside."""
    found = Inquiry.objects.filter(pk=inquiry_id).only("case_id", "to_id").first()
    if found is None:
        raise Inquiry.DoesNotExist(f"There is no request for information {inquiry_id}.")
    with asking(found.case_id, verb, by=by, why=why_not_the_answer(found.to_id)) as case:
        if by.kind == by.Kind.PERSON and by.pk != found.to_id and not Case.objects.visible_to(by).filter(pk=case.pk).exists():
            raise PermissionDenied(UNSEEN)
        inquiry = Inquiry.objects.select_related("pause").get(pk=inquiry_id)  # under the lock: what another just answered is so
        if inquiry.answered_at:
            raise Conflict(_("This has been answered already. Nothing you sent was kept."), code="answered_already")
        if not inquiry.is_open:
            raise Conflict(_("This is not asked any more: the case went on without an answer."), code=NO_LONGER)
        yield case, inquiry


def _asked(case, whom, by):
    """(the person whom “@name” means, the words in which it waits on whom)."""
    whom = (whom or "").strip()
    if not whom:
        raise ValidationError({"whom": _("Say whom you ask: a team, somebody outside, or @name.")})
    if len(whom) > 200:
        raise ValidationError({"whom": _("At most 200 characters.")})
    if not re.fullmatch(r"@\S+", whom):
        return None, whom
    person = mentions.somebody(whom[1:], by)
    if person is None:
        raise ValidationError({"whom": _("Nobody here is called %(name)s.") % {"name": whom}})
    if not person.is_in_house and not Case.objects.visible_to(person).filter(pk=case.pk).exists():
        raise ValidationError({"whom": _("%(name)s may not see this case. Ask somebody of the house.") % {"name": whom}})
    return person, str(person)


def _link(days) -> dict:
    if not days:
        return {}
    if not 1 <= days <= links.LONGEST_DAYS:
        raise ValidationError({"link_days": _("A link opens it for 1 to %(most)s days.") % {"most": links.LONGEST_DAYS}})
    return {"link_number": 1, "link_until": clock.now() + timedelta(days=days)}


def _checked(ticket) -> str:
    ticket = (ticket or "").strip()
    if ticket:
        try:
            WEB(ticket)
        except ValidationError:
            raise ValidationError({"ticket": _("Write the whole address, such as https://tickets.example/42.")}) from None
    return ticket
