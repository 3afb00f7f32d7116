"""Who may do what where: seats and their limits, delegations, and the five owners."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.roles import Ownership, Role
from audit import clock
from audit.wording import within
from workflows import money
from workflows.models.workflow import Workflow


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
        help_text=_("For an approver: the steps of a chain that name this title are his, beside those that name none."),
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
        return gettext("{user}, {role} in {workflow}").format(
            user=self.user, role=within(self.get_role_display()), workflow=self.workflow
        )


class ApprovalLimit(models.Model):
    """Up to which amount, in which currency, an approver's seat may approve; for one action type or for all."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="limits")
    action_type = models.CharField(max_length=60, blank=True, help_text=_("Empty: every type of action."))
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
        return money.readable(self.amount, self.currency)


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
        return gettext("{to} for {user} in {workflow}").format(to=self.to, user=self.seat.user, workflow=self.seat.workflow)


class OwnerQuerySet(models.QuerySet):
    def acting_as(self, user, now):
        """What this person owns, and what he owns in the place of an owner who is away: the database's own answer."""
        mine = RawSQL("SELECT acting.id FROM owners_acting(%s) acting WHERE acting.user_id = %s", [now, user.pk])
        return self.filter(pk__in=mine)

    def acting_for(self, workflow_id, of, now) -> list[int]:
        """Who owns this of the workflow, and who stands in for him."""
        with connection.cursor() as cursor:
            asked = 'SELECT DISTINCT user_id FROM owners_acting(%s) WHERE workflow_id = %s AND "of" = %s'
            cursor.execute(asked, [now, workflow_id, of])
            return [user for (user,) in cursor.fetchall()]


class TenureQuerySet(models.QuerySet):
    def at(self, moment):
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=moment), since__lte=moment)


class Tenure(models.Model):
    """Who was which owner, from when to when. The database writes it with every change of an owner, and nobody else does."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="tenures")
    of = models.CharField(_("owner of"), max_length=12, choices=Ownership.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="tenures")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = TenureQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "of", "since"]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "of"], condition=Q(ended_at=None), name="one_owner_of_each_kind_at_a_time"
            )
        ]

    def __str__(self):
        return gettext("{user}, owner of {of} of {workflow}").format(
            user=self.user, of=within(self.get_of_display()), workflow=self.workflow
        )


class Owner(models.Model):
    """One of the five people who answer for a workflow. In-house, a person, not a group."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="owners")
    of = models.CharField(_("owner of"), max_length=12, choices=Ownership.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="ownerships")

    objects = OwnerQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "of"]
        constraints = [models.UniqueConstraint(fields=["workflow", "of"], name="one_owner_of_each_kind")]

    def __str__(self):
        return gettext("{user} owns {of} of {workflow}").format(
            user=self.user, of=within(self.get_of_display()), workflow=self.workflow
        )
