"""Sessions in the database, under the digest of their key: the key itself is in its owner's cookie and nowhere else."""

import hashlib

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends import db
from django.db import connection
from django.db.models import F
from django.utils import timezone

from audit import clock, trail

LIVE = "SELECT s.* FROM django_session s WHERE session_key = %s AND expire_date > %s"


def kept(key: str | None) -> str | None:
    """Under what a session is stored: as long as the column. A key has enough chance in it to need no salt."""
    return key and hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    def _get_session_from_db(self):
        for session in connection.rows_of(self.model, LIVE, [kept(self.session_key), timezone.now()]):
            return session
        self._session_key = None

    def exists(self, session_key):
        return super().exists(kept(session_key))

    def create_model_instance(self, data):
        made = super().create_model_instance(data)
        made.session_key = kept(made.session_key)
        return made

    def delete(self, session_key=None):
        if key := session_key or self.session_key:
            super().delete(kept(key))


def end(user):
    """The next request of each of his sessions is a stranger's, and what he claimed in them goes back to its desk."""
    people = get_user_model().objects.filter(pk=user.pk)
    people.update(session_number=F("session_number") + 1, signed_out_at=clock.now())


def end_all(user, *, by, reason=""):
    """The same, told; for verbs from which it follows, and which have asked who may."""
    end(user)
    trail.record("user.end_sessions", by=by, subject=user, words=reason)
