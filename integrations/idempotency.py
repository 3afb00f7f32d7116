"""A POST with an `Idempotency-Key` takes effect once: the same key and body get the same answer, however often it is sent.

The lock comes first and the look-up second, as a statement of its own: under READ COMMITTED its snapshot is then newer
than whatever the lock's last holder committed. The answer is kept in the transaction of the effect, so there is never one
without the other. Keys are the credential owner's; what a test key sent is not replayed to a live one.
"""

import functools
import hashlib
from datetime import timedelta

from django.db import connection, transaction
from django.http import HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from audit import clock
from integrations.models import IdempotencyKey
from integrations.problems import problem

KEPT = timedelta(hours=48)
BATCH = 5_000

LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('idempotency:' || %s, %s))"
PURGE = """
DELETE FROM integrations_idempotencykey WHERE id IN
 (SELECT id FROM integrations_idempotencykey WHERE created_at < %s ORDER BY created_at LIMIT %s)
"""


def idempotent(post):
    """Decorates a DRF view's `post` (or a viewset's action); the view must ask for a signed-in user."""

    @functools.wraps(post)
    def once(self, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return post(self, request, *args, **kwargs)
        check(key)
        with transaction.atomic(savepoint=False):
            return first_or_replayed(request, key, lambda: post(self, request, *args, **kwargs))

    return once


def check(key):
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        raise ParseError("An Idempotency-Key is 1 to 255 printable ASCII characters.", "idempotency_key_malformed")


def first_or_replayed(request, key, run):
    mine = taken(key, request.user.pk)
    digest = digest_of(request)
    if kept := IdempotencyKey.objects.filter(user_id=request.user.pk, key=key).first():
        return replayed(kept) if bytes(kept.request_digest) == digest else reused()
    if not mine:
        return in_flight()
    response = rendered(run())
    if response.status_code < 400:
        keep(request, key, digest, response)
    return response


def taken(key, user_id) -> bool:
    with connection.planned_once() as cursor:
        cursor.execute(LOCK, [key, user_id])
        return cursor.fetchone()[0]


def digest_of(request) -> bytes:
    """What was asked, to the byte, and whether for real."""
    asked = [request.method, request.get_full_path(), getattr(request.user, "key_mode", "")]
    return hashlib.sha256("\n".join(asked).encode() + b"\n" + request.body).digest()


def rendered(response) -> HttpResponse:
    """The answer as bytes, so that the one kept and the one sent are the same."""
    if not isinstance(response, Response):
        return response
    return HttpResponse(
        JSONRenderer().render(response.data),
        status=response.status_code,
        headers={**response.headers, "Content-Type": "application/json"},
    )


def keep(request, key, digest, response):
    IdempotencyKey.objects.create(
        user_id=request.user.pk, key=key, request_digest=digest, status=response.status_code, body=response.content
    )


def replayed(kept) -> HttpResponse:
    headers = {"Content-Type": "application/json", "Idempotency-Replayed": "true"}
    return HttpResponse(bytes(kept.body), status=kept.status, headers=headers)


def in_flight() -> HttpResponse:
    told = problem(409, "in_flight", "A request with this Idempotency-Key is being worked on. Send it again in a second.")
    told["Retry-After"] = "1"
    return told


def reused() -> HttpResponse:
    return problem(422, "idempotency_key_reused", "This Idempotency-Key was used for another request. Use a new key.")


def purge() -> int:
    """Forget keys older than 48 hours, in batches of their own transaction each; how many."""
    gone, before = 0, clock.now() - KEPT
    with connection.cursor() as cursor:
        while True:
            cursor.execute(PURGE, [before, BATCH])
            gone += cursor.rowcount
            if cursor.rowcount < BATCH:
                return gone
