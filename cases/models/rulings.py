"""What somebody asked the owner of policy from a case, and the answer: a ruling. Both are written once."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models.case import Case
from workflows.models import PlaybookSection


class QuestionQuerySet(models.QuerySet):
    def open(self):
        return self.filter(ruling=None)


class Question(models.Model):
    """Asked from a case of whoever owns the policy of its workflow."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="questions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="questions")
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor for whom he worked then.")
    at = models.DateTimeField()
    words = models.TextField()

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(words__regex=r"\S"), name="a_question_has_words")]

    def __str__(self):
        return self.words


class Ruling(models.Model):
    """The answer of the owner of policy. It returns to the case, and holds as a standard once it is a section of the playbook."""

    question = models.OneToOneField(Question, models.PROTECT, related_name="ruling")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="rulings")
    at = models.DateTimeField()
    words = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(words__regex=r"\S"), name="a_ruling_has_words")]

    def __str__(self):
        return self.words


class Example(models.Model):
    """The section of the playbook that a ruling became, with the ruling's case as its example."""

    ruling = models.OneToOneField(Ruling, models.PROTECT, related_name="example")
    section = models.OneToOneField(PlaybookSection, models.CASCADE, related_name="example")

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"{self.section}, as in {self.ruling.question.case}"
