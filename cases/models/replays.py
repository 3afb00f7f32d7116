"""What versions of the rules would have made of past cases."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock
from workflows.models import Policy


class Replay(models.Model):
    """What a version would have made of the cases of some days. Written once, kept with its version."""

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="replays")
    since = models.DateTimeField()
    until = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    job = models.BigIntegerField(null=True, help_text=_("The job that makes it. Jobs may be swept away, replays stay."))
    finished_at = models.DateTimeField(null=True)
    counted = models.PositiveIntegerField(default=0)
    document = models.CharField(max_length=64, blank=True, help_text=_("Digest of the rules and schemas that were replayed."))
    result = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="a_replay_looks_at_some_time"),
            models.CheckConstraint(
                condition=Q(finished_at=None) | ~Q(document=""), name="a_finished_replay_says_what_was_replayed"
            ),
        ]

    def __str__(self):
        return gettext("{policy} over {since:%-d %b %Y} to {until:%-d %b %Y}").format(
            policy=self.policy, since=self.since, until=self.until
        )
