"""What people say to each other about a case, and whom it reached."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case, fact

LONGEST = 10_000  # characters of anything that is written here


class CommentQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Of a case that he sees: what the house says to itself is for its people, and for no system that sends to it."""
        return self if user.is_in_house and user.kind == user.Kind.PERSON else self.filter(house_only=False)


class Comment(models.Model):
    """Words about a case. Written once: who mends them writes them anew, and what stood before stays to be seen."""

    class Kind(models.TextChoices):
        COMMENT = "comment", _("Comment")
        NOTE = "note", _("Hand-over note")

    case = models.ForeignKey(Case, models.PROTECT, related_name="comments")
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.COMMENT)
    by = fact(settings.AUTH_USER_MODEL)
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor the writer worked for then; empty: the house.")
    at = models.DateTimeField()
    text = models.TextField()
    house_only = models.BooleanField(default=False, help_text="Not shown to a vendor's people.")
    mentioned = ArrayField(models.BigIntegerField(), default=list, help_text="Whom it named and reached.")
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", help_text="What it mends. Each is mended once."
    )

    objects = CommentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(text__regex=r"\S"), name="a_comment_says_something"),
            models.CheckConstraint(
                condition=Q(house_only=False) | Q(vendor_id=None), name="a_vendors_person_says_nothing_to_the_house_alone"
            ),
        ]

    def __str__(self):
        return self.text


HEARD = "cases_notice.kind <> ALL (coalesce((SELECT w.muted FROM cases_wishes w WHERE w.user_id = %s), '{}'))"
UNREAD = f"SELECT count(*) FROM cases_notice WHERE {HEARD} AND to_id = %s AND read_at IS NULL"
OF_HIS_CASES = " AND EXISTS (SELECT FROM cases_case c WHERE c.id = cases_notice.case_id)"


class NoticeQuerySet(models.QuerySet):
    def heard_by(self, user):
        """His, but for the kinds that he does not want to hear of; a vendor's person hears only of cases that are there for him."""
        mine = self.filter(RawSQL(HEARD, [user.pk], BooleanField()), to=user)
        return mine if user.vendor_id is None else mine.filter(case__in=Case.objects.values("pk"))

    def count_unread(self, user) -> int:
        """How many of those he has not read: every page of the desk asks."""
        with connection.planned_once() as cursor:
            cursor.execute(UNREAD if user.vendor_id is None else UNREAD + OF_HIS_CASES, [user.pk, user.pk])
            return cursor.fetchone()[0]

    def unread(self):
        return self.filter(read_at=None)


class Notice(models.Model):
    """Something that one person should hear of. It has no words of the case: what it is about is looked up as that person sees it."""

    class Kind(models.TextChoices):
        MENTION = "mention", _("Somebody mentions me")
        HANDED = "handed", _("A case is handed to me")
        ASKED = "asked", _("I am asked for information")
        ANSWER = "answer", _("My request for information is answered")
        TO_RULE = "to_rule", _("A question waits for my ruling")
        RULED = "ruled", _("A question about a case of mine is ruled on")
        SENT_BACK = "sent_back", _("What I decided is sent back")
        APPROVAL = "approval", _("My approval is needed soon")
        ALONE = "alone", _("A case is escalated to a desk where I am the only one")

    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")
    by = fact(settings.AUTH_USER_MODEL, help_text="Whose doing it is.")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    digest = models.ForeignKey(
        "Digest", models.PROTECT, null=True, related_name="notices", help_text="The mail that it is in; it is in one at most."
    )

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["to", "-id"], name="notices_unread", condition=Q(read_at=None)),
            models.Index(fields=["to"], name="notices_unmailed", condition=Q(read_at=None, digest=None)),
        ]

    def __str__(self):
        return self.get_kind_display()
