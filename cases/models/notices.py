"""How somebody wants to hear of things, and the mails that he was sent."""

from datetime import time

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.talk import Notice


class Wishes(models.Model):
    """What one person wants to be told in the desk, and what by mail and when. Without a row: all of it, by mail once a day."""

    class Mail(models.TextChoices):
        OFF = "off", _("No mail")
        HOURLY = "hourly", _("Every hour, where there is something")
        DAILY = "daily", _("Once a day, where there is something")

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="wishes")
    muted = ArrayField(models.CharField(max_length=9, choices=Notice.Kind.choices), default=list)
    mail = models.CharField(max_length=6, choices=Mail.choices, default=Mail.DAILY)
    mail_at = models.TimeField(default=time(8), help_text="Of the day, in the person's own zone.")
    unmailed = ArrayField(models.CharField(max_length=9, choices=Notice.Kind.choices), default=list)

    class Meta:
        verbose_name_plural = "wishes"

    def wants_by_mail(self) -> list[str]:
        """The kinds; what is muted in the desk is mailed to nobody."""
        return [kind for kind in Notice.Kind.values if kind not in (*self.muted, *self.unmailed)]


class Digest(models.Model):
    """One mail to one person, for one moment of his rhythm. Which notices are in it, they say themselves, once."""

    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="digests")
    slot = models.DateTimeField(help_text="The moment of the rhythm that it is for; it has what was there by then.")
    made_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Counted, and committed, before each try.")
    next_try_at = models.DateTimeField(null=True, help_text="Empty: it is sent, given up, or not wanted any more.")
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["to", "slot"], name="one_mail_per_person_and_moment")]
        indexes = [models.Index(fields=["next_try_at"], name="mails_to_send", condition=models.Q(next_try_at__isnull=False))]

    def __str__(self):
        return f"mail {self.pk}"
