"""A question to somebody who knows. The case waits for the answer by a pause like any other: whether it is still asked, the pause says."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case, fact
from cases.models.clocks import Pause


class InquiryQuerySet(models.QuerySet):
    def open(self):
        return self.filter(pause__ended_at=None)


class Inquiry(models.Model):
    """A request for information: what is asked, of whom, what that person is shown; and the one answer."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="inquiries")
    pause = models.OneToOneField(
        Pause, models.PROTECT, related_name="inquiry", help_text="On whom the case waits, and until when that is planned."
    )
    by = fact(settings.AUTH_USER_MODEL)
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor whoever asked worked for then; empty: the house.")
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="inquiries",
        help_text="The person, where one is named.",
    )
    question = models.TextField()
    shown = models.JSONField(
        default=list, help_text="What is shown beside the question, as it was when it was asked: name and text."
    )
    ticket = models.URLField(max_length=500, blank=True, help_text="The same question in another system.")
    link_number = models.PositiveIntegerField(
        default=0, help_text="Of the link that opens it; each new one ends the one before."
    )
    link_until = models.DateTimeField(null=True, help_text="Until then the link opens it; empty: none does.")
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = fact(settings.AUTH_USER_MODEL, null=True)
    answered_as = models.CharField(max_length=120, blank=True, help_text="How whoever answered by the link names himself.")

    objects = InquiryQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("request for information")
        verbose_name_plural = _("requests for information")
        constraints = [
            models.CheckConstraint(condition=Q(question__regex=r"\S"), name="an_inquiry_asks_something"),
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None, answer="", answered_as="")
                | Q(answered_at__isnull=False, answered_by__isnull=False, answer__regex=r"\S"),
                name="an_answer_has_words_a_time_and_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ticket="") | Q(ticket__regex=r"^https?://"), name="a_ticket_is_an_address_of_the_web"
            ),
        ]
        indexes = [models.Index(fields=["to"], name="inquiries_of_a_person", condition=Q(to__isnull=False, answered_at=None))]

    def __str__(self):
        return self.question

    # questions

    @property
    def is_open(self):
        return self.pause.ended_at is None

    def has_link(self, now):
        return self.is_open and self.link_until is not None and self.link_until > now
