"""What a vendor was engaged for: the contract with its period and hours, and per workflow what it covers."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Vendor
from accounts.roles import Role
from workflows.models.calendars import Calendar
from workflows.models.workflow import Workflow

VENDOR_ROLES = (Role.REVIEWER, Role.RESOLVER, Role.IMPROVER)


class MaskedPattern(models.TextChoices):
    """What is masked wherever it stands in a text, beside the fields that are named."""

    CARD = "card", _("Card numbers")
    IBAN = "iban", _("Bank accounts (IBAN)")
    EMAIL = "email", _("E-mail addresses")
    PHONE = "phone", _("Phone numbers")


def every_pattern() -> list[str]:
    return list(MaskedPattern.values)


class EngagementQuerySet(models.QuerySet):
    def at(self, now):
        """Those that hold at that moment."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=now), since__lte=now, until__gt=now)


class Engagement(models.Model):
    """A vendor's contract: from when to when, and at which hours its people are there. Ended, never deleted."""

    vendor = models.ForeignKey(Vendor, models.PROTECT, related_name="engagements")
    name = models.CharField(max_length=120)
    since = models.DateTimeField("from", help_text=_("The contract period begins."))
    until = models.DateTimeField("until", help_text=_("It ends then: seats end, and open cases come back."))
    coverage = models.ForeignKey(
        Calendar,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="engagements",
        help_text=_("When the vendor's people are there, in their own zone, with their holidays. None: around the clock."),
    )
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.TextField(blank=True, editable=False)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")

    objects = EngagementQuerySet.as_manager()

    class Meta:
        ordering = ["vendor", "-since", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="an_engagement_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, end_reason="")
                | Q(ended_at__isnull=False, ended_by__isnull=False) & ~Q(end_reason=""),
                name="an_ended_engagement_says_when_why_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__lte=F("until")),
                name="an_engagement_ends_with_its_period_at_the_latest",
            ),
        ]

    def __str__(self):
        return f"{self.vendor}: {self.name}"

    @property
    def ends(self):
        """When it ends, or ended."""
        return min(self.until, self.ended_at or self.until)

    def is_live_at(self, now) -> bool:
        return self.since <= now < self.ends


class MandateQuerySet(models.QuerySet):
    def at(self, now):
        """Those that hold at that moment, and their engagement with them."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=now), engagement__in=Engagement.objects.at(now).values("pk"))


class Mandate(models.Model):
    """What an engagement covers in one workflow: roles, share, price, service level, and what its people do not see."""

    class PricePer(models.TextChoices):
        DECISION = "decision", _("per decision")
        HOUR = "hour", _("per hour")

    class Accepts(models.TextChoices):
        HOUSE = "house", _("A person of the house accepts whom the vendor proposes")
        VENDOR = "vendor", _("Whom the vendor's lead proposes is seated at once")

    engagement = models.ForeignKey(Engagement, models.PROTECT, related_name="mandates")
    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="mandates")
    roles = ArrayField(models.CharField(max_length=12, choices=[(role, role.label) for role in VENDOR_ROLES]))
    accepts = models.CharField(_("who accepts people"), max_length=6, choices=Accepts.choices, default=Accepts.HOUSE)

    # how much of it
    share = models.PositiveSmallIntegerField(help_text=_("Percent of the workflow's volume that is the vendor's."))
    least_share = models.PositiveSmallIntegerField(default=0, help_text=_("Percent it is given at least, by the contract."))
    most_share = models.PositiveSmallIntegerField(default=100, help_text=_("Percent it is given at most."))
    capacity = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Open cases at once at its desks. Empty: no limit.")
    )
    peak_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text=_(
            "When the oldest case waiting at the desk is older than this, the vendor takes what comes beyond its share. Empty: never."
        ),
    )
    languages = ArrayField(
        models.CharField(max_length=16), default=list, blank=True, help_text=_("Such as de or pt-BR. None: any.")
    )
    skills = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text=_("None: any."))

    # for how much, and how soon
    price = models.DecimalField(max_digits=12, decimal_places=3)
    currency = models.CharField(max_length=3)
    price_per = models.CharField(max_length=8, choices=PricePer.choices, default=PricePer.DECISION)
    answer_minutes = models.PositiveIntegerField(
        default=480, help_text=_("Business minutes of its hours, from arrival to decision.")
    )
    answer_percent = models.PositiveSmallIntegerField(default=90, help_text=_("Percent of its cases answered in that time."))

    # what its people do not see
    masked_fields = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text=_("Paths such as input.customer.email or context.order."),
    )
    masked_patterns = ArrayField(
        models.CharField(max_length=8, choices=MaskedPattern.choices), default=every_pattern, blank=True
    )
    reveals_a_day = models.PositiveSmallIntegerField(
        default=5, help_text=_("How often one person may uncover a field a day, each time with a reason. 0: never.")
    )
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = MandateQuerySet.as_manager()

    class Meta:
        ordering = ["engagement", "workflow"]
        constraints = [
            models.CheckConstraint(
                condition=Q(roles__contained_by=list(VENDOR_ROLES), roles__len__gte=1), name="a_mandate_never_approves_nor_owns"
            ),
            models.CheckConstraint(
                condition=Q(least_share__lte=F("share"), share__lte=F("most_share"), most_share__lte=100),
                name="a_share_lies_within_its_bounds",
            ),
            models.CheckConstraint(condition=Q(price__gte=0, price__lt=10**9), name="a_price_is_a_number"),  # NaN is above any
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="a_price_has_a_currency"),
            models.CheckConstraint(
                condition=Q(answer_minutes__gte=1, answer_percent__gte=1, answer_percent__lte=100),
                name="a_service_level_can_be_met",
            ),
            models.CheckConstraint(
                condition=Q(masked_patterns__contained_by=list(MaskedPattern.values)), name="only_known_patterns_are_masked"
            ),
        ]

    def __str__(self):
        return gettext("{engagement} in {workflow}").format(engagement=self.engagement, workflow=self.workflow)

    @property
    def vendor(self) -> Vendor:
        return self.engagement.vendor

    @property
    def roles_told(self) -> str:
        return ", ".join(str(Role(role).label) for role in self.roles)

    @property
    def patterns_told(self) -> str:
        return ", ".join(str(MaskedPattern(pattern).label) for pattern in self.masked_patterns)

    @property
    def price_told(self) -> str:
        """“0.90 EUR per decision”: two decimals, or the third where there is one."""
        return f"{self.price:.{2 if self.price == round(self.price, 2) else 3}f} {self.currency} {self.get_price_per_display()}"
