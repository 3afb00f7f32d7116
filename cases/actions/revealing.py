"""Showing a vendor's person what is hidden from him: for a reason, within his mandate's budget, while he holds the case."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from cases import reveals
from cases.actions.reasons import said
from cases.gate import asking, move
from cases.models import Case, Reveal
from cases.seen import Sight
from integrations.problems import Conflict

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('reveal', %s))"  # the database's own count takes the same


def reveal(case_id, *, by, reason, what="") -> Case:
    """Show one field (its path, as the case names what is hidden), or without `what` the whole case, to whoever holds it."""
    reason = said(reason).strip()
    with asking(case_id, "reveal", by=by) as case:
        if by.is_in_house:
            raise PermissionDenied(_("Nothing is hidden from the house."))
        now, sight = clock.now(), Sight(by)
        if case.held_by(now) != by.pk:
            raise Conflict(_("Claim the case first. What is revealed is shown while you hold it."), code="not_held")
        mandate = _within_the_budget(case, by, sight.mandates.get(case.workflow_id), now)
        _still_hidden(sight.of(case), what)
        claim = case.claims.get(user=by, ended_at=None)
        facts = {"case": case, "claim": claim, "by": by, "vendor_id": by.vendor_id, "mandate": mandate}
        made = Reveal.objects.create(**facts, what=what, reason=reason, at=now)
        trail.record("case.reveal", by=by, subject=case, words=reason, what=made.what_said, **move(case, case.state))
    return case


def _within_the_budget(case, by, mandate, now):
    """The mandate under which he asks, its count locked. Raises PermissionDenied where it says never, or not again today."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [by.pk])
    if why := reveals.why_not(by, mandate, case.workflow, now):
        raise PermissionDenied(why)
    return mandate


def _still_hidden(seen, what):
    hidden = seen.hidden_places
    if not hidden:
        raise ValidationError({"what": _("Nothing of this case is hidden from you now.")})
    if what and what not in hidden:
        raise ValidationError(
            {
                "what": format_lazy(
                    _("Nothing is hidden there. Choose one of: {hidden}; or leave it out for the whole case."),
                    hidden=", ".join(hidden),
                )
            }
        )
