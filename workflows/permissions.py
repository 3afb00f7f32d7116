"""Who may turn, publish and appoint. In-house people only, by what they own."""

from accounts.roles import OWNER_VERBS, Office, Ownership
from audit import clock
from workflows.models import Owner


def may(user, verb: str, workflow) -> bool:
    """Does `user` own of `workflow` what `verb` needs? Administrators may appoint; they may not publish or turn."""
    if not user.is_active or not user.is_in_house:
        return False
    if verb in ("appoint", "define"):
        return user.office == Office.ADMINISTRATOR or _owned(user, workflow).exists()
    owning = [of for of, verbs in OWNER_VERBS.items() if verb in verbs]
    return _owned(user, workflow).filter(of__in=owning).exists()


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
