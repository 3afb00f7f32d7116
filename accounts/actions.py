"""The verbs on people: who is away, and back. Each writes its one audit event."""

from contextlib import contextmanager
from datetime import timedelta

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Absence, User
from accounts.permissions import administers
from audit import clock, trail
from audit.moments import when

A_MINUTE = timedelta(minutes=1)  # forms write no seconds: “now” is a little while ago when it comes here


def be_absent(user, *, by, until, since=None, stand_in=None, reason="") -> Absence:
    """Away from `since`, or from now, until the return date: nothing is assigned to him, he approves nothing, and `stand_in` acts for
    what he owns."""
    with _asking(user, "be_absent", by):
        if stand_in is not None and stand_in.pk == by.pk != user.pk:
            raise PermissionDenied(
                format_lazy(_("Nobody makes himself the stand-in of {user}. Choose somebody else, or ask {user}."), user=user)
            )
        now = clock.now()
        since = now if since is None or now - A_MINUTE < since < now else since
        _check_the_times(since, until, now)
        _check_the_stand_in(user, stand_in)
        _check_that_it_stands_alone(user, since, until)
        made = Absence.objects.create(user=user, since=since, until=until, stand_in=stand_in, reason=reason.strip())
        facts = {"since": since, "until": until, "stand_in": stand_in and stand_in.pk}
        trail.record("user.be_absent", by=by, subject=user, words=made.reason, **facts)
    return made


def come_back(user, *, by):
    """Back before the return date, from now on. What has not begun yet stays: see `call_off`."""
    with _asking(user, "come_back", by):
        now = clock.now()
        if not user.absences.at(now).update(ended_at=now):
            raise ValidationError(format_lazy(_("{user} is not away now."), user=user))
        trail.record("user.come_back", by=by, subject=user)


def call_off(absence, *, by):
    """An absence that has not begun is not to be."""
    with _asking(absence.user, "call_off", by):
        now = clock.now()
        if not Absence.objects.coming(now).filter(pk=absence.pk).update(ended_at=now):
            raise ValidationError(_("That absence has begun or was called off already."))
        trail.record("user.call_off", by=by, subject=absence.user, since=absence.since, until=absence.until)


def settle_in(user, *, by, language, time_zone):
    """One's own language and time zone. Nobody else's business, so nobody else may."""
    if by.pk != user.pk:
        why = format_lazy(_("Only {user} chooses the language and the time zone of {user}."), user=user)
        trail.refused("user.settle_in", by=by, subject=user, why=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(language=language, time_zone=time_zone)
        trail.record("user.settle_in", by=by, subject=user, changed={"language": language, "time_zone": time_zone})


@contextmanager
def _asking(user, verb, by):
    """Himself or an administrator, one at a time for each person; a refusal is rolled back and noted."""
    try:
        with transaction.atomic():
            if (by.pk != user.pk and not administers(by)) or not by.is_active:
                raise PermissionDenied(
                    format_lazy(_("Only {user} or an administrator may say that {user} is away or back."), user=user)
                )
            if not by.is_in_house:
                raise PermissionDenied(_("Ask an administrator of the house to mark you absent."))
            User.objects.select_for_update(of=("self",)).get(pk=user.pk)
            yield
    except PermissionDenied as refusal:
        trail.refused(f"user.{verb}", by=by, subject=user, why=refusal)
        raise


def _check_the_times(since, until, now):
    if since < now:
        raise ValidationError({"since": _("An absence begins now or later.")})
    if until <= since:
        raise ValidationError({"until": _("The return date must be after the absence begins, and in the future.")})


def _check_that_it_stands_alone(user, since, until):
    other = user.absences.filter(ended_at=None, since__lt=until, until__gt=since).order_by("since").first()
    if other:
        times = {"since": when(other.since), "until": when(other.until)}
        why = _(
            "{user} is marked absent from {since} until {until} already. Choose other dates, or call that absence off first."
        )
        raise ValidationError(format_lazy(why, user=user, **times))


def _check_the_stand_in(user, stand_in):
    if stand_in is None:
        return
    if stand_in.pk == user.pk:
        raise ValidationError({"stand_in": _("Nobody stands in for himself. Choose somebody else.")})
    if not (stand_in.is_in_house and user.is_in_house and stand_in.is_active and stand_in.kind == User.Kind.PERSON):
        raise ValidationError(
            {"stand_in": format_lazy(_("{stand_in} cannot stand in: choose an active in-house person."), stand_in=stand_in)}
        )
