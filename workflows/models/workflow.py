"""The workflow with its charter, the switch beside it, and what explains its work: categories and the playbook."""

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from audit import clock


def new_secret() -> bytes:
    return secrets.token_bytes(32)


class Workflow(models.Model):
    """One kind of AI-assisted work, with its charter: what it is for, what right and done look like."""

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    purpose = models.TextField(blank=True, help_text=_("What this work is for, in a sentence or two."))
    what_is_right = models.TextField(blank=True, help_text=_("What a right output looks like."))
    what_is_done = models.TextField(blank=True, help_text=_("When a case is done."))
    minutes_by_hand = models.DecimalField(
        max_digits=6, decimal_places=1, null=True, blank=True, help_text=_("Minutes a case took before the AI.")
    )
    calendar = models.ForeignKey(
        "Calendar",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="workflows",
        help_text=_("The hours in which its clocks run. None: around the clock."),
    )
    staffed = models.ForeignKey(
        "Calendar",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="staffs",
        help_text=_("The hours in which the house's own people work here. None: around the clock."),
    )
    two_people_publish = models.BooleanField(
        default=False, editable=False, help_text=_("A version needs the signature of a second owner before it is published.")
    )
    secret = models.BinaryField(default=new_secret, editable=False)  # decides the sampling draws; shown to nobody
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def policy(self):
        """The version in force now."""
        return self.policies.in_force(clock.now()).first()


class Dial(models.Model):
    """The mutable beside the policy: is the workflow stopped. Turned only by verbs."""

    workflow = models.OneToOneField(Workflow, models.PROTECT, related_name="dial")
    stopped_at = models.DateTimeField(null=True, editable=False)
    stop_reason = models.TextField(blank=True, editable=False)

    def __str__(self):
        return f"{self.workflow}: {'stopped' if self.stopped_at else 'running'}"


class ExceptionCategory(models.Model):
    """Why a case could not go straight through."""

    READY_MADE = {
        "missing-data": _("Missing data"),
        "unclear-request": _("Unclear request"),
        "policy-conflict": _("Policy conflict"),
        "formatting": _("Formatting"),
        "duplicate": _("Duplicate"),
        "edge-case": _("Edge case"),
    }
    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="categories")
    slug = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)

    class Meta:
        ordering = ["workflow", "label"]
        verbose_name_plural = _("exception categories")
        constraints = [models.UniqueConstraint(fields=["workflow", "slug"], name="one_category_per_slug")]

    def __str__(self):
        return self.label


class PlaybookQuerySet(models.QuerySet):
    def published(self):
        return self.filter(is_draft=False)


class PlaybookSection(models.Model):
    """How to do it right: shown beside the work, unless it is a draft still."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="playbook")
    title = models.CharField(max_length=160)
    text = models.TextField()
    criterion = models.SlugField(blank=True, help_text=_("The scorecard criterion it explains, by its key."))
    position = models.PositiveSmallIntegerField(default=0)
    is_draft = models.BooleanField(
        default=False, editable=False, help_text=_("Not shown at work until the owner of policy publishes it.")
    )

    objects = PlaybookQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "position", "id"]

    def __str__(self):
        return self.title
