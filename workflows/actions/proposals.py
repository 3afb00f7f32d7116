"""A vendor's lead proposes and withdraws people; the house accepts or declines. A trigger checks each row that a lead writes."""

from contextlib import contextmanager

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from accounts.models import User
from accounts.permissions import leads
from audit import clock, trail
from jobs.queue import enqueue
from workflows.actions.engagements import sign_out_who_has_no_seat
from workflows.models import Mandate, Proposal, Seat
from workflows.permissions import may


def propose(mandate, role, *, by, person=None, name="", username="", email="") -> Proposal:
    """One of the vendor's people, or somebody new, for a role of the mandate. Where the house leaves it to the lead, seated at once."""
    with _leading(mandate.vendor, "proposal.add", by=by, about=mandate):
        said = _told_of(person) if person else {"name": name.strip(), "username": username.strip(), "email": email.strip()}
        made = Proposal(mandate=mandate, role=role, person=person, proposed_by=by, **said)
        _check(made)
        try:
            with transaction.atomic():
                made.save()
        except IntegrityError as refusal:
            raise ValidationError(_refusal(made, refusal)) from refusal
        facts = {"mandate": mandate.pk, "workflow": mandate.workflow.slug, "role": role, "user": person and person.pk}
        trail.record("proposal.add", by=by, subject=made, **facts)
        if mandate.accepts == Mandate.Accepts.VENDOR:
            enqueue("workflows.jobs.seat_the_proposed", made.pk)
    return made


def take_back_proposal(proposal, *, by, reason=""):
    """Not proposed any more, by the vendor's lead."""
    with _leading(proposal.mandate.vendor, "proposal.take_back", by=by, about=proposal):
        answer = {"answer": Proposal.Answer.WITHDRAWN, "answered_by": by, "answered_at": clock.now(), "answer_reason": reason}
        if not Proposal.objects.waiting().filter(pk=proposal.pk).update(**answer):
            raise ValidationError(gettext_lazy("This proposal was answered meanwhile."))
        trail.record("proposal.take_back", by=by, subject=proposal, words=reason, role=proposal.role)


def withdraw(person, *, by, reason, seat=None):
    """The lead takes one of his people off a seat, or off all: from now on. Whoever has none left is signed out everywhere."""
    with _leading(person.vendor, "user.withdraw", by=by, about=person):
        if not (reason or "").strip():
            raise ValidationError({"reason": gettext_lazy("Say why.")})
        held = person.seats.live().filter(pk=seat.pk) if seat else person.seats.live()
        ended = list(held.select_for_update(of=("self",)))
        if not ended and not Proposal.objects.waiting().filter(person=person).exists():
            raise ValidationError(format_lazy(gettext_lazy("{person} holds no such seat any more."), person=person))
        Seat.objects.filter(pk__in=[each.pk for each in ended]).update(ended_at=clock.now())
        for each in ended:
            trail.record("seat.end", by=by, subject=each, words=reason.strip(), user=person.pk, role=each.role)
        if seat is None:
            for waiting in Proposal.objects.waiting().filter(person=person):
                take_back_proposal(waiting, by=by, reason=reason.strip())
        sign_out_who_has_no_seat(person, by=by, reason=reason.strip())


def accept(proposal, *, by) -> Seat:
    """The house agrees: an account where there is none, and the seat. The machine does it where the house left it to the lead."""
    with _answering(proposal, "accept", by=by) as waiting:
        person = waiting.person or _account_for(waiting, by=by)
        given = _seated(person, waiting, by=by)
        _answer(waiting, Proposal.Answer.ACCEPTED, by=by, person=person, seat=given)
        trail.record("proposal.accept", by=by, subject=waiting, user=person.pk, role=waiting.role)
        facts = {"user": person.pk, "workflow": given.workflow.slug, "role": given.role, "title": "", "limits": []}
        trail.record("seat.give", by=by, subject=given, **facts)
    return given


def decline(proposal, *, by, reason):
    """The house does not agree, and says why."""
    with _answering(proposal, "decline", by=by) as waiting:
        if not (reason or "").strip():
            raise ValidationError({"reason": gettext_lazy("Say why.")})
        _answer(waiting, Proposal.Answer.DECLINED, by=by, answer_reason=reason.strip())
        trail.record("proposal.decline", by=by, subject=waiting, words=reason.strip(), role=waiting.role)


def may_answer(user, proposal) -> bool:
    """Whoever gives the seats of that role in the house; the machine, where the house left it to the vendor's lead."""
    if user.kind == User.Kind.MACHINE:
        return proposal.mandate.accepts == Mandate.Accepts.VENDOR
    return may(user, f"seat_{proposal.role}", proposal.mandate.workflow)


