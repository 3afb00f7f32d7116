"""A file beside a case. What it is stands in one row, what is in it in another: no list ever reads a file."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from cases.models.case import Case, fact


class AttachmentQuerySet(models.QuerySet):
    def there(self):
        return self.filter(removed_at=None)


class Attachment(models.Model):
    """Which file somebody attached. Taken off, its content is gone and this line stays."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="attachments")
    by = fact(settings.AUTH_USER_MODEL)
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor whoever attached it worked for then; empty: the house.")
    at = models.DateTimeField()
    name = models.CharField(max_length=150, help_text="As it was given, without any path, and cleaned.")
    kind = models.CharField(max_length=100, help_text="What it is by its content.")
    size = models.PositiveIntegerField()
    digest = models.BinaryField(help_text="SHA-256 of its content.")
    for_vendors = models.BooleanField(
        default=False,
        help_text="A vendor's people may open it: whoever attached it says that nothing in it is hidden from them.",
    )
    removed_at = models.DateTimeField(null=True)
    removed_by = fact(settings.AUTH_USER_MODEL, null=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(removed_at=None, removed_by=None) | Q(removed_at__isnull=False, removed_by__isnull=False),
                name="an_attachment_is_taken_off_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[^/\\]*[^/\\.\s][^/\\]*$"), name="an_attachments_name_is_no_path"
            ),
        ]

    def __str__(self):
        return self.name

    def may_be_opened_by(self, user) -> bool:
        """By whoever sees its case; of a vendor's people, what their own side attached, and what the house says is for them.

        Patterns find nothing in a picture or a PDF: what nobody can mask, nobody shows.
        """
        return user.is_in_house or self.for_vendors or self.vendor_id == user.vendor_id


class AttachedFile(models.Model):
    """What is in it."""

    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="file")
    content = models.BinaryField()
