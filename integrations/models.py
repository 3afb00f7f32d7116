"""How the outside talks to us, and we to it: idempotency keys, the outbox, webhook endpoints and their deliveries."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock
from integrations import targets


class IdempotencyKey(models.Model):
    """One POST that was answered: the same key with the same body gets the same answer again, for 24 hours at least."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.BinaryField()
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_idempotency_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]


class OutboxRow(models.Model):
    """What the world must hear of one case, or of a workflow, written in the transaction in which it became true."""

    class Event(models.TextChoices):
        HELD = "case.held", _("Held for a person")
        DECIDED = "case.decided", _("Decided")
        RELEASED = "case.released", _("Released")
        CORRECTED = "case.corrected_after_release", _("Corrected after release")
        WITHDRAWN = "case.withdrawn", _("Withdrawn")
        STOPPED = "workflow.stopped", _("Workflow stopped")
        RESUMED = "workflow.resumed", _("Workflow resumed")
        TEST = "webhook.test", _("Test")

    case_id = models.BigIntegerField(null=True, help_text=_("Empty: it is not about one case."))
    number = models.IntegerField(default=0, help_text=_("1, 2, 3… within the case: the order in which it happened."))
    recipient_id = models.BigIntegerField(help_text=_("The integration that sent the case, or is seated in the workflow."))
    event = models.CharField(max_length=40, choices=Event.choices)
    payload = models.JSONField()
    at = models.DateTimeField(default=clock.now)
    spread_at = models.DateTimeField(null=True, help_text=_("When its deliveries, if any, were made out."))

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["case_id", "number"], name="one_outbox_row_per_number"),
            models.CheckConstraint(
                condition=Q(case_id=None, number=0) | Q(case_id__isnull=False, number__gte=1),
                name="what_is_told_of_a_case_is_numbered",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="outbox_not_spread", condition=Q(spread_at=None))]

    def __str__(self):
        return (
            gettext("{event} of case {case_id} #{number}").format(event=self.event, case_id=self.case_id, number=self.number)
            if self.case_id
            else f"{self.event} #{self.pk}"
        )


SUBSCRIBABLE = [choice for choice in OutboxRow.Event.choices if choice[0] != OutboxRow.Event.TEST]


class WebhookEndpoint(models.Model):
    """Where an integration wants to hear of its cases. Its secret is derived from WEBHOOK_KEY, never stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks", limit_choices_to={"kind": "integration"}
    )
    url = models.URLField(max_length=500, validators=[URLValidator(["http", "https"])])
    events = ArrayField(
        models.CharField(max_length=40, choices=SUBSCRIBABLE),
        default=list,
        blank=True,
        help_text=_("What it is told of. None chosen: everything, also what is added later."),
    )
    secret_number = models.PositiveIntegerField(default=1, editable=False, help_text=_("Rotation makes the next one."))
    revealed_number = models.PositiveIntegerField(default=0, editable=False, help_text=_("Each secret is shown once."))
    rotated_at = models.DateTimeField(null=True, editable=False, help_text=_("For a day after it both secrets sign."))
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False, help_text=_("The first failure since the last success."))
    resting_until = models.DateTimeField(
        null=True, editable=False, help_text=_("The receiver asked for it, by Retry-After; until then nothing is sent there.")
    )

    class Meta:
        ordering = ["user", "url"]

    def __str__(self):
        return self.url

    def clean(self):
        """An address that we would never call is no endpoint; one whose name does not resolve yet may be."""
        if self._state.adding and (why := targets.refusal_of(self.url)):
            raise ValidationError({"url": why})


class Delivery(models.Model):
    """One outbox row on its way to one endpoint: the same id at every try. Each try and its answer stay in `tries`."""

    row = models.ForeignKey(OutboxRow, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, default=clock.now, help_text=_("Empty: delivered, or given up."))
    delivered_at = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=300, blank=True)
    tries = models.JSONField(
        default=list,
        help_text=_("The last tries: when, how long it took, what was answered."),
    )
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["row", "endpoint"], name="one_delivery_per_row_and_endpoint")]
        indexes = [
            models.Index(fields=["endpoint", "next_try_at"], name="deliveries_due", condition=Q(next_try_at__isnull=False)),
            models.Index(fields=["endpoint", "made_at"], name="deliveries_by_age"),
        ]

    def __str__(self):
        return gettext("delivery {self}").format(self=self.pk)
