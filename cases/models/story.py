"""What happens to a case, row by row: claims, decisions, corrections, releases, rework."""

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case, fact
from cases.models.rulings import Ruling
from cases.states import State
from scorecards.models import Evaluation
from workflows.models import Delegation, ExceptionCategory, PlaybookSection


class Claim(models.Model):
    """An exclusive lease on a case, and its history. The live one is also on the case, where the queue looks."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="claims")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="claims")
    desk = models.CharField(max_length=10, choices=State.choices)
    since = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(
        max_length=12,
        blank=True,
        help_text="The verb that ended it, or: given back, skipped, expired, absent, switched off, other side, no seat, signed out.",
    )

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["case"], condition=Q(ended_at=None), name="one_live_claim_per_case")]


class DecisionQuerySet(models.QuerySet):
    def told(self):
        """With everything that a page tells of them."""
        related = ("by", "category", "evaluation", "delegation__seat__user", "section", "ruling", "retraction")
        return self.select_related(*related).prefetch_related("corrections")


class Decision(models.Model):
    """What one person decided at one desk. Written once."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="decisions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions", db_index=False)
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor the decider worked for then.")
    at = models.DateTimeField()
    verb = models.CharField(max_length=12)
    desk = models.CharField(max_length=10, choices=State.choices, help_text="Where it was decided.")
    to = models.CharField(max_length=10, choices=State.choices, help_text="Where the case went.")
    output = models.JSONField(null=True, help_text="The output as this decision left it; empty where it changed nothing.")
    before = models.JSONField(null=True, help_text="What stood before, where the decision changed it.")
    digest = models.BinaryField(help_text="Of exactly what was decided on: output, action, policy version.")
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    step = models.PositiveSmallIntegerField(null=True, help_text="Of the chain, from 0; of an approval only.")
    anew = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="How often its giver had taken back his approval of the same content; of an approval only.",
    )
    delegation = fact(Delegation, null=True)
    break_glass = models.BooleanField(default=False)
    category = models.ForeignKey(ExceptionCategory, models.PROTECT, null=True, related_name="+")
    evaluation = models.OneToOneField(Evaluation, models.PROTECT, null=True, related_name="decision")
    active_seconds = models.PositiveIntegerField(null=True)
    section = fact(PlaybookSection, null=True, help_text="Of the playbook, on which the judgment rests.")
    ruling = fact(Ruling, null=True, help_text="On which the judgment rests.")
    standard = models.JSONField(
        null=True, help_text="Its points as they read then, each ticked or not; empty where nobody was asked."
    )
    desk_since = models.DateTimeField(
        null=True, help_text="Since when the case was at that desk: whoever undoes it finds it there as late."
    )
    expires_at = models.DateTimeField(null=True, help_text="Until when it was to be approved; of a decision at approval only.")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            BrinIndex(fields=["at"], name="decisions_in_time"),  # written in time's order, so it costs next to nothing
            models.Index(fields=["by", "-id"], name="decisions_of_a_person"),
            models.Index(fields=["section"], name="decisions_resting_on_a_section", condition=Q(section__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "digest", "by", "anew"],
                condition=Q(verb="approve"),
                name="each_approval_is_another_persons",
            ),
            models.CheckConstraint(condition=Q(anew=0) | Q(verb="approve"), name="only_an_approval_is_given_anew"),
            models.CheckConstraint(
                condition=Q(break_glass=False) | Q(verb="approve") & ~Q(reason=""),
                name="who_breaks_glass_approves_and_says_why",
            ),
            models.CheckConstraint(
                condition=Q(standard__isnull=True) | Q(desk=State.APPROVAL), name="the_standard_is_ticked_off_at_approval"
            ),
        ]

    def __str__(self):
        return f"{self.verb} by {self.by}"

    @property
    def changes(self) -> list:
        return list(self.corrections.all())

    @property
    def is_retracted(self) -> bool:
        return hasattr(self, "retraction")

    @property
    def number_ticked(self) -> int:
        """Of the points of the standard."""
        return sum(point["ticked"] for point in self.standard or ())


class Retraction(models.Model):
    """An approval that whoever gave it took back while its case waited for others': it counts no longer. Written once."""

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="retraction")
    by = fact(settings.AUTH_USER_MODEL)
    at = models.DateTimeField()


class Correction(models.Model):
    """One field's before and after, with a root cause. A new value is one that the schema's list does not have."""

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="corrections")
    field = models.CharField(max_length=300, help_text="Dotted path in the output, or action.… for the action.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    root_cause = models.CharField(max_length=120, blank=True)
    is_new_value = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]


class Release(models.Model):
    """The moment an output may take effect. The first is `released_at` of the case; each later output that acts is another."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="releases", db_index=False, db_constraint=False)
    number = models.PositiveIntegerField()
    digest = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["case", "number"]
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="one_release_per_number")]


class Rework(models.Model):
    """A correction after release: where it was found, and what it cost."""

    class Place(models.TextChoices):
        SAMPLED_REVIEW = "sampled_review", _("Sampled review")
        SUPPORT = "support", _("Support")
        FINANCE = "finance", _("Finance")
        OPERATIONS = "operations", _("Operations")
        CUSTOMER = "customer", _("Customer")
        OTHER = "other", _("Elsewhere")

    class Severity(models.TextChoices):
        MINOR = "minor", _("Minor")
        MAJOR = "major", _("Major")
        CRITICAL = "critical", _("Critical")

    case = models.ForeignKey(Case, models.PROTECT, related_name="reworks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    place = models.CharField(max_length=16, choices=Place.choices)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.MINOR)
    minutes = models.DecimalField(max_digits=8, decimal_places=1, null=True)
    cost = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    currency = models.CharField(max_length=3, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(minutes=None) | Q(minutes__gte=0), name="rework_minutes_are_not_negative"),
            models.CheckConstraint(condition=Q(cost=None) | Q(cost__gte=0), name="a_rework_cost_is_not_negative"),
            models.CheckConstraint(condition=Q(cost=None) | ~Q(currency=""), name="a_rework_cost_has_a_currency"),
        ]
