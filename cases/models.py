"""The case and everything that happens to it. Callers never change state: `actions.py` does, through `gate.py`."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce
from django_fsm import GET_STATE, RETURN_VALUE, FSMField, FSMModelMixin, transition

from accounts.models import Vendor
from accounts.roles import Office, Ownership
from audit import clock
from cases.states import APPROVAL, CLOSED, DESKS, INTAKE, OPEN, RESOLUTION, REVIEW, ClosedAs, State
from scorecards.models import Evaluation
from workflows import money
from workflows.models import TIER_CHOICES, AIRelease, Delegation, ExceptionCategory, Owner, Policy, Seat, Workflow


def fact(model, **options):
    """A foreign key of a case that is looked up from the case, not from the other side: no index of its own."""
    return models.ForeignKey(model, models.PROTECT, **{"related_name": "+", "db_index": False, **options})


def received(model, **options):
    """A fact that never changes: a promise checks it for all cases of an intake at once, in place of a foreign key's check per row."""
    return fact(model, db_constraint=False, **options)


ONE = """
SELECT c.*, w.slug AS workflow_slug, w.name AS workflow_name
  FROM cases_case c JOIN workflows_workflow w ON w.id = c.workflow_id WHERE c.id = %s
"""


class CaseQuerySet(models.QuerySet):
    def one(self, case_id, *, locked=False):
        """The case with its workflow's name, by SQL: the verbs fetch one at a time, and compiling the query cost half of it."""
        case = next(iter(self.raw(ONE + " FOR UPDATE OF c" if locked else ONE, [case_id])), None)
        if case is None:
            raise self.model.DoesNotExist(f"There is no case {case_id}.")
        named = case.workflow_id, case.workflow_slug, case.workflow_name
        case.workflow = Workflow.from_db(self.db, ["id", "slug", "name"], named)  # the rest is fetched where it is asked for
        return case

    def visible_to(self, user):
        """Who sees what, everywhere: pages, API, search and exports ask here. What is not visible does not exist (404)."""
        if user.kind == user.Kind.MACHINE:
            return self
        if user.kind == user.Kind.INTEGRATION:
            return self.filter(sender=user)
        if user.vendor_id is None and user.office in (Office.MANAGER, Office.AUDITOR):
            return self
        seats = Seat.objects.live().filter(user=user)
        if user.vendor_id is None:
            owned = Owner.objects.acting_as(user, clock.now()).values("workflow")
            lent = Delegation.objects.at(clock.now()).filter(to=user).values("seat__workflow")
            return self.filter(Q(workflow__in=seats.values("workflow")) | Q(workflow__in=owned) | Q(workflow__in=lent))
        at_my_desks = Q(pk__in=[])
        for desk, role in DESKS.items():
            at_my_desks |= Q(state=desk, workflow__in=seats.filter(role=role).values("workflow"))
        return self.filter(at_my_desks, vendor=user.vendor_id)

    def open(self):
        return self.exclude(state=CLOSED)

    def counted(self):
        """What numbers are made of: no test-mode cases, no probes."""
        return self.filter(is_test=False, is_probe=False)

    def overdue(self):
        return self.open().filter(due_at__lt=clock.now())


