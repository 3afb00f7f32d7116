"""How often something may be revealed to a vendor's person: his mandate's budget, counted over the last 24 hours."""

from datetime import timedelta

from audit import clock
from cases.models import Reveal
from cases.seen import Sight, whole

DAY = timedelta(hours=24)


def made(by, mandate, now) -> int:
    return Reveal.objects.filter(by=by, mandate=mandate, at__gt=now - DAY).count()


def why_not(by, mandate, workflow, now) -> str:
    """Why nothing (more) is revealed to him; empty where something may be."""
    if mandate is None or not mandate.reveals_a_day:
        return f"In {workflow} nothing is revealed to your side. Escalate the case where you need to know more."
    count = made(by, mandate, now)
    if count < mandate.reveals_a_day:
        return ""
    return (
        f"In the last 24 hours {count} {'was' if count == 1 else 'were'} revealed to you, and your side's mandate in {workflow} allows"
        f" {mandate.reveals_a_day}. Escalate the case, or ask the house."
    )


def left(case, user) -> str:
    """What of the budget is left to him, as his form says it."""
    mandate, now = Sight(user).mandates.get(case.workflow_id), clock.now()
    return why_not(user, mandate, whole(case).workflow, now) or (
        f"You may have {mandate.reveals_a_day - made(user, mandate, now)} more revealed in these 24 hours, of {mandate.reveals_a_day}."
    )
