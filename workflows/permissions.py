"""Who may define, turn, publish and appoint. In-house people only, by what they own, and administrators by their office."""

from accounts.models import User
from accounts.roles import EVERY_OWNERS, OFFICE_VERBS, OWNER_VERBS, Office, Ownership
from audit import clock
from workflows.models import Owner


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


def owning(verb: str) -> list[str]:
    """The kinds of owner that the verb needs one of."""
    return [of for of, verbs in OWNER_VERBS.items() if verb in verbs]


def may_lend(user, seat) -> bool:
    """An approver's seat is lent by its holder; where he is away, an administrator or the owner of risk does it for him."""
    if not user.is_active or not user.is_in_house:
        return False
    if user.pk == seat.user_id or user.office == Office.ADMINISTRATOR:
        return True
    return _owned(user, seat.workflow).filter(of=Ownership.RISK).exists()


def _owned(user, workflow):
    """What the person owns of it, himself or in the place of an owner who is away."""
    return Owner.objects.acting_as(user, clock.now()).filter(workflow=workflow)
