"""Patterns worth fixing, and the cases that were flagged as one. What is done about them comes with the weekly loop."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models import Case
from workflows.models import Workflow


class FindingQuerySet(models.QuerySet):
    def open(self):
        return self.filter(closed_at=None)

    def visible_to(self, user):
        """The house sees all, a vendor's people what their own began."""
        return self if user.is_in_house else self.filter(vendor_id=user.vendor_id)


class Finding(models.Model):
    """A pattern worth fixing. Begun from a case; others are added while it is open."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="findings")
    title = models.CharField(max_length=160)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor for whom whoever opened it worked then.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, editable=False)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(title__regex=r"\S"), name="a_finding_has_a_title")]

    def __str__(self):
        return self.title


class Flag(models.Model):
    """A case that shows the pattern, and in whose eyes."""

    finding = models.ForeignKey(Finding, models.PROTECT, related_name="flags")
    case = models.ForeignKey(Case, models.PROTECT, related_name="flags")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor for whom he worked then.")
    at = models.DateTimeField()
    words = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["finding", "case"], name="a_case_stands_once_in_a_finding")]

    def __str__(self):
        return f"{self.case} in {self.finding}"
