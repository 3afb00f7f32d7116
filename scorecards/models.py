"""What good looks like: versioned scorecards, and the evaluations that review decisions carry."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock
from workflows.models import Workflow


class Scorecard(models.Model):
    """One version of a workflow's scorecard. Once published it never changes."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="scorecards")
    version = models.PositiveIntegerField(editable=False)
    name = models.CharField(max_length=120)
    pass_mark = models.PositiveSmallIntegerField(
        default=80,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Per cent. Under it an output cannot be accepted as it is."),
    )
    definition_of_done = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["workflow", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "version"], name="one_scorecard_per_workflow_and_version"),
            models.CheckConstraint(condition=Q(pass_mark__lte=100), name="a_pass_mark_is_a_percentage"),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(published_by__isnull=False), name="somebody_published_the_scorecard"
            ),
        ]

    def __str__(self):
        return f"{self.name} v{self.version}" + ("" if self.published_at else " (draft)")


class Section(models.Model):
    """A heading on the card."""

    scorecard = models.ForeignKey(Scorecard, models.CASCADE, related_name="sections")
    title = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["scorecard", "position", "id"]

    def __str__(self):
        return self.title


class Criterion(models.Model):
    """One thing that is marked. A failed critical criterion fails the whole card."""

    section = models.ForeignKey(Section, models.CASCADE, related_name="criteria")
    key = models.SlugField(max_length=60, help_text=_("Stays the same from version to version, so that numbers compare."))
    label = models.CharField(max_length=160)
    help = models.TextField(blank=True)
    weight = models.DecimalField(max_digits=6, decimal_places=2, default=1, validators=[MinValueValidator(0)])
    critical = models.BooleanField(default=False)
    may_be_na = models.BooleanField(_("may be N/A"), default=False, help_text=_("Not applicable: left out of the score."))
    good_example = models.TextField(blank=True)
    bad_example = models.TextField(blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["section", "position", "id"]
        verbose_name_plural = "criteria"
        constraints = [
            models.UniqueConstraint(fields=["section", "key"], name="one_criterion_per_key"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="a_weight_is_not_negative"),
        ]

    def __str__(self):
        return self.label


class Option(models.Model):
    """One possible mark: a label and its points, as a share of the criterion's weight."""

    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="options")
    label = models.CharField(max_length=80)
    points = models.PositiveSmallIntegerField(
        validators=[MaxValueValidator(100)], help_text=_("0 to 100: per cent of the criterion's weight. 0 is a failure.")
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["criterion", "position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["criterion", "label"], name="one_option_per_label"),
            models.CheckConstraint(condition=Q(points__lte=100), name="points_are_a_percentage"),
        ]

    def __str__(self):
        return f"{self.label} ({self.points})"


class RootCause(models.Model):
    """Why a criterion may fail; chosen where it does."""

    criterion = models.ForeignKey(Criterion, models.CASCADE, related_name="root_causes")
    label = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["criterion", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["criterion", "label"], name="one_root_cause_per_label")]

    def __str__(self):
        return self.label


class Evaluation(models.Model):
    """The marks of one person on one output, and the score they make. Written once; a review decision points at it."""

    scorecard = models.ForeignKey(Scorecard, models.PROTECT, related_name="evaluations")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    marks = models.JSONField(help_text=_("{criterion key: {points, option, na, root_cause, note}}"))
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True, help_text=_("Per cent; empty where all was N/A."))
    passed = models.BooleanField()
    failed_critical = models.JSONField(default=list, help_text=_("Keys of the critical criteria that failed."))

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return gettext("{score} % on {scorecard}").format(score=self.score, scorecard=self.scorecard)