class Case(FSMModelMixin, models.Model):
    """One AI output that came in, whose turn it is, and what stands now. What was received never changes."""

    # what was received
    workflow = received(Workflow, related_name="cases")
    external_id = models.CharField(max_length=200)
    sender = received(settings.AUTH_USER_MODEL)
    received_at = models.DateTimeField()
    intake_digest = models.BinaryField(editable=False)  # of the whole body: the same id with another body is a conflict
    input = models.JSONField()
    context = models.JSONField(null=True, blank=True, help_text="Facts the integration sent along.")
    output = models.JSONField(help_text="As the AI proposed it.")
    sent_action = models.JSONField(
        null=True, blank=True, help_text="The action as sent apart, before the output was read; empty: none."
    )
    received_action = models.JSONField(null=True, blank=True)
    confidence = models.FloatField(null=True)
    confidences = models.JSONField(null=True, help_text="Per field, where given.")
    alternatives = models.JSONField(null=True)
    ai_release = received(AIRelease, verbose_name="AI release")
    segment = models.CharField(max_length=60, blank=True)
    channel = models.CharField(max_length=60, blank=True)
    customer_reference = models.CharField(max_length=200, blank=True)
    fingerprint = models.BigIntegerField(
        default=0, editable=False, help_text="Of the input, folded: the same for inputs that differ in case and spaces only."
    )
    is_test = models.BooleanField(default=False, help_text="Sent with a test key: it never counts.")
    is_probe = models.BooleanField(default=False, help_text="Put in by quality control: it is never released.")

    # how it was routed
    policy = received(Policy)
    tier = models.CharField(max_length=6, choices=TIER_CHOICES)
    requires_approval = models.BooleanField()
    chain = models.JSONField(default=list, help_text="The steps of approval, in order: name, people, title.")
    approvals_needed = models.PositiveSmallIntegerField(default=0, help_text="By the whole chain.")
    born_released = models.BooleanField(default=False, help_text="It took effect at once, as the policy said.")
    sentence = models.TextField(help_text="Why it went where it went.")
    reasons = models.JSONField(default=list)
    tags = ArrayField(models.CharField(max_length=60), default=list)
    category = fact(ExceptionCategory, null=True, blank=True)
    probability = models.FloatField(help_text="Of a person's look, as it was before the draw.")
    draw = models.FloatField()
    sampled = models.BooleanField()
    routed = models.JSONField(
        default=dict, help_text="As it was born: to, tier, released, approvals. Tier and approvals may rise."
    )

    # whose turn it is
    state = FSMField(choices=State.choices, default=INTAKE, protected=True)
    vendor = fact(Vendor, null=True, blank=True)
    assigned_to = fact(settings.AUTH_USER_MODEL, null=True, blank=True)
    passed_by = ArrayField(
        models.BigIntegerField(), default=list, help_text="Who skipped it or handed it over: not offered again."
    )
    claimed_by = fact(settings.AUTH_USER_MODEL, null=True, blank=True)
    claimed_until = models.DateTimeField(null=True)
    priority = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(
        null=True, help_text="Until then an approval may be given; then the owner of risk decides."
    )

    # what stands now
    revision = models.PositiveIntegerField(
        default=1, help_text="Rises with every edit, send-back and recall: approvals before it are void."
    )
    standing_output = models.JSONField(null=True, help_text="Empty: the output as received.")
    action_type = models.CharField(max_length=60, blank=True)
    amount = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    currency = models.CharField(max_length=3, blank=True)
    payee = models.CharField(max_length=200, blank=True)
    proposes_no_action = models.BooleanField(default=False)
    digest = models.GeneratedField(
        expression=Func(
            F("revision"),
            Coalesce("standing_output", "output"),
            F("action_type"),
            F("amount"),
            F("currency"),
            F("payee"),
            F("proposes_no_action"),
            F("policy_id"),
            function="content_digest",
        ),
        output_field=models.BinaryField(),
        db_persist=True,
    )

    # how it ended
    closed_as = models.CharField(max_length=10, choices=ClosedAs.choices, blank=True)
    closed_at = models.DateTimeField(null=True)
    settles_at = models.DateTimeField(null=True, help_text="Until then the decider may undo; then it takes effect.")
    released_at = models.DateTimeField(null=True, help_text="The first release.")

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "external_id"], name="one_case_per_workflow_and_external_id"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="a_case_is_at_one_of_five_states"),
            models.CheckConstraint(condition=Q(state=CLOSED) | Q(due_at__isnull=False), name="every_open_case_has_a_due_time"),
            models.CheckConstraint(
                condition=Q(state=CLOSED, closed_at__isnull=False) & ~Q(closed_as="")
                | ~Q(state=CLOSED) & Q(closed_as="", closed_at=None, settles_at=None),
                name="a_closed_case_says_how_it_ended",
            ),
            models.CheckConstraint(condition=Q(amount=None) | Q(amount__gte=0), name="an_amount_is_not_negative"),
            models.CheckConstraint(condition=Q(amount=None) | ~Q(currency=""), name="an_amount_has_a_currency"),
            models.CheckConstraint(
                condition=Q(confidence=None) | Q(confidence__gte=0, confidence__lte=1), name="confidence_is_between_0_and_1"
            ),
            models.CheckConstraint(condition=Q(tier__in=["low", "medium", "high"]), name="a_tier_is_low_medium_or_high"),
            models.CheckConstraint(
                condition=Q(requires_approval=False) | Q(approvals_needed__gte=1), name="a_required_approval_needs_somebody"
            ),
        ]
        indexes = [
            models.Index(
                fields=["workflow", "state", "-priority", "due_at", "id"], name="the_desks", condition=~Q(state=CLOSED)
            ),
            models.Index(fields=["workflow", "-id"], name="cases_by_workflow"),
            models.Index(fields=["workflow", "fingerprint", "-received_at"], name="cases_with_the_same_input"),
            models.Index(
                fields=["workflow", "customer_reference", "-received_at"],
                name="cases_of_a_customer",
                condition=~Q(customer_reference=""),
            ),
            models.Index(fields=["settles_at"], name="cases_settling", condition=Q(settles_at__isnull=False)),
            models.Index(fields=["expires_at"], name="approvals_expiring", condition=Q(expires_at__isnull=False)),
            models.Index(fields=["claimed_until"], name="cases_claimed", condition=Q(claimed_until__isnull=False)),
        ]

    def __str__(self):
        return self.external_id

    # questions

    @property
    def standing(self):
        """The output that stands: as received, or as last edited."""
        return self.output if self.standing_output is None else self.standing_output

    @property
    def action(self) -> dict:
        return {"type": self.action_type, "amount": self.amount, "currency": self.currency, "payee": self.payee}

    @property
    def action_sentence(self) -> str:
        """“Refund 240.00 EUR to C-1042”, empty where no action is proposed."""
        if not self.action_type:
            return ""
        said = [self.action_type.replace("_", " ").capitalize(), money.readable(self.amount, self.currency)]
        return " ".join(filter(None, [*said, self.payee and f"to {self.payee}"]))

    @property
    def is_open(self):
        return self.state in OPEN

    def held_by(self, now):
        """The id of whoever holds a live lease, or None."""
        return self.claimed_by_id if self.claimed_until and self.claimed_until > now else None

    def has_expired(self, now):
        return self.expires_at is not None and self.expires_at <= now

    def after_decision(self, *_, **__):
        return APPROVAL if self.requires_approval else CLOSED

    # transitions: whose turn it is next; no I/O, no permission, no clock

    @transition(state, source=INTAKE, target=RETURN_VALUE(REVIEW, RESOLUTION, APPROVAL, CLOSED))
    def triage(self, to):
        return to

    @transition(state, source=REVIEW, target=GET_STATE(after_decision, states=[APPROVAL, CLOSED]))
    def accept(self):
        """The output may stand as it is."""

    @transition(state, source=REVIEW, target=GET_STATE(after_decision, states=[APPROVAL, CLOSED]))
    def correct(self):
        """The output stands as the reviewer corrected it."""

    @transition(
        state,
        source=[REVIEW, RESOLUTION],
        target=GET_STATE(lambda case: RESOLUTION if case.state == REVIEW else APPROVAL, states=[RESOLUTION, APPROVAL]),
    )
    def escalate(self):
        """Somebody with more authority decides; from resolution on an approval is required."""

    @transition(
        state,
        source=[APPROVAL, RESOLUTION],
        target=GET_STATE(lambda case: RESOLUTION if case.state == APPROVAL else REVIEW, states=[RESOLUTION, REVIEW]),
    )
    def send_back(self):
        """One desk back; approvals given are void."""

    @transition(state, source=RESOLUTION, target=GET_STATE(after_decision, states=[APPROVAL, CLOSED]))
    def resolve(self):
        """The exception is settled with an output."""

    @transition(
        state,
        source=RESOLUTION,
        target=GET_STATE(lambda case, approved_first: APPROVAL if approved_first else CLOSED, states=[APPROVAL, CLOSED]),
    )
    def no_action(self, approved_first):
        """Nothing is done, for a reason; where the policy says so, an approver agrees first."""

    @transition(
        state,
        source=APPROVAL,
        target=GET_STATE(lambda case, complete: CLOSED if complete else APPROVAL, states=[APPROVAL, CLOSED]),
    )
    def approve(self, complete):
        """One step of the chain; `complete` says whether it was the last."""

    @transition(state, source=APPROVAL, target=CLOSED)
    def reject(self):
        """It is not done."""

    @transition(state, source=APPROVAL, target=RETURN_VALUE(REVIEW, RESOLUTION))
    def recall(self, to):
        return to

    @transition(state, source=[REVIEW, RESOLUTION], target=GET_STATE(lambda case: case.state, states=[REVIEW, RESOLUTION]))
    def hand_over(self):
        """The same desk, somebody else."""

    @transition(state, source=[REVIEW, RESOLUTION, APPROVAL], target=CLOSED)
    def withdraw(self):
        """Whoever sent it no longer wants it."""

    @transition(state, source=CLOSED, target=RETURN_VALUE(REVIEW, RESOLUTION, APPROVAL))
    def undo(self, to):
        return to

    @transition(state, source=CLOSED, target=RESOLUTION)
    def reopen(self):
        """It was wrong after all: rework."""


