"""The rules: what the business keeps in-house. Vendors read these rows where their work needs it, and change none."""

import secrets
from functools import lru_cache

import msgspec
from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from accounts.roles import Ownership, Role
from audit import clock
from workflows.calendar import ALWAYS, WEEKDAYS, Hours
from workflows.calendar import Shift as Span
from workflows.patterns import LOWEST_FLOOR, TIERS, Rules
from workflows.routing import Compiled, compile_policy

TIER_CHOICES = [(tier, tier.capitalize()) for tier in TIERS]


def new_secret() -> bytes:
    return secrets.token_bytes(32)


class Workflow(models.Model):
    """One kind of AI-assisted work, with its charter: what it is for, what right and done look like."""

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    purpose = models.TextField(blank=True, help_text="What this work is for, in a sentence or two.")
    what_is_right = models.TextField(blank=True, help_text="What a right output looks like.")
    what_is_done = models.TextField(blank=True, help_text="When a case is done.")
    minutes_by_hand = models.DecimalField(
        max_digits=6, decimal_places=1, null=True, blank=True, help_text="Minutes a case took before the AI."
    )
    calendar = models.ForeignKey(
        "Calendar",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="workflows",
        help_text="The hours in which its clocks run. None: around the clock.",
    )
    two_people_publish = models.BooleanField(
        default=False, editable=False, help_text="A version needs the signature of a second owner before it is published."
    )
    secret = models.BinaryField(default=new_secret, editable=False)  # decides the sampling draws; shown to nobody
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def policy(self):
        """The version in force now."""
        return self.policies.in_force(clock.now()).first()


class PolicyQuerySet(models.QuerySet):
    def published(self):
        return self.filter(published_at__isnull=False)

    def in_force(self, at):
        """Per workflow, the first of these is in force: the highest version that is published and has begun. Intake's SQL says the same."""
        return self.published().filter(Q(effective_from=None) | Q(effective_from__lte=at)).order_by("workflow", "-version")


class Policy(models.Model):
    """One version of a workflow's rules. Once published it never changes; a rollback publishes an old version anew."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="policies")
    version = models.PositiveIntegerField(editable=False)
    input_schema = models.JSONField(default=dict, blank=True, help_text="JSON Schema of the input; {} allows anything.")
    output_schema = models.JSONField(default=dict, blank=True, help_text="JSON Schema of the output; {} allows anything.")
    rules = models.JSONField(default=dict)
    reason = models.TextField(blank=True, help_text="Why this version: what it changes and what for.")
    improvement = models.CharField(max_length=200, blank=True, help_text="From which improvement, where it comes from one.")
    rolls_back_to = models.ForeignKey("self", models.PROTECT, null=True, editable=False, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    digest = models.GeneratedField(  # of what a signature is over; computed by the database
        expression=models.Func("rules", "input_schema", "output_schema", function="policy_digest"),
        output_field=models.BinaryField(),
        db_persist=True,
    )
    signed_at = models.DateTimeField(null=True, editable=False)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    signed_digest = models.BinaryField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    effective_from = models.DateTimeField(null=True, editable=False, help_text="Empty: from the moment of publishing on.")

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "-version"]
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(fields=["workflow", "version"], name="one_policy_per_workflow_and_version"),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(published_by__isnull=False), name="somebody_published_it"
            ),
            models.CheckConstraint(
                condition=Q(effective_from=None) | Q(published_at=None) | Q(effective_from__gte=F("published_at")),
                name="no_version_takes_effect_before_it_was_published",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, signed_digest=None)
                | Q(signed_at__isnull=False, signed_by__isnull=False, signed_digest__isnull=False),
                name="a_signature_has_a_person_a_time_and_a_content",
            ),
        ]

    def __str__(self):
        return f"{self.workflow} v{self.version}" + ("" if self.published_at else " (draft)")

    def is_in_force_at(self, at) -> bool:
        """Whether it has been published and has begun. Of those, the highest version is in force."""
        return self.published_at is not None and (self.effective_from is None or self.effective_from <= at)


class Dial(models.Model):
    """The mutable beside the policy: is the workflow stopped. Turned only by verbs."""

    workflow = models.OneToOneField(Workflow, models.PROTECT, related_name="dial")
    stopped_at = models.DateTimeField(null=True, editable=False)
    stop_reason = models.TextField(blank=True, editable=False)

    def __str__(self):
        return f"{self.workflow}: {'stopped' if self.stopped_at else 'running'}"


class StratumRate(models.Model):
    """The sampling rate of one stratum (workflow × tier × segment), where it differs from the policy's."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="rates")
    tier = models.CharField(max_length=6, choices=TIER_CHOICES)
    segment = models.CharField(max_length=60, blank=True, help_text="Empty: every segment without a rate of its own.")
    rate = models.FloatField()

    class Meta:
        ordering = ["workflow", "tier", "segment"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "tier", "segment"], name="one_rate_per_stratum"),
            models.CheckConstraint(
                condition=Q(rate__gte=LOWEST_FLOOR, rate__lte=1), name="sampling_never_falls_under_two_percent"
            ),
        ]

    def __str__(self):
        return f"{self.workflow} / {self.tier} / {self.segment or 'all'}: {self.rate:.0%}"