@contextmanager
def _leading(vendor, verb, *, by, about):
    """Ask whether `by` leads this vendor's people, and roll back and note the refusal where he does not."""
    try:
        with transaction.atomic():
            if vendor is None or not leads(by, vendor):
                raise PermissionDenied(
                    format_lazy(gettext_lazy("Only a lead of {value} may do this for its people."), value=vendor or "a vendor")
                )
            yield
    except PermissionDenied as refusal:
        trail.refused(verb, by=by, subject=about, why=refusal)
        raise


@contextmanager
def _answering(proposal, verb, *, by):
    """Lock the proposal, ask, and roll back and note the refusal where the answer is no."""
    try:
        with transaction.atomic():
            related = ("mandate__workflow", "mandate__engagement__vendor", "person", "answered_by")
            waiting = Proposal.objects.select_for_update(of=("self",)).select_related(*related).get(pk=proposal.pk)
            if not may_answer(by, waiting):
                raise PermissionDenied(
                    format_lazy(
                        gettext_lazy("{by} gives no seats as {role} in {workflow}."),
                        by=by,
                        role=waiting.role,
                        workflow=waiting.mandate.workflow,
                    )
                )
            if waiting.answer:
                raise ValidationError(
                    format_lazy(
                        gettext_lazy("{answered_by} has {answer} this already."),
                        answered_by=waiting.answered_by,
                        answer=waiting.answer,
                    )
                )
            yield waiting
    except PermissionDenied as refusal:
        trail.refused(f"proposal.{verb}", by=by, subject=proposal, why=refusal)
        raise


def _answer(waiting, answer, *, by, **more):
    said = {"answer": answer, "answered_by": by, "answered_at": clock.now(), **more}
    for name, value in said.items():
        setattr(waiting, name, value)
    waiting.save(update_fields=list(said))


def _told_of(person) -> dict:
    return {"name": str(person), "username": person.username, "email": person.email}


def _check(made):
    """What can be wrong with it, at its field. The trigger asks the rest."""
    mandate, person = made.mandate, made.person
    if made.role not in mandate.roles:
        raise ValidationError(
            {
                "role": format_lazy(
                    gettext_lazy("The engagement names no {role} in {workflow}."), role=made.role, workflow=mandate.workflow
                )
            }
        )
    if not Mandate.objects.at(clock.now()).filter(pk=mandate.pk).exists():
        raise ValidationError(format_lazy(gettext_lazy("{mandate} does not hold now."), mandate=mandate))
    if person is not None:
        if person.vendor_id != mandate.engagement.vendor_id or not person.is_active:
            raise ValidationError(
                {
                    "person": format_lazy(
                        gettext_lazy("{person} is none of your people. Choose one, or name somebody new."), person=person
                    )
                }
            )
        if person.seats.live().filter(workflow=mandate.workflow, role=made.role).exists():
            raise ValidationError({"person": format_lazy(gettext_lazy("{person} holds this seat already."), person=person)})
        return
    if not made.name:
        raise ValidationError({"name": gettext_lazy("Say who it is.")})
    User.username_validator(made.username)
    if not made.username or User.objects.filter(username__iexact=made.username).exists():
        raise ValidationError(
            {
                "username": format_lazy(
                    gettext_lazy("“{made}” is taken or empty. Choose another name to sign in with."), made=made.username
                )
            }
        )
    if made.email:
        validate_email(made.email)


def _refusal(made, refusal) -> str:
    if "nobody_is_proposed_twice_at_once" in str(refusal):
        return gettext("{made} is proposed for this already, and waits for an answer.").format(made=made.name)
    return gettext("This is not within your engagement any more. Look at it again.")


def _account_for(waiting, *, by) -> User:
    """Without a password: whoever it is chooses one by the link that the lead passes on."""
    if User.objects.filter(username__iexact=waiting.username).exists():
        raise ValidationError(
            format_lazy(
                gettext_lazy("The user name “{waiting}” was taken meanwhile. Decline this, and let another be proposed."),
                waiting=waiting.username,
            )
        )
    first, _, last = waiting.name.partition(" ")
    vendor = waiting.mandate.vendor
    facts = {"first_name": first, "last_name": last, "vendor": vendor, "time_zone": vendor.time_zone, "is_staff": True}
    person = User.objects.create_user(waiting.username, waiting.email, None, **facts)
    trail.record("user.add", by=by, subject=person)
    return person


def _seated(person, waiting, *, by) -> Seat:
    try:
        with transaction.atomic():
            return Seat.objects.create(user=person, workflow=waiting.mandate.workflow, role=waiting.role, given_by=by)
    except IntegrityError as refusal:
        raise ValidationError(gettext_lazy("Its engagement has ended, or the seat is held already. Decline this.")) from refusal