class Claim(models.Model):
    """An exclusive lease on a case, and its history. The live one is also on the case, where the queue looks."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="claims")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="claims")
    desk = models.CharField(max_length=10, choices=State.choices)
    since = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=12, blank=True, help_text="decided, skipped, handed over, given back, expired…")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["case"], condition=Q(ended_at=None), name="one_live_claim_per_case")]


class Decision(models.Model):
    """What one person decided at one desk. Written once."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="decisions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    vendor_id = models.BigIntegerField(null=True, help_text="The vendor the decider worked for then.")
    at = models.DateTimeField()
    verb = models.CharField(max_length=12)
    desk = models.CharField(max_length=10, choices=State.choices, help_text="Where it was decided.")
    to = models.CharField(max_length=10, choices=State.choices, help_text="Where the case went.")
    output = models.JSONField(null=True, help_text="The output as this decision left it; empty where it changed nothing.")
    before = models.JSONField(null=True, help_text="What stood before, where the decision changed it.")
    digest = models.BinaryField(help_text="Of exactly what was decided on: output, action, policy version.")
    reason = models.TextField(blank=True)
    reason_code = models.CharField(max_length=40, blank=True)
    step = models.PositiveSmallIntegerField(null=True, help_text="Of the chain, from 0; of an approval only.")
    delegation = fact(Delegation, null=True)
    break_glass = models.BooleanField(default=False)
    category = models.ForeignKey(ExceptionCategory, models.PROTECT, null=True, related_name="+")
    evaluation = models.OneToOneField(Evaluation, models.PROTECT, null=True, related_name="decision")
    active_seconds = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "digest", "by"], condition=Q(verb="approve"), name="each_approval_is_another_persons"
            ),
            models.CheckConstraint(
                condition=Q(break_glass=False) | Q(verb="approve") & ~Q(reason=""),
                name="who_breaks_glass_approves_and_says_why",
            ),
        ]

    def __str__(self):
        return f"{self.verb} by {self.by}"