class SeatQuerySet(models.QuerySet):
    def live(self):
        return self.filter(ended_at=None)


class Seat(models.Model):
    """A user × workflow × role. Ended, never deleted: what somebody might do in March can be told in May."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="seats")
    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="seats")
    role = models.CharField(max_length=12, choices=Role.choices)
    title = models.CharField(
        max_length=60,
        blank=True,
        help_text="For an approver: the steps of a chain that name this title are his, beside those that name none.",
    )
    since = models.DateTimeField(default=clock.now, editable=False)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = SeatQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "role", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "workflow", "role"], condition=Q(ended_at=None), name="one_live_seat_per_role"
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.APPROVER) | Q(given_by=None) | ~Q(given_by=F("user")),
                name="nobody_gives_himself_an_approvers_seat",
            ),
        ]

    def __str__(self):
        return f"{self.user}, {self.get_role_display().lower()} in {self.workflow}"


class ApprovalLimit(models.Model):
    """Up to which amount, in which currency, an approver's seat may approve; for one action type or for all."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="limits")
    action_type = models.CharField(max_length=60, blank=True, help_text="Empty: every type of action.")
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=3, validators=[MinValueValidator(0)])
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")

    class Meta:
        ordering = ["currency", "action_type"]
        constraints = [
            models.UniqueConstraint(fields=["seat", "action_type", "currency"], name="one_limit_per_currency_and_type"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="a_limit_is_not_negative"),
            models.CheckConstraint(condition=Q(amount__lt=10**12), name="a_limit_is_a_number"),  # NaN is above any
        ]

    def __str__(self):
        return f"{self.amount:.2f} {self.currency}"


class DelegationQuerySet(models.QuerySet):
    def at(self, now):
        """Those that hold at that moment."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=now), since__lte=now, until__gt=now, seat__ended_at=None)


class Delegation(models.Model):
    """An approver's seat lent to somebody in-house for a time: he approves for its holder, within the holder's limit."""

    seat = models.ForeignKey(Seat, models.PROTECT, related_name="delegations")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="delegations")
    since = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()
    reason = models.TextField()
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=models.F("since")), name="a_delegation_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(to=F("given_by")), name="nobody_lends_himself_anothers_seat"),
        ]

    def __str__(self):
        return f"{self.to} for {self.seat.user} in {self.seat.workflow}"


class OwnerQuerySet(models.QuerySet):
    def acting_as(self, user, now):
        """What this person owns, and what he owns in the place of an owner who is away: the database's own answer."""
        mine = RawSQL("SELECT acting.id FROM owners_acting(%s) acting WHERE acting.user_id = %s", [now, user.pk])
        return self.filter(pk__in=mine)


