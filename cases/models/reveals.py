"""What was revealed to a vendor's person: which field of which case, why, and on which claim. Written once."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit import clock
from cases.models.case import Case, fact
from cases.models.story import Claim
from workflows.models import Mandate


class RevealQuerySet(models.QuerySet):
    def places(self, case, user) -> frozenset[str]:
        """What of the case is shown to this person now: while he holds it, on the claim on which he asked."""
        if case.held_by(clock.now()) != user.pk:
            return frozenset()
        return frozenset(self.filter(case=case, by=user, claim__ended_at=None).values_list("what", flat=True))


class Reveal(models.Model):
    """Something that is hidden from a vendor's people was shown to one of them, for as long as he holds the case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="reveals")
    claim = fact(Claim)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reveals")
    vendor_id = models.BigIntegerField(help_text=_("The vendor for whom he worked then."))
    mandate = fact(Mandate)
    what = models.CharField(max_length=300, blank=True, help_text=_("A field's path; empty: the whole case."))
    reason = models.TextField()
    at = models.DateTimeField()

    objects = RevealQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="a_reveal_has_a_reason")]
        indexes = [models.Index(fields=["by", "mandate", "-at"], name="reveals_of_a_person")]

    def __str__(self):
        return gettext("{what_said} of {case}").format(what_said=self.what_said, case=self.case)

    @property
    def what_said(self) -> str:
        return f"“{self.what}”" if self.what else "everything"
