"""Webhooks: outbox rows become deliveries, deliveries are posted until they are answered with a 2xx.

At least once: the same event may arrive again, under the same webhook-id. The order of a case's events on the way is not
guaranteed: `number` in the data says the order in which they happened.

A try is counted, and the delivery leased for a minute, in a transaction of its own before anything is sent; what came of
it is written in another one after. In between nothing is held in the database. A process that dies on the way leaves
its deliveries due again when the lease ends.

Posts are under way side by side, and nobody waits for the slowest: what is answered is noted and more is taken, so many
of each endpoint at a time. A receiver that hangs holds its own places and no others.
"""

import random
from collections import Counter, defaultdict
from concurrent.futures import FIRST_COMPLETED, wait
from datetime import datetime, timedelta
from time import monotonic

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models.functions import Coalesce

from audit import clock
from integrations import actions, posting
from integrations.models import Delivery, OutboxRow, WebhookEndpoint

# How long to wait after the first, second… failed try: about three days in all, each wait ± 20 %.
WAITS = [
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=10),
    timedelta(hours=16),
    timedelta(hours=20),
    timedelta(hours=24),
]
LEASE = timedelta(seconds=60)
BATCH = 1_000
ROOM = 200  # posts under way at a time
EACH = 20  # of them, taken of one endpoint at a time
LOOK = 0.5  # seconds after which somebody looks for more, though no post has ended
KEPT = 30  # tries that a delivery remembers

SPREAD = """
WITH told AS (SELECT id, recipient_id, event FROM integrations_outboxrow WHERE spread_at IS NULL
               ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED),
     made AS (INSERT INTO integrations_delivery (row_id, endpoint_id, attempts, next_try_at, last_answer, tries, made_at)
              SELECT told.id, e.id, 0, %(now)s, '', '[]', %(now)s FROM told
                JOIN integrations_webhookendpoint e ON e.user_id = told.recipient_id AND e.enabled
                 AND (e.events = '{}' OR told.event = ANY (e.events))
              ON CONFLICT DO NOTHING)
UPDATE integrations_outboxrow o SET spread_at = %(now)s FROM told WHERE o.id = told.id
"""
# So many of each endpoint, in no order of endpoints; none of those that have their share under way, or asked for a rest.
CLAIM = """
WITH due AS MATERIALIZED
 (SELECT d.id FROM (SELECT id FROM integrations_webhookendpoint WHERE enabled AND NOT id = ANY (%(full)s)
                       AND (resting_until IS NULL OR resting_until <= %(now)s) ORDER BY random()) e
   CROSS JOIN LATERAL (SELECT id FROM integrations_delivery WHERE endpoint_id = e.id AND next_try_at <= %(now)s
                        ORDER BY next_try_at LIMIT %(each)s FOR UPDATE SKIP LOCKED) d
   LIMIT %(limit)s)
UPDATE integrations_delivery SET attempts = attempts + 1, next_try_at = %(leased)s FROM due
 WHERE integrations_delivery.id = due.id RETURNING integrations_delivery.id
"""


def spread() -> int:
    """Make out a delivery for every enabled endpoint that a row's recipient has for its event; how many rows there were."""
    rows = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SPREAD, {"now": clock.now(), "batch": BATCH})
            rows += cursor.rowcount
            if cursor.rowcount < BATCH:
                return rows


def deliver_until(end) -> int:
    """Spread and post whatever is or becomes due until that moment, or until nothing is; how many tries there were."""
    tries, under_way = 0, {}
    with posting.Wire() as wire:
        while True:
            if monotonic() < end:
                spread()
                for delivery in claim(ROOM - len(under_way), under_way.values()):
                    under_way[post(wire, delivery)] = delivery
            if not under_way:
                return tries
            answered, _ = wait(under_way, LOOK, FIRST_COMPLETED)
            note_all([(under_way.pop(one), one.result()) for one in answered])
            tries += len(answered)


def claim(limit, under_way=()) -> list[Delivery]:
    busy = Counter(delivery.endpoint_id for delivery in under_way)
    full = [endpoint for endpoint, posts in busy.items() if posts >= EACH]
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"now": now, "leased": now + LEASE, "limit": limit, "each": EACH, "full": full})
        claimed = [pk for (pk,) in cursor.fetchall()]
        return list(Delivery.objects.filter(pk__in=claimed).select_related("row", "endpoint").order_by("pk"))


def post(wire, delivery):
    return wire.post(delivery.endpoint, f"evt_{delivery.row_id}", body_of(delivery.row), clock.now())


def body_of(row) -> bytes:
    """The same bytes at every try."""
    of_case = {"case_id": row.case_id, "number": row.number} if row.case_id else {}
    return posting.encoded(row.event, row.at, {**row.payload, **of_case})


def next_try(attempts, answer, now, draw) -> datetime | None:
    """When to try again after so many tries; None: never. `draw` is from 0 to 1."""
    if attempts > len(WAITS):
        return None
    pause = WAITS[attempts - 1] * (0.8 + 0.4 * draw)
    if answer.asks_for_a_rest:
        pause = max(pause, answer.retry_after)
    return now + pause


def note_all(answered):
    """Write down what came of these tries, and how their endpoints are."""
    heard = defaultdict(list)
    for delivery, answer in answered:
        note(delivery, answer)
        heard[delivery.endpoint_id].append(answer)
    for endpoint_id, answers in heard.items():
        feel(endpoint_id, answers)


@transaction.atomic
def note(delivery, answer):
    """Success is success, however late; a failure counts only while the lease is ours."""
    now = clock.now()
    mine = Delivery.objects.filter(pk=delivery.pk, delivered_at=None)
    said = {"last_answer": answer.in_words, "tries": [*delivery.tries, answer.as_tried(now)][-KEPT:]}
    if answer.accepted:
        mine.update(delivered_at=now, next_try_at=None, **said)
        return
    once = answer.status == 410 or answer.for_good or delivery.row.event == OutboxRow.Event.TEST
    again = None if once else next_try(delivery.attempts, answer, now, random.random())
    mine.filter(attempts=delivery.attempts).update(next_try_at=again, **said)
    if answer.status == 410 and WebhookEndpoint.objects.filter(pk=delivery.endpoint_id, enabled=True).exists():
        actions.disable(delivery.endpoint, by=get_user_model().objects.machine(), why="The receiver answered 410 Gone.")


@transaction.atomic
def feel(endpoint_id, answers):
    """How the endpoint is, after these answers; if it asked for a rest, nothing more goes there until that is over."""
    now = clock.now()
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id)
    if any(answer.accepted for answer in answers):
        endpoint.update(last_success_at=now, failing_since=None)
    else:
        endpoint.update(failing_since=Coalesce("failing_since", now))
    if rests := [answer.retry_after for answer in answers if answer.asks_for_a_rest]:
        endpoint.update(resting_until=now + max(rests))


def try_out(endpoint) -> posting.Answer:
    """A test event, sent once and now, also where the endpoint is switched off. Its answer stands in the log of deliveries."""
    now = clock.now()
    words = {"words": "If you can read and verify this, webhooks work."}
    with transaction.atomic():
        row = OutboxRow(recipient_id=endpoint.user_id, event=OutboxRow.Event.TEST, payload=words, at=now, spread_at=now)
        row.save()
        delivery = Delivery.objects.create(row=row, endpoint=endpoint, attempts=1, next_try_at=None)
    with posting.Wire() as wire:
        answer = post(wire, delivery).result()
    note_all([(delivery, answer)])
    return answer
