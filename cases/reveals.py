"""How often something may be revealed to a vendor's person: his mandate's budget, counted over the last 24 hours."""

from datetime import timedelta

from django.utils.translation import gettext, ngettext

from audit import clock
from cases.models import Reveal
from cases.seen import Sight, whole

DAY = timedelta(hours=24)


def made(by, mandate, now) -> int:
    return Reveal.objects.filter(by=by, mandate=mandate, at__gt=now - DAY).count()


def why_not(by, mandate, workflow, now) -> str:
    """Why nothing (more) is revealed to him; empty where something may be."""
    if mandate is None or not mandate.reveals_a_day:
        return gettext("In {workflow} nothing is revealed to your side. Escalate the case where you need to know more.").format(
            workflow=workflow
        )
    count = made(by, mandate, now)
    if count < mandate.reveals_a_day:
        return ""
    return ngettext(
        "In the last 24 hours {count} was revealed to you, and your side's mandate in {workflow} allows {most}. "
        "Escalate the case, or ask the house.",
        "In the last 24 hours {count} were revealed to you, and your side's mandate in {workflow} allows {most}. "
        "Escalate the case, or ask the house.",
        count,
    ).format(count=count, workflow=workflow, most=mandate.reveals_a_day)


def left(case, user) -> str:
    """What of the budget is left to him, as his form says it."""
    mandate, now = Sight(user).mandates.get(case.workflow_id), clock.now()
    return why_not(user, mandate, whole(case).workflow, now) or (
        gettext("You may have {left} more revealed in these 24 hours, of {most}.").format(
            left=mandate.reveals_a_day - made(user, mandate, now), most=mandate.reveals_a_day
        )
    )
