"""What an owner must hear of, and what another person must look at afterwards."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ownership
from cases.models.case import Case, fact
from cases.models.story import Decision
from workflows.models import Owner


class BreakGlassReview(models.Model):
    """What another in-house person says of a broken glass, within a working day. The database makes it with the decision."""

    class Verdict(models.TextChoices):
        KEPT = "kept", _("It was right")
        OBJECTED = "objected", _("It was wrong")

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="glass_review")
    due_at = models.DateTimeField()
    reviewed_by = fact(settings.AUTH_USER_MODEL, null=True)
    reviewed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None, verdict="")
                | Q(reviewed_at__isnull=False, reviewed_by__isnull=False, verdict__in=["kept", "objected"]),
                name="a_review_has_a_reviewer_and_a_verdict",
            )
        ]
        indexes = [models.Index(fields=["due_at"], name="reviews_due", condition=Q(reviewed_at=None))]


class AlertQuerySet(models.QuerySet):
    def open(self):
        return self.filter(settled_at=None)

    def visible_to(self, user, now):
        """Those that are this person's to mind: as the owner they are for, or in his place; as whoever holds the case."""
        kinds = Q(pk__in=[])
        for workflow, of in Owner.objects.acting_as(user, now).values_list("workflow", "of"):
            kinds |= Q(case__workflow=workflow, to=of)
        return self.filter(kinds | Q(to="", case__claimed_by=user, case__claimed_until__gt=now))


class Alert(models.Model):
    """What an owner must hear of a case, until it is settled. One open alert for each case and code."""

    class Code(models.TextChoices):
        NOBODY_CAN_APPROVE = "nobody_can_approve", _("Nobody can approve it")
        APPROVAL_EXPIRED = "approval_expired", _("The approval has expired")
        NOT_RELEASED = "not_released", _("It may not take effect")
        REVIEW_OVERDUE = "review_overdue", _("A broken glass is not reviewed")
        DUE_SOON = "due_soon", _("It is due soon")
        OVERDUE = "overdue", _("It is overdue")

    case = models.ForeignKey(Case, models.PROTECT, related_name="alerts")
    to = models.CharField(max_length=12, choices=Ownership.choices, blank=True, help_text=_("Empty: whoever works it."))
    code = models.CharField(max_length=24, choices=Code.choices)
    says = models.TextField()
    raised_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["raised_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "code"], condition=Q(settled_at=None), name="one_open_alert_per_case_and_code"
            )
        ]
        indexes = [models.Index(fields=["code", "case"], name="alerts_open", condition=Q(settled_at=None))]

    def __str__(self):
        return self.says
