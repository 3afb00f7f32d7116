"""Who may define, turn, publish and appoint. In-house people only, by what they own, and administrators by their office."""

from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import EVERY_OWNERS, OFFICE_VERBS, OWNER_VERBS, Office, Ownership
from audit import clock
from audit.terms import term
from workflows.models import Owner
from workflows.terms import listed

_term = lazy(term, str)
_either = lazy(lambda names: listed([str(name) for name in names], "or"), str)


def may(user, verb: str, workflow=None) -> bool:
    """Whether `user` owns of `workflow` what `verb` needs, or holds the office for it. The tables stand in accounts/roles.py."""
    if not user.is_active or not user.is_in_house or user.kind != User.Kind.PERSON:
        return False
    if verb in OFFICE_VERBS.get(user.office, ()):
        return True
    if workflow is None:
        return False
    owned = _owned(user, workflow)
    return owned.filter(of__in=owning(verb)).exists() if verb not in EVERY_OWNERS else owned.exists()


def refusal(by, verb: str, workflow):
    """What he is told who may not, and whom of the house he can ask."""
    told = format_lazy(_("{by} may not {verb} in {workflow}."), by=by, verb=_does(verb), workflow=workflow)
    who = who_can(verb, workflow) if by.is_in_house else None
    return format_lazy("{told} {can}", told=told, can=format_lazy(_("{who} can."), who=who)) if who else told


def _does(verb):
    if (role := verb.removeprefix("seat_")) != verb:
        return format_lazy(_("give a seat as {role}"), role=_term(role))
    if (of := verb.removeprefix("name_owner_of_")) != verb:
        return format_lazy(_("name the owner of {of}"), of=_term(of))
    return verb.replace("_", " ")


def who_can(verb, workflow):
    """“Rosa Keller or an administrator”: its owners, whoever acts for one who is away, and the office; None where there is nobody."""
    now, owners = clock.now(), Ownership.values if verb in EVERY_OWNERS else owning(verb)
    people = {pk for of in owners for pk in Owner.objects.acting_for(workflow.pk, of, now)}
    names = [str(person) for person in User.objects.filter(pk__in=people).order_by("first_name", "username")]
    names += [_("an administrator")] if any(verb in verbs for verbs in OFFICE_VERBS.values()) else []
    return _either(names) if names else None


def owning(verb: str) -> list[str]:
    """The kinds of owner that the verb needs one of."""
    return [of for of, verbs in OWNER_VERBS.items() if verb in verbs]


def may_lend(user, seat) -> bool:
    """An approver's seat is lent by its holder; where he is away, an administrator or the owner of risk does it for him."""
    if not user.is_active or not user.is_in_house:
        return False
    return user.pk == seat.user_id or may_lend_any(user, seat.workflow)


def may_lend_any(user, workflow) -> bool:
    """An administrator or the owner of risk, for a holder who is away."""
    return user.office == Office.ADMINISTRATOR or _owned(user, workflow).filter(of=Ownership.RISK).exists()


def _owned(user, workflow):
    """What the person owns of it, himself or in the place of an owner who is away."""
    return Owner.objects.acting_as(user, clock.now()).filter(workflow=workflow)
