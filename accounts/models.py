"""Who they are: people, integrations and the machine; the vendors some of them work for; and their API keys."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.roles import KEY_VERBS, Office
from audit import clock

MACHINE = "machine"


class Vendor(models.Model):
    """An outsourcing company whose people work cases. The decision rights stay with the house."""

    name = models.CharField(max_length=120, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class People(UserManager):
    def machine(self):
        """The machine: a real user, so that what it does is somebody's doing."""
        return self.get(username=MACHINE)

    def create_superuser(self, username, email=None, password=None, **facts):
        """Whoever sets the place up administers it. Being a superuser alone would open nothing."""
        return super().create_superuser(username, email, password, **{"office": Office.ADMINISTRATOR, **facts})


class User(AbstractUser):
    """A person, an integration or the machine. Being a superuser gives no case verb to anybody."""

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        INTEGRATION = "integration", _("Integration")
        MACHINE = "machine", _("The machine")

    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.PERSON)
    vendor = models.ForeignKey(
        Vendor, models.PROTECT, null=True, blank=True, related_name="people", help_text=_("Empty for in-house people.")
    )
    office = models.CharField(max_length=16, choices=Office.choices, blank=True, default=Office.NONE)
    answers_for = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("person behind it"),
        help_text=_("For an integration: the person behind it, who therefore never approves what it sends."),
    )
    time_zone = models.CharField(max_length=64, default="UTC", help_text=_("Times are shown in this zone."))
    language = models.CharField(
        max_length=8,
        choices=settings.LANGUAGES,
        blank=True,
        default="",
        help_text=_("In which the pages are shown. Empty: the browser's."),
    )
    session_number = models.PositiveIntegerField(default=1, editable=False)
    signed_out_at = models.DateTimeField(null=True, editable=False)  # everywhere: what he had claimed goes back
    is_demo = models.BooleanField(default=False, editable=False)

    objects = People()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(vendor=None) | ~Q(office__in=[Office.MANAGER, Office.AUDITOR, Office.ADMINISTRATOR]),
                name="managers_auditors_and_administrators_are_in_house",
            ),
            models.CheckConstraint(condition=Q(vendor=None) | Q(is_superuser=False), name="a_vendors_person_is_no_superuser"),
        ]

    def __str__(self):
        return self.get_full_name() or self.username

    @property
    def is_in_house(self):
        return self.vendor_id is None

    def _get_session_auth_hash(self, secret=None):
        """Django ends a session whose hash is not this: after another password, and when the session number rises."""
        said = f"{self.password} {self.session_number}"
        return salted_hmac("accounts.User.session", said, secret=secret, algorithm="sha256").hexdigest()


class AbsenceQuerySet(models.QuerySet):
    def at(self, now):
        """Who is away at that moment: from `since` until the return date, or until he said that he is back."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=now), since__lte=now, until__gt=now)

    def coming(self, now):
        """What has not begun, and was not called off."""
        return self.filter(ended_at=None, since__gt=now)

    def not_over(self, now):
        return self.filter(ended_at=None, until__gt=now)


class Absence(models.Model):
    """Somebody is away: nothing is assigned to him, he approves nothing, and his stand-in acts for what he owns."""

    user = models.ForeignKey(User, models.PROTECT, related_name="absences")
    since = models.DateTimeField(default=clock.now)
    until = models.DateTimeField(help_text=_("The return date."))
    stand_in = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True, editable=False, help_text=_("When he said that he is back."))

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering = ["-since"]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=models.F("since")), name="an_absence_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(stand_in=None) | ~Q(stand_in=models.F("user")), name="nobody_stands_in_for_himself"
            ),
        ]

    def __str__(self):
        return gettext("{user} is away until {until:%Y-%m-%d %H:%M} UTC").format(user=self.user, until=self.until)


class ApiKey(models.Model):
    """A credential over REST. Only the SHA-256 of the key is kept; the key itself is shown once."""

    class Mode(models.TextChoices):
        LIVE = "live", _("Live")
        TEST = "test", _("Test: its cases never count")

    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.BinaryField(editable=False)
    mode = models.CharField(max_length=4, choices=Mode.choices, default=Mode.LIVE)
    slot = models.SmallIntegerField(
        default=1, editable=False, help_text=_("1 or 2: two keys may be live while one is rotated.")
    )
    verbs = ArrayField(
        models.CharField(max_length=20, choices=[(verb, verb.replace("_", " ")) for verb in KEY_VERBS]),
        help_text=_("What the key may do, at most: never more than its user may."),
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["user", "-created_at"]
        verbose_name = _("API key")
        constraints = [
            models.CheckConstraint(condition=Q(slot__in=[1, 2]), name="a_key_has_slot_one_or_two"),
            models.UniqueConstraint(
                fields=["user", "mode", "slot"], condition=Q(revoked_at=None), name="two_live_keys_at_most"
            ),
        ]

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_test(self):
        return self.mode == self.Mode.TEST
