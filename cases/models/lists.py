"""What people keep of the list of cases: how a case is found, a view with its filters, and what was done to many at once."""

import uuid

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower
from django.utils.translation import gettext_lazy as _

from audit import clock
from cases.models.case import Case
from cases.states import State
from workflows.models import Workflow


class Findable(models.Model):
    """By what a case is found: its references, and the words of what came in. `cases/finding.py` writes it, a moment after intake."""

    case = models.OneToOneField(
        Case, models.PROTECT, primary_key=True, db_column="id", related_name="findable", db_constraint=False
    )
    external_id = models.CharField(max_length=200)
    customer_reference = models.CharField(max_length=200, blank=True)
    words = SearchVectorField(help_text="Of the input and the output as received.")

    class Meta:
        indexes = [
            models.Index(Collate(Lower("external_id"), "C"), name="cases_by_reference"),
            models.Index(
                Collate(Lower("customer_reference"), "C"), name="cases_by_customer", condition=~Q(customer_reference="")
            ),
            GinIndex(fields=["words"], name="cases_by_words"),
        ]

    def __str__(self):
        return self.external_id


class SavedViewQuerySet(models.QuerySet):
    def visible_to(self, user, workflows):
        """One's own, and those that one's own side shares with a workflow that one sees."""
        return self.filter(Q(owner=user) | Q(workflow__in=workflows, owner__vendor=user.vendor_id, owner__is_active=True))


class SavedView(models.Model):
    """A list of cases that somebody comes back to: its filters, under a name."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="saved_views")
    name = models.CharField(max_length=60)
    desk = models.CharField(max_length=10, choices=State.choices, blank=True, help_text="Empty: all cases.")
    query = models.CharField(max_length=1000, blank=True, help_text="The filters, as they stand in the address.")
    workflow = models.ForeignKey(
        Workflow,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="With whose people it is shared; empty: nobody.",
    )
    is_default = models.BooleanField(default=False, help_text="What its owner sees when he opens all cases.")
    made_at = models.DateTimeField(default=clock.now)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="a_persons_views_have_names_of_their_own"),
            models.UniqueConstraint(fields=["owner"], condition=Q(is_default=True), name="a_person_has_one_default_view"),
        ]

    def __str__(self):
        return self.name


class Bulk(models.Model):
    """One verb, asked of many cases by one person. Its token is the form's: sent twice, it is done once."""

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    verb = models.CharField(max_length=20)
    typed = models.JSONField(default=dict, help_text="What the form said, as it was sent.")
    at = models.DateTimeField(default=clock.now)
    job = models.BigIntegerField(null=True, help_text="The job that does it, where it is long. Jobs may be swept away.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.verb.replace('_', ' ')} by {self.by}"


class BulkRow(models.Model):
    """One case of it, and what became of it."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Done")
        REFUSED = "refused", _("Not done")

    bulk = models.ForeignKey(Bulk, models.PROTECT, related_name="rows")
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False)
    revision = models.PositiveIntegerField(help_text="What stood when its preview was read.")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.WAITING)
    says = models.TextField(blank=True, help_text="What happened, or why it did not, as its person may read it.")
    at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["bulk", "case"], name="a_case_is_once_in_a_bulk")]