class Correction(models.Model):
    """One field's before and after, with a root cause. A new value is one that the schema's list does not have."""

    decision = models.ForeignKey(Decision, models.PROTECT, related_name="corrections")
    field = models.CharField(max_length=300, help_text="Dotted path in the output, or action.… for the action.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    root_cause = models.CharField(max_length=120, blank=True)
    is_new_value = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]


class Release(models.Model):
    """The moment an output may take effect. The first is `released_at` of the case; each later output that acts is another."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="releases", db_index=False, db_constraint=False)
    number = models.PositiveIntegerField()
    digest = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["case", "number"]
        constraints = [models.UniqueConstraint(fields=["case", "number"], name="one_release_per_number")]


class Rework(models.Model):
    """A correction after release: where it was found, and what it cost."""

    class Place(models.TextChoices):
        SAMPLED_REVIEW = "sampled_review", "Sampled review"
        SUPPORT = "support", "Support"
        FINANCE = "finance", "Finance"
        OPERATIONS = "operations", "Operations"
        CUSTOMER = "customer", "Customer"
        OTHER = "other", "Elsewhere"

    class Severity(models.TextChoices):
        MINOR = "minor", "Minor"
        MAJOR = "major", "Major"
        CRITICAL = "critical", "Critical"

    case = models.ForeignKey(Case, models.PROTECT, related_name="reworks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    place = models.CharField(max_length=16, choices=Place.choices)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.MINOR)
    minutes = models.DecimalField(max_digits=8, decimal_places=1, null=True)
    cost = models.DecimalField(max_digits=18, decimal_places=3, null=True)
    currency = models.CharField(max_length=3, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(minutes=None) | Q(minutes__gte=0), name="rework_minutes_are_not_negative"),
            models.CheckConstraint(condition=Q(cost=None) | Q(cost__gte=0), name="a_rework_cost_is_not_negative"),
            models.CheckConstraint(condition=Q(cost=None) | ~Q(currency=""), name="a_rework_cost_has_a_currency"),
        ]


class BreakGlassReview(models.Model):
    """What another in-house person says of a broken glass, within a working day. The database makes it with the decision."""

    class Verdict(models.TextChoices):
        KEPT = "kept", "It was right"
        OBJECTED = "objected", "It was wrong"

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="glass_review")
    due_at = models.DateTimeField()
    reviewed_by = fact(settings.AUTH_USER_MODEL, null=True)
    reviewed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None, verdict="")
                | Q(reviewed_at__isnull=False, reviewed_by__isnull=False, verdict__in=["kept", "objected"]),
                name="a_review_has_a_reviewer_and_a_verdict",
            )
        ]
        indexes = [models.Index(fields=["due_at"], name="reviews_due", condition=Q(reviewed_at=None))]


class AlertQuerySet(models.QuerySet):
    def open(self):
        return self.filter(settled_at=None)

    def visible_to(self, user, now):
        """Those that are this person's to mind: as the owner they are for, or in his place."""
        kinds = Q(pk__in=[])
        for workflow, of in Owner.objects.acting_as(user, now).values_list("workflow", "of"):
            kinds |= Q(case__workflow=workflow, to=of)
        return self.filter(kinds)


