"""The case: what was received, whose turn it is, what stands now. Its transitions move it and do nothing else."""

from functools import cache

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F, Func, OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django_fsm import GET_STATE, RETURN_VALUE, FSMField, FSMModelMixin, transition

from accounts.models import Vendor
from accounts.roles import Office
from audit import clock
from cases.states import APPROVAL, CLOSED, DESKS, INTAKE, OPEN, RESOLUTION, REVIEW, ClosedAs, State
from workflows import money
from workflows.models import TIER_CHOICES, AIRelease, ExceptionCategory, Policy, Seat, Workflow


def fact(model, **options):
    """A foreign key of a case that is looked up from the case, not from the other side: no index of its own."""
    return models.ForeignKey(model, models.PROTECT, **{"related_name": "+", "db_index": False, **options})


def received(model, **options):
    """A fact that never changes: a promise checks it for all cases of an intake at once, in place of a foreign key's check per row."""
    return fact(model, db_constraint=False, **options)


# One case by SQL: a page and a verb fetch one at a time, and compiling the query cost them more than asking it.
# What a verb needs of what it hangs from, and what a page does; (): all of it. The rest is fetched where it is asked for.
NAMED = {"workflow": ("id", "slug", "name", "calendar_id")}
TOLD = {"workflow": (), "policy": ("id", "workflow_id", "version", "published_at"), "ai_release": ()}
ONE = """
SELECT c.*, is_outsourced(c.workflow_id, %s) AS is_outsourced, {} FROM cases_case c {} WHERE c.id = %s
"""


@cache
def one_with(**related) -> str:
    """`ONE` with these columns of what it hangs from, as “workflow__name”."""
    columns, joined = [], []
    for name, wanted in related.items():
        table = Case._meta.get_field(name).related_model._meta
        wanted = wanted or [field.attname for field in table.concrete_fields]
        columns += [f'{name}."{column}" AS {name}__{column}' for column in wanted]
        joined.append(f"JOIN {table.db_table} {name} ON {name}.id = c.{name}_id")
    return ONE.format(", ".join(columns), " ".join(joined))


def said_of_action(*, type, amount, currency, payee) -> str:
    if not type:
        return ""
    how_much = amount if isinstance(amount, str) else money.readable(amount, currency)  # words: it is hidden
    to = payee and gettext("to {payee}").format(payee=payee)
    return " ".join(filter(None, [type.replace("_", " ").capitalize(), how_much, to]))


# As SQL: it stands in whatever asks for cases, and building it from querysets cost more than asking it.
SEATED = """
SELECT workflow_id FROM workflows_seat WHERE user_id = %s AND ended_at IS NULL
 UNION ALL SELECT workflow_id FROM owners_acting(%s) WHERE user_id = %s
 UNION ALL SELECT s.workflow_id FROM workflows_delegation d JOIN workflows_seat s ON s.id = d.seat_id AND s.ended_at IS NULL
  WHERE d.to_id = %s AND d.since <= %s AND d.until > %s AND (d.ended_at IS NULL OR d.ended_at > %s)
"""


def seated(user) -> RawSQL:
    """The ids of the workflows in which somebody of the house holds a seat or an ownership, also in another's place; some of them twice."""
    return RawSQL(SEATED, _whose_seats(user))


def _whose_seats(user) -> list:
    now = clock.now()
    return [user.pk, now, user.pk, user.pk, now, now, now]


def sees_all(user) -> bool:
    """Whether the cases of every workflow are his to see."""
    return user.vendor_id is None and user.office in (Office.MANAGER, Office.AUDITOR)


def seen_workflows(user):
    """The workflows of which this person may see cases: all of them for managers and auditors, else by seat, ownership or delegation."""
    if user.vendor_id is not None:
        return Workflow.objects.filter(pk__in=Seat.objects.live().filter(user=user).values("workflow"))
    if sees_all(user):
        return Workflow.objects.all()
    return Workflow.objects.filter(pk__in=seated(user))


