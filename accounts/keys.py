"""API keys: made, looked up, revoked; and how DRF asks for them."""

import hashlib
import hmac
import secrets
from contextlib import contextmanager

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.throttling import SimpleRateThrottle

from accounts.models import ApiKey, User
from accounts.permissions import administers
from audit import clock, trail

PREFIX_LENGTH = 13  # "hd_live_" or "hd_test_" and five characters, enough to recognise a key by

LOOK_UP = """
SELECT u.*, k.id AS key_id, k.digest AS key_digest, k.mode AS key_mode, k.verbs AS key_verbs,
       k.revoked_at AS key_revoked_at, k.expires_at AS key_expires_at,
       coalesce(k.last_used_at < now() - interval '1 hour', true) AS key_use_is_news
  FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id WHERE k.prefix = %s
"""


class BadKey(AuthenticationFailed):
    """The key in the Authorization header does not open anything; `code` says why."""


@contextmanager
def _administering(verb, *, by, about):
    """Keys are an administrator's to give and to take; anybody else's attempt is noted."""
    if not administers(by):
        why = format_lazy(_("{by} may not {verb} API keys. Ask an administrator."), by=by, verb=verb)
        trail.refused(f"apikey.{verb}", by=by, subject=about, why=why)
        raise PermissionDenied(why)
    with transaction.atomic():
        yield


def make(user, *, by, name, verbs, mode=ApiKey.Mode.LIVE, expires_at=None) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown this once. Two may be live at a time, so that one can be rotated."""
    text = f"hd_{mode}_{secrets.token_urlsafe(32)}"
    with _administering("make", by=by, about=user):
        User.objects.select_for_update().get(pk=user.pk)
        taken = set(ApiKey.objects.filter(user=user, mode=mode, revoked_at=None).values_list("slot", flat=True))
        free = sorted({1, 2} - taken)
        if not free:
            raise ValidationError(_("Two keys are live already. Revoke one before making another."))
        key = ApiKey.objects.create(
            user=user,
            name=name,
            prefix=text[:PREFIX_LENGTH],
            digest=hashlib.sha256(text.encode()).digest(),
            mode=mode,
            slot=free[0],
            verbs=sorted(verbs),
            created_by=by,
            expires_at=expires_at,
        )
        trail.record("apikey.make", by=by, subject=key, user=user.pk, verbs=key.verbs, mode=mode, expires_at=expires_at)
    return key, text


def revoke(key, *, by, reason=""):
    """From the next request on the key opens nothing."""
    with _administering("revoke", by=by, about=key):
        stored = ApiKey.objects.select_for_update().get(pk=key.pk)
        if stored.revoked_at:
            raise ValidationError(format_lazy(_("This key was revoked on {at:%Y-%m-%d %H:%M} UTC."), at=stored.revoked_at))
        key.revoked_at = clock.now()
        key.save(update_fields=["revoked_at"])
        trail.record("apikey.revoke", by=by, subject=key, words=reason, user=key.user_id)


def owner_of(text: str) -> User:
    """The user behind a key, with the key's own facts on `key_…` attributes. Raises BadKey."""
    found = connection.rows_of(User, LOOK_UP, [text[:PREFIX_LENGTH]]) if text.isprintable() else []
    user = found[0] if found else None
    if user is None or not hmac.compare_digest(bytes(user.key_digest), hashlib.sha256(text.encode()).digest()):
        raise BadKey("This API key is not known.", "key_unknown")
    if user.key_revoked_at:
        raise BadKey(f"This API key was revoked on {user.key_revoked_at:%Y-%m-%d %H:%M} UTC.", "key_revoked")
    if user.key_expires_at and user.key_expires_at <= clock.now():
        raise BadKey(f"This API key expired on {user.key_expires_at:%Y-%m-%d %H:%M} UTC.", "key_expired")
    if not user.is_active:
        raise BadKey("The account behind this API key is switched off.", "account_inactive")
    if user.key_use_is_news:
        ApiKey.objects.filter(pk=user.key_id).update(last_used_at=clock.now())
    return user


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer hd_…`. The middleware has looked the key up, before the request's transaction began."""

    def authenticate(self, request):
        asked = request._request
        if error := getattr(asked, "key_error", None):
            raise error
        user = getattr(asked, "key_user", None)
        return user and (user, user.key_id)

    def authenticate_header(self, request):
        return 'Bearer realm="HITL Desk"'


class KeyThrottle(SimpleRateThrottle):
    """So many requests a minute for one key, in one process. Answers 429 with Retry-After.

    A count, where DRF keeps the time of every request of the last minute and copies the list at each.
    """

    scope = "key"

    def allow_request(self, request, view):
        key = self.get_cache_key(request, view)
        return key is None or self.rate is None or self._count(key) <= self.num_requests

    def _count(self, key) -> int:
        minute = f"{key}-{int(self.timer() // self.duration)}"
        self.cache.add(minute, 0, self.duration)
        return self.cache.incr(minute)

    def wait(self):
        return max(1, self.duration - self.timer() % self.duration)

    def get_cache_key(self, request, view):
        return f"throttle-{request.auth}" if request.auth else None