class Alert(models.Model):
    """What an owner must hear of a case, until it is settled. One open alert for each case and code."""

    class Code(models.TextChoices):
        NOBODY_CAN_APPROVE = "nobody_can_approve", "Nobody can approve it"
        APPROVAL_EXPIRED = "approval_expired", "The approval has expired"
        NOT_RELEASED = "not_released", "It may not take effect"
        REVIEW_OVERDUE = "review_overdue", "A broken glass is not reviewed"

    case = models.ForeignKey(Case, models.PROTECT, related_name="alerts")
    to = models.CharField(max_length=12, choices=Ownership.choices)
    code = models.CharField(max_length=24, choices=Code.choices)
    says = models.TextField()
    raised_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["raised_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "code"], condition=Q(settled_at=None), name="one_open_alert_per_case_and_code"
            )
        ]
        indexes = [models.Index(fields=["code", "case"], name="alerts_open", condition=Q(settled_at=None))]

    def __str__(self):
        return self.says


class Replay(models.Model):
    """What a version would have made of the cases of some days. Written once, kept with its version."""

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="replays")
    since = models.DateTimeField()
    until = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    job = models.BigIntegerField(null=True, help_text="The job that makes it. Jobs may be swept away, replays stay.")
    finished_at = models.DateTimeField(null=True)
    counted = models.PositiveIntegerField(default=0)
    document = models.CharField(max_length=64, blank=True, help_text="Digest of the rules and schemas that were replayed.")
    result = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="a_replay_looks_at_some_time"),
            models.CheckConstraint(
                condition=Q(finished_at=None) | ~Q(document=""), name="a_finished_replay_says_what_was_replayed"
            ),
        ]

    def __str__(self):
        return f"{self.policy} over {self.since:%-d %b %Y} to {self.until:%-d %b %Y}"