class CaseQuerySet(models.QuerySet):
    def one(self, case_id, *, locked=False):
        """The case with its workflow's name, for a verb. Raises DoesNotExist."""
        return self._one(NAMED, case_id, "FOR UPDATE OF c" if locked else "")

    def shown_to(self, user, case_id):
        """The case with all that a page tells of it, where this person may see it. Raises DoesNotExist."""
        where, params = self.as_sql_visible_to(user, pk=case_id)
        return self._one(TOLD, case_id, f"AND {where}", *params)

    def as_sql_visible_to(self, user, **about) -> tuple[str, list]:
        """The same as `visible_to` as a condition on “c”, and its parameters; who is not of the house is asked of the cases `about` which it is."""
        if user.kind != user.Kind.PERSON or user.vendor_id is not None:
            return "c.id = ANY(%s)", [list(self.visible_to(user).filter(**about).values_list("pk", flat=True))]
        return ("true", []) if sees_all(user) else (f"c.workflow_id IN ({SEATED})", _whose_seats(user))

    def _one(self, related, case_id, further="", *more):
        found = connection.rows_of(self.model, one_with(**related) + further, [clock.now(), case_id, *more])
        if not found:
            raise self.model.DoesNotExist(f"There is no case {case_id}.")
        return found[0]

    def visible_to(self, user, *, workflows=None):
        """Who sees what, everywhere: pages, API, search and exports ask here. What is not visible does not exist (404).

        `workflows`: what `seen_workflows` said of him, where a page that asks often has asked that once.
        """
        if user.kind == user.Kind.MACHINE:
            return self
        if user.kind == user.Kind.INTEGRATION:
            return self.filter(sender=user)
        if sees_all(user):
            return self
        if user.vendor_id is None:
            return self.filter(workflow__in=seated(user) if workflows is None else workflows)
        seats = Seat.objects.live().filter(user=user)
        mine = Q(pk__in=self.model.objects.to_undo(user).values("pk"))
        for desk, role in DESKS.items():
            mine |= Q(state=desk, workflow__in=seats.filter(role=role).values("workflow"))
        return self.filter(mine, vendor=user.vendor_id)

    def to_undo(self, user):
        """Decided by him, and not yet in effect: he alone sees it, and may take it back, until its time is over."""
        decisions = self.model._meta.get_field("decisions").related_model.objects.filter(case=OuterRef("pk"))
        settling = self.filter(state=CLOSED, settles_at__gt=clock.now(), released_at=None)
        return settling.alias(last_by=Subquery(decisions.order_by("-id").values("by")[:1])).filter(last_by=user)

    def open(self):
        return self.exclude(state=CLOSED)

    def counted(self):
        """What numbers are made of: no test-mode cases, no probes."""
        return self.filter(is_test=False, is_probe=False)

    def overdue(self):
        """Late, by a clock that runs: what is paused is not."""
        return self.open().filter(due_at__lt=clock.now(), paused_since=None)


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
    allocation = models.JSONField(
        null=True,
        editable=False,
        help_text="Why this side: the facts seen, the rule, the sentence. Empty: nobody else could be.",
    )
    assigned_to = fact(settings.AUTH_USER_MODEL, null=True, blank=True)
    passed_by = ArrayField(
        models.BigIntegerField(), default=list, help_text="Who skipped it or handed it over: not offered again."
    )
    claimed_by = fact(settings.AUTH_USER_MODEL, null=True, blank=True)
    claimed_until = models.DateTimeField(null=True)
    priority = models.SmallIntegerField(default=0)
    desk_since = models.DateTimeField(null=True, help_text="Since when it is at its desk; its due time is reckoned from then.")
    due_at = models.DateTimeField(null=True)
    paused_since = models.DateTimeField(
        null=True, help_text="Since when its clock stands; empty: it runs. The pauses say on whom it waits."
    )
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
            models.CheckConstraint(condition=~Q(state=CLOSED) | Q(paused_since=None), name="no_closed_case_is_paused"),
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
            models.Index(fields=["vendor", "-id"], name="cases_of_a_vendor", condition=Q(vendor__isnull=False)),
            models.Index(fields=["workflow", "fingerprint", "-received_at"], name="cases_with_the_same_input"),
            models.Index(
                fields=["workflow", "customer_reference", "-received_at"],
                name="cases_of_a_customer",
                condition=~Q(customer_reference=""),
            ),
            models.Index(fields=["settles_at"], name="cases_settling", condition=Q(settles_at__isnull=False)),
            models.Index(fields=["expires_at"], name="approvals_expiring", condition=Q(expires_at__isnull=False)),
            models.Index(
                fields=["assigned_to"],
                name="cases_assigned",
                condition=Q(assigned_to__isnull=False) & ~Q(state=CLOSED),
            ),
            models.Index(
                fields=["vendor", "workflow", "state"],
                name="open_work_of_a_vendor",
                condition=Q(vendor__isnull=False) & ~Q(state=CLOSED),
            ),
            models.Index(
                fields=["workflow", "action_type", "currency", "-id"],
                name="precedents",
                condition=Q(state=CLOSED, requires_approval=True),
            ),
            models.Index(fields=["claimed_until"], name="cases_claimed", condition=Q(claimed_until__isnull=False)),
            models.Index(fields=["workflow", "state", "desk_since"], name="waiting_since", condition=~Q(state=CLOSED)),
            models.Index(  # counted on every page, for the badges: see `waiting`
                fields=["workflow", "state", "due_at"],
                name="waiting_in_house",
                condition=~Q(state=CLOSED) & Q(vendor=None, paused_since=None),
            ),
            # by id downwards, in words that the primary key's index does not know: see `paging.newest`
            models.Index(F("ai_release"), F("id") * -1, name="cases_of_a_release"),
            models.Index(F("category"), F("id") * -1, name="cases_of_a_category", condition=Q(category__isnull=False)),
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
        return said_of_action(**self.action)

    @property
    def is_open(self):
        return self.state in OPEN

    there_is = None  # of what stands beside it, by name, where a page asked for all of it at once: see `talk.beside`

    def has_none(self, name) -> bool:
        """Whether it is known, without asking, that it has no comments, questions and so on: even an empty queryset is compiled."""
        return self.there_is is not None and name not in self.there_is

    def held_by(self, now):
        """The id of whoever holds a live lease, or None."""
        return self.claimed_by_id if self.claimed_until and self.claimed_until > now else None

    def is_late(self, now):
        """By a clock that stands while it is paused: what was late before stays so."""
        return self.due_at is not None and self.due_at < (self.paused_since or now)

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

    @transition(state, source=APPROVAL, target=APPROVAL)
    def retract(self):
        """One approval of several counts no longer."""

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