class Owner(models.Model):
    """One of the five people who answer for a workflow. In-house, a person, not a group."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="owners")
    of = models.CharField("owner of", max_length=12, choices=Ownership.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="ownerships")

    objects = OwnerQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "of"]
        constraints = [models.UniqueConstraint(fields=["workflow", "of"], name="one_owner_of_each_kind")]

    def __str__(self):
        return f"{self.user} owns {self.get_of_display().lower()} of {self.workflow}"


class AIRelease(models.Model):
    """The exact producer of outputs: model, model version, prompt version (which may be empty: empty is a value)."""

    model_name = models.CharField(max_length=120, blank=True)
    model_version = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=120, blank=True)
    first_seen_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = "AI release"
        ordering = ["model_name", "model_version", "prompt_version"]
        constraints = [
            models.UniqueConstraint(fields=["model_name", "model_version", "prompt_version"], name="one_row_per_ai_release")
        ]

    def __str__(self):
        return " · ".join(filter(None, [self.model_name, self.model_version, self.prompt_version])) or "not named"


class ExceptionCategory(models.Model):
    """Why a case could not go straight through."""

    READY_MADE = {
        "missing-data": "Missing data",
        "unclear-request": "Unclear request",
        "policy-conflict": "Policy conflict",
        "formatting": "Formatting",
        "duplicate": "Duplicate",
        "edge-case": "Edge case",
    }
    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="categories")
    slug = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)

    class Meta:
        ordering = ["workflow", "label"]
        verbose_name_plural = "exception categories"
        constraints = [models.UniqueConstraint(fields=["workflow", "slug"], name="one_category_per_slug")]

    def __str__(self):
        return self.label


class PlaybookSection(models.Model):
    """How to do it right: shown beside the work."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="playbook")
    title = models.CharField(max_length=160)
    text = models.TextField()
    criterion = models.SlugField(blank=True, help_text="The scorecard criterion it explains, by its key.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["workflow", "position", "id"]

    def __str__(self):
        return self.title


@lru_cache(maxsize=512)
def compiled_policy(policy_id: int) -> Compiled:
    """A published version, ready to route: compiled once per process. Published versions never change, nor does this."""
    policy = Policy.objects.published().get(pk=policy_id)
    rules = msgspec.convert(policy.rules, Rules, strict=False)
    return compile_policy(rules, policy.input_schema, policy.output_schema)


class Calendar(models.Model):
    """When work is done: the shifts of a week by the clock of one zone, and the days that differ. No calendar: always."""

    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="The shifts are meant by the clock of this zone.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["name"], name="one_calendar_per_name")]

    def __str__(self):
        return self.name

    @property
    def hours(self) -> Hours:
        """What to calculate with: two queries, or none where shifts and holidays were prefetched. Later edits are not in it."""
        shifts = ((shift.weekday, shift.span) for shift in self.shifts.all())
        return Hours.made_of(self.time_zone, shifts, ((each.date, each.spans) for each in self.holidays.all()))


def hours_of(calendar_id: int | None) -> Hours:
    """The hours in which clocks run; around the clock where there is no calendar, or one that never opens."""
    if calendar_id is None:
        return ALWAYS
    hours = Calendar.objects.prefetch_related("shifts", "holidays").get(pk=calendar_id).hours
    return hours if any(hours.week) else ALWAYS


class Shift(models.Model):
    """One of a weekday's; it belongs to the day it begins on, also where it ends on the next."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="shifts")
    weekday = models.PositiveSmallIntegerField(choices=list(enumerate(WEEKDAYS)))
    opens = models.TimeField("from")
    closes = models.TimeField("to", help_text="At or before “from”: on the next day.")

    class Meta:
        ordering = ["calendar", "weekday", "opens"]
        constraints = [models.CheckConstraint(condition=Q(weekday__lte=6), name="a_weekday_is_monday_to_sunday")]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.span}"

    @property
    def span(self) -> Span:
        return Span(self.opens, self.closes)


class Holiday(models.Model):
    """A day that differs: closed, or open at other hours; in place of the shifts that begin on it."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="holidays")
    date = models.DateField()
    name = models.CharField(max_length=80)
    opens = models.TimeField("from", null=True, blank=True, help_text="Empty: closed.")
    closes = models.TimeField("to", null=True, blank=True)

    class Meta:
        ordering = ["calendar", "date"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "date"], name="one_holiday_per_calendar_and_day"),
            models.CheckConstraint(
                condition=Q(opens=None, closes=None) | Q(opens__isnull=False, closes__isnull=False),
                name="a_holiday_is_closed_or_says_from_and_to",
            ),
        ]

    def __str__(self):
        return f"{self.date} {self.name}: {self.spans[0] if self.spans else 'closed'}"

    @property
    def spans(self) -> tuple[Span, ...]:
        return () if self.opens is None else (Span(self.opens, self.closes),)
