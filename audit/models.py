"""The ledger. Rows are written by trail.record() or by a verb's own SQL; number, time and hashes are the trigger's alone."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import acting, clock


class AuditEvent(models.Model):
    """One thing that happened to one subject. Actors are an id and a name, not a foreign key: history outlives people."""

    subject_type = models.CharField(max_length=30)
    subject_id = models.BigIntegerField()
    number = models.IntegerField(editable=False, help_text=_("1, 2, 3… within the subject."))
    at = models.DateTimeField(editable=False)
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=150)
    vendor_id = models.BigIntegerField(null=True, help_text=_("The vendor the actor worked for then; empty for in-house."))
    request_id = models.CharField(max_length=64, blank=True)
    verb = models.CharField(max_length=60)
    body = models.JSONField(default=dict, help_text=_("The facts: from, to, policy, AI release and what else the verb knows."))
    words = models.TextField(
        blank=True,
        help_text=_("What a person typed. Outside the hash, so that it can be erased; its salted digest is inside."),
    )
    words_salt = models.BinaryField(null=True, editable=False)
    words_digest = models.BinaryField(null=True, editable=False)
    previous = models.BinaryField(editable=False)
    hash = models.BinaryField(editable=False)

    class Meta:
        ordering = ["subject_type", "subject_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["subject_type", "subject_id", "number"], name="one_event_per_number"),
            models.CheckConstraint(condition=models.Q(verb__regex=r"^[a-z_]+\.[a-z_.]+$"), name="verbs_are_plain_words"),
        ]
        indexes = [models.Index(fields=["verb", "id"], name="events_by_verb")]

    def __str__(self):
        return f"{self.subject_type} {self.subject_id} #{self.number}: {self.verb}"

    @property
    def actor(self) -> str:
        """Who did it, for whoever reads: a vendor's people are not told the names of another vendor's."""
        return acting.SOMEBODY if acting.is_anothers(self.vendor_id) else self.actor_name


class AuditSeal(models.Model):
    """A signed statement over every event up to one id, chained to the seal before; also kept outside the database."""

    number = models.IntegerField(unique=True)
    first_event = models.BigIntegerField()
    last_event = models.BigIntegerField()
    events = models.BigIntegerField()
    root = models.BinaryField(help_text=_("Merkle root over the events' hashes, in order of id."))
    previous = models.BinaryField(help_text=_("SHA-256 of the seal before; empty for the first."))
    at = models.DateTimeField(default=clock.now)
    signature = models.BinaryField(help_text=_("Ed25519 over all of the above."))

    class Meta:
        ordering = ["number"]

    def __str__(self):
        return gettext("seal {number}").format(number=self.number)
