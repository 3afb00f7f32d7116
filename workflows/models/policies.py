"""A workflow's rules in versions, the rates beside them, and the producers of what they judge."""

from functools import lru_cache

import msgspec
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock
from workflows.models.workflow import Workflow
from workflows.patterns import LOWEST_FLOOR, Rules
from workflows.routing import Compiled, compile_policy

TIER_CHOICES = [("low", _("Low")), ("medium", _("Medium")), ("high", _("High"))]


class PolicyQuerySet(models.QuerySet):
    def published(self):
        return self.filter(published_at__isnull=False)

    def open(self):
        """The drafts that may yet be published."""
        return self.filter(published_at=None, discarded_at=None)

    def in_force(self, at):
        """Per workflow, the first of these is in force: the highest version that is published and has begun. Intake's SQL says the same."""
        return self.published().filter(Q(effective_from=None) | Q(effective_from__lte=at)).order_by("workflow", "-version")


class Policy(models.Model):
    """One version of a workflow's rules. Once published it never changes; a rollback publishes an old version anew."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="policies")
    version = models.PositiveIntegerField(editable=False)
    input_schema = models.JSONField(default=dict, blank=True, help_text=_("JSON Schema of the input; {} allows anything."))
    output_schema = models.JSONField(default=dict, blank=True, help_text=_("JSON Schema of the output; {} allows anything."))
    rules = models.JSONField(default=dict)
    reason = models.TextField(blank=True, help_text=_("Why this version: what it changes and what for."))
    improvement = models.CharField(max_length=200, blank=True, help_text=_("From which improvement, where it comes from one."))
    rolls_back_to = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    digest = models.GeneratedField(  # of what a signature is over; computed by the database
        expression=models.Func("rules", "input_schema", "output_schema", function="policy_digest"),
        output_field=models.BinaryField(),
        db_persist=True,
    )
    signed_at = models.DateTimeField(null=True, editable=False)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    signed_digest = models.BinaryField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    discarded_at = models.DateTimeField(null=True, editable=False)
    discarded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    discarded_because = models.TextField(blank=True, editable=False)
    effective_from = models.DateTimeField(null=True, editable=False, help_text=_("Empty: from the moment of publishing on."))

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "-version"]
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["workflow", "version"], name="one_policy_per_workflow_and_version"),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(published_by__isnull=False), name="somebody_published_it"
            ),
            models.CheckConstraint(
                condition=Q(effective_from=None) | Q(published_at=None) | Q(effective_from__gte=F("published_at")),
                name="no_version_takes_effect_before_it_was_published",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, signed_digest=None)
                | Q(signed_at__isnull=False, signed_by__isnull=False, signed_digest__isnull=False),
                name="a_signature_has_a_person_a_time_and_a_content",
            ),
            models.CheckConstraint(
                condition=Q(discarded_at=None, discarded_by=None, discarded_because="")
                | Q(discarded_at__isnull=False, discarded_by__isnull=False) & ~Q(discarded_because=""),
                name="a_discarded_draft_says_when_why_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(discarded_at=None) | Q(published_at=None), name="a_discarded_draft_is_never_published"
            ),
        ]

    def __str__(self):
        named = f"{self.workflow} v{self.version}"
        if self.published_at:
            return named
        return (gettext("{policy} (discarded)") if self.discarded_at else gettext("{policy} (draft)")).format(policy=named)

    @property
    def is_open(self) -> bool:
        """Whether it is a draft that may yet be edited, signed and published."""
        return self.published_at is None and self.discarded_at is None

    def is_in_force_at(self, at) -> bool:
        """Whether it has been published and has begun. Of those, the highest version is in force."""
        return self.published_at is not None and (self.effective_from is None or self.effective_from <= at)

    @property
    def never_begins(self) -> bool:
        """Whether a later version was in force before its time came."""
        if self.published_at is None or self.effective_from is None:
            return False
        came_first = Q(effective_from=None, published_at__lte=self.effective_from) | Q(effective_from__lte=self.effective_from)
        return self.later().filter(came_first).exists()

    def later(self):
        """The versions that were published after it."""
        return Policy.objects.published().filter(workflow=self.workflow_id, version__gt=self.version)


@lru_cache(maxsize=512)
def compiled_policy(policy_id: int) -> Compiled:
    """A published version, ready to route: compiled once per process. Published versions never change, nor does this."""
    policy = Policy.objects.published().get(pk=policy_id)
    rules = msgspec.convert(policy.rules, Rules, strict=False)
    return compile_policy(rules, policy.input_schema, policy.output_schema)


class StratumRate(models.Model):
    """The sampling rate of one stratum (workflow × tier × segment), where it differs from the policy's."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="rates")
    tier = models.CharField(max_length=6, choices=TIER_CHOICES)
    segment = models.CharField(max_length=60, blank=True, help_text=_("Empty: every segment without a rate of its own."))
    rate = models.FloatField()

    class Meta:
        ordering = ["workflow", "tier", "segment"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "tier", "segment"], name="one_rate_per_stratum"),
            models.CheckConstraint(
                condition=Q(rate__gte=LOWEST_FLOOR, rate__lte=1), name="sampling_never_falls_under_two_percent"
            ),
        ]

    def __str__(self):
        return f"{self.workflow} / {self.tier} / {self.segment or 'all'}: {self.rate:.0%}"


class AIRelease(models.Model):
    """The exact producer of outputs: model, model version, prompt version (which may be empty: empty is a value)."""

    model_name = models.CharField(max_length=120, blank=True)
    model_version = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=120, blank=True)
    first_seen_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = _("AI release")
        ordering = ["model_name", "model_version", "prompt_version"]
        constraints = [
            models.UniqueConstraint(fields=["model_name", "model_version", "prompt_version"], name="one_row_per_ai_release")
        ]

    def __str__(self):
        return " · ".join(filter(None, [self.model_name, self.model_version, self.prompt_version])) or gettext("not named")
