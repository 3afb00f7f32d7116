"""Alerts: what an owner must hear of a case. One is open for each case and code, until it is settled."""

from accounts.roles import Ownership
from audit import trail
from cases.models import Alert


def raise_for(case, code, says, *, at, to=Ownership.RISK) -> bool:
    """Whether it is new; one that is open already only says what is so now."""
    alert, is_new = Alert.objects.get_or_create(
        case=case, code=code, settled_at=None, defaults={"to": to, "says": says, "raised_at": at}
    )
    if not is_new and alert.says != says:
        Alert.objects.filter(pk=alert.pk).update(says=says)
    return is_new


def tell(case, code, says, *, by, at) -> bool:
    """Raise it and, where it is new, keep that in the case's story."""
    is_new = raise_for(case, code, says, at=at)
    if is_new:
        trail.record("case.alert", by=by, subject=case, words=says, code=code)
    return is_new


def settle(case, *codes, at):
    Alert.objects.open().filter(case=case, code__in=codes).update(settled_at=at)
