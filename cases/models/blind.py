"""What somebody answered before he saw the AI's: written once, with the fields in which the two differ."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from cases.models.case import Case


class OwnAnswer(models.Model):
    """A reviewer's own answer to a case whose policy asks for it first. What he left empty is not compared."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="own_answers")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="own_answers")
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor for whom he worked then.")
    at = models.DateTimeField()
    answer = models.JSONField(help_text="As he gave it: a value hidden from him stands as its placeholder.")
    differs = ArrayField(
        models.CharField(max_length=300), help_text="The paths of what the AI says otherwise. Empty: they agree."
    )
    active_seconds = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["case", "by"], name="one_own_answer_of_a_person")]

    def __str__(self):
        return f"{self.by}'s own answer to {self.case}"
