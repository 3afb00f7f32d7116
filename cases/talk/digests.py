"""Notices by mail: each in one mail, each mail once.

A mail is made in one transaction with the notices that are in it, for one moment of the person's rhythm: two workers make one, and one
that dies on the way leaves none. A try is counted and leased in a transaction of its own before anything is sent; what came of it is
written in another one after. A worker that dies in between leaves the mail due again when the lease ends, with the same bytes and the
same Message-ID: where the mail server had taken it already, it is known by that.

No mail has a word of a case in it: what happened, in which workflow, and the way there. So nothing that is masked can leave by it.
"""

import hashlib
import logging
from datetime import timedelta
from email.utils import format_datetime
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import User
from audit import clock
from cases.models import Digest, Notice, Wishes
from cases.talk import rhythm
from cases.talk.notices import told

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480)]
SALT = "cases.talk.digests.stop"
MOST = 100  # lines of one mail
CLAIM = """
WITH due AS (SELECT id FROM cases_digest WHERE next_try_at <= %(now)s ORDER BY next_try_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE cases_digest d SET attempts = attempts + 1, next_try_at = %(leased)s FROM due WHERE d.id = due.id RETURNING d.id
"""


def make_due(now) -> int:
    """A mail for everybody for whom the moment of his rhythm has come and who has not heard of something yet; how many."""
    with transaction.atomic():
        waiting = Notice.objects.unread().filter(digest=None).values("to").distinct()
        people = list(User.objects.filter(pk__in=waiting, is_active=True).exclude(email="").select_related("wishes"))
    return sum(make(person, now) for person in people)


def make(person, now) -> bool:
    wishes = wishes_of(person)
    if (slot := slot_of(person, wishes, now)) is None:
        return False
    news = Notice.objects.unread().filter(to=person, digest=None, at__lte=slot, kind__in=wishes.wants_by_mail())
    try:
        with transaction.atomic():
            if not news.exists():
                return False
            made = Digest.objects.create(to=person, slot=slot, made_at=now, next_try_at=now)
            news.update(digest=made)
    except IntegrityError:  # another worker made it
        return False
    return True


def wishes_of(person) -> Wishes:
    return getattr(person, "wishes", None) or Wishes(user=person)


def slot_of(person, wishes, now):
    if wishes.mail == Wishes.Mail.HOURLY:
        return rhythm.last_hour(now)
    return rhythm.last_day(now, wishes.mail_at, person.time_zone) if wishes.mail == Wishes.Mail.DAILY else None


def send_due(limit=50) -> int:
    """Send what is due; how many were sent."""
    return sum(send(digest) for digest in claim(limit))


def claim(limit) -> list[Digest]:
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "leased": now + LEASE, "limit": limit})
        claimed = [pk for (pk,) in cursor.fetchall()]
        return list(Digest.objects.filter(pk__in=claimed).select_related("to__wishes").order_by("pk"))


def send(digest) -> bool:
    if not is_wanted(digest):
        note(digest, next_try_at=None, last_error="Not wanted any more.")
        return False
    with transaction.atomic():
        message = message_of(digest)
    try:
        message.send()
    except Exception as error:  # whatever the mail server or the way to it had
        log.warning("Mail %s was not sent.", digest.pk, exc_info=error)
        again = clock.now() + WAITS[digest.attempts - 1] if digest.attempts <= len(WAITS) else None
        note(digest, next_try_at=again, last_error=type(error).__name__)
        return False
    note(digest, next_try_at=None, sent_at=clock.now(), last_error="")
    return True


def is_wanted(digest) -> bool:
    person = digest.to
    return person.is_active and bool(person.email) and wishes_of(person).mail != Wishes.Mail.OFF


@transaction.atomic
def note(digest, **what):
    Digest.objects.filter(pk=digest.pk, sent_at=None).update(**what)


def message_of(digest) -> EmailMessage:
    """The same bytes at every try."""
    person, stop = digest.to, stop_address(digest.to)
    with timezone.override(rhythm.zone_of(person.time_zone)):
        lines = told(list(Notice.objects.filter(digest=digest).select_related("case__workflow", "by").order_by("id")), person)
        shown = {"person": person, "lines": lines[:MOST], "more": max(0, len(lines) - MOST), "stop": stop}
        shown |= {"desk": here(reverse("admin:cases_notices")), "wishes": here(reverse("admin:cases_wishes"))}
        body = render_to_string("cases/talk/digest.txt", shown)
    subject = ngettext("%(many)s thing for you in HITL Desk", "%(many)s things for you in HITL Desk", len(lines))
    headers = {
        "Message-ID": message_id(digest),
        "Date": format_datetime(digest.made_at),
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(subject % {"many": len(lines)}, body, to=[person.email], headers=headers)


def message_id(digest) -> str:
    mark = hashlib.sha256(f"{digest.pk} {digest.slot.isoformat()}".encode()).hexdigest()[:24]
    return f"<digest.{digest.pk}.{mark}@{urlsplit(settings.HITLDESK_URL).hostname}>"


def here(address) -> str:
    """A mail is read elsewhere: its links say where we are."""
    return urljoin(settings.HITLDESK_URL, address)


def stop_address(person) -> str:
    return here(reverse("stop_mail", args=[signing.Signer(salt=SALT).sign(str(person.pk))]))


def whose(token) -> User | None:
    """Whose mail that link stops."""
    try:
        pk = signing.Signer(salt=SALT).unsign(token)
    except signing.BadSignature:
        return None
    return User.objects.filter(pk=int(pk)).first()
