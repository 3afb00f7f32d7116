"""Who may define, turn, publish and appoint. In-house people only, by what they own, and administrators by their office."""

from accounts.models import User
from accounts.roles import EVERY_OWNERS, OFFICE_VERBS, OWNER_VERBS


def may(user, verb: str, workflow=None) -> bool:
    """Whether `user` owns of `workflow` what `verb` needs, or holds the office for it. The tables stand in accounts/roles.py."""
    if not user.is_active or not user.is_in_house or user.kind != User.Kind.PERSON:
        return False
    if verb in OFFICE_VERBS.get(user.office, ()):
        return True
    if workflow is None:
        return False
    owned = workflow.owners.filter(user=user)
    return owned.filter(of__in=owning(verb)).exists() if verb not in EVERY_OWNERS else owned.exists()


def owning(verb: str) -> list[str]:
    """The kinds of owner that the verb needs one of."""
    return [of for of, verbs in OWNER_VERBS.items() if verb in verbs]
