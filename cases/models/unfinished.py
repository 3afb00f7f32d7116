"""What somebody had begun of an answer when he put the case aside."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from audit import clock
from cases.models.case import Case
from cases.states import State


class Unfinished(models.Model):
    """What one person had changed in the fields of a case: his alone, and over the content and at the desk that he saw it. It decides nothing."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    desk = models.CharField(max_length=10, choices=State.choices)
    at = models.DateTimeField(default=clock.now)
    typed = models.JSONField(help_text="The values of each field that was changed, as the form sent them.")

    class Meta:
        ordering = ["id"]
        verbose_name = _("unfinished answer")
        verbose_name_plural = _("unfinished answers")
        constraints = [models.UniqueConstraint(fields=["case", "by"], name="a_person_leaves_a_case_unfinished_once")]

    def __str__(self):
        return f"{self.case}, begun by {self.by}"
