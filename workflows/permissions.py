"""Who may turn, publish and appoint. In-house people only, by what they own."""

from accounts.roles import OWNER_VERBS, Office


def may(user, verb: str, workflow) -> bool:
    """Does `user` own of `workflow` what `verb` needs? Administrators may appoint; they may not publish or turn."""
    if not user.is_active or not user.is_in_house:
        return False
    if verb in ("appoint", "define"):
        return user.office == Office.ADMINISTRATOR or workflow.owners.filter(user=user).exists()
    owning = [of for of, verbs in OWNER_VERBS.items() if verb in verbs]
    return workflow.owners.filter(user=user, of__in=owning).exists()
