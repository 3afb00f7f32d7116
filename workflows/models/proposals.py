"""Whom a vendor's lead proposes: the one thing about seats that a vendor writes."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock
from audit.wording import within
from workflows.models.engagements import VENDOR_ROLES, Mandate
from workflows.models.people import Seat


class ProposalQuerySet(models.QuerySet):
    def waiting(self):
        return self.filter(answer="")


class Proposal(models.Model):
    """A person of the vendor's, or one who is to become that, for a role of a mandate. Answered once, never deleted."""

    class Answer(models.TextChoices):
        WAITING = "", _("Waiting")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    mandate = models.ForeignKey(Mandate, models.PROTECT, related_name="proposals")
    role = models.CharField(max_length=12, choices=[(role, role.label) for role in VENDOR_ROLES])
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Empty: a new account is made."),
    )
    name = models.CharField(max_length=150)
    username = models.CharField(max_length=150)
    email = models.EmailField(blank=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False)
    proposed_at = models.DateTimeField(default=clock.now, editable=False)
    answer = models.CharField(max_length=9, choices=Answer.choices, blank=True, default=Answer.WAITING, editable=False)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    answer_reason = models.TextField(blank=True, editable=False)
    seat = models.ForeignKey(Seat, models.PROTECT, null=True, related_name="+", editable=False)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["mandate", "role", "username"], condition=Q(answer=""), name="nobody_is_proposed_twice_at_once"
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None, answered_by=None)
                | ~Q(answer="") & Q(answered_at__isnull=False, answered_by__isnull=False),
                name="an_answer_has_a_person_and_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(answer="accepted") | Q(person__isnull=False, seat__isnull=False),
                name="who_is_accepted_has_an_account_and_a_seat",
            ),
        ]

    def __str__(self):
        return gettext("{self} as {role} in {workflow}").format(
            self=self.name, role=within(self.get_role_display()), workflow=self.mandate.workflow
        )
